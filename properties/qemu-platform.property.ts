/**
 * Machines with bridges on an installed QEMU: under which requester ids its IOMMUs see devices, and the firmware tables
 * that it makes for its guest. Nothing that is not known to deviate.
 */
import fc from "fast-check";
import { beforeAll, describe, expect, it } from "vitest";
import { launchOf } from "../implementations/iommu/qemu/find.js";
import {
  type PlatformOptions,
  QemuPlatform,
  qemuFirmwareTables,
  requestersSeen,
  type SeenAs,
  type Tree,
  topologyOfQemu,
} from "../implementations/iommu/qemu/platform/index.js";
import { everyPlace, treeArbitrary } from "../implementations/iommu/qemu/platform/tree.testing.js";
import { whyNoQemu } from "../implementations/iommu/qemu/testing.js";
import { kindOf } from "../implementations/iommu/qemu/units.js";
import type { FirmwareTable } from "../model/acpi/firmware-table.js";
import type { Architecture } from "../model/architecture.js";
import { architectures } from "../model/architectures.js";
import { nameOf } from "../model/pci/configuration-space.js";
import { unitCovering } from "../model/pci/covering.js";
import { busNumbersOf, type LocatedFunction, locatedFunctions } from "../model/pci/functions.js";
import { isolationGroups } from "../model/pci/groups.js";
import { requesterIdsOf } from "../model/pci/requester-ids.js";
import { isBridge, type Topology } from "../model/pci/topology.js";
import type { ArchitectureId } from "../model/profile.js";
import { type RequesterId, requesterId, showRequester } from "../model/words/address.js";
import { rulesBroken, takenFor } from "./qemu-platform-deviations.js";

const RUNS = 8;
const launch = whyNoQemu() === undefined ? launchOf() : undefined;
const version = launch?.qemu.version ?? "";

/** By address in configuration space, the id above everything that hides it; written out by hand. */
const knownByHand: readonly (readonly [place: string, seen: string])[] = [
  ["00:04.0", "00:04.0"],
  ["00:04.1", "00:04.1"],
  // A conventional bridge makes requests its own.
  ["01:01.0", "00:06.0"],
  // A bridge from PCI Express makes up function 0 of its secondary bus.
  ["02:01.0", "02:00.0"],
  ["03:00.0", "03:00.0"],
  ["03:00.3", "03:00.3"],
  ["05:01.0", "05:00.0"],
  ["05:02.0", "05:00.0"],
  ["05:02.1", "05:00.0"],
  // The bridge nearest to the IOMMU decides.
  ["06:00.0", "05:00.0"],
  ["06:05.0", "05:00.0"],
  ["09:00.0", "09:00.0"],
  ["0a:00.0", "0a:00.0"],
  ["0b:01.0", "00:1e.0"],
  ["0c:02.0", "00:1e.0"],
  ["41:00.0", "41:00.0"],
  ["61:00.0", "untranslated"],
];

/** What firmware of a q35 must know that no configuration space shows; by hand as well. */
const knownOfQ35: Readonly<Record<ArchitectureId, { ioApic: string; uncovered: string }>> = {
  vtd: { ioApic: "ff:00.0", uncovered: "dmar.drhd.coverage" },
  amdvi: { ioApic: "00:14.0", uncovered: "ivrs.topology.unclaimed" },
};

function show(seen: SeenAs): string {
  return typeof seen === "number" ? showRequester(seen) : seen;
}

function nameOfId(id: RequesterId): string {
  return nameOf({ segment: 0, bus: id >>> 8, device: (id >>> 3) & 31, function: id & 7 });
}

function parse(id: string): RequesterId {
  const [bus, device, fn] = id.split(/[:.]/).map((digits) => Number.parseInt(digits, 16));
  return requesterId(bus!, device!, fn!);
}

function onMachine<T>(options: PlatformOptions, work: (platform: QemuPlatform) => T): T {
  const platform = new QemuPlatform(launch!, options);
  try {
    return work(platform);
  } finally {
    platform.end();
  }
}

function tableOf(platform: QemuPlatform, { firmwareTables }: Architecture): FirmwareTable {
  const tables = qemuFirmwareTables(platform, firmwareTables.signature);
  expect(tables).toHaveLength(1);
  return firmwareTables.read(tables[0]!);
}

function rulesOf(findings: FirmwareTable["findings"]): string[] {
  return [...new Set(findings.map(({ rule }) => rule.id))].sort();
}

/** The function with the class of an IOMMU (08h, 06h), as `amd-iommu` is one. */
function functionOfUnit(platform: QemuPlatform): RequesterId | null {
  const own = platform.configurationSpaces().find(({ bytes }) => bytes[0x0b] === 8 && bytes[0x0a] === 6);
  return own === undefined ? null : requesterId(own.bus, own.device, own.function);
}

/** Names of the functions behind expanders that are kept from the IOMMU. */
function bypassing(tree: Tree, topology: Topology): string[] {
  const expander = (bus: number) => tree.expanders.filter((one) => bus >= one.bus).at(-1);
  return requesting(topology)
    .filter((one) => expander(one.bus)?.bypass)
    .map((one) => one.name);
}

/** What makes requests of its own. (An IVRS that does not name all buses below a bridge has the bridge for no unit.) */
function requesting(topology: Topology): LocatedFunction[] {
  return locatedFunctions(topology).filter((one) => !isBridge(one.self));
}

