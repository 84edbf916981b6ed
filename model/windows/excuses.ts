/**
 * What keeps an old value of an entry in use: the store that walks cannot see yet, or the invalidation that is missing,
 * incomplete, aimed at something else or out of order.
 */
import type { Excuse, ExcuseKind } from "../isolation/exposure.js";
import { showAddress } from "../words/address.js";
import {
  actionsOf,
  Cache,
  type CacheTags,
  type Fence,
  type Invalidation,
  type InvalidationLog,
} from "./invalidation-log.js";
import { type ChainLink, type CopiedChain, IN_REGISTER } from "./links.js";
import type { WindowsOracle } from "./oracle.js";
import type { Unit } from "./unit.js";
import type { Miss } from "./wording.js";

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
   * Pages that the result covers (`NO_PAGE_SIZE` where no entry of a table gives it a size), which the IOTLB may keep; null
   * where the chain ends with an entry that points to a table.
   */
  readonly result: number | null;
}

/** A cache that may hold an entry, or something that was filled through it. */
interface Keeper {
  readonly cache: Cache;
  readonly tags: CacheTags;
}

/** Why the old value of a link may be in use; the link was replaced by the time of the request. */
export function excuseFor(oracle: WindowsOracle, usage: Usage, link: ChainLink): Excuse {
  const { unit } = oracle;
  if (link.until > usage.at) return invisible(unit, link, usage.at);
  const keepers = keepersOf(unit, usage, link);
  for (const [index, keeper] of keepers.entries()) {
    const excuse = unexcluded(oracle, usage, link, keeper);
    if (excuse) return index === 0 ? excuse : ofResult(unit, keeper, excuse);
    const refilled = index > 0 && outOfOrder(oracle, usage, link, keepers[0]!, keeper);
    if (refilled) return refilled;
  }
  // Where the window rule admits more than one run shows, each cache by itself was invalidated as it should be.
  const section = unit.wording.sections.order[Cache.device];
  const text = `what covers it was seen complete, but caches could be filled through it in between (${section})`;
  return { kind: "wrong-order", text };
}

/** The new value was stored, but nothing says that walks can see it. */
function invisible({ wording: { sections } }: Unit, link: ChainLink, at: number): Excuse {
  const stored = `action ${link.replaced - 1}`;
  if (link.page === IN_REGISTER) {
    const text = `the command of ${stored} that replaced it was not seen complete ${sections.steering}`;
    return { kind: "not-complete", text };
  }
  if (link.buffered > at) {
    const line = showAddress(link.page, Math.floor(link.word / 8) * 64);
    const text = `the line ${line} was not written back from the CPU's caches after ${stored} ${sections.lineFlush}`;
    return { kind: "line-not-flushed", text };
  }
  const text = `the value stored by ${stored} may wait in a write buffer that was not flushed since ${sections.bufferFlush}`;
  return { kind: "buffer-not-flushed", text };
}

/** The caches by which a link stays in use: its own, that of the result, those of the entries between. */
function keepersOf(unit: Unit, { chain, page, result }: Usage, link: ChainLink): Keeper[] {
  const { requester, domainId, links } = chain;
  const { firstTable } = unit.shape;
  const keeper = (cache: Cache, pages: number): Keeper => ({
    cache,
    tags: { requester, domainId, page, pages },
  });
  const isResult = (one: ChainLink) => result !== null && one === links.at(-1) && one.position >= firstTable;
  const own = (one: ChainLink): Keeper[] => {
    if (isResult(one)) return [];
    if (one.position < firstTable) return [keeper(Cache.device, 0)];
    return [keeper(Cache.table, unit.entries.span(one.level))];
  };
  const below = links.filter((one) => one.position > Math.max(link.position, firstTable - 1)).flatMap(own);
  return [...own(link), ...(result === null ? [] : [keeper(Cache.iotlb, result)]), ...below];
}

/** What the excuse says is about the result, not about the entry itself. */
function ofResult({ wording }: Unit, { cache }: Keeper, excuse: Excuse): Excuse {
  return { ...excuse, text: `${wording.caches[cache]} may keep what was filled through it: ${excuse.text}` };
}

/** Why no invalidation since the value was replaced excludes it from that cache; null when one does. */
function unexcluded(
  { log, unit }: WindowsOracle,
  usage: Usage,
  link: ChainLink,
  keeper: Keeper,
): Excuse | null {
  const { cache, tags } = keeper;
  const { wording } = unit;
  const concerned = log.entries.filter(
    ({ target, submitted }) => submitted <= usage.at && wording.concerns(target, cache),
  );
  const after = concerned.filter((one) => one.submitted >= link.buffered);
  const covering = after.find((one) => log.covers(one, cache, tags));
  if (covering) return excluding(log, usage, link, keeper) ? null : incomplete(unit, covering);
  const before = concerned
    .filter((one) => one.submitted < link.buffered && log.covers(one, cache, tags))
    .at(-1);
  if (before && (before.submitted >= link.replaced || before.observed > link.replaced))
    return early(unit, before, link);
  return nearestMiss(unit, after, keeper) ?? missing(unit, link, keeper, before);
}

