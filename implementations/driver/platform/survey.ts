/** What follows from the firmware table for the functions that enumeration shows. */
import { architectureOf } from "../../../model/architectures.js";
import { Right } from "../../../model/isolation/events.js";
import { unitCovering } from "../../../model/pci/covering.js";
import { type LocatedFunction, locatedFunctions } from "../../../model/pci/functions.js";
import { isolationGroups } from "../../../model/pci/groups.js";
import type { FirmwarePlatform, ReservedRegion } from "../../../model/pci/platform.js";
import { requesterIdsOf } from "../../../model/pci/requester-ids.js";
import { isBridge, type Topology } from "../../../model/pci/topology.js";
import type { HostPage, RequesterId } from "../../../model/words/address.js";
import type { DriverMapping } from "../interface.js";
import type { PlatformFaults } from "./faults.js";
import type { PlatformSetup } from "./interface.js";

const RIGHTS = { r: Right.read, w: Right.write, rw: Right.both } as const;

/** A function behind a unit. */
export interface CoveredFunction {
  readonly name: string;
  /** Register page of its unit. */
  readonly unit: HostPage;
  /** Every id that its requests may carry. */
  readonly requesters: readonly RequesterId[];
  /** Its own. */
  readonly own: RequesterId;
  readonly isBridge: boolean;
}

export class Survey {
  readonly platform: FirmwarePlatform;
  private readonly functions = new Map<string, CoveredFunction>();
  private readonly groups = new Map<string, readonly string[]>();
  private readonly reserved: readonly ReservedRegion[];

  constructor(
    { profile, firmwareTable }: Pick<PlatformSetup, "profile" | "firmwareTable">,
    topology: Topology,
    private readonly faults: PlatformFaults,
  ) {
    this.platform = architectureOf(profile).firmwareTables.read(firmwareTable).platformIn(topology);
    const located = locatedFunctions(topology);
    for (const one of located) {
      const covered = this.covered(topology, one);
      if (covered) this.functions.set(one.name, covered);
    }
    for (const { functions } of isolationGroups(topology))
      for (const name of functions) this.groups.set(name, functions);
    const { reserved } = this.platform;
    const names = located.map((one) => one.name);
    this.reserved = faults.reserved?.(reserved, names) ?? reserved;
  }

  private covered(topology: Topology, one: LocatedFunction): CoveredFunction | null {
    const { faults, platform } = this;
    const { name, requester: own } = one;
    const rest = platform.units.find(({ covers }) => covers === "rest");
    const unit = (faults.usesRestUnit && rest) || unitCovering(platform, name);
    if (!unit) return null;
    const all = requesterIdsOf(topology, name);
    const requesters = faults.requesters?.(one, all) ?? all;
    const ofBridge = one.physical === null && isBridge(one.self);
    return { name, unit: unit.registers, requesters, own, isBridge: ofBridge };
  }

  /** The function of that name; undefined for a device behind no unit, and for one that there is not. */
  functionNamed(name: string): CoveredFunction | undefined {
    return this.functions.get(name);
  }

  /** The largest requester id that there is, or can be when devices are plugged in and virtual functions enabled. */
  get largestRequester(): RequesterId {
    const ids = locatedFunctions(this.platform.topology).map(({ self, requester }) => {
      if (isBridge(self)) return (self.subordinate << 8) | 0xff;
      const { sriov } = self;
      const virtual = sriov && requester + sriov.firstVfOffset + (sriov.totalVfs - 1) * sriov.vfStride;
      return Math.min(virtual ?? requester, 0xffff);
    });
    return Math.max(...ids);
  }

  functionsOf(unit: HostPage): CoveredFunction[] {
    return [...this.functions.values()].filter((one) => one.unit === unit);
  }

  /** The functions that go to one owner with a device, itself among them. */
  groupOf(device: string): readonly string[] {
    return this.groups.get(device) ?? [device];
  }

  /** True when firmware has a device of the group use memory. */
  isReserved(group: readonly string[]): boolean {
    return this.platform.reserved.some(({ functions }) => functions.some((one) => group.includes(one)));
  }

  /**
   * Reserved regions by the requester ids of a unit that have to reach them: those of every function whose requests may
   * carry the id.
   */
  reservedOf(unit: HostPage): Map<RequesterId, readonly ReservedRegion[]> {
    const regions = new Map<RequesterId, readonly ReservedRegion[]>();
    for (const region of this.reserved)
      for (const name of region.functions) {
        const one = this.functions.get(name);
        if (one?.unit !== unit) continue;
        for (const id of one.requesters) {
          const known = regions.get(id) ?? [];
          if (!known.includes(region)) regions.set(id, [...known, region]);
        }
      }
    return regions;
  }
}

/** Pages at their own addresses, with all rights. */
export function identity({
  page,
  pages,
}: {
  readonly page: HostPage;
  readonly pages: number;
}): DriverMapping {
  const iova: number = page;
  return { iova, page, pages, access: Right.both };
}

/** Identity mappings of regions, with the rights of all where they overlap. An exclusion needs no rights: it has both. */
export function identityOf(regions: readonly ReservedRegion[]): readonly DriverMapping[] {
  const rights = new Map<number, number>();
  for (const { page, pages, kind, access } of regions)
    for (let one = page; one < page + pages; one++)
      rights.set(one, (rights.get(one) ?? 0) | (kind === "exclusion" ? Right.both : RIGHTS[access]));
  const runs: DriverMapping[] = [];
  for (const [page, access] of [...rights].sort(([one], [other]) => one - other)) {
    const last = runs.at(-1);
    if (last && last.page + last.pages === page && last.access === access)
      runs[runs.length - 1] = { ...last, pages: last.pages + 1 };
    else runs.push({ iova: page, page, pages: 1, access });
  }
  return runs;
}
