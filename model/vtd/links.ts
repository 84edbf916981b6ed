/** The entries of a chain with their history, copied out of the reader that has read it. */
import { OPEN, type PhysicalMemory } from "../words/memory.js";
import type { RegisterWindow, SteeringRegisters } from "./steering.js";
import { TranslationType } from "./tables.js";
import { Link, type WindowReader } from "./window-reader.js";

/** One link of a chain. */
export interface ChainLink {
  /** Position in the chain, as in {@link Link}. */
  readonly position: number;
  /** Level of a second-stage entry, else 0. */
  readonly level: number;
  /** Where it is; {@link IN_REGISTER} for a register. */
  readonly page: number;
  readonly word: number;
  readonly low: number;
  readonly high: number;
  /** First step at which the value could be read. */
  readonly since: number;
  /** First step at which it could not be read from memory any more. */
  readonly until: number;
  /** Step from which on flushing the write buffer ended that (6.8); without a write buffer the same. */
  readonly buffered: number;
  /** Step of the store that made it an old value, be that visible to walks or not; {@link OPEN} when none did. */
  readonly replaced: number;
}

/** In place of a page: the link is a register. */
export const IN_REGISTER = -1;

/** A chain with the tags of what caches may have kept of it. */
export interface CopiedChain {
  readonly links: readonly ChainLink[];
  /** The function whose root and context entry it begins with. */
  readonly sourceId: number;
  readonly domainId: number;
  /** The context entry makes requests pass through. */
  readonly passThrough: boolean;
}

/** What a reader has just read: TES alone where it is 0, else the root-table pointer and the entries. */
export function copyChain(
  memory: PhysicalMemory,
  steering: SteeringRegisters,
  reader: WindowReader,
  sourceId: number,
): CopiedChain {
  const { enabled, rootPointer } = steering;
  const links =
    reader.length === Link.rootPointer
      ? [copyRegister(enabled, reader, Link.enabled, 0)]
      : [copyRegister(rootPointer, reader, Link.rootPointer, reader.page[Link.root]!)];
  for (let position = Link.root; position < reader.length; position++) {
    const page = reader.page[position]!;
    const word = reader.word[position]!;
    const since = reader.since[position]!;
    const words = position <= Link.context ? [word, word + 1] : [word];
    links.push({
      position,
      level: position >= Link.firstLevel ? reader.level[position]! : 0,
      page,
      word,
      low: reader.lows[position]!,
      high: reader.highs[position]!,
      since,
      until: reader.until[position]!,
      buffered: reader.buffered[position]!,
      replaced: replacedAt(memory, page, words, since),
    });
  }
  const walked = reader.length > Link.context;
  return {
    links,
    sourceId,
    domainId: walked ? (reader.low2 >>> 8) & 0xffff : 0,
    passThrough: walked && ((reader.lows[Link.context]! >>> 2) & 3) === TranslationType.passThrough,
  };
}

function copyRegister(
  register: RegisterWindow,
  reader: WindowReader,
  position: number,
  value: number,
): ChainLink {
  const since = reader.since[position]!;
  const next = register.since.slice(0, register.count).find((one) => one > since);
  return {
    position,
    level: 0,
    page: IN_REGISTER,
    word: 0,
    low: (value * 0x1000) >>> 0,
    high: Math.floor(value / 0x100000),
    since,
    until: reader.until[position]!,
    buffered: reader.buffered[position]!,
    replaced: next ?? OPEN,
  };
}

/** The first step after `since` at which one of the words was stored to. */
function replacedAt(memory: PhysicalMemory, page: number, words: readonly number[], since: number): number {
  const frame = memory.frameOf(page);
  let replaced = OPEN;
  for (const word of frame < 0 ? [] : words) {
    let version = memory.newestVersion(frame, word);
    for (; version !== 0 && memory.sinceOf(version) > since; version = memory.olderVersion(version))
      replaced = Math.min(replaced, memory.sinceOf(version));
  }
  return replaced;
}

/** The links that tell a reader something: a root-table pointer that was never changed does only when it is alone. */
export function linksToTell({ links }: CopiedChain): readonly ChainLink[] {
  const [first] = links;
  const silent = links.length > 1 && first?.page === IN_REGISTER && first.replaced === OPEN;
  return silent ? links.slice(1) : links;
}

/** How many links hold values that were old at step `at`. */
export function supersededLinks(chain: CopiedChain, at: number): number {
  return chain.links.filter((link) => link.replaced <= at).length;
}

/** What the link is called. */
export function linkName({ position, level }: ChainLink): string {
  switch (position) {
    case Link.enabled:
      return "translation-enable status";
    case Link.rootPointer:
      return "root-table pointer";
    case Link.root:
      return "root entry";
    case Link.context:
      return "context entry";
    default:
      return `level-${level} entry`;
  }
}
