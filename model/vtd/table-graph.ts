/**
 * Which words of memory point to which page, in any value they have held: the way from a page back to the requesters
 * and addresses that may lead to it (VT-d 3.4, 3.7). It over-approximates; what it finds is then judged exactly.
 */
import type { PhysicalMemory } from "../words/memory.js";
import { PAGES_BY_LEVEL } from "./invalidation-log.js";
import type { SteeringRegisters } from "./steering.js";
import { TranslationType } from "./tables.js";
import { pageOf } from "./walk.js";

/** A table that a context entry of a requester has pointed to, with the number of levels. */
interface Top {
  readonly requester: number;
  readonly table: number;
  readonly levels: number;
}

/** What the context entries of a requester have said. */
export interface Roots {
  readonly tops: readonly Top[];
  readonly domainIds: ReadonlySet<number>;
  readonly passThrough: boolean;
}

/** A table as part of a requester's address space: its level, and the first page it reaches. */
export type RoleVisitor = (requester: number, level: number, iova: number) => void;

/** An entry that maps pages, in an address space. */
export type LeafVisitor = (iova: number, page: number, pages: number, access: number) => void;

const NO_WORDS: ReadonlySet<number> = new Set();
const DEEPEST = 4;

export class TableGraph {
  /** By page: the words (`page * 512 + word`) that have pointed to it. */
  private readonly to = new Map<number, Set<number>>();
  /** By page: its words that have held an entry. */
  private readonly from = new Map<number, Set<number>>();
  private readonly path = new Int32Array(DEEPEST + 1);
  private rootsByRequester: Map<number, Roots> | null = null;
  private topsByTable = new Map<number, Top[]>();
  private upperPages = new Set<number>();

  constructor(
    private readonly memory: PhysicalMemory,
    private readonly steering: SteeringRegisters,
    private readonly requesters: readonly number[],
  ) {}

  reset(): void {
    this.to.clear();
    this.from.clear();
    this.rootsByRequester = null;
  }

  /** A word of a table was stored to. */
  stored(page: number, word: number, low: number, high: number): void {
    if (this.upperPages.has(page)) this.rootsByRequester = null;
    if ((low & 3) === 0) return;
    add(this.to, pageOf(low, high), page * 512 + word);
    add(this.from, page, word);
  }

  /** The root-table pointer was changed. */
  steered(): void {
    this.rootsByRequester = null;
  }

  /** An old value of a word was forgotten. */
  forgot(page: number, word: number, low: number, high: number): void {
    if (this.upperPages.has(page)) this.rootsByRequester = null;
    if ((low & 3) === 0) return;
    const target = pageOf(low, high);
    let present = false;
    let pointsThere = false;
    this.eachValue(page, word, (keptLow, keptHigh) => {
      if ((keptLow & 3) === 0) return;
      present = true;
      if (pageOf(keptLow, keptHigh) === target) pointsThere = true;
    });
    if (!pointsThere) remove(this.to, target, page * 512 + word);
    if (!present) remove(this.from, page, word);
  }

  /** True when the page holds root or context entries. */
  isUpper(page: number): boolean {
    this.roots();
    return this.upperPages.has(page);
  }

  /** The words that have pointed to a page, as `page * 512 + word`. */
  pointersTo(page: number): ReadonlySet<number> {
    return this.to.get(page) ?? NO_WORDS;
  }

  rootsOf(requester: number): Roots {
    return this.roots().get(requester)!;
  }

  /** The requesters whose context entries have named a domain id that one of this requester's named: they share caches. */
  sharersOf(requester: number): number[] {
    const { domainIds } = this.rootsOf(requester);
    return this.requesters.filter((other) => {
      if (other === requester) return true;
      for (const id of this.rootsOf(other).domainIds) if (domainIds.has(id)) return true;
      return false;
    });
  }

  /** Visits every role that a page has had as a table. */
  roles(table: number, visit: RoleVisitor): void {
    this.roots();
    this.climb(table, 0, visit);
  }

  private climb(table: number, depth: number, visit: RoleVisitor): void {
    for (const top of this.topsByTable.get(table) ?? []) {
      const level = top.levels - depth;
      if (level >= 1) visit(top.requester, level, this.addressOf(level, depth));
    }
    if (depth === DEEPEST) return;
    for (const key of this.pointersTo(table)) {
      this.path[depth] = key % 512;
      this.climb(Math.floor(key / 512), depth + 1, visit);
    }
  }

