/** Structures of scalable mode and of interrupts one at a time (VT-d 9.2 to 9.7, 9.9 to 9.11). */
import type { Profile } from "../profile.js";
import { type Broken, type Checked, reservedBits, type Structure } from "../structure.js";
import type { Word } from "../trace.js";
import { type Layout, readField } from "../words/layout.js";
import { consequenceOf, DOMAIN_ZERO, spanOf } from "./decode-tables.js";
import {
  postedDescriptorLayout,
  postedInterruptLayout,
  remappedInterruptLayout,
} from "./layout-interrupts.js";
import { permissionLayouts } from "./layout-permissions.js";
import {
  capability,
  extendedCapability,
  firstStageLayouts,
  PasidTranslation,
  pasidDirectoryLayout,
  pasidEntryLayout,
  scalableContextLayout,
  scalableRootLayout,
} from "./layout-scalable.js";
import { type Platform, platformOf, vtdProfile } from "./profile.js";
import type { VtdFaultRule } from "./rules.js";
import { scalableRules } from "./scalable-rules.js";

type VtdLayout = Layout<Platform>;
type Check = (words: readonly Word[], platform: Platform) => Checked;

const NOT_PRESENT: Checked = { broken: [], notes: ["not present: nothing else of it is looked at"] };

function broken(rule: VtdFaultRule, message: string): Broken {
  return { rule, message, consequence: consequenceOf(rule) };
}

/** The rule about reserved bits, where some are not zero. */
function reserved(rule: VtdFaultRule, of: VtdLayout, words: readonly Word[], platform: Platform): Broken[] {
  const message = reservedBits(of, words, platform);
  return message === "" ? [] : [broken(rule, message)];
}

/** A structure that only units with a capability have. */
function structure(
  name: string,
  needs: string,
  layouts: readonly VtdLayout[],
  check: Check,
  layoutOf: (words: readonly Word[]) => VtdLayout = () => layouts[0]!,
  summary: (words: readonly Word[]) => readonly string[] = () => [],
): Structure {
  const has = extendedCapability(needs);
  return {
    name,
    architecture: "vtd",
    title: layouts[0]!.name.replace(/,.*/, ""),
    widths: [layouts[0]!.width],
    layouts,
    layoutOf,
    summary,
    check(words, profile: Profile) {
      const platform = platformOf(vtdProfile(profile));
      if (!has(platform)) return { broken: [], notes: [`the platform has no use for it: ECAP.${needs} = 0`] };
      return check(words, platform);
    },
  };
}

const rootHalves = [
  { present: "LP", low: 0 },
  { present: "UP", low: 64 },
] as const;

/** 7.1.3 SRT.3: each half counts when it is present. */
function checkRoot(words: readonly Word[], platform: Platform): Checked {
  const used = rootHalves.filter(({ present }) => readField(scalableRootLayout, present, words) === 1);
  const kept = words.map((word, half) =>
    used.some((one) => one.low === 64 * half) ? word : { low: 0, high: 0 },
  );
  return {
    broken: reserved(scalableRules.rootReserved, scalableRootLayout, kept, platform),
    notes: rootHalves
      .filter((one) => !used.includes(one))
      .map(({ present }) => `${present} = 0: nothing else of that half is looked at`),
  };
}

function checkContext(words: readonly Word[], platform: Platform): Checked {
  const value = (name: string) => readField(scalableContextLayout, name, words);
  if (value("P") === 0) return NOT_PRESENT;
  const found = reserved(scalableRules.contextReserved, scalableContextLayout, words, platform);
  if (value("PRE") === 1 && value("DTE") === 0)
    found.push(broken(scalableRules.pageRequests, "PRE is 1, DTE is 0"));
  const limit = 64 * 2 ** (value("PDTS") + 7);
  if (value("RID_PASID") >= limit)
    found.push(
      broken(
        scalableRules.requestPasid,
        `RID_PASID is ${value("RID_PASID")}, the directory is for ${limit} PASIDs`,
      ),
    );
  if (value("EPTR") === 1 && value("PASIDE") === 0)
    found.push(broken(scalableRules.translatedPasid, "EPTR is 1, PASIDE is 0"));
  return { broken: found, notes: [] };
}

const { firstStage, secondStage, nested, passThrough } = PasidTranslation;

/** 7.1.3 SPT.4.2: what each translation type needs. */
const typeNeeds: Readonly<Record<number, string>> = {
  [firstStage]: "FSTS",
  [secondStage]: "SSTS",
  [nested]: "NEST",
  [passThrough]: "PT",
};

