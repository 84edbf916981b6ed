/**
 * Why an outcome is not admissible: the chain of entries that would give it, the value each link would need, when that
 * value was there, and the invalidation that rules it out.
 */
import { Effect, type Request } from "../trace.js";
import { showAddress } from "../words/address.js";
import { OPEN } from "../words/memory.js";
import { Cache, covers, type Invalidation, type InvalidationTarget } from "./invalidation-log.js";
import type { VtdOracle } from "./oracle.js";
import { decide, decideBeforeWalk, Translation, walk } from "./walk.js";
import { Link, WindowReader } from "./window-reader.js";

export interface Explanation {
  /** Some chain of values that entries have held leads to the effect. */
  readonly everReachable: boolean;
  readonly rules: readonly string[];
  readonly lines: readonly string[];
}

/** One link of a chain, copied out of the reader. */
interface LinkValue {
  readonly name: string;
  readonly page: number;
  readonly word: number;
  readonly low: number;
  readonly high: number;
  readonly since: number;
  readonly until: number;
  readonly level: number;
}

interface ExplainedChain {
  readonly links: readonly LinkValue[];
  readonly domainId: number;
  readonly staleLinks: number;
}

/** Explains an effect that no admissible chain gives. Steps in the text are numbered like the actions of the run. */
export function explainEffect(oracle: VtdOracle, request: Request, effect: number, now: number): Explanation {
  const { chain, refusals } = bestChain(oracle, request, effect, now);
  if (!chain) return { everReachable: false, rules: [...refusals], lines: describeRefusals(refusals) };
  const lines = chain.links.map((link) => describeLink(link, now));
  return {
    everReachable: true,
    rules: [],
    lines: [...lines, ...describeFences(oracle, request, chain, now)],
  };
}

/** The chain with the fewest superseded values among those that lead to the effect, fences ignored. */
function bestChain(
  oracle: VtdOracle,
  request: Request,
  effect: number,
  now: number,
): { chain: ExplainedChain | null; refusals: Set<string> } {
  const reader = new WindowReader(oracle.memory, oracle.steering, true);
  const translation = new Translation();
  const refusals = new Set<string>();
  let chain: ExplainedChain | null = null;
  reader.begin(now);
  do {
    if (decideBeforeWalk(request, reader.translationEnabled(), translation)) continue;
    walk(oracle.platform, reader, request.requester, request.page, translation);
    decide(oracle.platform, request, translation);
    const wanted = effect === Effect.nowhere ? Effect.blocked : effect;
    if (translation.effect !== wanted) {
      if (translation.rule && reader.isCurrent()) refusals.add(translation.rule.id);
      continue;
    }
    const links = copyLinks(reader);
    const staleLinks = links.filter((link) => link.until <= now).length;
    if (!chain || staleLinks < chain.staleLinks)
      chain = { links, domainId: translation.domainId, staleLinks };
  } while (reader.next());
  return { chain, refusals };
}

function copyLinks(reader: WindowReader): LinkValue[] {
  const links: LinkValue[] = [];
  for (let index = Link.root; index < reader.length; index++) {
    links.push({
      name: linkName(index, reader.level[index]!),
      page: reader.page[index]!,
      word: reader.word[index]!,
      low: reader.lows[index]!,
      high: reader.highs[index]!,
      since: reader.since[index]!,
      until: reader.until[index]!,
      level: index >= Link.firstLevel ? reader.level[index]! : 0,
    });
  }
  return links;
}

function linkName(index: number, level: number): string {
  if (index === Link.root) return "root entry";
  if (index === Link.context) return "context entry";
  return `level-${level} entry`;
}

function describeLink(link: LinkValue, now: number): string {
  const value = `0x${link.high.toString(16).padStart(8, "0")}_${link.low.toString(16).padStart(8, "0")}`;
  const where = showAddress(link.page, link.word * 8);
  const since = link.since === 0 ? "from the start" : `stored by action ${link.since - 1}`;
  if (link.until > now) return `${link.name} at ${where}: ${value}, ${since}, still there`;
  return `${link.name} at ${where}: ${value}, ${since}, replaced by action ${link.until - 1}`;
}

/** For every superseded link: the invalidations that rule it out, and those that would not. */
function describeFences(oracle: VtdOracle, request: Request, chain: ExplainedChain, now: number): string[] {
  const lines: string[] = [];
  const last = chain.links.length - 1;
  for (const [index, link] of chain.links.entries()) {
    if (link.until > now) continue;
    const cache = cacheOf(index, last);
    const tags = {
      sourceId: request.requester,
      domainId: chain.domainId,
      page: request.page,
      level: link.level,
    };
    const covering = oracle.log.entries.filter(
      (one) => one.submitted >= link.until && covers(one.target, cache, tags),
    );
    const fencing = covering.filter((one) => one.observed <= now);
    if (fencing.length > 0)
      lines.push(`the old ${link.name} is ruled out by ${describeInvalidation(fencing[0]!)}`);
    else if (covering.length > 0)
      lines.push(`the old ${link.name} could still be cached: ${describeInvalidation(covering[0]!)}`);
    else lines.push(`nothing since had to remove the old ${link.name}`);
  }
  return lines;
}

function cacheOf(index: number, last: number): Cache {
  if (index <= 1) return Cache.context;
  return index === last ? Cache.iotlb : Cache.pagingStructure;
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
    return `${cache} invalidation of source ${target.sourceId.toString(16)}h in domain ${target.domainId}`;
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
