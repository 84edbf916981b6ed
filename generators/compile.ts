/** From the steps of a scenario to the actions of a run: memory accesses, register accesses and requests. */
import { AmdViCompiler } from "./amdvi/compiler.js";
import type { CompiledRun } from "./compiler.js";
import type { Scenario } from "./scenario.js";
import { VtdCompiler } from "./vtd/compiler.js";

export type { CompiledRun } from "./compiler.js";

const vtdCompiler = new VtdCompiler();
const amdViCompiler = new AmdViCompiler();

/** The actions of a scenario. A step whose referent does not exist is skipped. */
export function compileScenario(scenario: Scenario): CompiledRun {
  return scenario.architecture === "vtd" ? vtdCompiler.run(scenario) : amdViCompiler.run(scenario);
}
