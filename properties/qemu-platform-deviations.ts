/**
 * Known deviations of QEMU as a platform: requester ids behind bridges, and the firmware tables that it makes for its
 * guest. Each measured, and held against the specification of the IOMMU.
 */
import type { ArchitectureId } from "../model/profile.js";
import type { RequesterId } from "../model/words/address.js";

interface PlatformDeviation {
  readonly architecture: ArchitectureId;
  /** What QEMU does. */
  readonly statement: string;
  /** What the specification says, with its section. */
  readonly specification: string;
  /** As prefixes of what the program prints. */
  readonly versions: readonly string[];
}

/** A difference between the ids that requests have by the topology and those that the IOMMU goes by. */
export interface RequesterDeviation extends PlatformDeviation {
  readonly id: string;
  /** What the IOMMU takes a request for that ought to have this id. */
  takenFor(id: RequesterId): RequesterId;
}

/** Something that findings name in every table. */
export interface TableDeviation extends PlatformDeviation {
  /** The rule. One that is advice is broken by what the specification allows. */
  readonly rule: string;
}

const OLD = ["7.2", "10.0"];
const WITH_TYPE_11H = ["10.0", "11.1"];
const ALL = ["7.2", "10.0", "11.1"];

const requesterDeviations: readonly RequesterDeviation[] = [
  {
    id: "bus-number-ignored",
    architecture: "amdvi",
    statement:
      "The bus number in a DeviceID is 0, that of every bus when devices are made: functions behind root ports, " +
      "bridges and expanders share the device table entries of bus 0",
    specification:
      "2.2.2: the bus number is in bits 15:8 of the DeviceID; 5.2.2.1: so it is in the alias that the IVRS has",
    versions: OLD,
    takenFor: (id) => id & 0xff,
  },
];

const tableDeviations: readonly TableDeviation[] = [
  {
    rule: "dmar.drhd.include-pci-all",
    architecture: "vtd",
    statement:
      "The unit has the functions of its root buses in its scope, one by one, instead of INCLUDE_PCI_ALL, because a " +
      "root bus may be kept from it: what is plugged into a root bus later is in the scope of no unit",
    specification: "8.3 allows it: that a unit has INCLUDE_PCI_ALL, for what is in no other scope, is advice",
    versions: ALL,
  },
  {
    rule: "ivrs.ivhd.same-features",
    architecture: "amdvi",
    statement: "The IVHD of type 10h reports neither IASup nor HESup, and GATS and HATS of 4 levels",
    specification:
      "5.2.2.1: it reports what the EFR has, of which the IVHD of type 11h shows IASup, HESup and 6 levels",
    versions: WITH_TYPE_11H,
  },
];

function of<T extends PlatformDeviation>(
  all: readonly T[],
  version: string,
  architecture: ArchitectureId,
): readonly T[] {
  const isOf = (prefix: string) => version === prefix || version.startsWith(`${prefix}.`);
  return all.filter((one) => one.architecture === architecture && one.versions.some(isOf));
}

/** The id that the IOMMU of this QEMU takes a request for that ought to have `id`. */
export function takenFor(version: string, architecture: ArchitectureId, id: RequesterId): RequesterId {
  const deviations = of(requesterDeviations, version, architecture);
  return deviations.reduce((one, deviation) => deviation.takenFor(one), id);
}

/** Rules that the tables of this QEMU break. */
export function rulesBroken(version: string, architecture: ArchitectureId): readonly string[] {
  return of(tableDeviations, version, architecture).map((one) => one.rule);
}
