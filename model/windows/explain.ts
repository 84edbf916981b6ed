/**
 * Why an outcome is not admissible: the chain of entries that would give it, the value each link would need, when that
 * value was there, and the invalidation that rules it out.
 */

import { describeLink } from "../isolation/witness.js";
import { Effect, type Request } from "../trace.js";
import { showRequester } from "../words/address.js";
import { OPEN } from "../words/memory.js";
import { ReadChain } from "./chain-moments.js";
import { Cache, type CacheTags, type Invalidation } from "./invalidation-log.js";
import {
  type ChainLink,
  type CopiedChain,
  copyChain,
  linkName,
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
}

/** Explains an effect that no admissible chain gives. Steps in the text are numbered like the actions of the run. */
export function explainEffect(
  oracle: WindowsOracle,
  request: Request,
  effect: number,
  now: number,
): Explanation {
  const { chain, refusals } = bestChain(oracle, request, effect, now);
  if (!chain) return { everReachable: false, rules: [...refusals], lines: describeRefusals(refusals) };
  const lines = [
    ...linksToTell(chain).map((link) => inWords(oracle.unit, link)),
    ...describeFences(oracle, request, chain, now),
  ];
  if (chain.requester !== request.requester) {
    const filler = showRequester(chain.requester);
    lines.unshift(`by entries that were filled for ${filler}, under domain ${chain.domainId} of both:`);
  }
  return { everReachable: true, rules: [], lines };
}

function inWords(unit: Unit, link: ChainLink): string {
  const { page, word, low, high, since, replaced } = link;
  const replacedBy = replaced === OPEN ? null : replaced - 1;
  return describeLink({ name: linkName(unit, link), page, word, low, high, storedBy: since - 1, replacedBy });
}

/**
 * The chain with the fewest superseded values among those that lead to the effect, fences ignored: the requester's own,
 * or else that of a function with a domain id which the requester has had too.
 */
function bestChain(
  oracle: WindowsOracle,
  request: Request,
  effect: number,
  now: number,
): { chain: CopiedChain | null; refusals: Set<string> } {
  const wanted = effect === Effect.nowhere ? Effect.blocked : effect;
  const refusals = new Set<string>();
  const domainIds = new Set<number>();
  const own = chainOf(
    oracle,
    request,
    request.requester,
    now,
    ({ passed, reader }, { domainId, effect: found, rule }) => {
      if (passed) domainIds.add(domainId);
      if (found === wanted) return true;
      if (rule && reader.isCurrent()) refusals.add(rule.id);
      return false;
    },
  );
  if (own || wanted < 0) return { chain: own, refusals };
  for (const other of oracle.functions) {
    const chain = chainOf(oracle, request, other, now, ({ passed }, { effect: found, domainId }) => {
      return found === wanted && passed && domainIds.has(domainId);
    });
    if (chain) return { chain, refusals };
  }
  return { chain: null, refusals };
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

/** For every superseded link: the invalidations that rule it out, and those that would not. */
function describeFences(oracle: WindowsOracle, request: Request, chain: CopiedChain, now: number): string[] {
  const { log, unit } = oracle;
  const lines: string[] = [];
  for (const link of chain.links) {
    if (link.until > now) continue;
    const name = linkName(unit, link);
    const cache = cacheOf(unit, link, chain);
    const tags = tagsOf(unit, cache, link, chain, request.page);
    const covering = log.entries.filter(
      (one) => one.submitted >= link.buffered && log.covers(one, cache, tags),
    );
    const fencing = covering.filter((one) => one.observed <= now);
    if (fencing.length > 0)
      lines.push(`the old ${name} is ruled out by ${describeInvalidation(unit, fencing[0]!)}`);
    else if (covering.length > 0)
      lines.push(`the old ${name} could still be cached: ${describeInvalidation(unit, covering[0]!)}`);
    else lines.push(`nothing since had to remove the old ${name}`);
  }
  return lines;
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