/** Names of the functions that no unit of the table translates for. */
function uncovered(table: FirmwareTable, topology: Topology): string[] {
  const platform = table.platformIn(topology);
  return requesting(topology)
    .map((one) => one.name)
    .filter((name) => unitCovering(platform, name) === null);
}

describe.skipIf(!launch).each(architectures.map((one) => [one.name, one] as const))(
  "a machine with bridges on QEMU, %s",
  (_, architecture) => {
    const { id } = architecture;
    /** What is seen of the machine with every kind of place. */
    let seen: ReadonlyMap<RequesterId, SeenAs>;
    let topology: Topology;
    let table: FirmwareTable;
    let ownFunction: RequesterId | null;

    beforeAll(() => {
      onMachine({ architecture: id, tree: everyPlace, properties: "device-iotlb=on" }, (platform) => {
        topology = topologyOfQemu(platform);
        table = tableOf(platform, architecture);
        ownFunction = functionOfUnit(platform);
        seen = requestersSeen(platform);
      });
    });

    it("has every device under the id that its place gives it", () => {
      const expected = knownByHand.map(([place, known]) => [
        place,
        known === "untranslated" ? known : showRequester(takenFor(version, id, parse(known))),
      ]);
      expect([...seen].map(([place, one]) => [showRequester(place), show(one)])).toEqual(expected);
    });

    it("tells its guest of one unit, where it is, and of everything that it translates for", () => {
      const told = table.platformIn(topology);
      const kind = kindOf(id);
      const profile = architecture.profiles.find((one) => one.id === kind.profilesOf(version)[0])!;
      expect(told.hostAddressWidth).toBe(profile.hostAddressWidth);
      expect(told.units.map((unit) => unit.registers * 4096)).toEqual([kind.address]);
      expect(told.units.map((unit) => unit.itself)).toEqual([ownFunction]);
      expect(told.interruptSources).toEqual([
        { kind: "io-apic", id: 0, segment: 0, requester: parse(knownOfQ35[id].ioApic) },
      ]);
      expect([told.interruptRemapping, told.optIn, told.reserved]).toEqual([true, false, []]);
      expect(uncovered(table, topology)).toEqual(["0000:61:00.0"]);
    });

    it("breaks no rule in its table but those known", () => {
      expect(rulesOf(table.findings)).toEqual([...rulesBroken(version, id)].sort());
      const inTopology = table.findingsIn(topology);
      expect(rulesOf(inTopology)).toEqual([knownOfQ35[id].uncovered]);
      expect(inTopology.map((one) => one.message).join()).toContain("0000:61:00.0");
    });

    it("names in its table functions that are there, behind bridges that are there", () => {
      const ways = new Map(locatedFunctions(topology).map((one) => [one.name, wayTo(one)]));
      const named = locatedFunctions(table.skeleton(busNumbersOf(topology)));
      expect(named.map((one) => [one.name, wayTo(one)])).toEqual(
        named.map(({ name }) => [name, ways.get(name)]),
      );
      expect(named.map((one) => one.name)).toContain("0000:00:04.1");
    });

    it("allows ATS below every root port of the unit", () => {
      const ports = locatedFunctions(topology).filter((one) => one.kind === "root-port" && one.bus < 0x60);
      expect(table.platformIn(topology).atsPorts).toEqual(
        expect.arrayContaining(ports.map((one) => one.name)),
      );
    });

    it("agrees with the model of any machine: ids, groups, table, and what is kept from the IOMMU", () => {
      const property = fc.property(treeArbitrary, (tree) => {
        onMachine({ architecture: id, tree }, (platform) => {
          const topology = topologyOfQemu(platform);
          const table = tableOf(platform, architecture);
          const outside = bypassing(tree, topology);
          expect(rulesBroken(version, id)).toEqual(expect.arrayContaining(rulesOf(table.findings)));
          const excused = tree.expanders.some((one) => one.bypass) ? [knownOfQ35[id].uncovered] : [];
          expect(excused).toEqual(expect.arrayContaining(rulesOf(table.findingsIn(topology))));
          expect(uncovered(table, topology)).toEqual(outside);
          const seenAs = requestersSeen(platform);
          for (const [place, seen] of seenAs) {
            const name = nameOfId(place);
            const ids = requesterIdsOf(topology, name).map((one) => takenFor(version, id, one));
            const allowed = outside.includes(name) ? ["untranslated"] : ids.map(showRequester);
            expect(allowed, name).toContain(show(seen));
          }
          expect(separated(seenAs, topology)).toEqual([]);
        });
      });
      fc.assert(property, { numRuns: RUNS });
    });
  },
);

/** Functions that the IOMMU cannot tell from one before, for a reason in the topology, and that are in no group with it. */
function separated(seenAs: ReadonlyMap<RequesterId, SeenAs>, topology: Topology): string[] {
  const groups = isolationGroups(topology);
  const firsts = new Map<SeenAs, string>();
  return [...seenAs].flatMap(([place, seen]) => {
    const name = nameOfId(place);
    if (typeof seen !== "number" || !requesterIdsOf(topology, name).includes(seen)) return [];
    const first = firsts.get(seen) ?? name;
    firsts.set(seen, first);
    const group = groups.find(({ functions }) => functions.includes(name));
    return group?.functions.includes(first) === true ? [] : [name];
  });
}

function wayTo({ above }: LocatedFunction): string {
  return above.map((one) => `${one.name} to bus ${one.secondary}`).join(", ");
}
