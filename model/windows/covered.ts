/**
 * Old values of table entries that a single invalidation has done away with: what needs no search for chains before it
 * is forgotten.
 */
import { ANY_REQUESTER, Cache, type CacheTags, type Invalidation } from "./invalidation-log.js";
import type { WindowsOracle } from "./oracle.js";
import type { Role, TableGraph } from "./table-graph.js";
import { eachValue } from "./tops.js";
import { LeadsTo } from "./unit.js";

export class Covered {
  private done: readonly Invalidation[] = [];
  private readonly tags: CacheTags = { requester: ANY_REQUESTER, domainId: 0, page: 0, pages: 0 };

  constructor(
    private readonly oracle: WindowsOracle,
    private readonly graph: TableGraph,
  ) {}

  /** Forgets every old value that is gone from all caches, and from writes under way, by step `now`. */
  forget(now: number): void {
    const { graph, oracle } = this;
    this.done = oracle.log.entries.filter((one) => one.drainsWrites && one.observed <= now);
    graph.beginForgetting();
    oracle.memory.forget(
      (page, word) => this.endOf(page, word, now),
      (page, word, low, high) => graph.forgot(page, word, low, high),
    );
  }

  /** What ended by the step that is returned is gone, or was never within reach; 0 above the tables. */
  private endOf(page: number, word: number, now: number): number {
    const { graph } = this;
    if (graph.tops.isUpper(page)) return 0;
    let end = now;
    for (const role of graph.rolesOf(page)) end = Math.min(end, this.endIn(role, page, word));
    return end === now || this.wasNeverPresent(page, word) ? now : end;
  }

  /** Where faulting entries are not cached, no cache keeps an entry that is not present. */
  private wasNeverPresent(page: number, word: number): boolean {
    const { memory, unit } = this.oracle;
    if (unit.cachesFaults) return false;
    const frame = memory.frameOf(page);
    let version = memory.olderVersion(memory.newestVersion(frame, word));
    while (version !== 0 && (memory.lowOf(version) & unit.entries.presentMask) === 0)
      version = memory.olderVersion(version);
    return version === 0;
  }

  private endIn(role: Role, page: number, word: number): number {
    const { tags } = this;
    const { top, level, iova } = role;
    const first = iova + word * this.oracle.unit.entries.span(level);
    tags.domainId = top.domainId;
    tags.pages = this.pagesOf(role, page, word);
    tags.page = first - (first % tags.pages);
    // Nobody reads a table before the entries that lead to it are there.
    let end = role.since;
    for (const one of this.done) if (one.submitted > end && this.removesAll(one, level)) end = one.submitted;
    return end;
  }

  /** The pages that the word has reached, or that what caches keep of it covers. */
  private pagesOf({ level }: Role, page: number, word: number): number {
    const { entries } = this.oracle.unit;
    let most = entries.span(level);
    eachValue(this.oracle.memory, page, word, (low, high) => {
      if (entries.next(level, low, high) === LeadsTo.pages)
        most = Math.max(most, entries.pages(level, low, high));
    });
    return most;
  }

  /**
   * It removes what any cache holds of the pages of the tags, entries that point to tables included, and drains what was
   * translated by it: nothing can be read again that left memory before it was submitted. All three are needed: words are
   * forgotten one by one, and an upper entry that is forgotten first no longer keeps the ones below it.
   */
  private removesAll(invalidation: Invalidation, level: number): boolean {
    const { log } = this.oracle;
    if (!log.drains(invalidation, this.tags) || !log.covers(invalidation, Cache.iotlb, this.tags))
      return false;
    return level === 1 || !log.rules.sparesTables(invalidation.target);
  }
}
