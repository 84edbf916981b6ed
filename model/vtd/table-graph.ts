/**
 * Which words of memory point to which page, in any value they have held: the way from a page back to the domain ids
 * and addresses that may lead to it (VT-d 3.4, 3.7). It over-approximates; what it finds is then judged exactly.
 *
 * On a way down no entry can have been read before one above it held its value (6.2), so combinations of an old entry
 * with a later one above it are left out.
 */
import { OPEN, type PhysicalMemory } from "../words/memory.js";
import { PAGES_BY_LEVEL } from "./invalidation-log.js";
import type { SteeringRegisters } from "./steering.js";
import { eachValue, type Top, Tops } from "./tops.js";
import { pageOf } from "./walk.js";

/** A table as part of the address space of a domain id. */
export interface Role {
  readonly top: Top;
  readonly level: number;
  /** First page that the table reaches. */
  readonly iova: number;
  /** Step from which on the entries above it held their values. */
  readonly since: number;
  /** Step at which the first of the entries between it and the context entry was superseded. */
  readonly until: number;
}

/** An entry that maps pages, in an address space. */
export interface Leaf {
  iova: number;
  page: number;
  pages: number;
  access: number;
  level: number;
  /** Step from which on it and every entry above it held their values, and step at which it was superseded. */
  since: number;
  until: number;
  /** Step at which the first of the entries between it and the context entry was. */
  upperUntil: number;
}

/** Is shown one leaf after the other, in one object; returns true when it has seen enough. */
export type LeafVisitor = (leaf: Readonly<Leaf>) => boolean;

/** A table as part of a requester's address space: its level, and the first page it reaches. */
export type RoleVisitor = (requester: number, level: number, iova: number) => void;

/** The values in which a word points to a page. */
export interface Pointer {
  since: number;
  until: number;
  access: number;
}

const NO_WORDS: ReadonlySet<number> = new Set();
const ALL_WORDS: ReadonlySet<number> = new Set(Array.from({ length: 512 }, (_, word) => word));
/** Entries between a table and its context entry, at most. */
const DEEPEST = 4;
/** In place of a level: the entry points to a table. */
const TO_TABLE = 0;
/** PS: the entry maps a large page. */
const LARGE = 0x80;

export class TableGraph {
  readonly tops: Tops;
  /** Tables that entries of the last {@link leavesOf} lead to. */
  readonly passed: number[] = [];
  /** By page: the words (`page * 512 + word`) that have pointed to it. */
  private readonly to = new Map<number, Set<number>>();
  /** By page: its words that have held an entry. */
  private readonly from = new Map<number, Set<number>>();
  /** By word, where memory keeps no history of it: the page that it points to. */
  private readonly filled = new Map<number, number>();
  private readonly rolesByTable = new Map<number, Role[]>();
  private readonly path = new Int32Array(DEEPEST + 1);
  private readonly leaf: Leaf = {
    iova: 0,
    page: 0,
    pages: 0,
    access: 0,
    level: 0,
    since: 0,
    until: 0,
    upperUntil: 0,
  };

  /**
   * @param isOpaque true for a page that may hold entries nobody has told of
   * @param isUnlinked true when nothing read at step `at` or later can have been found in a table of `level` at `iova`, to
   *   which entries have pointed until `until`
   */
  constructor(
    private readonly memory: PhysicalMemory,
    steering: SteeringRegisters,
    requesters: readonly number[],
    private readonly isOpaque: (page: number) => boolean,
    private readonly isUnlinked: (
      top: Top,
      until: number,
      level: number,
      iova: number,
      at: number,
    ) => boolean,
  ) {
    this.tops = new Tops(memory, steering, requesters);
  }

  reset(): void {
    this.to.clear();
    this.from.clear();
    this.filled.clear();
    this.steered();
  }

  /** A word was stored to. */
  stored(page: number, word: number, low: number, high: number): void {
    const key = page * 512 + word;
    const hasHistory = this.memory.newestVersion(this.memory.frameOf(page), word) !== 0;
    const before = this.filled.get(key);
    if (before !== undefined) {
      this.filled.delete(key);
      if (!hasHistory) {
        remove(this.to, before, key);
        remove(this.from, page, word);
      }
    }
    if ((low & 3) === 0) return;
    const target = pageOf(low, high);
    add(this.to, target, key);
    add(this.from, page, word);
    if (!hasHistory) this.filled.set(key, target);
  }

