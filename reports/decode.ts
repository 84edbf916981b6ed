/** A decoded entry as text. */
import type { Decoded } from "../model/structure.js";
import { table } from "./terminal.js";

/** Platforms named in a line; of more only the number is told. */
const MOST_NAMED = 4;

/** What the entry is, its fields, what it says, and what it breaks. */
export function decodeLines(decoded: Decoded, value: string): string[] {
  const { structure, layout, section, width, fields } = decoded;
  const rows = fields.map(({ bits, name, value, says, kind, meaning }) => [
    bits,
    kind === "reserved" || kind === "ignored" ? kind : name,
    value,
    says === "" ? meaning : `${meaning}: ${says}`,
  ]);
  return [
    `${structure}: ${layout} (${section}), ${width} bits`,
    value,
    "",
    ...table(rows).map((line) => `  ${line}`),
    "",
    ...decoded.summary,
    ...decoded.notes.map((one) => `note: ${one}`),
    ...verdictLines(decoded),
  ];
}

/** What an entry breaks, or that it breaks nothing. */
export function verdictLines({ profile, broken, depends }: Decoded): string[] {
  const where = profile === null ? "on every platform" : `on ${profile}`;
  const lines = broken.flatMap(({ rule, message, consequence }) => [
    `breaks ${rule.id} ${where} (${rule.section}): ${rule.statement}`,
    `  ${message}`,
    ...(consequence === "" ? [] : [`  ${consequence}`]),
  ]);
  const dependent = depends.flatMap(({ rule, profiles, message }) => [
    `depends on the platform: ${rule.id} (${rule.section}): ${rule.statement}`,
    `  broken on ${showProfiles(profiles)}: ${message}`,
  ]);
  if (lines.length === 0) lines.push(`breaks no rule ${profile === null ? "that holds " : ""}${where}`);
  return [...lines, ...dependent];
}

function showProfiles(profiles: readonly string[]): string {
  const named = profiles.slice(0, MOST_NAMED).join(", ");
  return profiles.length > MOST_NAMED ? `${named} and ${profiles.length - MOST_NAMED} more` : named;
}
