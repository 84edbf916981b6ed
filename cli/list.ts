/** `list`: properties, implementations, drivers, profiles and rules. */
import { vtdDriverVariants } from "../implementations/driver/vtd/index.js";
import { deviations } from "../implementations/iommu/reference/deviations.js";
import { vtdRules } from "../model/vtd/behaviour-rules.js";
import { profiles } from "../model/vtd/profiles.js";
import { invariants } from "../properties/invariants.js";
import { table } from "../reports/terminal.js";
import { ExitCode, UsageError } from "./errors.js";
import type { Options } from "./options.js";

const SUBJECTS = ["properties", "implementations", "drivers", "profiles", "rules"] as const;
type Subject = (typeof SUBJECTS)[number];

/** Prints one list, or all but the rules. */
export function list(options: Options, print: (line: string) => void): ExitCode {
  const [, wanted, surplus] = options.positionals;
  if (surplus !== undefined) throw new UsageError("list takes one subject");
  if (wanted !== undefined && !SUBJECTS.includes(wanted as Subject)) {
    throw new UsageError(`list knows ${SUBJECTS.join(", ")}, not "${wanted}"`);
  }
  const subjects = wanted === undefined ? SUBJECTS.filter((one) => one !== "rules") : [wanted as Subject];
  if (options.json) {
    print(
      JSON.stringify(
        Object.fromEntries(subjects.map((one) => [one, rows(one).map(([id, text]) => ({ id, text }))])),
        null,
        2,
      ),
    );
    return ExitCode.holds;
  }
  for (const subject of subjects) {
    if (subjects.length > 1) print(`${subject}:`);
    for (const line of table(rows(subject))) print(subjects.length > 1 ? `  ${line}` : line);
  }
  return ExitCode.holds;
}

function rows(subject: Subject): string[][] {
  switch (subject) {
    case "properties":
      return invariants.map((one) => [one.id, `${one.statement} (${one.sections.join(", ")})`]);
    case "implementations":
      return [
        ["reference", "the built-in operational model with caches"],
        ["qemu", "intel-iommu of an installed QEMU, driven over qtest"],
        ...deviations.map((one) => [`reference:${one.id}`, one.description]),
      ];
    case "drivers":
      return [
        ["vtd", "the built-in VT-d driver, meant to be correct"],
        ...vtdDriverVariants.map((one) => [`vtd:${one.id}`, one.description]),
      ];
    case "profiles":
      return profiles.map((one) => [one.id, `${one.description} (registers: ${one.source})`]);
    case "rules":
      return vtdRules.map((one) => [one.id, `${one.section}: ${one.statement}`]);
  }
}
