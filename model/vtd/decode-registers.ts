/** Registers one at a time, and what in them a unit cannot do (VT-d 11.4). */
import type { Broken, Checked, Structure } from "../structure.js";
import type { Word } from "../trace.js";
import { ignoredMask, type Layout, readField } from "../words/layout.js";
import type { Rule } from "../words/rule.js";
import { numberOf } from "../words/shown-fields.js";
import { faultReason } from "./fault-reasons.js";
import { furtherRegisters } from "./layout-registers.js";
import { extendedCapability } from "./layout-scalable.js";
import { type Platform, platformOf, vtdProfile } from "./profile.js";
import { type Register, registersOf } from "./registers.js";

const rule = (id: string, section: string, statement: string): Rule => ({
  id: `vtd.registers.${id}`,
  section: `VT-d ${section}`,
  statement,
});

export const registerFieldRules = {
  rootTableMode: rule("root-table-mode", "11.4.5", "TTM names a translation table mode that the unit has"),
  granularity: rule("granularity", "11.4.6", "An invalidation by register asks for a granularity there is"),
  queueWidth: rule("queue-width", "11.4.9.3", "DW = 1 needs scalable mode"),
  unsupportedControl: rule("unsupported-control", "11.4.4.1", "A control of GCMD is one that the unit has"),
  oneControl: rule("one-control", "11.4.4.1", "One write changes one control"),
  interruptMode: rule("extended-interrupt-mode", "11.4.10", "EIME = 1 needs ECAP.EIM = 1"),
} as const;

/** One thing that may be wrong with a register. */
interface FieldCheck {
  readonly register: string;
  readonly rule: Rule;
  readonly consequence: string;
  /** What is wrong; empty when nothing is. */
  readonly wrong: (value: (name: string) => number, platform: Platform) => string;
}

const has = (name: string, platform: Platform) => extendedCapability(name)(platform);

/** What a control of GCMD needs. */
const controls: readonly { readonly bit: string; readonly needs: string }[] = [
  { bit: "QIE", needs: "QI" },
  { bit: "IRE", needs: "IR" },
  { bit: "SIRTP", needs: "IR" },
  { bit: "CFI", needs: "IR" },
];

const checks: readonly FieldCheck[] = [
  {
    register: "RTADDR_REG",
    rule: registerFieldRules.rootTableMode,
    consequence: "requests are blocked with fault 30h, RTA.1",
    wrong(value, platform) {
      const mode = value("TTM");
      const known =
        mode === 0 || (mode === 1 && has("SMTS", platform)) || (mode === 3 && has("ADMS", platform));
      return known ? "" : `TTM is ${mode}`;
    },
  },
  {
    register: "CCMD_REG",
    rule: registerFieldRules.granularity,
    consequence: "what hardware does is not said",
    wrong: (value) => (value("ICC") === 1 && value("CIRG") === 0 ? "CIRG is 0" : ""),
  },
  {
    register: "IOTLB_REG",
    rule: registerFieldRules.granularity,
    consequence: "what hardware does is not said",
    wrong: (value) => (value("IVT") === 1 && value("IIRG") === 0 ? "IIRG is 0" : ""),
  },
  {
    register: "IQA_REG",
    rule: registerFieldRules.queueWidth,
    consequence: "the queue stops with IQEI = 5",
    wrong: (value, platform) => (value("DW") === 1 && !has("SMTS", platform) ? "DW is 1" : ""),
  },
  {
    register: "GCMD_REG",
    rule: registerFieldRules.unsupportedControl,
    consequence: "what hardware does is not said",
    wrong: (value, platform) =>
      controls
        .filter(({ bit, needs }) => value(bit) === 1 && !has(needs, platform))
        .map(({ bit, needs }) => `${bit} is 1, ECAP.${needs} is 0`)
        .join("; "),
  },
  {
    register: "GCMD_REG",
    rule: registerFieldRules.oneControl,
    consequence: "what hardware does is not said",
    wrong(value) {
      const once = ["SRTP", "WBF", "SIRTP"].filter((bit) => value(bit) === 1);
      return once.length > 1 ? `${once.join(" and ")} are 1` : "";
    },
  },
  {
    register: "IRTA_REG",
    rule: registerFieldRules.interruptMode,
    consequence: "what hardware does is not said",
    wrong: (value, platform) => (value("EIME") === 1 && !has("EIM", platform) ? "EIME is 1" : ""),
  },
];

function check({ name, layout }: Register, words: readonly Word[], platform: Platform): Checked {
  const broken = checks
    .filter((one) => one.register === name)
    .map(
      ({ rule, consequence, wrong }): Broken => ({
        rule,
        consequence,
        message: wrong((field) => readField(layout, field, words), platform),
      }),
    );
  return { broken: broken.filter((one) => one.message !== ""), notes: unknownBits(layout, words) };
}

/** Bits that no field has. */
function unknownBits(of: Layout, words: readonly Word[]): string[] {
  const unknown = numberOf(words) & numberOf(ignoredMask(of));
  return unknown === 0n
    ? []
    : [`bits that are reserved in this revision are not zero: 0x${unknown.toString(16)}`];
}

/** A fault record in words. */
function recordSummary(of: Layout, words: readonly Word[]): string[] {
  const value = (name: string) => readField(of, name, words);
  if (value("F") === 0) return ["F = 0: no fault is recorded"];
  const kind = ["a write", "a page request", "a read", "an AtomicOp"][value("T2") | (value("T1") << 1)]!;
  const reason = faultReason(value("FR"));
  return [`${kind}: ${reason ? `${reason.statement} (${reason.section})` : "an unknown reason"}`];
}

function structureOf(one: Register): Structure {
  return {
    name: one.name.replace(/_REG(\[\d+\])?$/, ""),
    architecture: "vtd",
    title: "register",
    widths: [one.layout.width],
    ...(one.offset < FIRST_MOVABLE && { offset: one.offset }),
    layouts: [one.layout],
    layoutOf: () => one.layout,
    summary: (words) => (isRecord(one) ? recordSummary(one.layout, words) : []),
    check: (words, profile) => check(one, words, platformOf(vtdProfile(profile))),
  };
}

const isRecord = ({ name }: Register) => name.startsWith("FRCD");

/** Registers from here on are where the platform says (CAP.FRO, ECAP.IRO). */
const FIRST_MOVABLE = 0x100;

/** @param mostCapable a platform with every register */
export function registerStructures(mostCapable: Platform): Structure[] {
  const further = new Set(furtherRegisters.map((one) => one.name));
  const registers = registersOf(mostCapable).filter((one) => !further.has(one.name));
  const all = [...registers, ...furtherRegisters].sort((a, b) => a.offset - b.offset);
  const record = structureOf(all.find(isRecord)!);
  return [{ ...record, name: "fault-record", title: "fault record" }, ...all.map(structureOf)];
}
