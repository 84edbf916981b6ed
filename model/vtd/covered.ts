/**
 * Old values of second-stage entries that a single invalidation has done away with: what needs no search for chains
 * before it is forgotten (VT-d 6.5.2.3, 6.5.4).
 */
import { drains, type Invalidation, PAGES_BY_LEVEL } from "./invalidation-log.js";
import type { VtdOracle } from "./oracle.js";
import type { Role, TableGraph } from "./table-graph.js";

export class Covered {
  private done: readonly Invalidation[] = [];

  constructor(
    private readonly oracle: VtdOracle,
    private readonly graph: TableGraph,
  ) {}

  /** Forgets every old value that is gone from all caches, and from writes under way, by step `now`. */
  forget(now: number): void {
    const { graph, oracle } = this;
    this.done = oracle.queue.drains.map((one) => one.invalidation).filter((one) => one.observed <= now);
    oracle.memory.forget(
      (page, word) => this.endOf(page, word, now),
      (page, word, low, high) => graph.forgot(page, word, low, high),
    );
  }

  /** What ended by the step that is returned is gone, or was never within reach; 0 for root and context entries. */
  private endOf(page: number, word: number, now: number): number {
    const { graph } = this;
    if (graph.tops.isUpper(page)) return 0;
    let end = now;
    for (const role of graph.rolesOf(page)) end = Math.min(end, this.endIn(role, word));
    return end === now || this.wasNeverPresent(page, word) ? now : end;
  }

  /** Without Caching Mode no cache keeps an entry that is not present (6.1). */
  private wasNeverPresent(page: number, word: number): boolean {
    const { memory, platform } = this.oracle;
    if (platform.cachingMode) return false;
    const frame = memory.frameOf(page);
    let version = memory.olderVersion(memory.newestVersion(frame, word));
    while (version !== 0 && (memory.lowOf(version) & 3) === 0) version = memory.olderVersion(version);
    return version === 0;
  }

  private endIn(role: Role, word: number): number {
    const { top, level, iova } = role;
    const pages = PAGES_BY_LEVEL[level]!;
    const first = iova + word * pages;
    // Nobody reads a table before the entries that lead to it are there.
    let end = role.since;
    for (const one of this.done)
      if (one.submitted > end && removesAll(one, top.domainId, first, pages, level)) end = one.submitted;
    return end;
  }
}

/**
 * It removes what any cache holds of the pages under that domain id, entries that point to tables included, and drains
 * what was translated by it: nothing can be read again that left memory before it was submitted. All three are needed:
 * words are forgotten one by one, and an upper entry that is forgotten first no longer keeps the ones below it.
 */
function removesAll(
  { target }: Invalidation,
  domainId: number,
  firstPage: number,
  pages: number,
  level: number,
): boolean {
  const sparesTables = target.cache === "iotlb" && target.granularity === "page" && target.leafOnly;
  return drains(target, domainId, firstPage, pages) && !(sparesTables && level > 1);
}
