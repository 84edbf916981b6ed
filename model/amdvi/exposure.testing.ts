/** Follows the tiny random scripts of the abstract AMD-Vi unit. */
import type { RunStart } from "../run-start.js";
import type { Action } from "../trace.js";
import type { Invalidation } from "../windows/invalidation-log.js";
import { ScriptRun, type TakenAction } from "../windows/script-run.testing.js";
import {
  DEVICE_TABLE_PAGES,
  DEVICE_TABLES,
  PAGE_COUNT,
  type Script,
  type Step,
} from "./abstract-machine.scripts.js";
import { AmdViOracle } from "./oracle.js";
import { type AmdViPlatform, platformOf } from "./profile.js";
import { ControlBit, Offset } from "./registers.js";

/** Changes nothing: a line of a page that no script stores to. */
const IDLE: Action = { do: "flush-line", page: PAGE_COUNT - 1, line: 0 };
const QUEUE_PAGE = PAGE_COUNT - 2;
const LOG_PAGE = PAGE_COUNT - 3;

/** The platform of a script, with as much memory as scripts use. */
export function scriptPlatform({ profile }: Pick<Script, "profile">): AmdViPlatform {
  return platformOf({ ...profile, memoryPages: PAGE_COUNT });
}

export class AmdViScriptRun extends ScriptRun<Step, Script, AmdViOracle> {
  private submissions: Invalidation[][] = [];

  /** @param draining which of the submissions, by number, drain writes: all of them unless told otherwise */
  constructor(
    platform: AmdViPlatform,
    private readonly draining: (submission: number) => boolean = () => true,
  ) {
    super(new AmdViOracle(platform));
  }

  protected override startOf(script: Script): RunStart {
    this.submissions = [];
    return {
      start: script.enabled ? "translating" : "reset",
      rootPage: DEVICE_TABLES[0]!,
      rootPages: DEVICE_TABLE_PAGES,
      queuePage: QUEUE_PAGE,
      logPage: LOG_PAGE,
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
      case "submit":
        return [{ action: IDLE, effect: (at) => this.submit(step, at) }];
      case "observe":
        return [{ action: IDLE, effect: (at) => this.observe(step.submission, at) }];
      case "set-table":
        return [{ action: register(Offset.DevTabBase, step.page * 4096 + step.pages - 1) }];
      case "set-enabled":
        return [{ action: register(Offset.Control, step.on ? ControlBit.IommuEn : 0) }];
    }
  }

  private submit({ targets, fenceGroup }: Extract<Step, { do: "submit" }>, at: number): void {
    const { log } = this.oracle;
    const draining = this.draining(this.submissions.length);
    this.submissions.push(targets.map((target) => log.submit(target, at, true, fenceGroup, draining)));
  }

  private observe(submission: number, at: number): void {
    for (const entry of this.submissions[submission]!) entry.observed = Math.min(entry.observed, at);
  }
}

function register(offset: number, low: number): Action {
  return { do: "write-register", offset, width: 8, low, high: 0 };
}
