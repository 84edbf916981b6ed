/** Table entries that Linux and Xen print behind a fault, from the root entry down. */
import { type LogForm, type LogMeaning, meaning } from "../kernel-log.js";
import { readField } from "../words/layout.js";
import { wordsOf } from "../words/shown-fields.js";
import { PasidTranslation, pasidEntryLayout } from "./layout-scalable.js";

function shows(what: string, section: string, structure: string, hex: string, bits: number): LogMeaning {
  return meaning(what, {
    section: `VT-d ${section}`,
    entry: { structure, words: wordsOf(BigInt(`0x${hex}`), bits) },
  });
}

/** Linux begins a dump of tables with this. */
const DUMP = "table entries for IOVA";

/** What stands before a message in the same dump. */
function sameDump(before: string): string {
  return before.slice(before.lastIndexOf(DUMP) + 1);
}

const isScalable = (before: string) => /scalable mode root entry/i.test(sameDump(before));

/** True behind a PASID table entry that leads to first-stage tables. */
function leadsToFirstStage(before: string): boolean {
  const first = [...sameDump(before).matchAll(/pasid table entry\[0\]:\s*0x([0-9a-f]+)/gi)].at(-1)?.[1];
  if (first === undefined) return false;
  const type = readField(pasidEntryLayout, "PGTT", wordsOf(BigInt(`0x${first}`), 512));
  return type === PasidTranslation.firstStage || type === PasidTranslation.nested;
}

/** Lines `pasid table entry[0]` to `[7]`. */
const PASID_ENTRY = new RegExp(
  Array.from({ length: 8 }, (_, at) => `pasid table entry\\[${at}\\]:\\s*0x(?<w${at}>[0-9a-f]{16})`).join(
    "\\s+(?:DMAR:\\s*)?",
  ),
  "gi",
);

export const tableForms: readonly LogForm[] = [
  {
    pattern: /scalable mode root entry:\s*hi\s+0x(?<high>[0-9a-f]{16}),\s*low\s+0x(?<low>[0-9a-f]{16})/gi,
    meaning: ({ high, low }) =>
      shows("the scalable-mode root entry", "9.2", "scalable-root", `${high}${low}`, 128),
  },
  {
    pattern: /(?<!mode )root entry:\s*0x(?<low>[0-9a-f]{16})/gi,
    meaning: ({ low }) => shows("the root entry, lower half", "9.1", "root", low!, 128),
  },
  {
    pattern: /context entry:\s*hi\s+0x(?<high>[0-9a-f]{16}),\s*low\s+0x(?<low>[0-9a-f]{16})/gi,
    meaning: ({ high, low }, before) =>
      isScalable(before)
        ? shows(
            "the scalable-mode context entry, lower half",
            "9.4",
            "scalable-context",
            `${high}${low}`,
            256,
          )
        : shows("the context entry", "9.3", "context", `${high}${low}`, 128),
  },
  {
    pattern: /pasid dir entry:\s*0x(?<word>[0-9a-f]{16})/gi,
    meaning: ({ word }) => shows("the PASID directory entry", "9.5", "pasid-directory", word!, 64),
  },
  {
    pattern: PASID_ENTRY,
    meaning: (groups) => {
      const words = Array.from({ length: 8 }, (_, at) => groups[`w${7 - at}`]).join("");
      return shows("the PASID table entry", "9.6", "pasid-table", words, 512);
    },
  },
  {
    pattern: /pte level:\s*(?<level>[1-5]),\s*pte value:\s*0x(?<word>[0-9a-f]{16})/gi,
    meaning: ({ level, word }, before) =>
      leadsToFirstStage(before)
        ? shows(`the first-stage entry of level ${level}`, "9.7", `first-stage-${level}`, word!, 64)
        : shows(`the second-stage entry of level ${level}`, "9.8", `second-stage-${level}`, word!, 64),
  },
  {
    pattern: /root_entry\[[0-9a-f]+\] = (?<low>[0-9a-f]{1,16})\b/gi,
    meaning: ({ low }) => shows("the root entry, lower half", "9.1", "root", low!, 128),
  },
  {
    pattern: /\bcontext\[[0-9a-f]+\] = (?<high>[0-9a-f]+)_(?<low>[0-9a-f]+)\b/gi,
    meaning: ({ high, low }) =>
      shows("the context entry", "9.3", "context", `${high}${low!.padStart(16, "0")}`, 128),
  },
  {
    pattern: /\bl(?<level>[1-5])\[[0-9a-f]+\] = (?<word>[0-9a-f]{1,16})\b/gi,
    meaning: ({ level, word }) =>
      shows(`the second-stage entry of level ${level}`, "9.8", `second-stage-${level}`, word!, 64),
  },
];
