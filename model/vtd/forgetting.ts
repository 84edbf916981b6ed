/**
 * Forgets history that no admissible outcome can rest on any more, now or later: old values of entries whose every chain
 * is excluded, and the invalidations that excluded them. What is left gives the same exposure as all of it.
 *
 * An old value that cannot be in use now never will be: it was read before, fences only grow, and an entry stored later
 * cannot have led to it. Only writes under way (6.5.4) are asked about at earlier moments, down to the last draining: where
 * a chain leads to pages, it is judged as of then too. Who may look an entry up, and under which domain id, is left open,
 * because software may give any function that domain id later.
 */
import { OPEN } from "../words/memory.js";
import {
  type Chain,
  ChainMoments,
  isReadable,
  latestSince,
  NOTHING_KNOWN,
  ReadChain,
} from "./chain-moments.js";
import { Covered } from "./covered.js";
import { type Invalidation, PAGES_BY_LEVEL } from "./invalidation-log.js";
import type { VtdOracle } from "./oracle.js";
import type { PostedWrites } from "./posted-writes.js";
import type { TableGraph } from "./table-graph.js";
import { Translation, walk } from "./walk.js";
import { Link, WindowReader } from "./window-reader.js";

/** With more walks than this everything is kept: tables that lead to themselves have no end of chains. */
const MOST_WALKS = 1_000_000;
/** Walks that may be made for every step that is judged. */
const WALKS_PER_STEP = 64;
/** With more invalidations than this only those that exclude something are kept, not those that explain something. */
const LONG_LOG = 128;
/** With more values than this those that nothing is older than lose their windows, and with them what witnesses tell. */
const MANY_VERSIONS = 1 << 17;
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
  private readonly covered: Covered;
  private readonly moments: EarliestMoments;
  private readonly translation = new Translation();
  /** By word (`page * 512 + word`): the step that its oldest value in use was stored at. */
  private readonly inUseSince = new Map<number, number>();
  /** By domain id: the words with old values on chains of that domain. */
  private readonly oldWords = new Map<number, Set<number>>();
  private readonly addresses = new Map<number, Set<number>>();
  /** The step of the last time, and the walks it took. */
  private last = 0;
  private walks = 0;
  private now = 0;
  /** With more values than this it is time to settle them. */
  private mostVersions = MANY_VERSIONS;

  constructor(
    private readonly oracle: VtdOracle,
    private readonly graph: TableGraph,
    private readonly posted: PostedWrites,
  ) {
    const { memory, steering, platform, log } = oracle;
    this.chain = new ReadChain(new WindowReader(memory, steering, platform.cachingMode));
    this.moments = new EarliestMoments(log, () => []);
    this.covered = new Covered(oracle, graph);
  }

  reset(): void {
    this.mostVersions = MANY_VERSIONS;
    this.last = 0;
    this.walks = 0;
  }

  /** True when an invalidation was seen complete since the last time, and that did not take more work than there was since. */
  isDue(now: number): boolean {
    return now - this.last >= this.walks / WALKS_PER_STEP && this.completedSince(this.last);
  }

  private completedSince(step: number): boolean {
    for (const { observed } of this.oracle.log.entries) if (observed > step && observed !== OPEN) return true;
    return false;
  }

  forget(now: number): void {
    this.last = now;
    this.now = now;
    this.walks = 0;
    this.inUseSince.clear();
    this.oldWords.clear();
    this.addresses.clear();
    this.oracle.forgetContents();
    this.covered.forget(now);
    if (this.hasOldValues()) this.collectAddresses();
    for (const [requester, addresses] of this.addresses)
      for (const iova of addresses) if (!this.judgeAddress(requester, iova)) return;
    this.forgetValues();
    this.forgetInvalidations();
    if (this.oracle.memory.versions > this.mostVersions) this.settleValues();
  }

  private hasOldValues(): boolean {
    const { memory, steering } = this.oracle;
    return memory.hasSuperseded || steering.rootPointer.count > 1;
  }

  /** The addresses whose translation may rest on an old value: enough of them that every such chain is on one. */
  private collectAddresses(): void {
    const { graph, oracle } = this;
    for (const requester of oracle.functions) {
      const addresses = new Set([0]);
      this.addresses.set(requester, addresses);
      if (!this.hasOldContext(requester)) continue;
      for (const top of graph.topsOf(requester))
        graph.addresses(top.table, top.levels, 0, (iova) => addresses.add(iova));
    }
    oracle.memory.eachSuperseded((page, word, firstEnd) => {
      if (firstEnd > this.now) return;
      graph.roles(page, (requester, level, first) => {
        const addresses = this.addresses.get(requester)!;
        const iova = first + word * PAGES_BY_LEVEL[level]!;
        addresses.add(iova);
        if (level > 1) graph.oldAddresses(page, word, level, iova, (below) => addresses.add(below));
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
    for (let link = Link.rootPointer; link <= last; link++) if (until[link]! <= this.now) return true;
    return false;
  }

  /** Walks with every combination of values; false when there are too many. */
  private eachWalk(requester: number, iova: number, judge: () => void): boolean {
    const { chain, oracle, translation } = this;
    const { reader } = chain;
    chain.sourceId = requester;
    reader.begin(this.now);
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
    return this.eachWalk(requester, iova, () => {
      if (!this.hasOld(this.chain.reader.length - 1)) return;
      this.noteOldWords();
      this.moments.begin(this.now, iova, NOTHING_KNOWN);
      this.judgeStructures();
      if (this.isResultCached()) this.keep(this.chain.reader.length - 1);
      this.judgeWrites(iova);
      if (this.translation.optionalFault) this.judgeFaultyContext(iova);
    });
  }

  /** Where a check is optional the context entry may have been cached as one that faults: under domain 0 (6.1). */
  private judgeFaultyContext(iova: number): void {
    this.chain.domainId = 0;
    this.noteOldWords();
    this.moments.begin(this.now, iova, NOTHING_KNOWN);
    if (this.moments.inUse(this.chain, Link.context, this.now, NOTHING_KNOWN)) this.keep(Link.context);
  }

  private noteOldWords(): void {
    const { domainId, reader } = this.chain;
    let words = this.oldWords.get(domainId);
    if (!words) {
      words = new Set();
      this.oldWords.set(domainId, words);
    }
    for (let link = Link.root; link < reader.length; link++)
      if (reader.until[link]! <= this.now) for (const key of this.wordsOf(link)) words.add(key);
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
      if (!this.moments.inUse(this.chain, link, this.now, NOTHING_KNOWN)) continue;
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

  /** The IOTLB may keep the result. */
  private isResultCached(): boolean {
    const { chain, moments, translation } = this;
    const { length } = chain.reader;
    const { passThrough } = translation;
    if (!passThrough && length - 1 <= Link.context) return false;
    if ((translation.fault || translation.notPresent) && !this.cachesFaults) return false;
    const { step, done } = moments.iotlbFence(chain, passThrough ? length : length - 1);
    const read = Math.max(step, latestSince(chain, length - 1));
    const last = passThrough ? length - 1 : length - 2;
    const readable = passThrough ? read < OPEN : isReadable(chain, length - 1, read, step);
    return readable && moments.inUse(chain, last, read, done);
  }

  /** A write that is under way may have been translated by the chain, as soon as its values met and nothing drained it since. */
  private judgeWrites(iova: number): void {
    const { chain, moments, now, translation } = this;
    const last = chain.reader.length - 1;
    const { passThrough } = translation;
    if (!passThrough && (last <= Link.context || translation.fault || translation.notPresent)) return;
    const pages = passThrough ? Number.POSITIVE_INFINITY : PAGES_BY_LEVEL[chain.level[last]!]!;
    const { step, known } = this.posted.drained(now, chain.domainId, iova - (iova % pages), pages);
    const at = Math.max(step, latestSince(chain, last));
    moments.begin(at, iova, known);
    const walked = passThrough
      ? moments.inUse(chain, last, at, known)
      : moments.readableNow(chain, last) && moments.inUse(chain, last - 1, at, known);
    if (walked || this.isResultCached()) this.keep(last);
  }

  /** The chain's old values, down to `last`, may be in use. */
  private keep(last: number): void {
    const { reader } = this.chain;
    for (let link = Link.rootPointer; link <= last; link++) {
      if (reader.until[link]! > this.now) continue;
      const keys = link === Link.rootPointer ? [ROOT_POINTER] : this.wordsOf(link);
      for (const key of keys)
        this.inUseSince.set(key, Math.min(reader.since[link]!, this.inUseSince.get(key) ?? this.now));
    }
  }

  private forgetValues(): void {
    const { graph, inUseSince, now } = this;
    const { memory, steering } = this.oracle;
    memory.forget(
      (page, word) => inUseSince.get(page * 512 + word) ?? now,
      (page, word, low, high) => graph.forgot(page, word, low, high),
    );
    this.forgetEnabled();
    if (steering.rootPointer.count > 1) {
      steering.rootPointer.forget(inUseSince.get(ROOT_POINTER) ?? now);
      graph.steered();
    }
  }

  /** Switching translation on drains everything, so what was before that is never asked about. */
  private forgetEnabled(): void {
    const { enabled } = this.oracle.steering;
    const on = this.oracle.steering.switchedOn(this.now);
    if (on > 0) enabled.forget(Math.min(enabled.until[on - 1]!, enabled.until[on]! - 1));
  }

  /**
   * An invalidation excludes nothing any more when every old value that is left, of what it covers, ended after it was
   * submitted: whatever could be read without it could be read after its submission as well. What had entered the write
   * buffer before was flushed by it (6.8). Those that were seen complete last stay, to tell what software has done.
   */
  private forgetInvalidations(): void {
    const { log, queue, steering } = this.oracle;
    const ends = this.firstEnds();
    const first = Math.min(...ends.values());
    const { since } = steering.rootPointer;
    const last = this.lastDone();
    // Those of other domains exclude nothing either, but they may be what software meant to exclude it with.
    const isLong = log.entries.length > LONG_LOG;
    log.forget(({ target, submitted, observed }) => {
      if (observed > last) return false;
      // 11.4.2: it also keeps older root-table pointers out.
      if (target.cache === "all" && since[0]! < submitted) return false;
      const end = "domainId" in target && isLong ? (ends.get(target.domainId) ?? OPEN) : first;
      return submitted < Math.min(end, ends.get(EVERY_DOMAIN)!);
    });
    const logged = new Set<Invalidation>(log.entries);
    queue.forget((one) => logged.has(one));
  }

  /** The step at which the last invalidation was submitted that is known to be done. */
  private lastDone(): number {
    let last = 0;
    for (const { submitted, observed } of this.oracle.log.entries)
      if (observed <= this.now && submitted > last) last = submitted;
    return last;
  }

  /**
   * When a value was stored matters only beside one that is older: where every old value that is left ended later, whatever
   * could be read before the store could be read after it as well.
   */
  private settleValues(): void {
    const { memory, steering } = this.oracle;
    let before = Math.min(this.now, steering.rootPointer.until[0]!, steering.enabled.until[0]!);
    memory.eachSuperseded((_page, _word, _until, buffered) => {
      before = Math.min(before, buffered);
    });
    memory.settle(before);
    this.mostVersions = Math.max(MANY_VERSIONS, 2 * memory.versions);
  }

  /** By domain id: the step from which on an invalidation excludes the first of the old values on its chains. */
  private firstEnds(): Map<number, number> {
    const { memory, steering } = this.oracle;
    const endOf = new Map<number, number>();
    memory.eachSuperseded((page, word, _, buffered) => {
      endOf.set(page * 512 + word, buffered);
    });
    const { enabled, rootPointer } = steering;
    // Nothing is translated any more once translation is off, but what was before may be under way.
    const translating = enabled.until[enabled.value.indexOf(1)] ?? OPEN;
    const ends = new Map([[EVERY_DOMAIN, Math.min(translating, rootPointer.until[0]!)]]);
    for (const [domainId, words] of this.oldWords) {
      let end = OPEN;
      for (const key of words) end = Math.min(end, endOf.get(key) ?? OPEN);
      ends.set(domainId, end);
    }
    return ends;
  }
}
