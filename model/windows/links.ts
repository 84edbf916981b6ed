/** The entries of a chain with their history, copied out of the reader that has read it. */
import type { ChainEntry, ChainPart } from "../finding.js";
import { OPEN, type PhysicalMemory } from "../words/memory.js";
import type { ReadChain } from "./chain-moments.js";
import type { RegisterWindow } from "./register-window.js";
import type { SteeringRegisters } from "./steering.js";
import { Link, type Unit } from "./unit.js";
import type { PointerWord } from "./wording.js";

/** One link of a chain. */
export interface ChainLink {
  /** Position in the chain, as its shape gives it. */
  readonly position: number;
  /** Level of the table that it is in, else 0. */
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
  /** Step from which on flushing the write buffer ended that (VT-d 6.8); without a write buffer the same. */
  readonly buffered: number;
  /** Step of the store that made it an old value, be that visible to walks or not; {@link OPEN} when none did. */
  readonly replaced: number;
}

/** In place of a page: the link is a register. */
export const IN_REGISTER = -1;

/** A chain with the tags of what caches may have kept of it. */
export interface CopiedChain {
  readonly links: readonly ChainLink[];
  /** The function whose device entry it begins with. */
  readonly requester: number;
  readonly domainId: number;
  /** The device entry makes requests pass through. */
  readonly passThrough: boolean;
  /** Pages that its translation covers; 0 where no entry of a table gives it a size. */
  readonly pages: number;
  /** Rights that its device entry gives. */
  readonly deviceAccess: number;
}

/** What has just been read: whether translation is enabled where it is not, else the table pointer and the entries. */
export function copyChain(
  unit: Unit,
  memory: PhysicalMemory,
  { enabled, tablePointer }: SteeringRegisters,
  chain: ReadChain,
): CopiedChain {
  const { reader, requester, domainId, passThrough, pages, deviceAccess } = chain;
  const { device, lastDevice, firstTable } = unit.shape;
  const links =
    chain.last === Link.enabled
      ? [copyRegister(enabled, chain, Link.enabled, { low: 0, high: 0 })]
      : [copyRegister(tablePointer, chain, Link.pointer, pointerWord(unit, tablePointer, chain))];
  for (let position: number = Link.firstEntry; position <= chain.last; position++) {
    const page = reader.page[position]!;
    const word = reader.word[position]!;
    const since = reader.since[position]!;
    const isPart = position >= device && lastDevice > device;
    const words = position >= firstTable || isPart ? [word] : [word, word + 1];
    links.push({
      position,
      level: position >= firstTable ? reader.level[position]! : 0,
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
  return { links, requester, domainId, passThrough, pages, deviceAccess };
}

function pointerWord(unit: Unit, pointer: RegisterWindow, chain: ReadChain): PointerWord {
  const since = chain.since[Link.pointer]!;
  const index = pointer.since.findLastIndex((one, at) => at < pointer.count && one === since);
  return unit.wording.pointerWord(pointer.value[index]!);
}

function copyRegister(
  register: RegisterWindow,
  chain: ReadChain,
  position: number,
  { low, high }: PointerWord,
): ChainLink {
  const since = chain.since[position]!;
  const next = register.since.slice(0, register.count).find((one) => one > since);
  return {
    position,
    level: 0,
    page: IN_REGISTER,
    word: 0,
    low,
    high,
    since,
    until: chain.until[position]!,
    buffered: chain.buffered[position]!,
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

/** The links that tell a reader something: a table pointer that was never changed does only when it is alone. */
export function linksToTell({ links }: CopiedChain): readonly ChainLink[] {
  const [first] = links;
  const silent = links.length > 1 && first?.page === IN_REGISTER && first.replaced === OPEN;
  return silent ? links.slice(1) : links;
}

/** How many links hold values that were old at step `at`. */
export function supersededLinks(chain: CopiedChain, at: number): number {
  return chain.links.filter((link) => link.replaced <= at).length;
}

/** The link as evidence has it, in actions in place of steps. */
export function chainEntry(unit: Unit, link: ChainLink, name = linkName(unit, link)): ChainEntry {
  const { level, page, word, low, high, since, replaced } = link;
  const replacedBy = replaced === OPEN ? null : replaced - 1;
  return { name, part: partOf(unit, link), level, page, word, low, high, storedBy: since - 1, replacedBy };
}

function partOf({ shape }: Unit, { page, position }: ChainLink): ChainPart {
  if (page === IN_REGISTER) return "register";
  if (position >= shape.firstTable) return "table";
  return position >= shape.device ? "device" : "upper";
}

/** What the link is called. */
export function linkName({ wording, shape }: Unit, { position, level }: ChainLink): string {
  return position >= shape.firstTable ? wording.tableEntry(level) : wording.links[position]!;
}
