/** The invalidations of a run, as a model takes them that follows it once more. */
import { compileScenario } from "../generators/compile.js";
import type { Oracle, SubmittedInvalidation } from "../model/architecture.js";
import { architectureOf } from "../model/architectures.js";
import { OutsideModel } from "../model/finding.js";
import type { Performed, TraceRecord } from "../model/isolation/events.js";
import type { Profile } from "../model/profile.js";
import type { RunStart } from "../model/run-start.js";
import { setupOf } from "../properties/driver-run.js";
import { isSeenByAll } from "../properties/platform/hardware.js";
import { unitSetups } from "../properties/platform/units.js";
import type { AnyScenario } from "../properties/subject.js";
import { isForDriver, isForPlatform } from "./steps.js";

export interface UnitInvalidation extends SubmittedInvalidation {
  /** Index of the unit that it was submitted to. */
  readonly unit: number;
}

type Setup = RunStart & { readonly profile: Profile };

/** Where each unit of the scenario starts. */
export function setupsOf(scenario: AnyScenario): readonly Setup[] {
  if (isForDriver(scenario)) return [setupOf(scenario)];
  return isForPlatform(scenario) ? unitSetups(scenario) : [compileScenario(scenario).setup];
}

/** The actions among the records of a run. */
export function actionsAmong(records: readonly TraceRecord[]): readonly Performed[] {
  return records.filter((one): one is Performed => "action" in one);
}

/** The invalidations of these actions, in the order in which each unit got them. */
export function invalidationsOf(
  setups: readonly Setup[],
  actions: readonly Performed[],
): readonly UnitInvalidation[] {
  const oracles = setups.map((setup) => {
    const oracle = architectureOf(setup.profile).createOracle(setup.profile);
    oracle.reset(setup);
    return oracle;
  });
  follow(oracles, actions);
  return oracles.flatMap((oracle, unit) => oracle.invalidations().map((one) => ({ ...one, unit })));
}

function follow(oracles: readonly Oracle[], actions: readonly Performed[]): void {
  try {
    for (const [index, { action, seen, unit = 0 }] of actions.entries()) {
      const concerned = isSeenByAll(action) ? oracles : [oracles[unit]!];
      // What is wrong with them has been judged.
      for (const oracle of concerned) oracle.perform(action, seen, index);
    }
  } catch (error) {
    if (!(error instanceof OutsideModel)) throw error;
  }
}
