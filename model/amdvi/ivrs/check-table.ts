/** What is wrong with an IVRS by itself, whatever machine it is of (AMD-Vi 5.2.2). */
import { commonFindings } from "../../acpi/checks.js";
import type { TableFinding } from "../../acpi/firmware-table.js";
import { isA } from "../../acpi/structure.js";
import { fragment, readTable } from "../../acpi/table.js";
import type { Rule } from "../../words/rule.js";
import { deviceFindings } from "./check-devices.js";
import { memoryFindings } from "./check-memory.js";
import { unitFindings } from "./check-units.js";
import { type Ivrs, ivhd40Layout } from "./layouts.js";
import * as rules from "./rules.js";
import type { Description } from "./units.js";

export const SIGNATURE = "IVRS";

const WIDEST_PHYSICAL = 52;
const WIDEST_VIRTUAL = 64;

/** What is wrong with a table that was read from these bytes. */
export function tableFindings(description: Description, bytes: Uint8Array): readonly TableFinding[] {
  const { table, units } = description;
  if (!table) return commonFindings(readTable(fragment, bytes), bytes, SIGNATURE, rules.common);
  return [
    ...commonFindings(table, bytes, SIGNATURE, rules.common),
    ...fixedFindings(table),
    ...unitFindings(units, table.values.paSize),
    ...deviceFindings(units),
    ...memoryFindings(description),
  ];
}

function fixedFindings({ values, parts }: Ivrs): TableFinding[] {
  const found: TableFinding[] = [];
  const wrong = (rule: Rule, message: string) => found.push({ rule, offset: 0, message });
  const { revision, paSize, vaSize } = values;
  const has40 = parts.some((one) => isA(one, ivhd40Layout));
  if (revision !== 1 && revision !== 2) wrong(rules.revision, `the revision is ${revision}`);
  if (revision === 1 && has40) wrong(rules.revision, "a table of revision 1 has an IVHD of type 40h");
  if (!parts.some((one) => [0x10, 0x11, 0x40].includes(Number(one.values.type))))
    wrong(rules.noUnit, "there is no IVHD");
  if (paSize === 0 || paSize > WIDEST_PHYSICAL) wrong(rules.sizes, `physical addresses of ${paSize} bits`);
  if (vaSize > WIDEST_VIRTUAL) wrong(rules.sizes, `virtual addresses of ${vaSize} bits`);
  return found;
}
