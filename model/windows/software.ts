/** An architecture as the judge of software sees it: the oracle that follows a run, and what requests could reach in it. */
import type { SoftwareModel } from "../architecture.js";
import type { Finding } from "../finding.js";
import type { Answers, GrantCheck, Reach, Touched, Witness } from "../isolation/exposure.js";
import type { RunStart } from "../run-start.js";
import type { Action, Observation, Request, RequestType } from "../trace.js";
import { Exposure } from "./exposure.js";
import type { WindowsOracle } from "./oracle.js";
import { witnessOf } from "./witness.js";

/** Actions that show what the unit has done. */
const SHOWING: ReadonlySet<Action["do"]> = new Set(["poll-register", "poll-memory", "read-register"]);

export class WindowsSoftware<Follows extends WindowsOracle = WindowsOracle> implements SoftwareModel {
  private readonly reaches: Exposure;
  private action: Action = { do: "flush-line", page: 0, line: 0 };
  private index = -1;
  private enabledSeen = false;

  constructor(readonly oracle: Follows) {
    this.reaches = new Exposure(oracle);
  }

  /** Forgets everything and takes up the state a run starts from. */
  reset(setup: RunStart): void {
    this.oracle.reset(setup);
    this.reaches.reset();
    this.index = -1;
    this.enabledSeen = setup.start === "translating";
  }

  /** Once translation was seen enabled, isolation is owed, whatever software does to the unit afterwards. */
  get protecting(): boolean {
    if (!this.enabledSeen) {
      const { enabled } = this.oracle.steering;
      this.enabledSeen = enabled.latest === 1 && !enabled.isPending(this.index + 1);
    }
    return this.enabledSeen;
  }

  get requesters(): readonly number[] {
    return this.oracle.functions;
  }

  get linked(): readonly number[] {
    return this.reaches.linked;
  }

  get touched(): readonly Touched[] {
    return this.reaches.touched;
  }

  perform(action: Action, seen: Observation, index: number): Finding | null {
    this.action = action;
    this.index = index;
    return this.oracle.perform(action, seen, index);
  }

  addedReach(granted: GrantCheck): Reach | null {
    const reach = this.reaches.added(this.action, this.index, granted);
    // Only what was seen can tell that an invalidation is done, and that history is of no use any more.
    if (!reach && SHOWING.has(this.action.do)) this.reaches.forgetWhenDue();
    return reach;
  }

  /** Forgets history that no request can rest on any more. */
  forget(): void {
    this.reaches.forget();
  }

  reachTo(page: number, pages: number, access: number, granted: GrantCheck): Reach | null {
    return this.reaches.reachTo(page, pages, access, granted);
  }

  reachOf(requester: number, granted: GrantCheck): Reach | null {
    return this.reaches.reachOf(requester, granted);
  }

  tableReach(page: number): Reach | null {
    return this.reaches.tableReach(page);
  }

  exposure(): Reach[] {
    return this.reaches.everything();
  }

  answers(requester: number, iova: number, type: RequestType): Answers {
    const request: Request = { requester, page: iova, offset: 0, length: 4, type };
    const outcomes = this.oracle.outcomesOf(request, this.index);
    return {
      pages: outcomes.filter((one) => one.effect >= 0).map((one) => one.effect),
      faults: outcomes.filter((one) => one.effect < 0).map((one) => one.rule?.id ?? ""),
      invalid: outcomes.some((one) => this.oracle.unit.validity.has(one.rule)),
    };
  }

  witness(reach: Reach): Witness {
    return witnessOf(this.oracle, reach, this.index + 1);
  }
}
