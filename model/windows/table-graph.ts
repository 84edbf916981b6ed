/**
 * Which words of memory point to which page, in any value they have held: the way from a page back to the domain ids
 * and addresses that may lead to it. It over-approximates; what it finds is then judged exactly.
 *
 * On a way down no entry can have been read before one above it held its value, so combinations of an old entry with a
 * later one above it are left out.
 */
import { OPEN, type PhysicalMemory } from "../words/memory.js";
import { Pointers } from "./pointers.js";
import type { SteeringRegisters } from "./steering.js";
import { eachValue, type Top, Tops } from "./tops.js";
import { LeadsTo, ONE_BELOW, type TableEntries, type Unit } from "./unit.js";

/** A table as part of the address space of a domain id. */
export interface Role {
  readonly top: Top;
  readonly level: number;
  /** First page that the table reaches. */
  readonly iova: number;
  /** Step from which on the entries above it held their values. */
  readonly since: number;
  /** Step at which the first of the entries between it and the device entry was superseded. */
  readonly until: number;
}

/** The word `key` (`page * 512 + word`), in a table with that role, has mapped `size` pages from `base` on. */
export interface LeafEntry {
  readonly key: number;
  readonly base: number;
  readonly size: number;
  readonly role: Role;
}

/** An entry that maps pages, in an address space. */
export interface Leaf {
  iova: number;
  page: number;
  pages: number;
  access: number;
  /** Level of the table that it is in; 0 for none. */
  level: number;
  /** Pages that its translation covers; 0 where no entry of a table gives it a size. */
  size: number;
  /** Step from which on it and every entry above it held their values, and step at which it was superseded. */
  since: number;
  until: number;
  /** Step at which the first of the entries between it and the device entry was. */
  upperUntil: number;
}

/** Is shown one leaf after the other, in one object; returns true when it has seen enough. */
export type LeafVisitor = (leaf: Readonly<Leaf>) => boolean;

/** A table as part of a requester's address space: its level, and the first page it reaches. */
export type RoleVisitor = (requester: number, level: number, iova: number) => void;

const ALL_WORDS: ReadonlySet<number> = new Set(Array.from({ length: 512 }, (_, word) => word));

export class TableGraph {
  readonly tops: Tops;
  /** Tables that entries of the last {@link leavesOf} lead to. */
  readonly passed: number[] = [];
  readonly pointers: Pointers;
  private readonly entries: TableEntries;
  private readonly rolesByTable = new Map<number, Role[]>();
  /** On the way up from a table: the words that point there, and the level each says that the table below it has. */
  private readonly path: number[] = [];
  private readonly nexts: number[] = [];
  private readonly leaf: Leaf = {
    iova: 0,
    page: 0,
    pages: 0,
    access: 0,
    level: 0,
    size: 0,
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
    private readonly unit: Unit,
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
    this.tops = new Tops(unit, memory, steering, requesters);
    this.entries = unit.entries;
    this.pointers = new Pointers(memory, unit.entries);
  }

  reset(): void {
    this.pointers.reset();
    this.steered();
  }

  /** The table pointer, a device entry, an entry above one, or the window of one was changed. */
  steered(): void {
    this.tops.changed();
    this.relinked();
  }

  /** An entry that leads to tables, or the window of one, was changed. */
  relinked(): void {
    this.rolesByTable.clear();
  }

  /** Old values are about to be forgotten, one by one. */
  beginForgetting(): void {
    this.tops.refresh();
  }

