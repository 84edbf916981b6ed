/**
 * What keeps an old value of an entry in use: the store that walks cannot see yet, or the invalidation that is missing,
 * incomplete, aimed at something else or out of order (VT-d 6.2, 6.5, 6.8).
 */
import type { Excuse, ExcuseKind } from "../isolation/exposure.js";
import { showAddress, showRequester } from "../words/address.js";
import { describeTarget } from "./explain.js";
import {
  Cache,
  type CacheTags,
  covers,
  drains,
  type Fence,
  type Invalidation,
  NO_PAGE_SIZE,
} from "./invalidation-log.js";
import { type ChainLink, type CopiedChain, IN_REGISTER } from "./links.js";
import { nearestMiss } from "./misses.js";
import type { VtdOracle } from "./oracle.js";
import { Link } from "./window-reader.js";

/** A chain that is in use, and when. */
export interface Usage {
  readonly chain: CopiedChain;
  /** The address of the request. */
  readonly page: number;
  /** Step at which the request is answered. */
  readonly at: number;
  /** Indices of invalidations that are known to be done by then although software saw that only later. */
  readonly known: readonly number[];
  /**
   * Level of the page that the result maps ({@link NO_PAGE_SIZE} for pass-through), which the IOTLB may keep; null where
   * the chain ends with an entry that points to a table.
   */
  readonly result: number | null;
}

/** A cache that may hold an entry, or something that was filled through it. */
interface Keeper {
  readonly cache: Cache;
  readonly tags: CacheTags;
}

const NAMES = {
  [Cache.context]: "the context cache",
  [Cache.pagingStructure]: "a paging-structure cache",
  [Cache.iotlb]: "the IOTLB",
} as const;

/** Why the old value of a link may be in use; the link was replaced by the time of the request. */
export function excuseFor(oracle: VtdOracle, usage: Usage, link: ChainLink): Excuse {
  if (link.until > usage.at) return invisible(link, usage.at);
  const keepers = keepersOf(usage, link);
  for (const [index, keeper] of keepers.entries()) {
    const excuse = unexcluded(oracle, usage, link, keeper);
    if (excuse) return index === 0 ? excuse : ofResult(keeper, excuse);
    const refilled = index > 0 && outOfOrder(oracle, usage, link, keepers[0]!, keeper);
    if (refilled) return refilled;
  }
  // Where the window rule admits more than one run shows, each cache by itself was invalidated as it should be.
  const text =
    "what covers it was seen complete, but caches could be filled through it in between (VT-d 6.2.2.1)";
  return { kind: "wrong-order", text };
}

/** The new value was stored, but nothing says that walks can see it. */
function invisible(link: ChainLink, at: number): Excuse {
  const stored = `action ${link.replaced - 1}`;
  if (link.page === IN_REGISTER) {
    const text = `the command of ${stored} that replaced it was not seen complete in GSTS (VT-d 11.4.4.2)`;
    return { kind: "not-complete", text };
  }
  if (link.buffered > at) {
    const line = showAddress(link.page, Math.floor(link.word / 8) * 64);
    const text = `the line ${line} was not written back from the CPU's caches after ${stored} (ECAP.C = 0, VT-d 11.4.3)`;
    return { kind: "line-not-flushed", text };
  }
  const text = `the value stored by ${stored} may wait in a write buffer that was not flushed since (CAP.RWBF = 1, VT-d 6.8)`;
  return { kind: "buffer-not-flushed", text };
}

/** The caches by which a link stays in use: its own, that of the result, those of the entries between. */
function keepersOf({ chain, page, result }: Usage, link: ChainLink): Keeper[] {
  const { sourceId, domainId, links } = chain;
  const keeper = (cache: Cache, level: number): Keeper => ({
    cache,
    tags: { sourceId, domainId, page, level },
  });
  const isResult = (one: ChainLink) => result !== null && one === links.at(-1) && one.position > Link.context;
  const own = (one: ChainLink): Keeper[] => {
    if (isResult(one)) return [];
    return [
      one.position > Link.context ? keeper(Cache.pagingStructure, one.level) : keeper(Cache.context, 0),
    ];
  };
  const below = links.filter((one) => one.position > Math.max(link.position, Link.context)).flatMap(own);
  return [...own(link), ...(result === null ? [] : [keeper(Cache.iotlb, result)]), ...below];
}

/** What the excuse says is about the result, not about the entry itself. */
function ofResult({ cache }: Keeper, { kind, text }: Excuse): Excuse {
  return { kind, text: `${NAMES[cache]} may keep what was filled through it: ${text}` };
}