  /** First page of a table of `level`, from the indices on the way up. */
  private addressOf(level: number, depth: number): number {
    let iova = 0;
    for (let step = 0; step < depth; step++) iova += this.path[step]! * PAGES_BY_LEVEL[level + 1 + step]!;
    return iova;
  }

  /** Visits every entry that maps pages below a table, in any value its words have held. */
  leaves(table: number, level: number, iova: number, visit: LeafVisitor): void {
    for (const word of this.from.get(table) ?? NO_WORDS) {
      const first = iova + word * PAGES_BY_LEVEL[level]!;
      this.eachValue(table, word, (low, high) => this.leavesOf(level, first, low, high, visit));
    }
  }

  /** The same below the values that an entry of `level` has held before. */
  oldLeaves(table: number, word: number, level: number, iova: number, visit: LeafVisitor): void {
    let newest = true;
    this.eachValue(table, word, (low, high) => {
      if (!newest) this.leavesOf(level, iova, low, high, visit);
      newest = false;
    });
  }

  /** The same below one value of an entry. */
  leavesOf(level: number, iova: number, low: number, high: number, visit: LeafVisitor): void {
    if ((low & 3) === 0) return;
    const page = pageOf(low, high);
    if (level > 1 && (level > 3 || (low & 0x80) === 0)) {
      this.leaves(page, level - 1, iova, visit);
      return;
    }
    const pages = PAGES_BY_LEVEL[level]!;
    visit(iova, page - (page % pages), pages, low & 3);
  }

  /** Every value a word holds or has held. */
  eachValue(page: number, word: number, visit: (low: number, high: number) => void): void {
    const { memory } = this;
    const frame = memory.frameOf(page);
    if (frame < 0) return;
    let version = memory.newestVersion(frame, word);
    if (version === 0) {
      visit(memory.low(frame, word), memory.high(frame, word));
      return;
    }
    for (; version !== 0; version = memory.olderVersion(version))
      visit(memory.lowOf(version), memory.highOf(version));
  }

  private roots(): Map<number, Roots> {
    if (this.rootsByRequester) return this.rootsByRequester;
    const all = new Map<number, Roots>();
    this.upperPages = new Set();
    this.topsByTable = new Map();
    for (const requester of this.requesters) {
      const roots = this.readRoots(requester);
      all.set(requester, roots);
      for (const top of roots.tops) {
        const same = this.topsByTable.get(top.table);
        if (same) same.push(top);
        else this.topsByTable.set(top.table, [top]);
      }
    }
    this.rootsByRequester = all;
    return all;
  }

  private readRoots(requester: number): Roots {
    const tops: Top[] = [];
    const domainIds = new Set<number>();
    let passThrough = false;
    const { rootPointer } = this.steering;
    for (let index = 0; index < rootPointer.count; index++) {
      const rootPage = rootPointer.value[index]!;
      this.upperPages.add(rootPage);
      this.eachValue(rootPage, (requester >>> 8) * 2, (rootLow, rootHigh) => {
        if ((rootLow & 1) === 0) return;
        const contextPage = pageOf(rootLow, rootHigh);
        this.upperPages.add(contextPage);
        const word = (requester & 0xff) * 2;
        this.eachValue(contextPage, word, (low, high) => {
          if ((low & 1) === 0) return;
          const type = (low >>> 2) & 3;
          if (type === TranslationType.passThrough) passThrough = true;
          this.eachValue(contextPage, word + 1, (low2) => {
            domainIds.add((low2 >>> 8) & 0xffff);
            if (type !== TranslationType.passThrough)
              tops.push({ requester, table: pageOf(low, high), levels: (low2 & 7) + 2 });
          });
        });
      });
    }
    return { tops: withoutRepetitions(tops), domainIds, passThrough };
  }
}

function withoutRepetitions(tops: readonly Top[]): Top[] {
  return tops.filter(
    (top, index) => tops.findIndex((one) => one.table === top.table && one.levels === top.levels) === index,
  );
}

function add(sets: Map<number, Set<number>>, key: number, value: number): void {
  const set = sets.get(key);
  if (set) set.add(value);
  else sets.set(key, new Set([value]));
}

function remove(sets: Map<number, Set<number>>, key: number, value: number): void {
  const set = sets.get(key);
  if (set?.delete(value) && set.size === 0) sets.delete(key);
}
