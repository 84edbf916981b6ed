/** Scenarios of fifty steps: generating, compiling, running on the reference and judging, apart and together. */
import { compileScenario } from "../generators/compile.js";
import { defaultOptions, generateScenario } from "../generators/generate.js";
import { ReferenceIommu } from "../implementations/iommu/reference/reference.js";
import type { ArchitectureId } from "../model/profile.js";
import { Judge } from "../properties/judge.js";
import { nanosecondsOf, sink } from "./measure.js";

const STEPS = 50;
/** Scenarios that the later stages go through in a circle. */
const PREPARED = 2048;

/** Nanoseconds for one scenario, by stage. */
export interface StageTimes {
  readonly generate: number;
  readonly compile: number;
  readonly run: number;
  /** What judging takes beyond compiling and running. */
  readonly judge: number;
  readonly together: number;
}

export function scenarioTimes(architecture: ArchitectureId): StageTimes {
  const options = { ...defaultOptions(architecture), fewestSteps: STEPS, mostSteps: STEPS };
  const scenarios = Array.from({ length: PREPARED }, (_, seed) => generateScenario(seed, options));
  const runs = scenarios.map(compileScenario);
  const iommu = new ReferenceIommu();
  const judge = new Judge();
  let seed = 0;
  const overSeeds = (action: (seed: number) => number) =>
    nanosecondsOf((count) => {
      for (let each = 0; each < count; each++) sink.value += action(seed++ % PREPARED);
    });
  const generate = overSeeds((at) => generateScenario(at, options).steps.length);
  const compile = overSeeds((at) => compileScenario(scenarios[at]!).actions.length);
  const run = overSeeds((at) => {
    iommu.reset(runs[at]!.setup);
    return iommu.execute(runs[at]!.actions).length;
  });
  const all = overSeeds((at) => judge.judge(scenarios[at]!, iommu).requests);
  const together = overSeeds((at) => judge.judge(generateScenario(at, options), iommu).requests);
  return { generate, compile, run, judge: all - compile - run, together };
}
