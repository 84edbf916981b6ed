/** Registers one at a time, and what in them a unit cannot do (AMD-Vi 3.4). */
import type { Checked, Structure } from "../structure.js";
import type { Word } from "../trace.js";
import { ignoredMask, readField } from "../words/layout.js";
import type { Register } from "../words/register-file.js";
import type { Rule } from "../words/rule.js";
import { numberOf } from "../words/shown-fields.js";
import type { AmdViFeatures } from "./profile.js";
import { registersOf } from "./registers.js";

/** MMIO 0008h, 0010h, 0038h, 00E0h. */
export const bufferLengthRule: Rule = {
  id: "amdvi.registers.buffer-length",
  section: "AMD-Vi MMIO",
  statement: "A buffer has 2^8 to 2^15 entries",
};

const SMALLEST_BUFFER = 8;

function check({ layout }: Register, words: readonly Word[]): Checked {
  const length = layout.fields.find(
    (one) => one.kind === "field" && one.name.endsWith("Len") && one.low === 56,
  );
  const entries = length ? readField(layout, length.name, words) : SMALLEST_BUFFER;
  const unknown = numberOf(words) & numberOf(ignoredMask(layout));
  return {
    broken:
      entries < SMALLEST_BUFFER
        ? [
            {
              rule: bufferLengthRule,
              message: `${length!.name} is ${entries}`,
              consequence: "what hardware does is not said",
            },
          ]
        : [],
    notes:
      unknown === 0n
        ? []
        : [`bits that are reserved in the known revisions are not zero: 0x${unknown.toString(16)}`],
  };
}

/** @param mostCapable a platform with every register */
export function registerStructures(mostCapable: AmdViFeatures): Structure[] {
  return registersOf(mostCapable).map((one) => ({
    name: one.name,
    architecture: "amdvi",
    title: "register",
    widths: [one.layout.width],
    offset: one.offset,
    layouts: [one.layout],
    layoutOf: () => one.layout,
    summary: () => [],
    check: (words) => check(one, words),
  }));
}
