/** Searches for a counterexample of every faulty variant that has none yet, shrinks it and writes its file. */
import { existsSync } from "node:fs";
import { subjectOf } from "../bugs/subject.js";
import { saveCounterexample } from "../counterexample.js";
import { brokenBy } from "../invariants.js";
import { type Minimised, minimise } from "../minimise.js";
import type { AnyScenario, Subject } from "../subject.js";
import { counterexampleOf, type Variant, variants } from "./counterexamples.js";

const MOST_SEEDS = 20_000;

for (const variant of variants) {
  const file = counterexampleOf(variant);
  if (!existsSync(file)) write(file, variant);
}

function write(file: string, variant: Variant): void {
  const subject = subjectOf(variant);
  const { seed, scenario, finding, complete } = smallestOf(subject, variant);
  const { kind, message, rules, witness } = finding;
  saveCounterexample(file, {
    format: "iommu-spec counterexample 1",
    implementation: subject.name,
    invariants: brokenBy(finding),
    seed,
    known: null,
    steered: false,
    minimal: complete,
    finding: { kind, message, rules: [...rules], witness: [...witness] },
    scenario,
  });
  console.log(`${file}: ${kind} in ${scenario.steps.length} steps`);
}

/** Others are drawn, which takes long, only where taking away leaves more than a step too many. */
function smallestOf(
  subject: Subject<AnyScenario>,
  { name, minimum }: Variant,
): Minimised<AnyScenario> & { readonly seed: number } {
  for (let seed = 1; seed <= MOST_SEEDS; seed++) {
    const scenario = subject.generate(seed);
    const finding = subject.judge(scenario, []).findings.find((one) => brokenBy(one).length > 0);
    if (!finding) continue;
    const small = minimise({ ...subject, hasOneFault: false }, scenario, finding);
    const isShort = small.scenario.steps.length <= minimum.steps + 1;
    return { ...(isShort ? small : minimise(subject, small.scenario, small.finding)), seed };
  }
  throw new Error(`no counterexample of ${name} among ${MOST_SEEDS} scenarios`);
}
