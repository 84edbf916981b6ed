/** Random machines as a correct firmware describes them: a topology, the units that translate for it, reserved regions. */
import { type LocatedFunction, locatedFunctions } from "../../model/pci/functions.js";
import type {
  FirmwarePlatform,
  InterruptSource,
  RemappingUnit,
  ReservedRegion,
} from "../../model/pci/platform.js";
import { requesterIdsOf } from "../../model/pci/requester-ids.js";
import { isBridge, type RootBus, type Topology } from "../../model/pci/topology.js";
import type { ArchitectureId } from "../../model/profile.js";
import { type RequesterId, requesterId } from "../../model/words/address.js";
import { Chance } from "../../model/words/chance.js";
import { divide } from "./division.js";
import { generateTopology, type TopologyOptions } from "./topology.js";

/** Registers of units are 512 KiB apart: what the largest register set of either architecture takes. */
const FIRST_REGISTERS = 0xfd000;
const REGISTER_PAGES = 0x80;
/** Reserved regions are at the end of memory below 4 GiB. */
const FIRST_RESERVED = 0x7a000;

/** The platform of a seed. In firmware tables that say just this, a validator finds nothing. */
export function generatePlatform(
  seed: number,
  architecture: ArchitectureId,
  options: Partial<TopologyOptions> = {},
): FirmwarePlatform {
  const chance = new Chance();
  chance.seed(seed);
  return new PlatformWriter(chance, architecture, generateTopology(chance.bits(), options)).write();
}

class PlatformWriter {
  private readonly functions: readonly LocatedFunction[];
  /** By segment, the requester ids that somebody has. */
  private readonly taken = new Map<number, Set<RequesterId>>();

  constructor(
    private readonly chance: Chance,
    private readonly architecture: ArchitectureId,
    private readonly topology: Topology,
  ) {
    this.functions = locatedFunctions(topology);
    for (const { segment } of topology.segments) this.taken.set(segment, new Set());
    for (const { name, segment, requester } of this.functions)
      for (const id of [requester, ...requesterIdsOf(topology, name)]) this.taken.get(segment)!.add(id);
  }

  write(): FirmwarePlatform {
    const { chance, topology } = this;
    const units = this.units();
    const interruptSources = this.interruptSources();
    const hasIoApic = interruptSources.some(({ kind }) => kind === "io-apic");
    return {
      topology,
      hostAddressWidth: [36, 39, 42, 46, 48, 52][chance.below(6)]!,
      // An IVRS says so by telling the ids of I/O APICs.
      interruptRemapping: this.architecture === "amdvi" ? hasIoApic : chance.happens(200),
      optIn: chance.happens(96),
      units,
      reserved: this.reserved(),
      interruptSources,
      atsPorts: this.functions
        .filter(({ kind }) => kind === "root-port" && chance.happens(96))
        .map(({ name }) => name),
    };
  }

  private units(): RemappingUnit[] {
    const covered = this.topology.segments.flatMap((one) => {
      const hasRest = this.architecture === "vtd" || this.chance.happens(192);
      return divide(this.chance, this.topology, one, hasRest).map((covers) => ({ covers, ...one }));
    });
    // Firmware lists units for the rest last, in a DMAR at least behind those of their segment.
    covered.sort((one, other) => Number(one.covers === "rest") - Number(other.covers === "rest"));
    return covered.map(({ covers, segment, roots }, index) => ({
      name: `unit${index}`,
      segment,
      registers: FIRST_REGISTERS + index * REGISTER_PAGES,
      covers,
      // The unit of an AMD root complex is function 2 of the device that the host bridge is.
      itself: this.architecture === "amdvi" ? this.freeId(segment, roots, 2) : null,
    }));
  }

  private interruptSources(): InterruptSource[] {
    let ioApics = 0;
    let hpets = 0;
    return this.topology.segments.flatMap(({ segment, roots }) => {
      const kinds: InterruptSource["kind"][] = [];
      if (this.chance.happens(192)) kinds.push("io-apic");
      if (this.chance.happens(48)) kinds.push("io-apic");
      if (this.chance.happens(128)) kinds.push("hpet");
      return kinds.map((kind) => {
        const id = kind === "io-apic" ? ioApics++ : hpets++;
        return { kind, id, segment, requester: this.freeId(segment, roots, 8 * 31 - this.chance.below(64)) };
      });
    });
  }

  /** Takes an id on the first root bus that no function has, the first from that device and function number on. */
  private freeId(segment: number, [root]: readonly RootBus[], from: number): RequesterId {
    const taken = this.taken.get(segment)!;
    let id = requesterId(root!.bus, 0, 0) | from;
    while (taken.has(id)) id++;
    taken.add(id);
    return id;
  }

  private reserved(): ReservedRegion[] {
    const regions: ReservedRegion[] = [];
    const excluding = new Set<number>();
    let page = FIRST_RESERVED;
    for (const first of this.functions.filter((one) => mayHaveMemory(one) && this.chance.happens(40))) {
      const others = this.functions.filter(
        (one) => mayHaveMemory(one) && one !== first && one.segment === first.segment,
      );
      const pages = this.chance.happens(32) ? 0x200 : 1 + this.chance.below(16);
      // Choice: a unit can exclude one range, so there is one in a segment, whatever unit has the device.
      const isExcluded =
        this.architecture === "amdvi" && !excluding.has(first.segment) && this.chance.happens(64);
      if (isExcluded) excluding.add(first.segment);
      const access = this.architecture === "amdvi" && !isExcluded ? this.access() : "rw";
      const second = this.chance.happens(48) ? others[this.chance.below(others.length)] : undefined;
      const functions = this.functions
        .filter((one) => one === first || one === second)
        .map(({ name }) => name);
      regions.push({ functions, page, pages, kind: isExcluded ? "exclusion" : "unity", access });
      page += pages + this.chance.below(3);
    }
    return regions;
  }

  private access(): ReservedRegion["access"] {
    return (["rw", "rw", "r", "w"] as const)[this.chance.below(4)]!;
  }
}

/** Firmware has physical functions use memory, of devices without ARI: tables cannot name others. */
function mayHaveMemory({ self, physical, above, function: fn }: LocatedFunction): boolean {
  return !isBridge(self) && physical === null && fn < 8 && above.every((bridge) => bridge.function < 8);
}
