/**
 * Forgets history that no admissible outcome can rest on any more, now or later: old values of entries whose every chain
 * is excluded, and the invalidations that excluded them. What is left gives the same exposure as all of it.
 *
 * No question is ever asked again about a moment before the last draining that is known to be done (6.5.4), so that step
 * is what everything is judged by. An old value that cannot be in use then never will be: it was read before, fences only
 * grow, and an entry stored later cannot have led to it. Who may look an entry up, and under which domain id, is left
 * open, because software may give any function that domain id later.
 */
import { OPEN } from "../words/memory.js";
import { ReadChain } from "./admissible.js";
import { type Chain, ChainMoments, latestSince, NOTHING_KNOWN } from "./chain-moments.js";
import { type Invalidation, PAGES_BY_LEVEL } from "./invalidation-log.js";
import type { VtdOracle } from "./oracle.js";
import type { TableGraph } from "./table-graph.js";
import { Translation, walk } from "./walk.js";
import { Link, WindowReader } from "./window-reader.js";

/** With more walks than this everything is kept: tables that lead to themselves have no end of chains. */
const MOST_WALKS = 1_000_000;
/** In place of a word: the root-table pointer. */
const ROOT_POINTER = -1;
/** In place of a domain id. */
const EVERY_DOMAIN = -1;

/** Moments as early as they can be: at any time some function may walk under any domain id. */
class EarliestMoments extends ChainMoments {
  override walkedFrom(_chain: Chain, from: number): number {
    return from;
  }
}

export class Forgetting {
  private readonly chain: ReadChain;
  private readonly moments: EarliestMoments;
  private readonly translation = new Translation();
  /** By word (`page * 512 + word`): the step that its oldest value in use was stored at. */
  private readonly inUseSince = new Map<number, number>();
  /** By domain id: the words with old values on chains of that domain. */
  private readonly oldWords = new Map<number, Set<number>>();
  private readonly addresses = new Map<number, Set<number>>();
  private walks = 0;
  /** The step that everything is judged by. */
  private at = 0;

  constructor(
    private readonly oracle: VtdOracle,
    private readonly graph: TableGraph,
  ) {
    const { memory, steering, platform, log } = oracle;
    this.chain = new ReadChain(new WindowReader(memory, steering, platform.cachingMode));
    this.moments = new EarliestMoments(log, () => []);
  }

  /** @param at the first step at which a write that may still be under way can have been translated */
  forget(at: number): void {
    this.at = at;
    this.walks = 0;
    this.inUseSince.clear();
    this.oldWords.clear();
    this.addresses.clear();
    this.oracle.forgetContents();
    this.collectAddresses();
    for (const [requester, addresses] of this.addresses)
      for (const iova of addresses) if (!this.judgeAddress(requester, iova)) return;
    this.forgetValues();
    this.forgetInvalidations();
  }

  /** The addresses whose translation may rest on an old value: enough of them that every such chain is on one. */
  private collectAddresses(): void {
    const { graph, oracle } = this;
    for (const requester of oracle.functions) {
      const addresses = new Set([0]);
      this.addresses.set(requester, addresses);
      if (!this.hasOldContext(requester)) continue;
      for (const top of graph.rootsOf(requester).tops)
        graph.leaves(top.table, top.levels, 0, (iova) => addresses.add(iova));
    }
    oracle.memory.eachSuperseded((page, word, firstEnd) => {
      if (firstEnd > this.at) return;
      graph.roles(page, (requester, level, first) => {
        const addresses = this.addresses.get(requester)!;
        const iova = first + word * PAGES_BY_LEVEL[level]!;
        addresses.add(iova);
        if (level > 1) graph.oldLeaves(page, word, level, iova, (leaf) => addresses.add(leaf));
      });
    });
  }

  /** The root-table pointer, or an entry above the tables, has an old value. */
  private hasOldContext(requester: number): boolean {
    const { reader } = this.chain;
    let old = false;
    this.eachWalk(requester, 0, () => {
      old ||= this.hasOld(Math.min(reader.length - 1, Link.context));
    });
    return old;
  }

  /** A link from the root pointer down to `last` holds an old value. */
  private hasOld(last: number): boolean {
    const { until } = this.chain;
    for (let link = Link.rootPointer; link <= last; link++) if (until[link]! <= this.at) return true;
    return false;
  }

  /** Walks with every combination of values; false when there are too many. */
  private eachWalk(requester: number, iova: number, judge: () => void): boolean {
    const { chain, oracle, translation } = this;
    const { reader } = chain;
    chain.sourceId = requester;
    reader.begin(this.at);
    do {
      if (++this.walks > MOST_WALKS) return false;
      reader.translationEnabled();
      walk(oracle.platform, reader, requester, iova, translation);
      chain.domainId = translation.firstLevel === 0 ? 0 : translation.domainId;
      judge();
    } while (reader.next(Link.rootPointer));
    return true;
  }

  private judgeAddress(requester: number, iova: number): boolean {
    this.moments.begin(this.at, iova, NOTHING_KNOWN);
    return this.eachWalk(requester, iova, () => {
      if (!this.hasOld(this.chain.reader.length - 1)) return;
      this.noteOldWords();
      this.judgeStructures();
      this.judgeResult();
      if (this.translation.optionalFault) this.judgeFaultyContext();
    });
  }

