/** Device table entries and host page table entries one at a time: what they say, and the checks of the walk that they fail. */
import { EntryReader, failedChecks, without } from "../entry-reader.js";
import { OutsideModel } from "../finding.js";
import type { Profile } from "../profile.js";
import { type Broken, type Checked, reservedBits, type Structure } from "../structure.js";
import type { Word } from "../trace.js";
import { Translation } from "../windows/walk.js";
import { showAddress } from "../words/address.js";
import { encode, fieldMask, type Layout, layout, readField, reservedMask } from "../words/layout.js";
import type { Rule } from "../words/rule.js";
import { type AmdViFeatures, type AmdViPlatform, amdViProfile, platformOf } from "./profile.js";
import { type AmdViFaultRule, EventCode, faultRules } from "./rules.js";
import {
  codedPages,
  defaultPages,
  deviceTableEntryLayout,
  NextLevel,
  pageTableEntryLayout,
  pdeLayout,
  pteLayout,
} from "./tables.js";
import { walk } from "./walk.js";

type AmdViLayout = Layout<AmdViFeatures>;

const EVENT_NAMES = new Map(
  Object.entries(EventCode).map(([name, code]) => [
    code,
    name.replaceAll(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase(),
  ]),
);

/** What a request that fails this check is reported as. */
export function consequenceOf({ event, present, permission, reserved }: AmdViFaultRule): string {
  return `requests are blocked with ${EVENT_NAMES.get(event)} (PR = ${present}, PE = ${permission}, RZ = ${reserved})`;
}

interface Failed {
  readonly rule: AmdViFaultRule | null;
  readonly optional: AmdViFaultRule | null;
}

/** The check that the last of these entries fails; the walk finds them one after the other. */
function failedAt(platform: AmdViPlatform, entries: readonly (readonly Word[])[]): Failed {
  const reader = new EntryReader(512, entries);
  const out = new Translation<AmdViFaultRule>();
  try {
    walk(platform, reader, 0, 0, out);
  } catch (error) {
    // Requests without PASID through guest tables are not modelled; what comes before has passed.
    if (!(error instanceof OutsideModel)) throw error;
  }
  const mine = reader.reads === entries.length && out.fault !== faultRules.translationValid;
  return { rule: mine ? out.fault : null, optional: out.optionalFault };
}

/** The field that a rule about an encoding looks at. */
const fieldsOf = new Map<Rule, string>([
  [faultRules.ioControl, "IoCtl"],
  [faultRules.hostAccessedDirty, "HAD"],
  [faultRules.mode, "Mode"],
  [faultRules.guestLevels, "GLX"],
  [faultRules.levelIllegal, "NextLevel"],
  [faultRules.pageSize, "Address"],
]);

function messageOf(rule: Rule, of: AmdViLayout, words: readonly Word[], platform: AmdViFeatures): string {
  const name = fieldsOf.get(rule);
  if (name === undefined) return reservedBits(of, words, platform);
  return name === "Address"
    ? `Address and NextLevel make ${pagesOf(words)} pages`
    : `${name} is ${readField(of, name, words)}`;
}

function checkEntry(
  platform: AmdViPlatform,
  of: AmdViLayout,
  words: readonly Word[],
  before: readonly (readonly Word[])[],
): Checked {
  const first = (now: readonly Word[]) => failedAt(platform, [...before, now]).rule;
  const rules = failedChecks(words, first, (rule, now) => {
    if (rule === faultRules.deviceReserved || rule === faultRules.tableReserved)
      return without(now, reservedMask(of, platform));
    const name = fieldsOf.get(rule);
    return name === undefined || of !== deviceTableEntryLayout ? null : without(now, fieldMask(of, name));
  });
  const { optional } = failedAt(platform, [...before, words]);
  const broken = rules.map((rule) => ({
    rule,
    message: messageOf(rule, of, words, platform),
    consequence: consequenceOf(rule),
  }));
  const notes = optional
    ? [`${optional.id}: units without the feature that HAD belongs to may check it`]
    : [];
  return { broken, notes };
}

const interruptRule = (id: string, statement: string): Rule => ({
  id: `amdvi.dte.${id}`,
  section: "AMD-Vi 2.2.2",
  statement,
});

/** What is checked of the half that remaps interrupts, which the model of DMA does not look at. */
export const interruptRules = {
  reserved: interruptRule(
    "interrupt-reserved-bits",
    "With IV = 1 reserved bits of the interrupt half are zero",
  ),
  length: interruptRule("interrupt-table-length-illegal", "IntTabLen is at most 11"),
  control: interruptRule("interrupt-control-illegal", "IntCtl is not 11b"),
} as const;

const LONGEST_INTERRUPT_TABLE = 11;
const ILLEGAL_INTERRUPT_CONTROL = 3;

/** The fields from bit 128 on. */
const interruptHalf: AmdViLayout = {
  ...deviceTableEntryLayout,
  fields: deviceTableEntryLayout.fields.filter((one) => one.low >= 128),
};

function interruptChecks(words: readonly Word[], platform: AmdViFeatures): Broken[] {
  const value = (name: string) => readField(deviceTableEntryLayout, name, words);
  if (value("IV") === 0) return [];
  const broken: Broken[] = [];
  const illegal = (rule: Rule, message: string, reserved: number) =>
    broken.push({
      rule,
      message,
      consequence: `interrupts are blocked with ILLEGAL_DEV_TABLE_ENTRY (I = 1, RZ = ${reserved})`,
    });
  const reserved = reservedBits(interruptHalf, words, platform);
  if (reserved !== "") illegal(interruptRules.reserved, reserved, 1);
  if (value("IntTabLen") > LONGEST_INTERRUPT_TABLE)
    illegal(interruptRules.length, `IntTabLen is ${value("IntTabLen")}`, 0);
  if (value("IntCtl") === ILLEGAL_INTERRUPT_CONTROL) illegal(interruptRules.control, "IntCtl is 3", 0);
  return broken;
}

/** What becomes of a device's requests, and where its tables are. */
function deviceSummary(words: readonly Word[]): string[] {
  const value = (name: string) => readField(deviceTableEntryLayout, name, words);
  const rights = ["nothing", "reads", "writes", "reads and writes"][value("IR") | (value("IW") << 1)]!;
  const lines: string[] = [];
  if (value("V") === 0) lines.push("V = 0: requests are forwarded untranslated, with every right");
  else if (value("TV") === 0) lines.push("TV = 0: requests that need a translation are blocked");
  else if (value("Mode") === 0) lines.push(`no host translation; allows ${rights}`);
  else lines.push(`host tables of ${value("Mode")} levels; allows ${rights}`);
  if (value("GV") === 1) lines.push(`GCR3 table at ${gcr3Pointer(value)}`);
  if (value("IV") === 1)
    lines.push(
      `interrupt table of ${2 ** value("IntTabLen")} entries at 0x${(value("IntTabRoot") * 64).toString(16)}`,
    );
  return lines;
}

/** 2.2.2: the pointer is in three pieces. */
function gcr3Pointer(value: (name: string) => number): string {
  const page = value("GCR3TRP14:12") + value("GCR3TRP30:15") * 2 ** 3 + value("GCR3TRP51:31") * 2 ** 19;
  return showAddress(page);
}

export const deviceTableStructure: Structure = {
  name: "dte",
  architecture: "amdvi",
  title: "device table entry",
  widths: [256],
  layouts: [deviceTableEntryLayout],
  layoutOf: () => deviceTableEntryLayout,
  summary: deviceSummary,
  check(words, profile: Profile) {
    const platform = platformOf(amdViProfile(profile));
    const { broken, notes } = checkEntry(platform, deviceTableEntryLayout, words, []);
    return { broken: [...broken, ...interruptChecks(words, platform)], notes };
  },
};

const isLeaf = (words: readonly Word[]) => {
  const next = readField(pteLayout, "NextLevel", words);
  return next === NextLevel.leaf || next === NextLevel.sizeCoded;
};

/** Pages that a size-coded leaf maps. */
function pagesOf(words: readonly Word[]): number {
  return codedPages(readField(pteLayout, "Address", words));
}

/** An entry with PR = 0, of which nothing else is looked at. */
const emptyLayout: AmdViLayout = layout("entry that is not present", "2.2.3", 64, [
  ...pteLayout.fields.filter((one) => one.name === "PR"),
  { name: "software", high: 63, low: 1, kind: "ignored", meaning: "hardware does not look" },
]);

function entryLayoutOf(words: readonly Word[]): AmdViLayout {
  if ((words[0]!.low & 1) === 0) return emptyLayout;
  return pageTableEntryLayout(isLeaf(words) ? "pte" : "pde");
}

function entrySummary(level: number, words: readonly Word[]): string[] {
  if ((words[0]!.low & 1) === 0) return [];
  const next = readField(pteLayout, "NextLevel", words);
  const page = readField(pteLayout, "Address", words);
  if (!isLeaf(words)) return [`points to the table of level ${next} at ${showAddress(page)}`];
  const pages = next === NextLevel.leaf ? defaultPages(level) : pagesOf(words);
  return [`maps ${pages} pages at ${showAddress(page - (page % pages))}`];
}

function pageTableStructure(level: number): Structure {
  return {
    name: `page-table-${level}`,
    architecture: "amdvi",
    title: `host page table entry of level ${level}`,
    widths: [64],
    layouts: [pdeLayout, pteLayout, emptyLayout],
    layoutOf: entryLayoutOf,
    summary: (words) => entrySummary(level, words),
    check(words, profile: Profile) {
      if ((words[0]!.low & 1) === 0)
        return { broken: [], notes: ["not present (PR = 0): nothing else of it is looked at"] };
      const platform = platformOf(amdViProfile(profile));
      if (level > platform.hostLevels)
        return { broken: [], notes: [`the platform has no tables of level ${level}`] };
      const device = encode(deviceTableEntryLayout, {
        V: 1,
        TV: 1,
        Mode: level,
        IR: 1,
        IW: 1,
        HostPTRoot: 1,
      });
      return checkEntry(platform, entryLayoutOf(words), words, [device]);
    },
  };
}

export const pageTableStructures = [1, 2, 3, 4, 5, 6].map(pageTableStructure);