  /** An old value of a word was forgotten. */
  forgot(page: number, word: number, low: number, high: number): void {
    const { pointers } = this;
    if (this.tops.wasUpper(page)) this.steered();
    if (!pointers.isPresent(low)) return;
    if (pointers.inPage(this.entries.table(low, high)).size > 0) this.relinked();
    pointers.forgot(page, word, low, high);
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

  /** The entries that map some of these pages, those that map the fewest first. */
  leavesTo(page: number, pages: number): readonly LeafEntry[] {
    const found: LeafEntry[] = [];
    let last = page + 1;
    for (const size of this.entries.sizes) {
      const base = page - (page % size);
      if (base < last) this.addLeavesFrom(base, page, found);
      last = base;
      if (base === 0) break;
    }
    for (let base = page + 1; base < page + pages; base++) this.addLeavesFrom(base, page, found);
    return found.sort((one, other) => one.size - other.size || one.base - other.base);
  }

  /** Adds the entries that map pages from `base` on, up to `reached` at least. */
  private addLeavesFrom(base: number, reached: number, into: LeafEntry[]): void {
    for (const key of this.pointers.toPage(base))
      for (const role of this.rolesOf(Math.floor(key / 512)))
        for (const size of this.pointers.sizesFrom(key, base, role.level, role.since))
          if (base + size > reached) into.push({ key, base, size, role });
  }

  private climb(table: number, depth: number, since: number, until: number, into: Role[]): void {
    for (const top of this.tops.at(table)) {
      const place = top.since < until ? this.placeUnder(top, depth) : null;
      if (place) into.push({ top, ...place, since: Math.max(since, top.since), until });
    }
    if (depth === this.unit.shape.levels - 1) return;
    for (const key of this.pointers.toPage(table)) {
      for (const pointer of this.pointers.tablePointers(key, table)) {
        if (pointer.since >= until) continue;
        this.path[depth] = key % 512;
        this.nexts[depth] = pointer.next;
        const latest = Math.max(since, pointer.since);
        this.climb(Math.floor(key / 512), depth + 1, latest, Math.min(until, pointer.until), into);
      }
    }
  }

  /** Level and first page of the table that the way up began at, if it leads up to that top. */
  private placeUnder(top: Top, depth: number): Pick<Role, "level" | "iova"> | null {
    let level = top.levels;
    let iova = 0;
    for (let step = depth - 1; step >= 0; step--) {
      iova += this.path[step]! * this.entries.span(level);
      const next = this.nexts[step] === ONE_BELOW ? level - 1 : this.nexts[step]!;
      if (next < 1 || next >= level) return null;
      level = next;
    }
    return { level, iova };
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
    const span = this.entries.span(level);
    for (const word of this.isOpaque(table) ? ALL_WORDS : this.pointers.inPage(table)) {
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
    const { entries, leaf } = this;
    const next = entries.next(level, low, high);
    if (next === LeadsTo.nowhere || (top && this.isUnlinked(top, upperUntil, level, iova, since)))
      return false;
    if (next !== LeadsTo.pages) {
      const page = entries.table(low, high);
      this.passed.push(page);
      return this.leavesIn(top, page, next, iova, since, Math.min(until, upperUntil), visit);
    }
    // Choice: an entry of several that map a large page together serves the addresses of its own slot.
    const pages = entries.pages(level, low, high);
    leaf.iova = iova;
    leaf.page = entries.first(level, low, high) + (iova % pages);
    leaf.pages = entries.span(level);
    leaf.access = entries.access(low, high);
    leaf.level = level;
    leaf.size = pages;
    leaf.since = since;
    leaf.until = until;
    leaf.upperUntil = upperUntil;
    return visit(leaf);
  }

  /** The tables that device entries of a requester have pointed to. */
  topsOf(requester: number): readonly Top[] {
    return this.tops
      .domainsOf(requester)
      .flatMap((domainId) => this.tops.of(domainId))
      .filter(
        ({ passThrough, devices }) => !passThrough && devices.some((one) => one.requester === requester),
      );
  }

  /** Visits every role that a page has had as a table, for the requesters whose device entries led to it. */
  roles(table: number, visit: RoleVisitor): void {
    for (const { top, level, iova } of this.rolesOf(table))
      for (const { requester } of top.devices) visit(requester, level, iova);
  }

  /** Visits the address of every entry below a table, in any value its words have held. */
  addresses(table: number, level: number, iova: number, visit: (iova: number) => void): void {
    for (const word of this.isOpaque(table) ? ALL_WORDS : this.pointers.inPage(table)) {
      const first = iova + word * this.entries.span(level);
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
    const next = this.entries.next(level, low, high);
    if (next > LeadsTo.pages) this.addresses(this.entries.table(low, high), next, iova, visit);
  }
}
