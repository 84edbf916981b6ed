/**
 * Why an outcome is not admissible: the chain of entries that would give it, the value each link would need, when that
 * value was there, and the invalidation that rules it out.
 */

import type { Evidence, EvidenceEntry } from "../finding.js";
import { describeLink } from "../isolation/witness.js";
import { Effect, type Request } from "../trace.js";
import { showRequester } from "../words/address.js";
import { OPEN } from "../words/memory.js";
import { ReadChain } from "./chain-moments.js";
import { actionsOf, Cache, type CacheTags, type Invalidation } from "./invalidation-log.js";
import {
  type ChainLink,
  type CopiedChain,
  chainEntry,
  copyChain,
  linksToTell,
  supersededLinks,
} from "./links.js";
import type { WindowsOracle } from "./oracle.js";
import type { Unit } from "./unit.js";
import { type FaultRule, Translation } from "./walk.js";
import { WindowReader } from "./window-reader.js";

export interface Explanation {
  /** Some chain of values that entries have held leads to the effect. */
  readonly everReachable: boolean;
  readonly rules: readonly string[];
  readonly lines: readonly string[];
  readonly evidence: Evidence;
}

/** Why a request does not reach protected memory. */
export function explainProtection(request: Request, effect: number): Explanation {
  const lines = ["the page is protected memory, whatever tables say"];
  return { everReachable: false, rules: [], lines, evidence: evidenceFor(request, effect, [], false) };
}

function evidenceFor(
  { requester, page, offset, type }: Request,
  effect: number,
  entries: readonly EvidenceEntry[],
  leads: boolean,
): Evidence {
  return { requester, page, offset, type, effect, entries, leads };
}

/** Explains an effect that no admissible chain gives. Steps in the text are numbered like the actions of the run. */
export function explainEffect(
  oracle: WindowsOracle,
  request: Request,
  effect: number,
  now: number,
): Explanation {
  const { chain, current, refusals } = bestChain(oracle, request, effect, now);
  const shown = chain ?? current;
  const entries = shown
    ? linksToTell(shown).map((link) => evidenceOf(oracle, request, shown, link, now))
    : [];
  const evidence = evidenceFor(request, effect, entries, chain !== null);
  if (!chain)
    return { everReachable: false, rules: [...refusals], lines: describeRefusals(refusals), evidence };
  const lines = [...entries.map(describeLink), ...entries.flatMap(({ why }) => why ?? [])];
  if (chain.requester !== request.requester) {
    const filler = showRequester(chain.requester);
    lines.unshift(`by entries that were filled for ${filler}, under domain ${chain.domainId} of both:`);
  }
  return { everReachable: true, rules: [], lines, evidence };
}

interface BestChain {
  readonly chain: CopiedChain | null;
  /** What the requester's entries are now, when that does not lead to the effect. */
  readonly current: CopiedChain | null;
  /** Ids of the rules that these break. */
  readonly refusals: ReadonlySet<string>;
}

/**
 * The chain with the fewest superseded values among those that lead to the effect, fences ignored: the requester's own,
 * or else that of a function with a domain id which the requester has had too.
 */
function bestChain(oracle: WindowsOracle, request: Request, effect: number, now: number): BestChain {
  const wanted = effect === Effect.nowhere ? Effect.blocked : effect;
  const refusals = new Set<string>();
  const domainIds = new Set<number>();
  let current: CopiedChain | null = null;
  const own = chainOf(oracle, request, request.requester, now, (read, { domainId, effect: found, rule }) => {
    if (read.passed) domainIds.add(domainId);
    if (found === wanted) return true;
    if (!read.reader.isCurrent()) return false;
    current = copyChain(oracle.unit, oracle.memory, oracle.steering, read);
    if (rule) refusals.add(rule.id);
    return false;
  });
  if (own || wanted < 0) return { chain: own, current, refusals };
  for (const other of oracle.functions) {
    const chain = chainOf(oracle, request, other, now, ({ passed }, { effect: found, domainId }) => {
      return found === wanted && passed && domainIds.has(domainId);
    });
    if (chain) return { chain, current, refusals };
  }
  return { chain: null, current, refusals };
}

/** The best of the chains that begin with the device entry of a function and lead where they should. */
function chainOf(
  { memory, steering, unit }: WindowsOracle,
  request: Request,
  requester: number,
  now: number,
  leads: (chain: ReadChain, translation: Translation<FaultRule>) => boolean,
): CopiedChain | null {
  const chain = new ReadChain(new WindowReader(unit, memory, steering, true));
  const { reader } = chain;
  const translation = new Translation();
  let best: CopiedChain | null = null;
  reader.begin(now);
  do {
    if (unit.decideBeforeWalk(request, reader.translationEnabled(), translation)) continue;
    const passed = unit.lookUpDevice(reader, requester, request.page, translation);
    if (passed) unit.translate(reader, translation);
    chain.found(unit, requester, passed, translation);
    unit.decide(request, translation, translation.deviceAccess);
    if (!leads(chain, translation)) continue;
    const copied = copyChain(unit, memory, steering, chain);
    if (!best || supersededLinks(copied, now) < supersededLinks(best, now)) best = copied;
  } while (reader.next());
  return best;
}

/** The link; when it is superseded with the invalidation that rules it out, or the one that does not yet. */
function evidenceOf(
  { log, unit }: WindowsOracle,
  request: Request,
  chain: CopiedChain,
  link: ChainLink,
  now: number,
): EvidenceEntry {
  const entry = chainEntry(unit, link);
  if (link.until > now) return { ...entry, why: null, fence: null };
  const { name } = entry;
  const cache = cacheOf(unit, link, chain);
  const tags = tagsOf(unit, cache, link, chain, request.page);
  const covering = log.entries.filter(
    (one) => one.submitted >= link.buffered && log.covers(one, cache, tags),
  );
  const one = covering.find(({ observed }) => observed <= now) ?? covering[0];
  if (!one) return { ...entry, why: `nothing since had to remove the old ${name}`, fence: null };
  const rules = one.observed <= now ? "is ruled out by" : "could still be cached:";
  const why = `the old ${name} ${rules} ${describeInvalidation(unit, one)}`;
  return { ...entry, why, fence: actionsOf(one) };
}

function cacheOf({ shape }: Unit, link: ChainLink, { links }: CopiedChain): Cache {
  if (link.position < shape.firstTable) return Cache.device;
  return link === links.at(-1) ? Cache.iotlb : Cache.table;
}

function tagsOf(unit: Unit, cache: Cache, link: ChainLink, chain: CopiedChain, page: number): CacheTags {
  const { requester, domainId } = chain;
  const pages = cache === Cache.table ? unit.entries.span(link.level) : chain.pages;
  return { requester, domainId, page, pages };
}

function describeInvalidation({ wording }: Unit, one: Invalidation): string {
  const by = one.queued ? wording.queue : "register";
  const seen = one.observed === OPEN ? "never seen complete" : `seen complete at action ${one.observed - 1}`;
  return `the ${wording.describe(one.target)} submitted through ${by} at action ${one.submitted - 1} and ${seen}`;
}

function describeRefusals(refusals: ReadonlySet<string>): string[] {
  if (refusals.size === 0) return ["no value that any entry has held leads there"];
  return [
    `no value that any entry has held leads there; the tables as they are break ${[...refusals].join(", ")}`,
  ];
}
