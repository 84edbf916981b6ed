/** The invariants: what must hold of every run, by id, and how a run is judged by each. */
import type { Finding, FindingKind } from "../model/finding.js";
import type { ArchitectureId } from "../model/profile.js";

export type Judged = "iommu" | "driver" | "requests" | "platform";

export interface Invariant {
  readonly id: string;
  readonly title: string;
  readonly statement: string;
  /** Where the specification of each architecture says so. */
  readonly sections: Readonly<Record<ArchitectureId, readonly string[]>>;
  /**
   * What it is judged of: hardware that answers requests (`iommu`), software by all that a unit may do (`driver`), software
   * by what requests are seen to do on hardware that shows nothing else (`requests`), firmware and operating systems of a
   * whole machine by all that its units may do (`platform`).
   */
  readonly of: readonly Judged[];
  /** The kinds of findings that break it; a run without any of them keeps it. */
  readonly brokenBy: readonly FindingKind[];
}

const ANY: readonly FindingKind[] = [
  "stale",
  "late-write",
  "forbidden",
  "faulting-entry",
  "refused",
  "misdirected",
  "fault-record",
  "completion",
  "register",
  "memory",
];

export const invariants: readonly Invariant[] = [
  {
    id: "conformance",
    title: "every observation is admissible",
    statement:
      "Every outcome of a request, every register read and all memory contents are ones a conforming unit may show",
    sections: { vtd: ["3", "6", "7", "9", "11"], amdvi: ["2.2", "2.4", "2.5", "MMIO"] },
    of: ["iommu"],
    brokenBy: ANY,
  },
  {
    id: "I1",
    title: "nothing reaches freed pages",
    statement:
      "No DMA reaches a freed page before flush completion has been observed, nor ever after, until it is mapped again; in-flight posted writes included",
    sections: { vtd: ["6.5.2.3", "6.5.2.12", "6.5.4"], amdvi: ["2.4.1", "2.4.2", "2.4.3"] },
    of: ["iommu", "driver", "requests", "platform"],
    brokenBy: ["stale", "late-write", "freed-page"],
  },
  {
    id: "I2",
    title: "only what was granted",
    statement: "A device reaches only pages granted to its domain, with no more than the granted access",
    sections: { vtd: ["3.4.2", "3.7.1", "3.9"], amdvi: ["2.2.2", "2.2.3"] },
    of: ["iommu", "driver", "requests", "platform"],
    brokenBy: ["forbidden", "memory", "foreign-page", "excess-right"],
  },
  {
    id: "I3",
    title: "faulting entries let nothing through",
    statement: "No request whose chain holds a not-present, reserved or illegal entry reaches memory",
    sections: { vtd: ["7.1.3", "9.1", "9.3", "9.8"], amdvi: ["2.2.2", "2.2.3", "2.5.2", "2.5.3"] },
    of: ["iommu", "driver"],
    brokenBy: ["faulting-entry"],
  },
  {
    id: "I4",
    title: "nothing is left after detach",
    statement:
      "After a detach or domain switch has completed, nothing of the old domain is reachable, and nothing that the device was told to do before comes to pass elsewhere",
    sections: { vtd: ["6.5.3.3", "6.2.2.1"], amdvi: ["2.4.2", "2.4.3"] },
    of: ["driver", "requests", "platform"],
    brokenBy: ["after-detach", "provenance"],
  },
  {
    id: "I5",
    title: "reuse revives nothing",
    statement: "Reuse of a domain id, a table page or a requester id never revives an old mapping",
    sections: { vtd: ["6.5.3.3", "6.2.5"], amdvi: ["2.4.3"] },
    of: ["driver", "platform"],
    brokenBy: ["revived"],
  },
  {
    id: "I6",
    title: "no hole while tables change",
    statement:
      "Table updates of more than one word, superpage splits and merges open no hole at any intermediate moment",
    sections: { vtd: ["9.3", "6.2.4", "6.5.3.3"], amdvi: ["2.2.2", "2.2.3", "2.4.3"] },
    of: ["driver", "platform"],
    brokenBy: ["mid-update"],
  },
  {
    id: "I10",
    title: "every blocked request is reported",
    statement:
      "Every blocked request is reported, to the right requester, address and reason, unless suppressed; overflow is flagged and loses nothing already recorded",
    sections: { vtd: ["7.1.1", "7.2.1", "11.4.7.6"], amdvi: ["2.5", "2.5.3", "MMIO 2020h"] },
    of: ["iommu"],
    brokenBy: ["fault-record"],
  },
  {
    id: "I11",
    title: "completion means done",
    statement:
      "A completion is never signalled before the work it covers is done; commands keep the order they have",
    sections: { vtd: ["6.5.1", "6.5.2.9", "6.5.2.11", "6.5.2.12", "11.4.4"], amdvi: ["2.4", "2.4.1"] },
    of: ["iommu"],
    brokenBy: ["completion"],
  },
  {
    id: "I12",
    title: "protected from reset on",
    statement:
      "From reset to enabled translation no device reaches protected memory; reserved regions stay reachable as firmware demands, and for no one else",
    sections: { vtd: ["3.16", "8.4", "11.4.8"], amdvi: ["2.2.2", "MMIO 0020h", "IVRS IVMD"] },
    of: ["platform"],
    brokenBy: ["pre-boot", "reserved"],
  },
  {
    id: "I13",
    title: "tables are valid",
    statement: "Tables that software builds are valid on every platform profile it claims to support",
    sections: { vtd: ["9.1", "9.3", "9.8"], amdvi: ["2.2.2", "2.2.3"] },
    of: ["driver", "platform"],
    brokenBy: ["invalid-tables"],
  },
  {
    id: "I14",
    title: "software's own memory is out of reach",
    statement: "Software's own memory, its tables included, is reachable by no device at all",
    sections: { vtd: ["3.4", "3.7"], amdvi: ["2.2.2", "2.2.3"] },
    of: ["driver", "requests", "platform"],
    brokenBy: ["own-memory"],
  },
  {
    id: "I15",
    title: "groups have one owner",
    statement:
      "Devices that cannot be told apart or can bypass the IOMMU (one group) are never split between owners",
    sections: { vtd: ["3.4.1", "3.11"], amdvi: ["2.2.1", "IVRS IVHD"] },
    of: ["platform"],
    brokenBy: ["split-group"],
  },
  {
    id: "I16",
    title: "functions that come start with nothing",
    statement:
      "Virtual functions are isolated from each other and from their physical function; a hot-plugged device starts with nothing",
    sections: { vtd: ["3.4.1", "6.5.3.3", "8.3"], amdvi: ["2.2.1", "2.2.2", "2.4.2"] },
    of: ["platform"],
    brokenBy: ["sibling", "hot-plug"],
  },
  {
    id: "I17",
    title: "the unit's view is software's view",
    statement:
      "Every granted access of an attached device reaches the page that software mapped, and no other; a guest's processors see the same memory as its devices",
    sections: { vtd: ["6.1", "6.5.3.5", "6.8"], amdvi: ["2.2.2", "2.2.3", "2.4"] },
    of: ["driver", "platform"],
    brokenBy: ["unserved", "disagreement"],
  },
  {
    id: "I18",
    title: "bounce pages only, behind no unit",
    statement: "A device behind no IOMMU only ever touches bounce pages",
    sections: { vtd: ["8.3"], amdvi: ["IVRS IVHD"] },
    of: ["platform"],
    brokenBy: ["unbounced"],
  },
  {
    id: "I19",
    title: "who faults too often is contained",
    statement: "A device that faults repeatedly is contained without losing anyone else's faults",
    sections: { vtd: ["7.2.1", "11.4.7"], amdvi: ["2.5", "MMIO 2020h"] },
    of: ["platform"],
    brokenBy: ["uncontained", "fault-lost"],
  },
];

/** The invariant of that id. @throws RangeError naming the known ones */
export function invariantNamed(id: string): Invariant {
  const found = invariants.find((one) => one.id.toLowerCase() === id.toLowerCase());
  if (!found)
    throw new RangeError(`unknown property "${id}"; known: ${invariants.map((one) => one.id).join(", ")}`);
  return found;
}

/** Ids of the invariants that a finding breaks. */
export function brokenBy(finding: Finding): string[] {
  return invariants.filter((one) => breaking(one, [finding]).length > 0).map((one) => one.id);
}

/** The findings among these that break an invariant. */
export function breaking(invariant: Invariant, findings: readonly Finding[]): Finding[] {
  return findings.filter((one) => invariant.brokenBy.includes(one.kind));
}