  /** The root-table pointer, a root or context entry, or the window of one was changed. */
  steered(): void {
    this.tops.changed();
    this.relinked();
  }

  /** An entry that leads to tables, or the window of one, was changed. */
  relinked(): void {
    this.rolesByTable.clear();
  }

  /** An old value of a word was forgotten. */
  forgot(page: number, word: number, low: number, high: number): void {
    if (this.tops.isUpper(page)) this.steered();
    if ((low & 3) === 0) return;
    const target = pageOf(low, high);
    if (this.from.has(target)) this.relinked();
    let present = false;
    let pointsThere = false;
    eachValue(this.memory, page, word, (keptLow, keptHigh) => {
      if ((keptLow & 3) === 0) return;
      present = true;
      if (pageOf(keptLow, keptHigh) === target) pointsThere = true;
    });
    if (!pointsThere) remove(this.to, target, page * 512 + word);
    if (!present) remove(this.from, page, word);
  }

  /** The words that have pointed to a page, as `page * 512 + word`. */
  pointersTo(page: number): ReadonlySet<number> {
    return this.to.get(page) ?? NO_WORDS;
  }

  /** Finds the values of the word that point to a page, as a table or as a page mapped by an entry of `level`. */
  findPointer(key: number, target: number, level: number, from: number, into: Pointer): boolean {
    const { memory } = this;
    const word = key % 512;
    const frame = memory.frameOf(Math.floor(key / 512));
    into.since = OPEN;
    into.until = 0;
    into.access = 0;
    let version = memory.newestVersion(frame, word);
    if (version === 0) {
      const low = memory.low(frame, word);
      if (leadsTo(low, memory.high(frame, word), target, level)) widen(into, low, 0, OPEN);
    }
    for (; version !== 0; version = memory.olderVersion(version)) {
      const until = memory.untilOf(version);
      const low = memory.lowOf(version);
      if (until > from && leadsTo(low, memory.highOf(version), target, level))
        widen(into, low, memory.sinceOf(version), until);
    }
    return into.access !== 0;
  }

  /** Every role that a page has had as a table. */
  rolesOf(table: number): readonly Role[] {
    let roles = this.rolesByTable.get(table);
    if (!roles) {
      roles = [];
      this.climb(table, 0, 0, OPEN, roles);
      this.rolesByTable.set(table, roles);
    }
    return roles;
  }

  private climb(table: number, depth: number, since: number, until: number, into: Role[]): void {
    for (const top of this.tops.at(table)) {
      const level = top.levels - depth;
      if (level < 1 || top.since >= until) continue;
      into.push({ top, level, iova: this.addressOf(level, depth), since: Math.max(since, top.since), until });
    }
    if (depth === DEEPEST) return;
    for (const key of this.pointersTo(table)) {
      const pointer: Pointer = { since: 0, until: 0, access: 0 };
      if (!this.findPointer(key, table, TO_TABLE, 0, pointer) || pointer.since >= until) continue;
      this.path[depth] = key % 512;
      const latest = Math.max(since, pointer.since);
      this.climb(Math.floor(key / 512), depth + 1, latest, Math.min(until, pointer.until), into);
    }
  }

  /** First page of a table of `level`, from the indices on the way up. */
  private addressOf(level: number, depth: number): number {
    let iova = 0;
    for (let step = 0; step < depth; step++) iova += this.path[step]! * PAGES_BY_LEVEL[level + 1 + step]!;
    return iova;
  }

  /** Visits every entry that maps pages under a top, in any value it has held. True when the visitor has seen enough. */
  leavesUnder(top: Top, visit: LeafVisitor): boolean {
    this.passed.length = 0;
    return this.leavesIn(top, top.table, top.levels, 0, top.since, OPEN, visit);
  }

  /**
   * The same at and below one value of an entry, at `iova`, of a table with that role.
   * @param since first step at which the entry held the value, and `until` the step at which it was superseded
   */
  leavesAt(
    role: Role,
    iova: number,
    low: number,
    high: number,
    since: number,
    until: number,
    visit: LeafVisitor,
  ) {
    this.passed.length = 0;
    const latest = Math.max(role.since, since);
    return this.leavesOf(role.top, role.level, iova, low, high, latest, until, role.until, visit);
  }

