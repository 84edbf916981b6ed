/** Runs the tiny random scripts of an abstract IOMMU as software that the model of software follows, step by step. */
import type { GrantCheck, Reach } from "../isolation/exposure.js";
import type { RunStart } from "../run-start.js";
import type { Action } from "../trace.js";
import { Exposure } from "./exposure.js";
import type { WindowsOracle } from "./oracle.js";

const NOTHING_SEEN = { low: 0, high: 0 };
const GRANTED = () => null;

/** What scripts of every architecture have in common here. */
export interface FollowedScript<Step> {
  readonly functions: readonly number[];
  readonly pages: readonly number[];
  readonly words: readonly {
    readonly page: number;
    readonly word: number;
    readonly low: number;
    readonly high: number;
  }[];
  readonly steps: readonly Step[];
}

/** An action of a step, with what it shows and what is done to the model itself after it. */
export interface TakenAction {
  readonly action: Action;
  readonly seen?: { readonly low: number; readonly high: number };
  readonly effect?: (at: number) => void;
}

/** Follows a script. Invalidations are entered as if the queue or the registers had carried them. */
export abstract class ScriptRun<Step, Script extends FollowedScript<Step>, Oracle extends WindowsOracle> {
  readonly exposure: Exposure;
  private taken = 0;

  constructor(readonly oracle: Oracle) {
    this.exposure = new Exposure(oracle);
  }

  /** The state a script starts from. */
  protected abstract startOf(script: Script): RunStart;
  protected abstract actionsOf(step: Step): TakenAction[];

  /** Takes up the state a script starts from. */
  start(script: Script): void {
    this.oracle.reset(this.startOf(script));
    this.exposure.reset();
    this.taken = 0;
    for (const { page, word, low, high } of script.words) {
      this.oracle.memory.fill(page, word, low, high);
      this.exposure.graph.pointers.stored(page, word, low, high);
    }
  }

  /** The actions taken since the start. */
  get now(): number {
    return this.taken;
  }

  /** Performs the actions of a step; returns the first ungranted reach that one of them can have added. */
  take(step: Step, granted: GrantCheck = GRANTED): Reach | null {
    let found: Reach | null = null;
    for (const { action, seen, effect } of this.actionsOf(step)) {
      const index = this.taken++;
      effect?.(this.taken);
      const finding = this.oracle.perform(action, seen ?? NOTHING_SEEN, index);
      if (finding) throw new Error(finding.message);
      const reach = this.exposure.added(action, index, granted);
      found ??= reach;
    }
    return found;
  }
}
