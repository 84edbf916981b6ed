/** Generating scenarios of fifty steps, beside a generator of the same kind for a protocol as small as can be. */
import { scenarioArbitrary } from "../generators/arbitrary.js";
import { defaultOptions, generateScenario } from "../generators/generate.js";
import { architectures } from "../model/architectures.js";
import { sink } from "./measure.js";
import { type Row, rounded } from "./row.js";
import { guided } from "./toy/guided.js";
import { perSecond, SCENARIOS, stepsPerSecond } from "./toy/measure.js";

const STEPS = { fewestSteps: 50, mostSteps: 50 } as const;
/** A third of what a scenario may take from its seed to its verdict. */
const TARGET = 60_000;

/** Rows for each architecture; ratios are to the small protocol, both by the runner of fast-check. */
export function generationRows(): Row[] {
  const toy = stepsPerSecond(guided.arbitrary(), guided.drawn) / STEPS.mostSteps;
  const rows = architectures.flatMap(({ id, name }): Row[] => {
    const options = { ...defaultOptions(id), ...STEPS };
    const rate = perSecond((round) => {
      let steps = 0;
      for (let each = 0; each < SCENARIOS; each++)
        steps += generateScenario(round * SCENARIOS + each, options).steps.length;
      sink.value += steps;
      return SCENARIOS;
    });
    const verdict = rate >= TARGET ? "reached" : `missed by ${(TARGET / rate).toFixed(1)}x`;
    const arbitrary = scenarioArbitrary(id, STEPS);
    const drawn = stepsPerSecond(arbitrary, ({ steps }) => steps.length) / STEPS.mostSteps;
    return [
      [`${name}, alone`, `${rounded(rate)}/s`, "", `at least ${rounded(TARGET)}/s: ${verdict}`],
      [`${name}, by the runner`, `${rounded(drawn)}/s`, (drawn / toy).toFixed(2), ""],
    ];
  });
  return [["small protocol, by the runner", `${rounded(toy)}/s`, "1.00", ""], ...rows];
}
