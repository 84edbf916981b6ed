/** The DMAR that a correct firmware hands over (VT-d chapter 8). */
import { make, type Structure } from "../../acpi/structure.js";
import { bytesOfTable } from "../../acpi/table.js";
import { locatedFunctions } from "../../pci/functions.js";
import type { FirmwarePlatform, InterruptSource, RemappingUnit, ReservedRegion } from "../../pci/platform.js";
import { isBridge } from "../../pci/topology.js";
import {
  atsrLayout,
  bytesOfHops,
  dmarLayout,
  drhdLayout,
  type Hop,
  rmrrLayout,
  type Scope,
  ScopeType,
  scopeLayout,
} from "./layouts.js";
import { Paths } from "./paths.js";

/** Bytes of a page. */
const PAGE = 4096n;

/** Who made the table, as text of the lengths that the header has. */
const MAKER = {
  oemId: "ISPEC ",
  oemTableId: "PLATFORM",
  oemRevision: 1,
  creatorId: "ISPC",
  creatorRevision: 1,
} as const;

/** A device scope entry without flags. */
export function scopeEntry(type: number, startBus: number, hops: readonly Hop[], enumerationId = 0): Scope {
  const flags = { noNested: 0, noPwsnp: 0, noPgsnp: 0, atcHardened: 0, atcRequired: 0 };
  return make(scopeLayout, { type, ...flags, enumerationId, startBus }, [], bytesOfHops(hops));
}

/**
 * The table of a machine. Units keep their order, but for those that cover the rest.
 * @throws RangeError when the platform names functions that its topology has not, when a scope gets too long, or when there
 * is no unit in whose scope an interrupt source could be
 */
export function bytesOfPlatform(platform: FirmwarePlatform): Uint8Array {
  const paths = new Paths(platform.topology);
  const units = inOrder(platform.units);
  const sourcesOf = homesOf(platform.interruptSources, units);
  const table = make(
    dmarLayout,
    {
      signature: "DMAR",
      tableLength: 0,
      revision: 1,
      checksum: 0,
      ...MAKER,
      addressWidth: platform.hostAddressWidth - 1,
      interruptRemapping: Number(platform.interruptRemapping),
      x2apicOptOut: 0,
      optIn: Number(platform.optIn),
    },
    [
      ...units.map((unit) => drhdOf(unit, sourcesOf.get(unit) ?? [], paths)),
      ...platform.reserved.flatMap((region) => rmrrsOf(region, paths)),
      ...atsrsOf(platform, paths),
    ],
  );
  return bytesOfTable(table);
}

/** 8.3: a unit that covers the rest comes behind the last of its segment. */
function inOrder(units: readonly RemappingUnit[]): RemappingUnit[] {
  const segments = units.map((unit) => unit.segment);
  const placed = units.map((unit, index) => ({
    unit,
    place: unit.covers === "rest" ? segments.lastIndexOf(unit.segment) + 0.5 : index,
  }));
  return placed.sort((one, other) => one.place - other.place).map(({ unit }) => unit);
}

/** The unit in whose scope each interrupt source is: the last one of its segment, which is the one for the rest if any is. */
function homesOf(
  sources: readonly InterruptSource[],
  units: readonly RemappingUnit[],
): Map<RemappingUnit, InterruptSource[]> {
  const homes = new Map<RemappingUnit, InterruptSource[]>();
  for (const source of sources) {
    const home = units.filter((unit) => unit.segment === source.segment).pop();
    if (!home) throw new RangeError(`segment ${source.segment} has an interrupt source and no unit`);
    homes.set(home, [...(homes.get(home) ?? []), source]);
  }
  return homes;
}

function drhdOf(unit: RemappingUnit, sources: readonly InterruptSource[], paths: Paths): Structure {
  const covers = unit.covers === "rest" ? [] : unit.covers;
  const fields = {
    type: 0,
    includePciAll: Number(unit.covers === "rest"),
    size: 0,
    segment: unit.segment,
    registerBase: BigInt(unit.registers) * PAGE,
  };
  return make(drhdLayout, fields, [...scopesTo(covers, paths), ...sources.map(sourceScope)]);
}

/** Entries for functions: one for each, though virtual functions share that of their physical function. */
function scopesTo(functions: readonly string[], paths: Paths): Scope[] {
  const physical = functions.map((name) => paths.named(name).physical ?? name);
  return [...new Set(physical)].map((name) => {
    const { startBus, hops } = paths.pathTo(name);
    const type = isBridge(paths.named(name).self) ? ScopeType.subHierarchy : ScopeType.endpoint;
    return scopeEntry(type, startBus, hops);
  });
}

/** Choice: an I/O APIC is written as one that enumeration does not show: a single pair, whatever its bus. */
function sourceScope({ kind, id, requester }: InterruptSource): Scope {
  const type = kind === "io-apic" ? ScopeType.ioApic : ScopeType.hpet;
  return scopeEntry(type, requester >>> 8, [{ device: (requester >>> 3) & 31, function: requester & 7 }], id);
}

/** One RMRR for each segment that the region's functions are in. */
function rmrrsOf({ functions, page, pages }: ReservedRegion, paths: Paths): Structure[] {
  const segments = [...new Set(functions.map((name) => paths.named(name).segment))];
  const base = BigInt(page) * PAGE;
  const limit = base + BigInt(pages) * PAGE - 1n;
  return segments.map((segment) => {
    const here = functions.filter((name) => paths.named(name).segment === segment);
    return make(rmrrLayout, { type: 1, segment, base, limit }, scopesTo(here, paths));
  });
}

/** One ATSR for each segment with ports that support ATS; without a scope where all of its root ports do. */
function atsrsOf({ topology, atsPorts }: FirmwarePlatform, paths: Paths): Structure[] {
  const rootPorts = locatedFunctions(topology).filter((one) => one.kind === "root-port");
  const segments = [...new Set(atsPorts.map((name) => paths.named(name).segment))];
  return segments.map((segment) => {
    const supporting = atsPorts.filter((name) => paths.named(name).segment === segment);
    const all = rootPorts.every((one) => one.segment !== segment || supporting.includes(one.name));
    const fields = { type: 2, allPorts: Number(all), segment };
    return make(atsrLayout, fields, all ? [] : scopesTo(supporting, paths));
  });
}