  /** Where a check is optional the context entry may have been cached as one that faults: under domain 0 (6.1). */
  private judgeFaultyContext(): void {
    this.chain.domainId = 0;
    this.noteOldWords();
    if (this.moments.inUse(this.chain, Link.context, this.at, NOTHING_KNOWN)) this.keep(Link.context);
  }

  private noteOldWords(): void {
    const { domainId, reader } = this.chain;
    let words = this.oldWords.get(domainId);
    if (!words) {
      words = new Set();
      this.oldWords.set(domainId, words);
    }
    for (let link = Link.root; link < reader.length; link++)
      if (reader.until[link]! <= this.at) for (const key of this.wordsOf(link)) words.add(key);
  }

  /** Root and context entries are two words. */
  private wordsOf(link: number): number[] {
    const { reader } = this.chain;
    const key = reader.page[link]! * 512 + reader.word[link]!;
    return link <= Link.context ? [key, key + 1] : [key];
  }

  /** Entries of the context cache and the paging-structure caches. */
  private judgeStructures(): void {
    for (let link = this.deepestStructure(); link >= Link.context; link--) {
      if (!this.moments.inUse(this.chain, link, this.at, NOTHING_KNOWN)) continue;
      this.keep(link);
      return;
    }
  }

  /** The last link that a cache other than the IOTLB may keep. */
  private deepestStructure(): number {
    const { chain, translation, oracle } = this;
    const last = chain.reader.length - 1;
    if (last === Link.context) return translation.firstLevel > 0 || this.cachesFaults ? last : last - 1;
    const faulty = translation.fault !== null || translation.notPresent;
    const cached = faulty && oracle.platform.cachingMode && chain.level[last] !== 1;
    return cached ? last : last - 1;
  }

  private get cachesFaults(): boolean {
    return this.oracle.platform.cachingMode;
  }

  /** The IOTLB's entry for the result. */
  private judgeResult(): void {
    const { chain, moments, translation } = this;
    const { length } = chain.reader;
    const { passThrough } = translation;
    if (!passThrough && length - 1 <= Link.context) return;
    if ((translation.fault || translation.notPresent) && !this.cachesFaults) return;
    const { step, done } = moments.iotlbFence(chain, passThrough ? length : length - 1);
    const read = Math.max(step, latestSince(chain, length - 1));
    const until = passThrough ? OPEN : chain.until[length - 1]!;
    const last = passThrough ? length - 1 : length - 2;
    if (read < until && moments.inUse(chain, last, read, done)) this.keep(length - 1);
  }

  /** The chain's old values, down to `last`, may be in use. */
  private keep(last: number): void {
    const { reader } = this.chain;
    for (let link = Link.rootPointer; link <= last; link++) {
      if (reader.until[link]! > this.at) continue;
      const keys = link === Link.rootPointer ? [ROOT_POINTER] : this.wordsOf(link);
      for (const key of keys)
        this.inUseSince.set(key, Math.min(reader.since[link]!, this.inUseSince.get(key) ?? this.at));
    }
  }

  private forgetValues(): void {
    const { graph, inUseSince, at } = this;
    const { memory, steering } = this.oracle;
    memory.forget(
      (page, word) => inUseSince.get(page * 512 + word) ?? at,
      (page, word, low, high) => graph.forgot(page, word, low, high),
    );
    steering.enabled.forget(at);
    if (steering.rootPointer.count > 1) {
      steering.rootPointer.forget(inUseSince.get(ROOT_POINTER) ?? at);
      graph.steered();
    }
  }

  /**
   * An invalidation excludes nothing any more when every old value that is left, of what it covers, ended after it was
   * submitted: whatever could be read without it could be read after its submission as well.
   */
  private forgetInvalidations(): void {
    const { log, queue, steering } = this.oracle;
    const ends = this.firstEnds();
    const first = Math.min(...ends.values());
    const { since } = steering.rootPointer;
    log.forget(({ target, submitted, observed }) => {
      if (observed > this.at) return false;
      // 11.4.2: it also keeps older root-table pointers out.
      if (target.cache === "all" && since[0]! < submitted) return false;
      const end = "domainId" in target ? (ends.get(target.domainId) ?? OPEN) : first;
      return submitted < Math.min(end, ends.get(EVERY_DOMAIN)!);
    });
    const logged = new Set<Invalidation>(log.entries);
    queue.forget((one) => logged.has(one));
  }

  /** By domain id: the step at which the first of the old values on its chains ended. */
  private firstEnds(): Map<number, number> {
    const { memory, steering } = this.oracle;
    const endOf = new Map<number, number>();
    memory.eachSuperseded((page, word, firstEnd) => {
      endOf.set(page * 512 + word, firstEnd);
    });
    const ends = new Map([[EVERY_DOMAIN, steering.rootPointer.until[0]!]]);
    for (const [domainId, words] of this.oldWords) {
      let end = OPEN;
      for (const key of words) end = Math.min(end, endOf.get(key) ?? OPEN);
      ends.set(domainId, end);
    }
    return ends;
  }
}
