/**
 * How soon each faulty driver is found by exposure, and how soon by hostile requests on the reference: scenarios and
 * milliseconds until the first finding, over many seeds.
 */
import { defaultIntentOptions } from "../generators/intents/generate.js";
import { builtInDrivers } from "../implementations/driver/built-in.js";
import { ReferenceIommu } from "../implementations/iommu/reference/reference.js";
import { blackBoxSubject, exposureSubject } from "../properties/driver-subject.js";
import type { AnyScenario, Subject } from "../properties/subject.js";

interface Detection {
  readonly scenarios: number;
  readonly milliseconds: number;
  readonly found: boolean;
}

/** Runs until the first finding, or for so many milliseconds. */
function firstDetection<S extends AnyScenario>(subject: Subject<S>, seed: number, limit: number): Detection {
  const start = performance.now();
  for (let index = 0; ; index++) {
    const { findings } = subject.judge(subject.generate(Math.imul(seed, 0x85ebca6b) + index), []);
    const milliseconds = performance.now() - start;
    if (findings.length > 0) return { scenarios: index + 1, milliseconds, found: true };
    if (milliseconds > limit) return { scenarios: index + 1, milliseconds, found: false };
  }
}

/** Milliseconds after which exposure gives up. */
const EXPOSURE_LIMIT = 30_000;

function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((one, other) => one - other);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))]!;
}

/**
 * One row for each variant: the median and 95th percentile of scenarios and milliseconds by exposure, the same by
 * hostile requests, and how many times more scenarios those take. `limit` in milliseconds bounds each search by requests.
 */
export function driverVariantRows(seeds: number, limit: number): string[][] {
  const rows = [["variant", "exposure", "", "95 %", "hostile requests", "", "found", "ratio of scenarios"]];
  const all = builtInDrivers.flatMap(({ architecture, variants }) =>
    variants.map((one) => ({ architecture, name: `${architecture}:${one.id}`, create: one.create })),
  );
  for (const driver of all) {
    const options = defaultIntentOptions(driver.architecture);
    const exposure = exposureSubject(driver, options);
    const hostile = blackBoxSubject(driver, new ReferenceIommu(), options);
    const seen = <S extends AnyScenario>(subject: Subject<S>, most: number) =>
      Array.from({ length: seeds }, (_, seed) => firstDetection(subject, seed + 1, most));
    const byExposure = seen(exposure, EXPOSURE_LIMIT);
    const byRequests = seen(hostile, limit);
    const median = (list: readonly Detection[], of: keyof Omit<Detection, "found">) =>
      quantile(
        list.map((one) => one[of]),
        0.5,
      );
    const found = byRequests.filter((one) => one.found).length;
    const ratio = median(byRequests, "scenarios") / median(byExposure, "scenarios");
    rows.push([
      driver.name,
      `${median(byExposure, "scenarios")} scenarios`,
      `${Math.round(median(byExposure, "milliseconds"))} ms`,
      `${Math.round(
        quantile(
          byExposure.map((one) => one.milliseconds),
          0.95,
        ),
      )} ms`,
      `${median(byRequests, "scenarios")} scenarios`,
      `${Math.round(median(byRequests, "milliseconds"))} ms`,
      `${found}/${seeds}`,
      found * 2 > seeds ? ratio.toFixed(1) : `> ${ratio.toFixed(0)}`,
    ]);
  }
  return rows;
}
