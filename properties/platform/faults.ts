/** The book of faults: which requests were blocked, what software reported of them, and whom it disabled for it. */
import type { FindingKind } from "../../model/finding.js";
import { type RequesterId, showAddress, showRequester } from "../../model/words/address.js";
import type { PresentFunction } from "./devices.js";

interface Fault {
  readonly requester: RequesterId;
  readonly page: number;
}

/** What is known of the log of a unit. */
interface Log {
  /** Everything in it was reported. */
  empty: boolean;
  /** What came into it first since: no storm can have hidden that. */
  first: Fault | null;
}

export class FaultBook {
  private readonly logs: Log[];
  /** Blocked requests that were not reported yet. */
  private readonly open = new Map<RequesterId, number>();
  /** Reports since the function came that has the id. */
  private readonly reported = new Map<RequesterId, number>();
  private readonly disabled = new Set<string>();

  /** @param limit reports from which on a device is to be disabled */
  constructor(
    units: number,
    private readonly limit: number,
    private readonly found: (kind: FindingKind, message: string) => void,
  ) {
    this.logs = Array.from({ length: units }, () => ({ empty: true, first: null }));
  }

  isDisabled(name: string): boolean {
    return this.disabled.has(name);
  }

  /** A request was blocked. `recorded`: the unit was told to record that. */
  block(unit: number, requester: RequesterId, page: number, recorded: boolean): void {
    bump(this.open, requester, 1);
    const log = this.logs[unit]!;
    if (log.empty && recorded) log.first = { requester, page };
    // What the unit may leave out may still take a place.
    log.empty = false;
  }

  report(requester: RequesterId, page: number): void {
    bump(this.reported, requester, 1);
    if (bump(this.open, requester, -1) < 0)
      this.found(
        "uncontained",
        `a fault of ${showRequester(requester)} at ${showAddress(page)} is reported, but it had no such request`,
      );
    for (const log of this.logs)
      if (log.first?.requester === requester && log.first.page === page) log.first = null;
  }

  disable({ name, ids }: PresentFunction): void {
    this.disabled.add(name);
    const faults = this.reportsUnder(ids);
    if (faults < this.limit)
      this.found(
        "uncontained",
        `${name} is disabled, but ${faults} faults were reported of it, not ${this.limit}`,
      );
  }

  /** The software says that it has handled what there was. */
  handled(functions: readonly PresentFunction[]): void {
    for (const log of this.logs) {
      const { first } = log;
      log.first = null;
      log.empty = true;
      if (first) {
        const fault = `the blocked request of ${showRequester(first.requester)} for ${showAddress(first.page)}`;
        this.found("fault-lost", `${fault} was the first one after the log was empty, and is not reported`);
      }
    }
    for (const one of functions) {
      if (this.disabled.has(one.name)) continue;
      const faults = this.reportsUnder(idsOfItsOwn(one, functions));
      if (faults >= this.limit)
        this.found(
          "uncontained",
          `${faults} faults of ${one.name} were reported, at least ${this.limit}, and it is not disabled`,
        );
    }
  }

  private reportsUnder(ids: readonly RequesterId[]): number {
    return ids.reduce((sum, id) => sum + (this.reported.get(id) ?? 0), 0);
  }

  /** A function has come: nothing is known of it. */
  forget({ name, ids }: PresentFunction): void {
    this.disabled.delete(name);
    for (const id of ids) this.reported.delete(id);
  }

  /** Another operating system has taken over: it knows neither what was reported nor what is left in the logs. */
  takenOver(): void {
    this.reported.clear();
    for (const log of this.logs) {
      log.empty = false;
      log.first = null;
    }
  }
}

// Choice: where several functions make requests under one id, software may hold any of them responsible, or none.
function idsOfItsOwn(one: PresentFunction, functions: readonly PresentFunction[]): RequesterId[] {
  return one.ids.filter((id) => !functions.some((other) => other !== one && other.ids.includes(id)));
}

function bump(counts: Map<RequesterId, number>, requester: RequesterId, by: 1 | -1): number {
  const count = (counts.get(requester) ?? 0) + by;
  counts.set(requester, count);
  return count;
}
