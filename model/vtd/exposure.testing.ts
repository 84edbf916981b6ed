/** Follows the tiny random scripts of the abstract VT-d unit. */
import type { RunStart } from "../run-start.js";
import type { Action } from "../trace.js";
import type { Invalidation } from "../windows/invalidation-log.js";
import { ScriptRun, type TakenAction } from "../windows/script-run.testing.js";
import { PAGE_COUNT, ROOTS, type Script, type Step } from "./abstract-machine.scripts.js";
import { VtdOracle } from "./oracle.js";
import { ProtectedMemoryBit } from "./protected-memory.js";
import { GlobalBit, Offset } from "./registers.js";
import { type WalkPlatform, walkPlatformOf } from "./walk.js";

const SEEN = { low: 1, high: 0 };
/** Changes nothing: a line of a page that no script stores to. */
const IDLE: Action = { do: "flush-line", page: PAGE_COUNT - 1, line: 0 };
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

export class VtdScriptRun extends ScriptRun<Step, Script, VtdOracle> {
  private submissions: Invalidation[][] = [];
  private levels = 0;
  private protects = false;

  /** @param draining which of the submissions drain writes */
  constructor(
    platform: WalkPlatform,
    private readonly draining: Draining = () => true,
  ) {
    super(new VtdOracle(platform));
  }

  protected override startOf(script: Script): RunStart {
    this.submissions = [];
    this.levels = script.enabled ? GlobalBit.translationEnable : 0;
    return {
      start: script.enabled ? "translating" : "reset",
      rootPage: ROOTS[0]!,
      rootPages: 1,
      queuePage: QUEUE_PAGE,
      logPage: null,
      requesters: script.functions,
      dataPages: [],
      tablePages: [],
    };
  }

  protected override actionsOf(step: Step): TakenAction[] {
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
      case "protect":
        this.protects = true;
        return [
          { action: register(Offset.PLMBASE, step.first * 4096) },
          { action: register(Offset.PLMLIMIT, step.last * 4096) },
          { action: register(Offset.PHMBASE, 4096) },
          { action: register(Offset.PMEN, ProtectedMemoryBit.enable) },
        ];
      case "release":
        this.protects = false;
        return [{ action: register(Offset.PMEN, 0) }];
      case "observe-protected":
        return [{ action: poll(ProtectedMemoryBit.status, Number(this.protects), Offset.PMEN), seen: SEEN }];
    }
  }

  private submit({ targets, queued, fenceGroup }: Extract<Step, { do: "submit" }>, at: number): void {
    const draining = this.draining(this.submissions.length);
    const entries = targets.map((target) =>
      this.oracle.log.submit(target, at, queued, fenceGroup, draining && target.cache === "iotlb"),
    );
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

function poll(mask: number, value: number, offset: number = Offset.GSTS): Action {
  return { do: "poll-register", offset, mask, value };
}
