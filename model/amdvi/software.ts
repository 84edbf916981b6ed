/** AMD-Vi as the judge of software sees it. */
import type { Finding } from "../finding.js";
import type { RunStart } from "../run-start.js";
import type { Action, Observation } from "../trace.js";
import { WindowsSoftware } from "../windows/software.js";
import { AmdViOracle } from "./oracle.js";
import type { AmdViPlatform } from "./profile.js";

export class AmdViSoftware extends WindowsSoftware<AmdViOracle> {
  private commandsSeen = false;

  constructor(platform: AmdViPlatform) {
    super(new AmdViOracle(platform));
  }

  override reset(setup: RunStart): void {
    super.reset(setup);
    this.commandsSeen = setup.start === "translating";
  }

  /**
   * IommuEn takes effect at once, and nothing that was cached before can be invalidated before it: isolation is owed from
   * the moment on at which software has seen commands complete.
   */
  override get protecting(): boolean {
    return this.commandsSeen;
  }

  override perform(action: Action, seen: Observation, index: number): Finding | null {
    const finding = super.perform(action, seen, index);
    if (action.do === "poll-memory" && seen.low === 1 && super.protecting) this.commandsSeen = true;
    return finding;
  }
}
