/** What can be wrong with any table whose layout is declared. */
import type { Rule } from "../words/rule.js";
import type { TableFinding } from "./firmware-table.js";
import { shownReserved } from "./show.js";
import { type Family, placed, type Structure, sizeOf } from "./structure.js";
import { fragment, statedLength, sumOf } from "./table.js";

/** The rules that every table has. */
export interface CommonRules {
  readonly signature: Rule;
  readonly tableLength: Rule;
  readonly checksum: Rule;
  readonly reserved: Rule;
  readonly length: Rule;
  readonly unknown: Rule;
}

/** Those rules with ids that begin with `prefix`, as sections of a specification give them. */
export function commonRules(prefix: string, tableSection: string, structureSection: string): CommonRules {
  return {
    signature: {
      id: `${prefix}.table.signature`,
      statement: "the table begins with its signature",
      section: tableSection,
    },
    tableLength: {
      id: `${prefix}.table.length`,
      statement: "the length in the header is that of the table",
      section: tableSection,
    },
    checksum: {
      id: `${prefix}.table.checksum`,
      statement: "the bytes of the table add up to zero",
      section: tableSection,
    },
    reserved: {
      id: `${prefix}.reserved`,
      statement: "reserved bits and bytes are zero",
      section: tableSection,
    },
    length: {
      id: `${prefix}.structure.length`,
      statement: "a structure has the length of its type and ends inside what it is in",
      section: structureSection,
    },
    unknown: {
      id: `${prefix}.structure.unknown`,
      statement: "software skips structures of types that it does not know",
      section: structureSection,
    },
  };
}

/** What is wrong with header, lengths, types and reserved places of a table that was read from these bytes. */
export function commonFindings(
  table: Structure,
  bytes: Uint8Array,
  signature: string,
  rules: CommonRules,
): TableFinding[] {
  if (table.layout === fragment)
    return [{ rule: rules.tableLength, offset: 0, message: `${bytes.length} bytes are too few for a table` }];
  const end = Math.min(statedLength(bytes), bytes.length);
  return [...headerFindings(table, bytes, signature, rules), ...structureFindings(table, 0, end, rules)];
}

function headerFindings(
  table: Structure,
  bytes: Uint8Array,
  signature: string,
  rules: CommonRules,
): TableFinding[] {
  const found: TableFinding[] = [];
  const wrong = (rule: Rule, message: string) => found.push({ rule, offset: 0, message });
  const stated = statedLength(bytes);
  const sum = sumOf(bytes.subarray(0, stated));
  if (table.values.signature !== signature) wrong(rules.signature, `the signature is not ${signature}`);
  if (stated !== bytes.length)
    wrong(rules.tableLength, `the header tells ${stated} bytes, there are ${bytes.length}`);
  if (sum !== 0) wrong(rules.checksum, `the bytes add up to ${sum}, not to 0`);
  return found;
}

/** The structure begins at `offset`; what belongs to it ends before `end`. */
function structureFindings(one: Structure, offset: number, end: number, rules: CommonRules): TableFinding[] {
  const { layout, parts, rest } = one;
  const found: TableFinding[] = [];
  if (one.reserved) {
    const where = shownReserved(one).map(({ name, value }) => `${name} is ${value}`);
    found.push({ rule: rules.reserved, offset, message: `${layout.name}: ${where.join(", ")}` });
  }
  for (const part of placed(parts, offset + layout.bytes)) {
    const partEnd = part.offset + sizeOf(part.structure);
    if (part.structure.layout === layout.parts?.head)
      found.push(headFinding(part.structure, part.offset, layout.parts, rules));
    else found.push(...structureFindings(part.structure, part.offset, partEnd, rules));
  }
  const restAt = offset + sizeOf(one) - rest.length;
  if (layout.tail || restAt >= end) return found;
  const what = layout.parts
    ? `${layout.parts.name} that ends inside ${layout.name}`
    : `part of ${layout.name}`;
  found.push({ rule: rules.length, offset: restAt, message: `${end - restAt} bytes are no ${what}` });
  return found;
}

/** A structure that was read as if its type were not known. */
function headFinding(one: Structure, offset: number, family: Family, rules: CommonRules): TableFinding {
  const type = Number(one.values.type);
  const known = family.layouts.find((layout) => layout.types.includes(type));
  if (!known) return { rule: rules.unknown, offset, message: `${family.name} of type ${type}` };
  const message = `${known.name} takes ${known.bytes} bytes or more, not ${sizeOf(one)}`;
  return { rule: rules.length, offset, message };
}
