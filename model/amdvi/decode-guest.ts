/** GCR3 and guest page table entries, interrupt table entries and log entries one at a time. */
import { type Broken, type Checked, reservedBits, type Structure } from "../structure.js";
import type { Word } from "../trace.js";
import { type Layout, readField } from "../words/layout.js";
import type { Rule } from "../words/rule.js";
import {
  gcr3EntryLayout,
  guestApicLogLayout,
  guestInterruptLayout,
  guestLayouts,
  interruptEntry32Layout,
  interruptEntry128Layout,
  pageRequestLayout,
} from "./layout-guest.js";
import { type AmdViFeatures, amdViProfile, platformOf } from "./profile.js";

type AmdViLayout = Layout<AmdViFeatures>;

const rule = (id: string, section: string, statement: string): Rule => ({
  id: `amdvi.${id}`,
  section: `AMD-Vi ${section}`,
  statement,
});

export const guestRules = {
  gcr3Reserved: rule("gcr3.reserved-bits", "2.2.6", "Reserved bits of a valid GCR3 table entry are zero"),
  tableReserved: rule(
    "guest-table.reserved-bits",
    "2.2.6",
    "Reserved bits of a present guest page table entry are zero",
  ),
  interruptReserved: rule(
    "interrupt-entry.reserved-bits",
    "2.2.5",
    "Reserved bits of a valid interrupt table entry are zero",
  ),
  interruptType: rule(
    "interrupt-entry.type-illegal",
    "2.2.5",
    "IntType of an interrupt table entry is fixed or arbitrated",
  ),
} as const;

const GUEST_FAULT = "requests are blocked with IO_PAGE_FAULT (GN = 1, PR = 1, RZ = 1)";
const INTERRUPT_FAULT = "interrupts are blocked with IO_PAGE_FAULT (I = 1, PR = 1, RZ = 1)";
const NOT_PRESENT: Checked = { broken: [], notes: ["not present: nothing else of it is looked at"] };

type Check = (words: readonly Word[], of: AmdViLayout, platform: AmdViFeatures) => Checked;

/** Bit 0 says whether the entry counts; then reserved bits must be zero. */
function reservedOnly(broken: Rule, consequence: string): Check {
  return (words, of, platform) => {
    if ((words[0]!.low & 1) === 0) return NOT_PRESENT;
    const message = reservedBits(of, words, platform);
    return { broken: message === "" ? [] : [{ rule: broken, message, consequence }], notes: [] };
  };
}

const checkInterrupt: Check = (words, of, platform) => {
  const { broken, notes } = reservedOnly(guestRules.interruptReserved, INTERRUPT_FAULT)(words, of, platform);
  if (notes.length > 0 || of === guestInterruptLayout) return { broken, notes };
  const type = readField(of, "IntType", words);
  const illegal: Broken[] =
    type > 1
      ? [{ rule: guestRules.interruptType, message: `IntType is ${type}`, consequence: INTERRUPT_FAULT }]
      : [];
  return { broken: [...broken, ...illegal], notes };
};

const noCheck: Check = () => ({ broken: [], notes: [] });

function structure(
  name: string,
  title: string,
  layouts: readonly AmdViLayout[],
  check: Check,
  layoutOf: (words: readonly Word[]) => AmdViLayout = () => layouts[0]!,
): Structure {
  return {
    name,
    architecture: "amdvi",
    title,
    widths: [layouts[0]!.width],
    layouts,
    layoutOf,
    summary: () => [],
    check: (words, profile) => check(words, layoutOf(words), platformOf(amdViProfile(profile))),
  };
}

function guestStructure(level: number): Structure {
  const entries = guestLayouts.filter((one) => one.level === level);
  return structure(
    `guest-table-${level}`,
    `guest page table entry of level ${level}`,
    entries.map((one) => one.layout),
    reservedOnly(guestRules.tableReserved, GUEST_FAULT),
    (words) => {
      const leaf = level === 1 || (level <= 3 && (words[0]!.low & 0x80) !== 0);
      return entries.find((one) => one.leaf === leaf)!.layout;
    },
  );
}

export const guestStructures: readonly Structure[] = [
  structure(
    "gcr3",
    "GCR3 table entry",
    [gcr3EntryLayout],
    reservedOnly(guestRules.gcr3Reserved, GUEST_FAULT),
  ),
  ...[1, 2, 3, 4, 5].map(guestStructure),
  structure(
    "interrupt-entry-32",
    "interrupt table entry of 32 bits",
    [interruptEntry32Layout],
    checkInterrupt,
  ),
  structure(
    "interrupt-entry-128",
    "interrupt table entry of 128 bits",
    [interruptEntry128Layout, guestInterruptLayout],
    checkInterrupt,
    (words) => (words[0]!.low & 0x80 ? guestInterruptLayout : interruptEntry128Layout),
  ),
  structure("page-request", "PPR log entry", [pageRequestLayout], noCheck),
  structure("guest-apic-log", "GA log entry", [guestApicLogLayout], noCheck),
];
