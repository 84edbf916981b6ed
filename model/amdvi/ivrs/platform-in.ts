/** The machine that an IVRS speaks of, with functions as a topology names them. */
import { type LocatedFunction, locatedFunctions } from "../../pci/functions.js";
import type { FirmwarePlatform, InterruptSource, RemappingUnit, ReservedRegion } from "../../pci/platform.js";
import { isBridge, type Topology } from "../../pci/topology.js";
import {
  common,
  EVERY_ID,
  hasId,
  type IdSet,
  idSet,
  idsOfBuses,
  isWithin,
  single,
  without,
} from "./device-ids.js";
import { type Ivmd, IvmdType, Variety } from "./layouts.js";
import { type DescribedUnit, type Description, idsByAts, idsOfOthers } from "./units.js";

function functionsIn(topology: Topology, segment: number): readonly LocatedFunction[] {
  return locatedFunctions(topology).filter((one) => one.segment === segment);
}

/**
 * The machine that the table speaks of. Units without registers are left out, as is memory for no function. Units are called
 * as kernels call them: `ivhd0` is the first one.
 */
export function platformIn({ table, units, memory }: Description, topology: Topology): FirmwarePlatform {
  // A unit without registers cannot be used.
  const usable = units.filter((one) => one.ivhd.structure.values.base !== 0n);
  const interruptSources = usable.flatMap(interruptSourcesOf);
  return {
    topology,
    hostAddressWidth: table?.values.paSize ?? 0,
    // Choice: every unit remaps interrupts, but software can let it do so only if the table tells the ids of I/O APICs.
    interruptRemapping: interruptSources.some((one) => one.kind === "io-apic"),
    optIn: table?.values.dmaRemap === 1,
    units: usable.map((one, index) => remappingUnit(one, index, units, topology)),
    reserved: regionsOf(memory, topology),
    interruptSources,
    atsPorts: atsPortsOf(usable, topology),
  };
}

function remappingUnit(
  unit: DescribedUnit,
  index: number,
  units: readonly DescribedUnit[],
  topology: Topology,
): RemappingUnit {
  const others = idsOfOthers(unit, units);
  const names = coveredBy(unit.ids, others, functionsIn(topology, unit.segment));
  return {
    name: `ivhd${index}`,
    segment: unit.segment,
    registers: Number(unit.ivhd.structure.values.base >> 12n),
    covers: hasTheRest(unit, units, topology) ? "rest" : names,
    itself: unit.deviceId,
  };
}

/**
 * A unit has the rest if it has every id of its segment that no other has. Where several have: the one with most ids for
 * which the topology has no bus, and of those the first.
 */
function hasTheRest(unit: DescribedUnit, units: readonly DescribedUnit[], topology: Topology): boolean {
  const here = units.filter((one) => one.segment === unit.segment);
  const candidates = here.filter((one) => isWithin(without(EVERY_ID, idsOfOthers(one, here)), one.ids));
  if (candidates.length < 2) return candidates[0] === unit;
  const functions = functionsIn(topology, unit.segment);
  const buses = idSet([
    ...single(functions.map((one) => one.requester)),
    ...functions.flatMap(({ self }) =>
      isBridge(self) ? [idsOfBuses(self.secondary, self.subordinate)] : [],
    ),
  ]);
  const spare = candidates.map((one) => sizeOf(without(one.ids, buses)));
  return candidates[spare.indexOf(Math.max(...spare))] === unit;
}

function sizeOf(ids: IdSet): number {
  return ids.reduce((sum, { first, last }) => sum + last - first + 1, 0);
}

/** The functions with these ids by name; a bridge stands for all below it that nobody else has. */
function coveredBy(ids: IdSet, others: IdSet, functions: readonly LocatedFunction[]): string[] {
  const named = new Set<string>();
  for (const { name, requester, physical, above, self } of functions) {
    if (physical !== null || !hasId(ids, requester) || above.some((bridge) => named.has(bridge.name)))
      continue;
    const below = isBridge(self) ? [idsOfBuses(self.secondary, self.subordinate)] : [];
    if (isWithin(without(below, others), ids)) named.add(name);
  }
  return [...named];
}

function interruptSourcesOf(unit: DescribedUnit): InterruptSource[] {
  return unit.ivhd.entries.specials.flatMap(({ structure }) => {
    const { variety, handle, deviceId } = structure.values;
    if (variety !== Variety.ioApic && variety !== Variety.hpet) return [];
    const kind = variety === Variety.ioApic ? "io-apic" : "hpet";
    return [{ kind, id: handle, segment: unit.segment, requester: deviceId }];
  });
}

/** The DeviceIDs that memory is for. */
export function idsOfMemory({ values }: Ivmd): IdSet {
  const { type, deviceId, lastDeviceId } = values;
  if (type === IvmdType.all) return EVERY_ID;
  if (type === IvmdType.one) return [{ first: deviceId, last: deviceId }];
  return deviceId <= lastDeviceId ? [{ first: deviceId, last: lastDeviceId }] : [];
}

/** The functions that memory is for: all that make requests, and a bridge only where the entry is for it alone. */
export function functionsOfMemory(ivmd: Ivmd, topology: Topology): readonly LocatedFunction[] {
  const ids = idsOfMemory(ivmd);
  const many = ivmd.values.type !== IvmdType.one;
  return functionsIn(topology, ivmd.values.segment).filter(
    (one) => hasId(ids, one.requester) && !(many && isBridge(one.self)),
  );
}

type Use = Pick<ReservedRegion, "kind" | "access">;

/** How memory is used; null if the flags do not tell. Choice: what is mapped and excluded at once is excluded. */
function useOf({ unity, exclusion, ir, iw }: Ivmd["values"]): Use | null {
  if (exclusion === 1) return { kind: "exclusion", access: "rw" };
  if (unity === 0 || (ir === 0 && iw === 0)) return null;
  return { kind: "unity", access: ir === 0 ? "w" : iw === 0 ? "r" : "rw" };
}

/** Every page that memory touches; IVMDs that differ in their devices only are one region. */
function regionsOf(memory: Description["memory"], topology: Topology): ReservedRegion[] {
  const regions = new Map<string, { use: Use; page: number; pages: number; functions: Set<string> }>();
  for (const { structure } of memory) {
    const { start, bytes } = structure.values;
    const use = useOf(structure.values);
    if (!use || bytes === 0n) continue;
    const page = Number(start >> 12n);
    const pages = Number((start + bytes + 4095n) >> 12n) - page;
    const key = [use.kind, use.access, page, pages].join();
    const region = regions.get(key) ?? { use, page, pages, functions: new Set() };
    for (const { name } of functionsOfMemory(structure, topology)) region.functions.add(name);
    if (region.functions.size > 0) regions.set(key, region);
  }
  return [...regions.values()].map(({ use, page, pages, functions }) => ({
    functions: [...functions],
    page,
    pages,
    ...use,
  }));
}

/** Root ports below which units have devices that may use ATS, and none that may not. */
function atsPortsOf(units: readonly DescribedUnit[], topology: Topology): string[] {
  const devices = units.map((unit) => ({ segment: unit.segment, ...idsByAts(unit) }));
  return locatedFunctions(topology).flatMap(({ segment, name, self }) => {
    if (!isBridge(self) || self.kind !== "root-port") return [];
    const below = [idsOfBuses(self.secondary, self.subordinate)];
    const here = devices.filter((one) => one.segment === segment);
    const allowed = here.some((one) => common(below, one.allowed).length > 0);
    const disabled = here.some((one) => common(below, one.disabled).length > 0);
    return allowed && !disabled ? [name] : [];
  });
}