/** The excuse that the nearest of these invalidations is; null when all of them are about something else. */
function nearestMiss(
  { wording }: Unit,
  candidates: readonly Invalidation[],
  { cache, tags }: Keeper,
): Excuse | null {
  let nearest: Miss | null = null;
  for (const { target, submitted } of candidates) {
    const miss = wording.missOf(target, cache, tags);
    if (!miss || (nearest && nearest.near >= miss.near)) continue;
    nearest = { ...miss, text: `the ${wording.describe(target)} (action ${submitted - 1}) ${miss.text}` };
  }
  return nearest && { kind: nearest.kind, text: nearest.text };
}

/** The first invalidation known to be done that removed the old value from that cache. */
function excluding(
  log: InvalidationLog,
  { at, known }: Usage,
  link: ChainLink,
  { cache, tags }: Keeper,
): Invalidation | undefined {
  const fence: Fence = { step: 0, done: [] };
  log.fence(cache, tags, at, known, fence);
  return fence.done.map((index) => log.entries[index]!).find((one) => one.submitted >= link.buffered);
}

function incomplete(unit: Unit, one: Invalidation): Excuse {
  const { queueCompletion, registerCompletion } = unit.wording.sections;
  const section = one.queued ? queueCompletion : registerCompletion;
  const text = `the ${inWords(unit, one)} covers it, but was not seen complete (${section})`;
  return { kind: "not-complete", text, fence: actionsOf(one) };
}

function early(unit: Unit, one: Invalidation, link: ChainLink): Excuse {
  const text = `the ${inWords(unit, one)} was submitted before ${change(link)}, so it could be cached again`;
  return { kind: "wrong-order", text };
}

function missing({ wording }: Unit, link: ChainLink, { cache, tags }: Keeper, before?: Invalidation): Excuse {
  const last = before ? `, the last being that of action ${before.submitted - 1}` : "";
  const what = wording.wanted(cache, tags);
  return {
    kind: "not-submitted",
    text: `no ${what} was submitted after ${change(link)}${last} (${wording.sections.invalidation})`,
  };
}

/**
 * Both caches were invalidated, but the lower one when the upper one was not known to be done: it may have been filled
 * again from there.
 */
function outOfOrder(
  { log, unit }: WindowsOracle,
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
  const { caches, sections } = unit.wording;
  const text =
    `${caches[lower.cache]} was invalidated (action ${fence.step - 1}) before ${caches[upper.cache]} was known to be ` +
    `(action ${first.submitted - 1}): it could be filled from there again (${sections.order[upper.cache]})`;
  return { kind: "wrong-order", text };
}

/** What ended the entry's being in memory. */
function change({ replaced, buffered }: ChainLink): string {
  if (buffered === replaced) return `action ${replaced - 1} replaced it`;
  return `action ${buffered - 1} made its new value visible`;
}

/** Why a posted write that was translated at step `usage.at` may still be under way at step `now`. */
export function drainExcuse(
  { log, unit }: WindowsOracle,
  usage: Usage,
  requester: number,
  now: number,
): Excuse {
  const kind: ExcuseKind = "no-draining";
  const { domainId } = usage.chain;
  const { drain } = unit.wording.sections;
  const cached = { requester: usage.chain.requester, domainId, page: usage.page, pages: usage.result ?? 0 };
  const written = { requester, domainId, page: usage.page, pages: 1 };
  const since = log.entries.filter(
    (one) => one.observed > usage.at && one.observed <= now && !log.drains(one, written),
  );
  const excluding = since.find((one) => log.covers(one, Cache.iotlb, cached));
  const drainsOthers = `drains others than those to ${showAddress(usage.page)} in domain ${domainId}`;
  if (excluding?.drainsWrites) {
    const text = `a write translated earlier may land now: the ${inWords(unit, excluding)} ${drainsOthers} (${drain})`;
    return { kind, text };
  }
  const elsewhere = since.findLast((one) => one.drainsWrites);
  const missed = elsewhere ? `; the ${inWords(unit, elsewhere)} ${drainsOthers}` : "";
  if (!excluding) {
    const moment = `since action ${usage.at - 1}, when it could still be translated`;
    const text = `no invalidation that drains the write was seen complete ${moment}${missed} (${drain})`;
    return { kind, text };
  }
  const text = `a write translated earlier may land now: the ${inWords(unit, excluding)} did not drain writes${missed} (${drain})`;
  return { kind, text };
}

/** An invalidation with the action that submitted it. */
function inWords({ wording }: Unit, one: Invalidation): string {
  return `${wording.describe(one.target)} (action ${one.submitted - 1})`;
}
