/** Runs the tiny random scripts of the abstract IOMMU as software that the model of software follows, step by step. */
import type { GrantCheck, Reach } from "../isolation/exposure.js";
import type { Action } from "../trace.js";
import { PAGE_COUNT, ROOTS, type Script, type Step } from "./abstract-machine.scripts.js";
import { VtdExposure } from "./exposure.js";
import type { Invalidation } from "./invalidation-log.js";
import { VtdOracle } from "./oracle.js";
import { GlobalBit, Offset } from "./registers.js";
import { type WalkPlatform, walkPlatformOf } from "./walk.js";

const NOTHING_SEEN = { low: 0, high: 0 };
const SEEN = { low: 1, high: 0 };
/** Changes nothing: a line of a page that no script stores to. */
const IDLE: Action = { do: "flush-line", page: PAGE_COUNT - 1, line: 0 };
const GRANTED = () => null;
const QUEUE_PAGE = PAGE_COUNT - 2;

const platforms = new WeakMap<Script["profile"], WalkPlatform>();

/** The platform of a script, with as much memory as scripts use. */
export function scriptPlatform({ profile }: Pick<Script, "profile">): WalkPlatform {
  let platform = platforms.get(profile);
  if (!platform) {
    platform = walkPlatformOf({ ...profile, memoryPages: PAGE_COUNT });
    platforms.set(profile, platform);
  }
  return platform;
}

/** Which of the submissions of a script, by number, drain writes. */
export type Draining = (submission: number) => boolean;

/** Follows a script. Invalidations are entered as if the queue or the registers had carried them. */
export class ScriptRun {
  readonly oracle: VtdOracle;
  readonly exposure: VtdExposure;
  private submissions: Invalidation[][] = [];
  private levels = 0;
  private draining: Draining = () => true;
  private taken = 0;

  constructor(platform: WalkPlatform) {
    this.oracle = new VtdOracle(platform);
    this.exposure = new VtdExposure(this.oracle);
  }

  /** Takes up the state a script starts from. */
  start(script: Script, draining: Draining = () => true): void {
    this.oracle.reset({
      start: script.enabled ? "translating" : "reset",
      rootPage: ROOTS[0]!,
      rootPages: 1,
      queuePage: QUEUE_PAGE,
      logPage: null,
      requesters: script.functions,
      dataPages: [],
      tablePages: [],
    });
    this.exposure.reset();
    this.submissions = [];
    this.levels = script.enabled ? GlobalBit.translationEnable : 0;
    this.draining = draining;
    this.taken = 0;
    for (const { page, word, low, high } of script.words) {
      this.oracle.memory.fill(page, word, low, high);
      this.exposure.graph.stored(page, word, low, high);
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

  private actionsOf(step: Step): { action: Action; seen?: typeof SEEN; effect?: (at: number) => void }[] {
    switch (step.do) {
      case "store":
      case "flush-line":
        return [{ action: step }];
      case "flush-buffer":
        return [
          { action: this.command(GlobalBit.writeBufferFlush) },
          { action: poll(GlobalBit.writeBufferFlush, 0), seen: SEEN },
        ];
      case "submit":
        return [{ action: IDLE, effect: (at) => this.submit(step, at) }];
      case "observe":
        return [{ action: IDLE, effect: (at) => this.observe(this.submissions[step.submission]!, at) }];
      case "set-root":
        return [
          { action: register(Offset.RTADDR, step.page * 4096) },
          { action: this.command(GlobalBit.setRootTablePointer) },
        ];
      case "observe-root":
        return [{ action: poll(GlobalBit.setRootTablePointer, GlobalBit.setRootTablePointer), seen: SEEN }];
      case "set-enabled":
        this.levels = step.on ? GlobalBit.translationEnable : 0;
        return [{ action: this.command(0) }];
      case "observe-enabled":
        return [{ action: poll(GlobalBit.translationEnable, this.levels), seen: SEEN }];
    }
  }

  private submit({ targets, queued, fenceGroup }: Extract<Step, { do: "submit" }>, at: number): void {
    const { log, queue } = this.oracle;
    const entries = targets.map((target) => log.submit(target, at, queued, fenceGroup));
    if (this.draining(this.submissions.length)) {
      for (const invalidation of entries)
        if (invalidation.target.cache === "iotlb") queue.drains.push({ invalidation });
    }
    this.submissions.push(entries);
  }

  /** 6.8: an invalidation also flushes the write buffer. */
  private observe(entries: readonly Invalidation[], at: number): void {
    for (const entry of entries) {
      entry.observed = Math.min(entry.observed, at);
      this.oracle.memory.flushBuffer(entry.submitted, at);
    }
  }

  private command(bit: number): Action {
    return register(Offset.GCMD, (this.levels | bit) >>> 0);
  }
}

function register(offset: number, low: number): Action {
  return { do: "write-register", offset, width: 4, low, high: 0 };
}

function poll(mask: number, value: number): Action {
  return { do: "poll-register", offset: Offset.GSTS, mask, value };
}
