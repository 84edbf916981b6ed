/**
 * Forgets history that no admissible outcome can rest on any more, now or later: old values of entries whose every chain
 * is excluded, and the invalidations that excluded them. What is left gives the same exposure as all of it.
 *
 * An old value that cannot be in use now never will be: it was read before, fences only grow, and an entry stored later
 * cannot have led to it. Only writes under way are asked about at earlier moments, down to the last draining: where
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
import { ANY_REQUESTER, type CacheTags } from "./invalidation-log.js";
import type { WindowsOracle } from "./oracle.js";
import type { PostedWrites } from "./posted-writes.js";
import type { TableGraph } from "./table-graph.js";
import { Link, pagesWithin } from "./unit.js";
import { NO_DOMAIN, Translation } from "./walk.js";
import { WindowReader } from "./window-reader.js";

/** With more walks than this everything is kept: tables that lead to themselves have no end of chains. */
const MOST_WALKS = 1_000_000;
/** Walks that may be made for every step that is judged. */
const WALKS_PER_STEP = 64;
/** With more invalidations than this only those that exclude something are kept, not those that explain something. */
const LONG_LOG = 128;
/** With more values than this those that nothing is older than lose their windows, and with them what witnesses tell. */
const MANY_VERSIONS = 1 << 17;
/** In place of a word: the table pointer. */
const TABLE_POINTER = -1;
/** In place of a domain id; no walk has it, not even one without a domain ({@link NO_DOMAIN}). */
const EVERY_DOMAIN = -2;

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
  private readonly writes: CacheTags = { requester: ANY_REQUESTER, domainId: 0, page: 0, pages: 0 };
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
    private readonly oracle: WindowsOracle,
    private readonly graph: TableGraph,
    private readonly posted: PostedWrites,
  ) {
    const { memory, steering, unit, log } = oracle;
    this.chain = new ReadChain(new WindowReader(unit, memory, steering));
    this.moments = new EarliestMoments(unit, log, () => []);
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
    return memory.hasSuperseded || steering.tablePointer.count > 1;
  }

  /** The addresses whose translation may rest on an old value: enough of them that every such chain is on one. */
  private collectAddresses(): void {
    const { graph, oracle } = this;
    const { entries, ordinaryPage } = oracle.unit;
    for (const requester of oracle.functions) {
      const addresses = new Set([ordinaryPage]);
      this.addresses.set(requester, addresses);
      if (!this.hasOldDevice(requester)) continue;
      for (const top of graph.topsOf(requester))
        graph.addresses(top.table, top.levels, 0, (iova) => this.addAddress(addresses, iova));
    }
    oracle.memory.eachSuperseded((page, word, firstEnd) => {
      if (firstEnd > this.now) return;
      graph.roles(page, (requester, level, first) => {
        const addresses = this.addresses.get(requester)!;
        const iova = first + word * entries.span(level);
        this.addAddress(addresses, iova);
        if (level > 1)
          graph.oldAddresses(page, word, level, iova, (below) => this.addAddress(addresses, below));
      });
    });
  }

  /** The address, or where that has a meaning of its own the next one; and the next one that is translated. */
  private addAddress(addresses: Set<number>, iova: number): void {
    const { special } = this.oracle.unit;
    const address = iova + pagesWithin(special.input, iova);
    addresses.add(address);
    const untranslated = pagesWithin(special.untranslated(), address);
    if (untranslated > 0) addresses.add(address + untranslated);
  }

  /** The table pointer, or an entry above the tables, has an old value. */
  private hasOldDevice(requester: number): boolean {
    const { unit } = this.oracle;
    let old = false;
    this.eachWalk(requester, unit.ordinaryPage, () => {
      old ||= this.hasOld(Math.min(this.chain.last, unit.shape.lastDevice));
    });
    return old;
  }

  /** A link from the pointer down to `last` holds an old value. */
  private hasOld(last: number): boolean {
    const { until } = this.chain;
    for (let link: number = Link.pointer; link <= last; link++) if (until[link]! <= this.now) return true;
    return false;
  }

  /** Walks with every combination of values; false when there are too many. */
  private eachWalk(requester: number, iova: number, judge: () => void): boolean {
    const { chain, oracle, translation } = this;
    const { reader } = chain;
    const { unit } = oracle;
    reader.begin(this.now);
    do {
      if (++this.walks > MOST_WALKS) return false;
      reader.translationEnabled();
      const passed = unit.lookUpDevice(reader, requester, iova, translation);
      if (passed) unit.translate(reader, translation);
      chain.found(unit, requester, passed, translation);
      judge();
    } while (reader.next(Link.pointer));
    return true;
  }

  private judgeAddress(requester: number, iova: number): boolean {
    return this.eachWalk(requester, iova, () => {
      if (!this.hasOld(this.chain.last)) return;
      this.noteOldWords();
      this.moments.begin(this.now, iova, NOTHING_KNOWN);
      this.judgeStructures();
      if (this.isResultCached()) this.keep(this.chain.last);
      if (this.isSharing(requester)) this.keep(this.oracle.unit.shape.lastDevice);
      this.judgeWrites(iova);
      if (this.translation.optionalFault) this.judgeFaultyDevice(iova);
    });
  }

  /** Requests may have been answered, and may be yet, by what caches keep of other functions with its domain id. */
  private isSharing(requester: number): boolean {
    const { chain, writes, now } = this;
    const { unit, log } = this.oracle;
    const { domainId } = chain;
    if (!chain.passed || domainId === NO_DOMAIN || !this.hasForeignTables(requester, domainId)) return false;
    writes.domainId = domainId;
    writes.page = 0;
    writes.pages = Number.POSITIVE_INFINITY;
    let end = OPEN;
    for (let link: number = Link.pointer; link <= unit.shape.lastDevice; link++)
      end = Math.min(end, chain.until[link]!);
    return !log.entries.some((one) => one.submitted >= end && one.observed <= now && log.drains(one, writes));
  }

  /** There are tables under the domain id that no device entry of the requester has led to: its own chains do not cover them. */
  private hasForeignTables(requester: number, domainId: number): boolean {
    const tops = this.graph.tops.of(domainId);
    return tops.some(({ devices }) => devices.every((one) => one.requester !== requester));
  }

  /** Where a check is optional the device entry may have been cached as one that faults: under domain 0 (VT-d 6.1). */
  private judgeFaultyDevice(iova: number): void {
    this.chain.domainId = 0;
    this.noteOldWords();
    this.moments.begin(this.now, iova, NOTHING_KNOWN);
    const { lastDevice } = this.oracle.unit.shape;
    if (this.moments.inUse(this.chain, lastDevice, this.now, NOTHING_KNOWN)) this.keep(lastDevice);
  }

  private noteOldWords(): void {
    const { domainId, reader } = this.chain;
    let words = this.oldWords.get(domainId);
    if (!words) {
      words = new Set();
      this.oldWords.set(domainId, words);
    }
    for (let link: number = Link.firstEntry; link < reader.length; link++)
      if (reader.until[link]! <= this.now) for (const key of this.wordsOf(link)) words.add(key);
  }

  /** Entries above the tables are two words; each of its own where the parts are fetched one by one. */
  private wordsOf(link: number): number[] {
    const { reader } = this.chain;
    const { firstTable, device, lastDevice } = this.oracle.unit.shape;
    const key = reader.page[link]! * 512 + reader.word[link]!;
    const isPart = link >= device && lastDevice > device;
    return link >= firstTable || isPart ? [key] : [key, key + 1];
  }

  /** Entries of the caches of device and table entries. */
  private judgeStructures(): void {
    for (let link = this.deepestStructure(); link >= this.oracle.unit.shape.device; link--) {
      if (!this.moments.inUse(this.chain, link, this.now, NOTHING_KNOWN)) continue;
      this.keep(link);
      return;
    }
  }

  /** The last link that a cache other than the IOTLB may keep. */
  private deepestStructure(): number {
    const { chain, translation, moments } = this;
    const { unit } = this.oracle;
    const { last } = chain;
    const above = moments.above(last);
    if (last < unit.shape.firstTable)
      return chain.passed || unit.cachesFaults || unit.cachesInvalidDevices ? last : above;
    const faulty = translation.fault !== null || translation.notPresent;
    return faulty && unit.cachesFaults && chain.level[last] !== 1 ? last : above;
  }

  /** The IOTLB may keep the result. */
  private isResultCached(): boolean {
    const { chain, moments, translation } = this;
    const { unit } = this.oracle;
    const { last, passThrough } = chain;
    if (passThrough ? chain.domainId === NO_DOMAIN : last < unit.shape.firstTable) return false;
    if ((translation.fault || translation.notPresent) && !unit.cachesFaults) return false;
    const { step, done } = moments.iotlbFence(chain, chain.pages);
    const read = Math.max(step, latestSince(chain, last));
    const readable = passThrough ? read < OPEN : isReadable(chain, last, read, step);
    return readable && moments.inUse(chain, passThrough ? last : last - 1, read, done);
  }

  /** A write that is under way may have been translated by the chain, as soon as its values met and nothing drained it since. */
  private judgeWrites(iova: number): void {
    const { chain, moments, now, translation, writes } = this;
    const { last, passThrough } = chain;
    const ended = last < this.oracle.unit.shape.firstTable || translation.fault || translation.notPresent;
    if (!passThrough && ended) return;
    writes.domainId = chain.domainId;
    writes.page = passThrough ? 0 : iova - (iova % chain.pages);
    writes.pages = passThrough ? Number.POSITIVE_INFINITY : chain.pages;
    const { step, known } = this.posted.drained(now, writes);
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
    for (let link: number = Link.pointer; link <= last; link++) {
      if (reader.until[link]! > this.now) continue;
      const keys = link === Link.pointer ? [TABLE_POINTER] : this.wordsOf(link);
      for (const key of keys)
        this.inUseSince.set(key, Math.min(reader.since[link]!, this.inUseSince.get(key) ?? this.now));
    }
  }

  private forgetValues(): void {
    const { graph, inUseSince, now } = this;
    const { memory, steering } = this.oracle;
    graph.beginForgetting();
    memory.forget(
      (page, word) => inUseSince.get(page * 512 + word) ?? now,
      (page, word, low, high) => graph.forgot(page, word, low, high),
    );
    this.forgetEnabled();
    if (!steering.protection.isUnused) steering.protection.forget(this.posted.drainedAll(now));
    if (steering.tablePointer.count > 1) {
      steering.tablePointer.forget(inUseSince.get(TABLE_POINTER) ?? now);
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
   * buffer before was flushed by it (VT-d 6.8). Those that were seen complete last stay, to tell what software has done.
   */
  private forgetInvalidations(): void {
    const { log, steering } = this.oracle;
    const ends = this.firstEnds();
    const first = Math.min(...ends.values());
    const { since } = steering.tablePointer;
    const last = this.lastDone();
    // Those of other domains exclude nothing either, but they may be what software meant to exclude it with.
    const isLong = log.entries.length > LONG_LOG;
    log.forget(({ target, submitted, observed }) => {
      if (observed > last) return false;
      // It also keeps older table pointers out.
      if (log.rules.switchesPointer(target) && since[0]! < submitted) return false;
      const domainId = isLong ? log.rules.domainOf(target) : null;
      const end = domainId === null ? first : (ends.get(domainId) ?? OPEN);
      return submitted < Math.min(end, ends.get(EVERY_DOMAIN)!);
    });
    this.oracle.forgetCommands();
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
    const { tablePointer, enabled, protection } = steering;
    let before = Math.min(this.now, tablePointer.until[0]!, enabled.until[0]!, protection.firstEnd);
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
    const { enabled, tablePointer, protection } = steering;
    // Nothing is translated any more once translation is off, nor to memory that is protected, but what was before may be
    // under way.
    const translating = enabled.until[enabled.value.indexOf(1)] ?? OPEN;
    const ends = new Map([
      [EVERY_DOMAIN, Math.min(translating, tablePointer.until[0]!, protection.firstEnd)],
    ]);
    for (const [domainId, words] of this.oldWords) {
      let end = OPEN;
      for (const key of words) end = Math.min(end, endOf.get(key) ?? OPEN);
      ends.set(domainId, end);
    }
    return ends;
  }
}
