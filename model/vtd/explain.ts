/**
 * Why an outcome is not admissible: the chain of entries that would give it, the value each link would need, when that
 * value was there, and the invalidation that rules it out.
 */
import { describeLink } from "../isolation/witness.js";
import { Effect, type Request } from "../trace.js";
import { showAddress, showRequester } from "../words/address.js";
import { OPEN } from "../words/memory.js";
import { Cache, covers, type Invalidation, type InvalidationTarget } from "./invalidation-log.js";
import {
  type ChainLink,
  type CopiedChain,
  copyChain,
  linkName,
  linksToTell,
  supersededLinks,
} from "./links.js";
import type { VtdOracle } from "./oracle.js";
import { decide, decideBeforeWalk, Translation, walk } from "./walk.js";
import { Link, WindowReader } from "./window-reader.js";

export interface Explanation {
  /** Some chain of values that entries have held leads to the effect. */
  readonly everReachable: boolean;
  readonly rules: readonly string[];
  readonly lines: readonly string[];
}

/** Explains an effect that no admissible chain gives. Steps in the text are numbered like the actions of the run. */
export function explainEffect(oracle: VtdOracle, request: Request, effect: number, now: number): Explanation {
  const { chain, refusals } = bestChain(oracle, request, effect, now);
  if (!chain) return { everReachable: false, rules: [...refusals], lines: describeRefusals(refusals) };
  const lines = [...linksToTell(chain).map(inWords), ...describeFences(oracle, request, chain, now)];
  if (chain.sourceId !== request.requester) {
    const filler = showRequester(chain.sourceId);
    lines.unshift(`by entries that were filled for ${filler}, under domain ${chain.domainId} of both:`);
  }
  return { everReachable: true, rules: [], lines };
}

function inWords(link: ChainLink): string {
  const { page, word, low, high, since, replaced } = link;
  const replacedBy = replaced === OPEN ? null : replaced - 1;
  return describeLink({ name: linkName(link), page, word, low, high, storedBy: since - 1, replacedBy });
}

/**
 * The chain with the fewest superseded values among those that lead to the effect, fences ignored: the requester's own,
 * or else that of a function with a domain id which the requester has had too.
 */
function bestChain(
  oracle: VtdOracle,
  request: Request,
  effect: number,
  now: number,
): { chain: CopiedChain | null; refusals: Set<string> } {
  const wanted = effect === Effect.nowhere ? Effect.blocked : effect;
  const refusals = new Set<string>();
  const domainIds = new Set<number>();
  const own = chainOf(oracle, request, request.requester, now, (translation, isCurrent) => {
    if (translation.firstLevel > 0) domainIds.add(translation.domainId);
    if (translation.effect === wanted) return true;
    if (translation.rule && isCurrent) refusals.add(translation.rule.id);
    return false;
  });
  if (own || wanted < 0) return { chain: own, refusals };
  for (const other of oracle.functions) {
    const chain = chainOf(oracle, request, other, now, ({ effect: found, firstLevel, domainId }) => {
      return found === wanted && firstLevel > 0 && domainIds.has(domainId);
    });
    if (chain) return { chain, refusals };
  }
  return { chain: null, refusals };
}

/** The best of the chains that begin with the context entry of a function and lead where they should. */
function chainOf(
  { memory, steering, platform }: VtdOracle,
  request: Request,
  sourceId: number,
  now: number,
  leads: (translation: Translation, isCurrent: boolean) => boolean,
): CopiedChain | null {
  const reader = new WindowReader(memory, steering, true);
  const translation = new Translation();
  let best: CopiedChain | null = null;
  reader.begin(now);
  do {
    if (decideBeforeWalk(request, reader.translationEnabled(), translation)) continue;
    walk(platform, reader, sourceId, request.page, translation);
    decide(platform, request, translation);
    if (!leads(translation, reader.isCurrent())) continue;
    const chain = copyChain(memory, steering, reader, sourceId);
    if (!best || supersededLinks(chain, now) < supersededLinks(best, now)) best = chain;
  } while (reader.next());
  return best;
}

/** For every superseded link: the invalidations that rule it out, and those that would not. */
function describeFences(oracle: VtdOracle, request: Request, chain: CopiedChain, now: number): string[] {
  const lines: string[] = [];
  for (const link of chain.links) {
    if (link.until > now) continue;
    const cache = cacheOf(link, chain);
    const tags = {
      sourceId: chain.sourceId,
      domainId: chain.domainId,
      page: request.page,
      level: link.level,
    };
    const covering = oracle.log.entries.filter(
      (one) => one.submitted >= link.buffered && covers(one.target, cache, tags),
    );
    const fencing = covering.filter((one) => one.observed <= now);
    if (fencing.length > 0)
      lines.push(`the old ${linkName(link)} is ruled out by ${describeInvalidation(fencing[0]!)}`);
    else if (covering.length > 0)
      lines.push(`the old ${linkName(link)} could still be cached: ${describeInvalidation(covering[0]!)}`);
    else lines.push(`nothing since had to remove the old ${linkName(link)}`);
  }
  return lines;
}

function cacheOf(link: ChainLink, { links }: CopiedChain): Cache {
  if (link.position <= Link.context) return Cache.context;
  return link === links.at(-1) ? Cache.iotlb : Cache.pagingStructure;
}

function describeInvalidation(one: Invalidation): string {
  const by = one.queued ? "the queue" : "register";
  const seen = one.observed === OPEN ? "never seen complete" : `seen complete at action ${one.observed - 1}`;
  return `the ${describeTarget(one.target)} submitted through ${by} at action ${one.submitted - 1} and ${seen}`;
}

/** An invalidation in words. */
export function describeTarget(target: InvalidationTarget): string {
  if (target.cache === "all") return "set-root-table-pointer operation";
  const cache = target.cache === "context" ? "context-cache" : "IOTLB";
  if (target.granularity === "global") return `global ${cache} invalidation`;
  if (target.granularity === "domain") return `${cache} invalidation of domain ${target.domainId}`;
  if (target.granularity === "device") {
    return `${cache} invalidation of ${showRequester(target.sourceId)} in domain ${target.domainId}`;
  }
  const hint = target.leafOnly ? ", leaf entries only" : "";
  const pages = target.pageCount === 1 ? "1 page" : `${target.pageCount} pages`;
  return `${cache} invalidation of ${pages} at ${showAddress(target.firstPage)} in domain ${target.domainId}${hint}`;
}

function describeRefusals(refusals: ReadonlySet<string>): string[] {
  if (refusals.size === 0) return ["no value that any entry has held leads there"];
  return [
    `no value that any entry has held leads there; the tables as they are break ${[...refusals].join(", ")}`,
  ];
}
