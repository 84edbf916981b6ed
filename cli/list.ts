/** `list`: properties, implementations, drivers, profiles and rules, with the architecture that each is of. */
import { builtInDrivers } from "../implementations/driver/built-in.js";
import { platformSoftware } from "../implementations/driver/platform/built-in.js";
import { deviations } from "../implementations/iommu/reference/deviations.js";
import { architectures } from "../model/architectures.js";
import { fullName, type Structure } from "../model/structure.js";
import { invariants } from "../properties/invariants.js";
import { table } from "../reports/terminal.js";
import { ExitCode, UsageError } from "./errors.js";
import type { Options } from "./options.js";

const SUBJECTS = ["properties", "implementations", "drivers", "profiles", "rules", "structures"] as const;
type Subject = (typeof SUBJECTS)[number];

interface Row {
  readonly id: string;
  /** Ids of the architectures that it is of. */
  readonly architectures: readonly string[];
  readonly text: string;
}

/** Prints one list, or all but the rules and structures. */
export function list(options: Options, print: (line: string) => void): ExitCode {
  const [, wanted, surplus] = options.positionals;
  if (surplus !== undefined) throw new UsageError("list takes one subject");
  if (wanted !== undefined && !SUBJECTS.includes(wanted as Subject)) {
    throw new UsageError(`list knows ${SUBJECTS.join(", ")}, not "${wanted}"`);
  }
  const subjects =
    wanted === undefined
      ? SUBJECTS.filter((one) => one !== "rules" && one !== "structures")
      : [wanted as Subject];
  const meant = new Set<string>(options.architectures.map((one) => one.id));
  const shown = (subject: Subject) =>
    rows(subject).filter((row) => row.architectures.some((one) => meant.has(one)));
  if (options.json) {
    print(JSON.stringify(Object.fromEntries(subjects.map((one) => [one, shown(one)])), null, 2));
    return ExitCode.holds;
  }
  for (const subject of subjects) {
    if (subjects.length > 1) print(`${subject}:`);
    const cells = shown(subject).map((row) => [row.id, row.architectures.join(", "), row.text]);
    for (const line of table(cells)) print(subjects.length > 1 ? `  ${line}` : line);
  }
  return ExitCode.holds;
}

const ALL = architectures.map((one) => one.id);

function rows(subject: Subject): Row[] {
  switch (subject) {
    case "properties":
      return invariants.map(({ id, statement, sections }) => ({
        id,
        architectures: ALL,
        text: `${statement} (${architectures.map((one) => `${one.name} ${sections[one.id].join(", ")}`).join("; ")})`,
      }));
    case "implementations":
      return [
        { id: "reference", architectures: ALL, text: "the built-in operational model with caches" },
        { id: "qemu", architectures: ALL, text: "the IOMMU of an installed QEMU, driven over qtest" },
        ...deviations.map((one) => ({
          id: `reference:${one.id}`,
          architectures: [one.architecture],
          text: one.description,
        })),
      ];
    case "drivers":
      return [
        ...builtInDrivers.flatMap(({ architecture, variants }) =>
          withVariants(
            architecture,
            architecture,
            "the built-in driver of one unit, meant to be correct",
            variants,
          ),
        ),
        ...platformSoftware.flatMap(({ architecture, name, variants }) =>
          withVariants(
            architecture,
            name,
            "the built-in software of a whole machine, meant to be correct",
            variants,
          ),
        ),
      ];
    case "profiles":
      return architectures.flatMap((architecture) =>
        architecture.profiles.map((one) => ({
          id: one.id,
          architectures: [architecture.id],
          text: `${one.description} (registers: ${one.source})`,
        })),
      );
    case "rules":
      return architectures.flatMap((architecture) =>
        [...architecture.rules, ...architecture.structures.rules, ...architecture.firmwareTables.rules].map(
          (one) => ({
            id: one.id,
            architectures: [architecture.id],
            text: `${one.section}: ${one.statement}`,
          }),
        ),
      );
    case "structures":
      return architectures.flatMap((architecture) =>
        architecture.structures.all.map((one) => ({
          id: fullName(one),
          architectures: [architecture.id],
          text: structureText(one),
        })),
      );
  }
}

function structureText({ title, widths, offset, layouts }: Structure): string {
  const at = offset === undefined ? "" : ` at 0x${offset.toString(16)}`;
  const sections = [...new Set(layouts.map((one) => one.section))].join(", ");
  return `${title}${at}, ${widths.join(" or ")} bits (${sections})`;
}

function withVariants(
  architecture: string,
  name: string,
  text: string,
  variants: readonly { readonly id: string; readonly description: string }[],
): Row[] {
  return [
    { id: name, architectures: [architecture], text },
    ...variants.map(({ id, description }) => ({
      id: `${name}:${id}`,
      architectures: [architecture],
      text: description,
    })),
  ];
}
