/** The walk behind a finding: the entries that a request went through, with what their bits say. */
import type { Architecture } from "../model/architecture.js";
import type { Evidence, EvidenceEntry } from "../model/finding.js";
import { showWord } from "../model/isolation/witness.js";
import type { Word } from "../model/trace.js";
import { showEffect } from "../model/windows/oracle.js";
import { showAddress, showRequester } from "../model/words/address.js";
import type { Layout } from "../model/words/layout.js";
import { shownFields } from "../model/words/shown-fields.js";
import type { Walk } from "./result.js";

type WalkEntry = Walk["entries"][number];

const WORD_BITS = 64;
const ZERO: Word = { low: 0, high: 0 };

/** The walk as reports draw it; null where it is not about entries. */
export function walkOf(
  architecture: Architecture,
  evidence: Evidence,
  stepOf: readonly number[],
): Walk | null {
  if (evidence.entries.length === 0) return null;
  return {
    request: requestText(evidence),
    entries: evidence.entries.map((one) => entryOf(architecture, one, stepOf)),
    target: targetText(evidence),
  };
}

/** The request in words. */
export function requestText({ type, page, offset, requester }: Evidence): string {
  const where = `${showAddress(page, offset)} by ${showRequester(requester)}`;
  return type === "table" ? `walk for ${where}` : `${type} of ${where}`;
}

function targetText({ type, effect, leads }: Evidence): string {
  if (type === "table") return `reads entries from page ${showAddress(effect)}`;
  return leads ? showEffect(effect) : `${showEffect(effect)}, which is not what the entries say`;
}

function entryOf(architecture: Architecture, entry: EvidenceEntry, stepOf: readonly number[]): WalkEntry {
  const { name, page, word, low, high, storedBy, replacedBy, why } = entry;
  const layout = architecture.entryLayout(entry);
  return {
    name,
    address: page < 0 ? "" : showAddress(page, word * 8),
    value: showWord(entry),
    fields: layout ? fieldsOf(layout, word, { low, high }) : [],
    storedStep: stepOf[storedBy] ?? -1,
    replacedStep: replacedBy === null ? null : (stepOf[replacedBy] ?? -1),
    stale: why !== null,
    why,
  };
}

/** What one word of an entry says, which may have more. */
function fieldsOf(layout: Layout<never>, word: number, value: Word): WalkEntry["fields"] {
  const index = word % (layout.width / WORD_BITS);
  const words = Array.from({ length: layout.width / WORD_BITS }, (_, at) => (at === index ? value : ZERO));
  const fields = layout.fields.filter(({ low }) => Math.floor(low / WORD_BITS) === index);
  return shownFields({ ...layout, fields }, words).map(({ name, bits, value, says, meaning }) => ({
    name,
    bits,
    value,
    meaning: says === "" ? meaning : `${meaning}: ${says}`,
  }));
}
