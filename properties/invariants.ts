/** The invariants: what must hold of every run, by id, and how a run is judged by each. */
import type { Finding, FindingKind } from "../model/finding.js";

export interface Invariant {
  readonly id: string;
  readonly title: string;
  readonly statement: string;
  readonly sections: readonly string[];
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
    sections: ["VT-d 3", "VT-d 6", "VT-d 7", "VT-d 9", "VT-d 11"],
    brokenBy: ANY,
  },
  {
    id: "I1",
    title: "nothing reaches freed pages",
    statement:
      "No DMA reaches a freed page before flush completion has been observed, nor ever after, until it is mapped again; in-flight posted writes included",
    sections: ["VT-d 6.5.2.3", "VT-d 6.5.2.12", "VT-d 6.5.4"],
    brokenBy: ["stale", "late-write"],
  },
  {
    id: "I2",
    title: "only what was granted",
    statement: "A device reaches only pages granted to its domain, with no more than the granted access",
    sections: ["VT-d 3.4.2", "VT-d 3.7.1", "VT-d 3.9"],
    brokenBy: ["forbidden", "memory"],
  },
  {
    id: "I3",
    title: "faulting entries let nothing through",
    statement: "No request whose chain holds a not-present, reserved or illegal entry reaches memory",
    sections: ["VT-d 7.1.3", "VT-d 9.1", "VT-d 9.3", "VT-d 9.8"],
    brokenBy: ["faulting-entry"],
  },
  {
    id: "I10",
    title: "every blocked request is reported",
    statement:
      "Every blocked request is reported, to the right requester, address and reason, unless suppressed; overflow is flagged and loses nothing already recorded",
    sections: ["VT-d 7.1.1", "VT-d 7.2.1", "VT-d 11.4.7.6"],
    brokenBy: ["fault-record"],
  },
  {
    id: "I11",
    title: "completion means done",
    statement:
      "A completion is never signalled before the work it covers is done; commands and descriptors keep their order",
    sections: ["VT-d 6.5.1", "VT-d 6.5.2.9", "VT-d 6.5.2.11", "VT-d 6.5.2.12", "VT-d 11.4.4"],
    brokenBy: ["completion"],
  },
];

/** The invariant of that id. @throws RangeError naming the known ones */
export function invariantNamed(id: string): Invariant {
  const found = invariants.find((one) => one.id.toLowerCase() === id.toLowerCase());
  if (!found)
    throw new RangeError(`unknown property "${id}"; known: ${invariants.map((one) => one.id).join(", ")}`);
  return found;
}

/** The findings among these that break an invariant. */
export function breaking(invariant: Invariant, findings: readonly Finding[]): Finding[] {
  return findings.filter((one) => invariant.brokenBy.includes(one.kind));
}
