/** Root, context and second-stage entries one at a time: what they say, and the checks of the walk that they fail. */
import { EntryReader, failedChecks, without } from "../entry-reader.js";
import type { Profile } from "../profile.js";
import { type Broken, type Checked, reservedBits, type Structure } from "../structure.js";
import type { Word } from "../trace.js";
import { Translation } from "../windows/walk.js";
import { encode, ignoredMask, type Layout, readField, reservedMask } from "../words/layout.js";
import { type Platform, platformOf, vtdProfile } from "./profile.js";
import { faultRules, type VtdFaultRule } from "./rules.js";
import { contextEntryLayout, rootEntryLayout, secondStageLayout } from "./tables.js";
import { inInterruptRange, walk, walkPlatformOf } from "./walk.js";

type VtdLayout = Layout<Platform>;

/** What software sees of a request that fails this check. */
export function consequenceOf({ reason, condition }: VtdFaultRule): string {
  const code = `${reason.toString(16).toUpperCase()}h`;
  const scalable = condition === "LSS.2" ? " (7Ah, SSS.3 in scalable mode)" : "";
  return `requests are blocked with fault ${condition === code ? code : `${code}, ${condition}`}${scalable}`;
}

/** A broken rule with the reserved bits that break it, where it is about those. */
export function brokenBy(
  rule: VtdFaultRule,
  of: VtdLayout,
  words: readonly Word[],
  platform: Platform,
): Broken {
  const ignored = platform.profile.ignoredBitsChecked
    ? "bits that the specification has ignored are not zero, and the platform checks them"
    : "";
  const message = rule.id.endsWith("reserved-bits") ? reservedBits(of, words, platform) || ignored : "";
  return {
    rule,
    message: message || shownFor(rule, of, words),
    consequence: consequenceOf(rule),
  };
}

/** The fields that a rule about an encoding looks at. */
const fieldsOf = new Map<VtdFaultRule, string>([
  [faultRules.contextAddressWidth, "AW"],
  [faultRules.contextTranslationType, "TT"],
  [faultRules.outputInInterruptRange, "ADDR"],
]);

function shownFor(rule: VtdFaultRule, of: VtdLayout, words: readonly Word[]): string {
  const name = fieldsOf.get(rule)!;
  return `${name} is ${readField(of, name, words)}`;
}

/** The check that the entry at this place of a walk fails; null when it passes, or is just not present. */
function failedAt(
  profile: Profile,
  entries: readonly (readonly Word[])[],
  place: number,
): { failed: VtdFaultRule | null; optional: VtdFaultRule | null } {
  const reader = new EntryReader(1, entries);
  const out = new Translation<VtdFaultRule>();
  walk(walkPlatformOf(vtdProfile(profile)), reader, 0, 0, out);
  const mine = reader.reads === place + 1;
  const present = out.fault !== faultRules.rootPresent && out.fault !== faultRules.contextPresent;
  const leads = out.pages > 0 && inInterruptRange(out.page) ? faultRules.outputInInterruptRange : null;
  return { failed: mine && present ? (out.fault ?? leads) : null, optional: out.optionalFault };
}

function checkEntry(
  profile: Profile,
  words: readonly Word[],
  of: VtdLayout,
  before: readonly (readonly Word[])[],
): Checked {
  const platform = platformOf(vtdProfile(profile));
  const first = (now: readonly Word[]) => failedAt(profile, [...before, now], before.length).failed;
  const broken = failedChecks(words, first, (rule, now) => repaired(rule, now, of, platform));
  const { optional } = failedAt(profile, [...before, words], before.length);
  const notes = optional
    ? [`${optional.id}: the specification leaves open whether this is checked here`]
    : [];
  return { broken: broken.map((rule) => brokenBy(rule, of, words, platform)), notes };
}

function repaired(
  rule: VtdFaultRule,
  words: readonly Word[],
  of: VtdLayout,
  platform: Platform,
): readonly Word[] | null {
  if (rule.id.endsWith("reserved-bits"))
    return without(without(words, reservedMask(of, platform)), ignoredMask(of));
  if (rule !== faultRules.contextAddressWidth) return null;
  const width = encode(contextEntryLayout, { AW: 7 });
  const [low, high] = without(words, width);
  return [low!, { ...high!, low: high!.low | (platform.largestLevels - 2) }];
}

const ROOT = encode(rootEntryLayout, { P: 1, CTP: 1 });

const notPresent: Checked = { broken: [], notes: ["not present: nothing else of it is looked at"] };

export const rootStructure: Structure = {
  name: "root",
  architecture: "vtd",
  title: "root entry",
  widths: [128],
  layouts: [rootEntryLayout],
  layoutOf: () => rootEntryLayout,
  summary: () => [],
  check: (words, profile) =>
    words[0]!.low & 1 ? checkEntry(profile, words, rootEntryLayout, []) : notPresent,
};

export const contextStructure: Structure = {
  name: "context",
  architecture: "vtd",
  title: "context entry",
  widths: [128],
  layouts: [contextEntryLayout],
  layoutOf: () => contextEntryLayout,
  summary: () => [],
  check(words, profile) {
    if ((words[0]!.low & 1) === 0)
      return { broken: [], notes: ["not present: nothing else of it but FPD is looked at"] };
    const checked = checkEntry(profile, words, contextEntryLayout, [ROOT]);
    const { cachingMode } = platformOf(vtdProfile(profile));
    const zero = cachingMode && readField(contextEntryLayout, "DID", words) === 0;
    return zero ? { ...checked, notes: [...checked.notes, DOMAIN_ZERO] } : checked;
  },
};

/** 6.2.2.1. */
export const DOMAIN_ZERO =
  "domain id 0 is not for software with caching mode: faulting entries are cached under it (VT-d 6.2.2.1)";

function secondStageStructure(level: number): Structure {
  const leaves = level <= 3;
  const layouts = [
    ...(level > 1 ? [secondStageLayout(level, false)] : []),
    ...(leaves ? [secondStageLayout(level, true)] : []),
  ];
  const layoutOf = (words: readonly Word[]) =>
    secondStageLayout(level, level === 1 || (leaves && (words[0]!.low & 0x80) !== 0));
  return {
    name: `second-stage-${level}`,
    architecture: "vtd",
    title: `second-stage paging entry of level ${level}`,
    widths: [64],
    layouts,
    layoutOf,
    summary: (words) => [spanOf(level, layoutOf(words) === layouts.at(-1) && leaves)],
    check(words, profile) {
      if ((words[0]!.low & 3) === 0)
        return { broken: [], notes: ["not present (R = W = 0): nothing else of it is looked at"] };
      const { largestLevels } = platformOf(vtdProfile(profile));
      if (level > largestLevels)
        return { broken: [], notes: [`the platform has no tables of level ${level}`] };
      const context = encode(contextEntryLayout, { P: 1, SSPTPTR: 1, AW: largestLevels - 2 });
      const above = Array.from({ length: largestLevels - level }, () =>
        encode(secondStageLayout(4, false), { R: 1, W: 1, ADDR: 1 }),
      );
      return checkEntry(profile, words, layoutOf(words), [ROOT, context, ...above]);
    },
  };
}

const SPANS = ["", "4 KiB", "2 MiB", "1 GiB", "512 GiB", "256 TiB"];

/** How much address space an entry is for. */
export function spanOf(level: number, maps: boolean): string {
  return maps ? `maps a page of ${SPANS[level]}` : `points to a table, for ${SPANS[level]} of addresses`;
}

export const secondStageStructures = [1, 2, 3, 4, 5].map(secondStageStructure);
