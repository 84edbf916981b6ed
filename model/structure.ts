/**
 * Structures that hardware and software exchange, one at a time: which there are, what one says, and which rules it breaks.
 * Where bits are is declared in layouts; what is checked, by the model's own checks where it has them.
 */
import type { Architecture } from "./architecture.js";
import type { ArchitectureId, Profile } from "./profile.js";
import type { Word } from "./trace.js";
import { type Field, firstReserved, type Layout } from "./words/layout.js";
import type { Rule } from "./words/rule.js";
import { rawValue, type ShownField, showBits, shownFields } from "./words/shown-fields.js";

/** A rule that an entry breaks. */
export interface Broken {
  readonly rule: Rule;
  /** What in the entry breaks it. */
  readonly message: string;
  /** What hardware does about it; empty where that is not said. */
  readonly consequence: string;
}

/** What a check finds in an entry, on one platform. */
export interface Checked {
  readonly broken: readonly Broken[];
  /** What is legal, and worth to be told. */
  readonly notes: readonly string[];
}

/** A kind of structure. */
export interface Structure {
  /** Name behind that of its architecture: `vtd.context`. */
  readonly name: string;
  readonly architecture: ArchitectureId;
  /** What it is, in a few words. */
  readonly title: string;
  /** How many bits it may have. */
  readonly widths: readonly number[];
  /** Byte offset of a register, where it does not depend on the platform. */
  readonly offset?: number;
  /** Every layout that it may have. */
  readonly layouts: readonly Layout<never>[];
  /** The layout that these bits have; null when one of their kind has more. */
  layoutOf(words: readonly Word[]): Layout<never> | null;
  /** What the entry says as a whole, a line each. */
  summary(words: readonly Word[]): readonly string[];
  /** What it breaks on a platform of its architecture. */
  check(words: readonly Word[], profile: Profile): Checked;
}

/** The structures of an architecture. */
export interface Structures {
  readonly all: readonly Structure[];
  /** Rules that single entries can break and that the architecture does not have among its own. */
  readonly rules: readonly Rule[];
  /** A platform that offers everything: what is broken there is broken everywhere. */
  readonly mostCapable: Profile;
}

/** A rule that is broken on some platforms only. */
export interface PlatformDependent {
  readonly rule: Rule;
  /** Ids of the known platforms on which it is. */
  readonly profiles: readonly string[];
  /** What breaks it on the first of them. */
  readonly message: string;
}

/** An entry with everything that can be said of it. */
export interface Decoded {
  readonly structure: string;
  readonly title: string;
  /** Name of the layout and its section of the specification. */
  readonly layout: string;
  readonly section: string;
  readonly width: number;
  readonly fields: readonly ShownField[];
  readonly summary: readonly string[];
  /** The platform it was held against; null for none. */
  readonly profile: string | null;
  readonly broken: readonly Broken[];
  readonly depends: readonly PlatformDependent[];
  readonly notes: readonly string[];
}

/** The full name of a structure. */
export function fullName({ architecture, name }: Structure): string {
  return `${architecture}.${name}`;
}

/**
 * Decodes an entry.
 * @param profile the platform it is for; null for none in particular: then what all platforms have in common is checked, and
 *   what the known ones disagree about is told
 * @param architecture that of the structure, with the platforms that are known
 * @returns null when a structure of that kind has more bits
 */
export function decodeEntry(
  structure: Structure,
  words: readonly Word[],
  profile: Profile | null,
  architecture: Pick<Architecture, "name" | "structures" | "profiles">,
): Decoded | null {
  const { name, structures, profiles } = architecture;
  const layout = structure.layoutOf(words);
  if (!layout) return null;
  const { broken, notes } = structure.check(words, profile ?? structures.mostCapable);
  return {
    structure: fullName(structure),
    title: structure.title,
    layout: layout.name,
    section: `${name} ${layout.section}`,
    width: layout.width,
    fields: shownFields(layout, words),
    summary: structure.summary(words),
    profile: profile?.id ?? null,
    broken,
    depends: profile ? [] : differences(structure, words, broken, profiles),
    notes,
  };
}

/** The rules that are broken on some of these platforms, beside those that are broken everywhere. */
function differences(
  structure: Structure,
  words: readonly Word[],
  everywhere: readonly Broken[],
  known: readonly Profile[],
): PlatformDependent[] {
  const found = new Map<string, { rule: Rule; profiles: string[]; message: string }>();
  for (const profile of known) {
    for (const { rule, message } of structure.check(words, profile).broken) {
      if (everywhere.some((one) => one.rule === rule)) continue;
      const one = found.get(rule.id) ?? { rule, profiles: [], message };
      one.profiles.push(profile.id);
      found.set(rule.id, one);
    }
  }
  return [...found.values()];
}

/** What is not zero of the bits that must be on this platform; empty when all are. */
export function reservedBits<P extends { readonly hostAddressWidth: number }>(
  of: Layout<P>,
  words: readonly Word[],
  platform: P,
): string {
  return of.fields
    .map((one) => reservedInField(one, words, platform))
    .filter((one) => one !== "")
    .join("; ");
}

function reservedInField<P extends { readonly hostAddressWidth: number }>(
  one: Field<P>,
  words: readonly Word[],
  platform: P,
): string {
  const from = Math.max(one.low, firstReserved(one, platform));
  if (from > one.high) return "";
  const value = rawValue({ ...one, low: from } as Field<never>, words);
  if (value === 0n) return "";
  const shown = value < 10n ? String(value) : `0x${value.toString(16)}`;
  const bits = `${one.high === from ? "bit" : "bits"} ${showBits({ high: one.high, low: from })}`;
  if (one.kind === "reserved") return `reserved ${bits} ${one.high === from ? "is" : "are"} ${shown}`;
  if (one.kind === "address" && from > one.low)
    return `${one.name} goes beyond the host address width of ${platform.hostAddressWidth}`;
  return from === one.low
    ? `${one.name} (${bits}), which the platform does not have, is ${shown}`
    : `${bits} of ${one.name}, which the platform does not have, are ${shown}`;
}