  private leavesIn(
    top: Top | null,
    table: number,
    level: number,
    iova: number,
    since: number,
    upperUntil: number,
    visit: LeafVisitor,
  ): boolean {
    const { memory } = this;
    const frame = memory.frameOf(table);
    if (frame < 0) return false;
    const span = PAGES_BY_LEVEL[level]!;
    for (const word of this.isOpaque(table) ? ALL_WORDS : (this.from.get(table) ?? NO_WORDS)) {
      const first = iova + word * span;
      let version = memory.newestVersion(frame, word);
      if (version === 0) {
        const low = memory.low(frame, word);
        if (this.leavesOf(top, level, first, low, memory.high(frame, word), since, OPEN, upperUntil, visit))
          return true;
      }
      for (; version !== 0; version = memory.olderVersion(version)) {
        const until = memory.untilOf(version);
        if (until <= since) continue;
        const latest = Math.max(since, memory.sinceOf(version));
        const low = memory.lowOf(version);
        if (this.leavesOf(top, level, first, low, memory.highOf(version), latest, until, upperUntil, visit))
          return true;
      }
    }
    return false;
  }

  private leavesOf(
    top: Top | null,
    level: number,
    iova: number,
    low: number,
    high: number,
    since: number,
    until: number,
    upperUntil: number,
    visit: LeafVisitor,
  ): boolean {
    if ((low & 3) === 0 || (top && this.isUnlinked(top, upperUntil, level, iova, since))) return false;
    const page = pageOf(low, high);
    if (level > 1 && (level > 3 || (low & LARGE) === 0)) {
      this.passed.push(page);
      return this.leavesIn(top, page, level - 1, iova, since, Math.min(until, upperUntil), visit);
    }
    const { leaf } = this;
    const pages = PAGES_BY_LEVEL[level]!;
    leaf.iova = iova;
    leaf.page = page - (page % pages);
    leaf.pages = pages;
    leaf.access = low & 3;
    leaf.level = level;
    leaf.since = since;
    leaf.until = until;
    leaf.upperUntil = upperUntil;
    return visit(leaf);
  }

  /** The tables that context entries of a requester have pointed to. */
  topsOf(requester: number): readonly Top[] {
    return this.tops
      .domainsOf(requester)
      .flatMap((domainId) => this.tops.of(domainId))
      .filter(
        ({ passThrough, contexts }) => !passThrough && contexts.some((one) => one.source === requester),
      );
  }

  /** Visits every role that a page has had as a table, for the requesters whose context entries led to it. */
  roles(table: number, visit: RoleVisitor): void {
    for (const { top, level, iova } of this.rolesOf(table))
      for (const { source } of top.contexts) visit(source, level, iova);
  }

  /** Visits the address of every entry below a table, in any value its words have held. */
  addresses(table: number, level: number, iova: number, visit: (iova: number) => void): void {
    for (const word of this.isOpaque(table) ? ALL_WORDS : (this.from.get(table) ?? NO_WORDS)) {
      const first = iova + word * PAGES_BY_LEVEL[level]!;
      visit(first);
      eachValue(this.memory, table, word, (low, high) => {
        this.addressesBelow(level, first, low, high, visit);
      });
    }
  }

  /** The same below the values that an entry of `level` has held before. */
  oldAddresses(
    table: number,
    word: number,
    level: number,
    iova: number,
    visit: (iova: number) => void,
  ): void {
    let newest = true;
    eachValue(this.memory, table, word, (low, high) => {
      if (!newest) this.addressesBelow(level, iova, low, high, visit);
      newest = false;
    });
  }

  private addressesBelow(
    level: number,
    iova: number,
    low: number,
    high: number,
    visit: (iova: number) => void,
  ): void {
    const isTable = level > 1 && (level > 3 || (low & LARGE) === 0);
    if ((low & 3) !== 0 && isTable) this.addresses(pageOf(low, high), level - 1, iova, visit);
  }
}

/** The entry leads to that page: as a table, or by mapping pages from there on at `level`. */
function leadsTo(low: number, high: number, target: number, level: number): boolean {
  if ((low & 3) === 0) return false;
  const page = pageOf(low, high);
  if (level === TO_TABLE) return (low & LARGE) === 0 && page === target;
  if (level === 1) return page === target;
  return (low & LARGE) !== 0 && page - (page % PAGES_BY_LEVEL[level]!) === target;
}

function widen(pointer: Pointer, low: number, since: number, until: number): void {
  pointer.since = Math.min(pointer.since, since);
  pointer.until = Math.max(pointer.until, until);
  pointer.access |= low & 3;
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