function checkPasidEntry(words: readonly Word[], platform: Platform): Checked {
  const value = (name: string) => readField(pasidEntryLayout, name, words);
  if (value("P") === 0)
    return { broken: [], notes: ["not present: nothing else of it but FPD is looked at"] };
  const found = reserved(scalableRules.entryReserved, pasidEntryLayout, words, platform);
  const type = value("PGTT");
  const needs = typeNeeds[type];
  if (needs === undefined || !extendedCapability(needs)(platform))
    found.push(broken(scalableRules.translationType, `PGTT is ${type}`));
  const levels = value("AW") + 2;
  const usesSecond = type === secondStage || type === nested;
  const usesFirst = type === firstStage || type === nested;
  const widthKnown = levels <= 5 && ((platform.supportedLevels >>> levels) & 1) === 1;
  if (usesSecond && !widthKnown) found.push(broken(scalableRules.addressWidth, `AW is ${value("AW")}`));
  const modes = capability("FS5LP")(platform) ? 1 : 0;
  if (usesFirst && value("FSPM") > modes)
    found.push(broken(scalableRules.pagingMode, `FSPM is ${value("FSPM")}`));
  const limit = 2 ** (Math.min(platform.guestAddressWidth, 12 + 9 * levels) - 12);
  if (type === nested && widthKnown && value("FSPTPTR") >= limit)
    found.push(broken(scalableRules.firstStagePointer, "FSPTPTR is beyond the width of the second stage"));
  const zero = platform.cachingMode && value("DID") === 0;
  return { broken: found, notes: zero ? [DOMAIN_ZERO] : [] };
}

/** A structure with a present bit and nothing to check but reserved bits. */
const reservedOnly =
  (rule: VtdFaultRule, of: (words: readonly Word[]) => VtdLayout): Check =>
  (words, platform) =>
    (words[0]!.low & 1) === 0
      ? NOT_PRESENT
      : { broken: reserved(rule, of(words), words, platform), notes: [] };

function firstStageStructure(level: number): Structure {
  const entries = firstStageLayouts.filter((one) => one.level === level);
  const layoutOf = (words: readonly Word[]) => {
    const leaf = level === 1 || (level <= 3 && (words[0]!.low & 0x80) !== 0);
    return entries.find((one) => one.leaf === leaf)!.layout;
  };
  const maps = (words: readonly Word[]) => entries.some((one) => one.leaf && one.layout === layoutOf(words));
  return {
    ...structure(
      `first-stage-${level}`,
      "FSTS",
      entries.map((one) => one.layout),
      reservedOnly(scalableRules.firstStageReserved, layoutOf),
      layoutOf,
      (words) => [spanOf(level, maps(words))],
    ),
    title: `first-stage paging entry of level ${level}`,
  };
}

const RESERVED_DELIVERY_MODES = [3, 6];
const RESERVED_VALIDATION = 3;

const interruptLayoutOf = (words: readonly Word[]) =>
  words[0]!.low & 0x8000 ? postedInterruptLayout : remappedInterruptLayout;

function checkInterrupt(words: readonly Word[], platform: Platform): Checked {
  const of = interruptLayoutOf(words);
  if ((words[0]!.low & 1) === 0)
    return { broken: [], notes: ["not present: nothing else of it but FPD is looked at"] };
  const found = reserved(scalableRules.interruptReserved, of, words, platform);
  const mode = of === remappedInterruptLayout ? readField(of, "DLM", words) : 0;
  const encodings = [
    ...(RESERVED_DELIVERY_MODES.includes(mode) ? [`DLM is ${mode}`] : []),
    ...(readField(of, "SVT", words) === RESERVED_VALIDATION ? ["SVT is 3"] : []),
  ];
  if (encodings.length > 0) found.push(broken(scalableRules.interruptEncoding, encodings.join("; ")));
  const notes =
    of === remappedInterruptLayout
      ? ["without extended interrupt mode (IRTA.EIME = 0) bits 39:32 and 63:48 are reserved too"]
      : [];
  return { broken: found, notes };
}

export const scalableStructures: readonly Structure[] = [
  structure("scalable-root", "SMTS", [scalableRootLayout], checkRoot),
  structure("scalable-context", "SMTS", [scalableContextLayout], checkContext),
  structure(
    "pasid-directory",
    "SMTS",
    [pasidDirectoryLayout],
    reservedOnly(scalableRules.directoryReserved, () => pasidDirectoryLayout),
  ),
  structure("pasid-table", "SMTS", [pasidEntryLayout], checkPasidEntry),
  ...[1, 2, 3, 4, 5].map(firstStageStructure),
  structure(
    "interrupt-entry",
    "IR",
    [remappedInterruptLayout, postedInterruptLayout],
    checkInterrupt,
    interruptLayoutOf,
  ),
  ...permissionLayouts.map((of, at) =>
    structure(`permission-${at + 1}`, "HPTS", [of], (words, platform) => ({
      broken: reserved(scalableRules.permissionReserved, of, words, platform),
      notes: [],
    })),
  ),
  structure("posted-descriptor", "IR", [postedDescriptorLayout], (words, platform) => ({
    broken: reserved(scalableRules.postedReserved, postedDescriptorLayout, words, platform),
    notes: [],
  })),
];