/** Why no invalidation since the value was replaced excludes it from that cache; null when one does. */
function unexcluded({ log }: VtdOracle, usage: Usage, link: ChainLink, keeper: Keeper): Excuse | null {
  const { cache, tags } = keeper;
  const concerned = log.entries.filter(({ target, submitted }) => {
    return (
      submitted <= usage.at &&
      (target.cache === "all" || (target.cache === "context") === (cache === Cache.context))
    );
  });
  const after = concerned.filter((one) => one.submitted >= link.buffered);
  const covering = after.find((one) => covers(one.target, cache, tags));
  if (covering) return excluding(log, usage, link, keeper) ? null : incomplete(covering);
  const before = concerned
    .filter((one) => one.submitted < link.buffered && covers(one.target, cache, tags))
    .at(-1);
  if (before && (before.submitted >= link.replaced || before.observed > link.replaced))
    return early(before, link);
  return nearestMiss(after, cache, tags) ?? missing(usage, link, cache, before);
}

/** The first invalidation known to be done that removed the old value from that cache. */
function excluding(
  log: VtdOracle["log"],
  { at, known }: Usage,
  link: ChainLink,
  { cache, tags }: Keeper,
): Invalidation | undefined {
  const fence: Fence = { step: 0, done: [] };
  log.fence(cache, tags, at, known, fence);
  return fence.done.map((index) => log.entries[index]!).find((one) => one.submitted >= link.buffered);
}

function incomplete(one: Invalidation): Excuse {
  const section = one.queued ? "6.5.2.12" : "6.5.1";
  const text = `the ${inWords(one)} covers it, but was not seen complete (VT-d ${section})`;
  return { kind: "not-complete", text };
}

function early(one: Invalidation, link: ChainLink): Excuse {
  const text = `the ${inWords(one)} was submitted before ${change(link)}, so it could be cached again`;
  return { kind: "wrong-order", text };
}

function missing({ chain, page }: Usage, link: ChainLink, cache: Cache, before?: Invalidation): Excuse {
  const what =
    cache === Cache.context
      ? `context-cache invalidation for ${showRequester(chain.sourceId)} in domain ${chain.domainId}`
      : `IOTLB invalidation for ${showAddress(page)} in domain ${chain.domainId}`;
  const last = before ? `, the last being that of action ${before.submitted - 1}` : "";
  return {
    kind: "not-submitted",
    text: `no ${what} was submitted after ${change(link)}${last} (VT-d 6.5.3.3)`,
  };
}

/**
 * Both caches were invalidated, but the lower one when the upper one was not known to be done: it may have been filled
 * again from there.
 */
function outOfOrder(
  { log }: VtdOracle,
  usage: Usage,
  link: ChainLink,
  upper: Keeper,
  lower: Keeper,
): Excuse | null {
  const fence: Fence = { step: 0, done: [] };
  log.fence(lower.cache, lower.tags, usage.at, usage.known, fence);
  const asOfThen = { ...usage, at: fence.step, known: fence.done };
  if (excluding(log, asOfThen, link, upper)) return null;
  const first = excluding(log, usage, link, upper)!;
  const section = upper.cache === Cache.context ? "6.2.2.1" : "6.5.3.3";
  const text =
    `${NAMES[lower.cache]} was invalidated (action ${fence.step - 1}) before ${NAMES[upper.cache]} was known to be ` +
    `(action ${first.submitted - 1}): it could be filled from there again (VT-d ${section})`;
  return { kind: "wrong-order", text };
}

/** What ended the entry's being in memory. */
function change({ replaced, buffered }: ChainLink): string {
  if (buffered === replaced) return `action ${replaced - 1} replaced it`;
  return `action ${buffered - 1} made its new value visible`;
}

/** Why a posted write that was translated at step `usage.at` may still be under way at step `now` (6.5.4). */
export function drainExcuse({ log, queue }: VtdOracle, usage: Usage, now: number): Excuse {
  const kind: ExcuseKind = "no-draining";
  const draining = new Set(queue.drains.map((one) => one.invalidation));
  const { sourceId, domainId } = usage.chain;
  const tags = { sourceId, domainId, page: usage.page, level: usage.result ?? NO_PAGE_SIZE };
  const since = log.entries.filter(
    (one) =>
      one.observed > usage.at &&
      one.observed <= now &&
      !(draining.has(one) && drains(one.target, domainId, usage.page, 1)),
  );
  const elsewhere = since.findLast((one) => draining.has(one));
  const missed = elsewhere
    ? `; the ${inWords(elsewhere)} drains others than those to ${showAddress(usage.page)} in domain ${domainId}`
    : "";
  const excluding = since.find((one) => covers(one.target, Cache.iotlb, tags));
  if (!excluding) {
    const moment = `since action ${usage.at - 1}, when it could still be translated`;
    const text = `no invalidation that drains the write was seen complete ${moment}${missed} (VT-d 6.5.4)`;
    return { kind, text };
  }
  const text = `a write translated earlier may land now: the ${inWords(excluding)} did not drain writes${missed} (VT-d 6.5.4)`;
  return { kind, text };
}

/** An invalidation with the action that submitted it. */
function inWords(one: Invalidation): string {
  return `${describeTarget(one.target)} (action ${one.submitted - 1})`;
}
