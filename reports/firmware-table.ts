/** A firmware table as text: its structures with their fields, and what is wrong with it. */
import type { ShownStructure, TableFinding } from "../model/acpi/firmware-table.js";

/** Structures with their fields, those within others indented. */
export function structureLines(structures: readonly ShownStructure[], indent = ""): string[] {
  return structures.flatMap(({ name, offset, fields, parts }) => [
    `${indent}${name} at byte ${offset}`,
    ...fields.map((field) => `${indent}  ${field.name}: ${field.value}`),
    ...structureLines(parts, `${indent}  `),
  ]);
}

/** What is wrong, one line each with the rule and its section. */
export function findingLines(findings: readonly TableFinding[]): string[] {
  if (findings.length === 0) return ["no findings"];
  return findings.map(
    ({ rule, offset, message }) => `byte ${offset}: ${message} (${rule.section}, ${rule.id})`,
  );
}
