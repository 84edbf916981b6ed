/** `replay`: one saved scenario on one implementation, every action with what it showed. */
import { ScenarioError } from "../generators/scenario.js";
import { loadScenario } from "../properties/counterexample.js";
import { breaking, invariants } from "../properties/invariants.js";
import { Judge, withoutAvoided } from "../properties/judge.js";
import { describePlatform, describeStep } from "../reports/steps.js";
import { ExitCode, UsageError } from "./errors.js";
import { openNamed } from "./implementations.js";
import type { Options } from "./options.js";

/** Replays a file and returns the exit code: 1 when it breaks an invariant again. */
export function replay(options: Options, print: (line: string) => void): ExitCode {
  const [, file, ...more] = options.positionals;
  if (file === undefined || more.length > 0)
    throw new UsageError("replay takes one file: iommu-spec replay FILE [--on NAME]");
  if (options.on.length > 1) throw new UsageError("replay takes one --on");
  const { scenario, recorded } = load(file);
  const on = options.on[0] ?? implementationOf(recorded?.implementation);
  const { iommu, known } = openNamed(on, options.qemu);
  try {
    const steerAround = recorded?.steered ? known : [];
    const { steps } = withoutAvoided(scenario, steerAround);
    const judged = new Judge().judge(scenario, iommu, steerAround);
    const [finding] = judged.findings;
    if (options.json) {
      print(
        JSON.stringify({
          implementation: iommu.name,
          file,
          finding: finding ?? null,
          unknown: judged.unknown,
          failure: judged.failure,
        }),
      );
    } else {
      for (const line of describePlatform(scenario)) print(line);
      const broken = finding === undefined ? -1 : (judged.run.stepOf[finding.action] ?? steps.length);
      steps.forEach((step, index) => {
        print(`${index === broken ? " >" : "  "} ${String(index + 1).padStart(3)}  ${describeStep(step)}`);
      });
    }
    if (judged.failure) {
      if (!options.json) print(`${iommu.name} failed: ${judged.failure}`);
      return ExitCode.unknown;
    }
    if (!finding) {
      if (!options.json)
        print(
          `${iommu.name} shows nothing inadmissible in this scenario${judged.unknown ? ` (${judged.unknown})` : ""}.`,
        );
      return judged.unknown ? ExitCode.unknown : ExitCode.holds;
    }
    if (!options.json) {
      const ids = invariants.filter((one) => breaking(one, [finding]).length > 0).map((one) => one.id);
      print(`${iommu.name} breaks ${ids.join(", ")} (${finding.kind}): ${finding.message}`);
      for (const line of finding.witness) print(`  ${line}`);
    }
    return ExitCode.violated;
  } finally {
    iommu.close();
  }
}

function load(file: string): ReturnType<typeof loadScenario> {
  try {
    return loadScenario(file);
  } catch (error) {
    if (error instanceof ScenarioError) throw new UsageError(error.message);
    throw error;
  }
}

/** The name `--on` takes for an implementation's own name. */
function implementationOf(name: string | undefined): string {
  if (name === undefined) return "reference";
  if (name.startsWith("reference with ")) return `reference:${name.slice("reference with ".length)}`;
  return name.toLowerCase().startsWith("qemu") ? "qemu" : "reference";
}
