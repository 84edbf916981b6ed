/**
 * What requests could reach, in closed form from the windows: the tables in every value they have held are searched for
 * candidates, and each candidate is judged by the admissible outcomes.
 */
import { Right } from "../isolation/events.js";
import type { GrantCheck, Reach, Touched } from "../isolation/exposure.js";
import type { Action } from "../trace.js";
import { OPEN } from "../words/memory.js";
import { aroundSpecial, type Candidate, pieces } from "./candidates.js";
import { Forgetting } from "./forgetting.js";
import type { WindowsOracle } from "./oracle.js";
import type { Pointer } from "./pointers.js";
import { everyPage, ReachCheck, RIGHTS } from "./reach-check.js";
import { Removed } from "./removals.js";
import { type Leaf, type LeafEntry, type Role, TableGraph } from "./table-graph.js";
import type { Top } from "./tops.js";

const EVERY_ADDRESS = Number.POSITIVE_INFINITY;

export class Exposure {
  /** Addresses whose translation the last action changed. */
  readonly touched: Touched[] = [];
  /** Pages that the last action made the unit read entries from. */
  readonly linked: number[] = [];
  readonly graph: TableGraph;
  private readonly judge: ReachCheck;
  private readonly forgetting: Forgetting;
  private readonly pointer: Pointer = { since: 0, until: 0, access: 0 };
  private readonly leaf: Leaf = everyPage(0);

  constructor(private readonly oracle: WindowsOracle) {
    this.judge = new ReachCheck(oracle);
    this.graph = new TableGraph(
      oracle.unit,
      oracle.memory,
      oracle.steering,
      oracle.functions,
      (page) => oracle.isDataPage(page),
      (top, until, level, iova, at) => this.judge.isUnlinked(top, until, level, iova, at),
    );
    this.forgetting = new Forgetting(oracle, this.graph, this.judge.posted);
  }

  reset(): void {
    this.graph.reset();
    this.forgetting.reset();
    this.judge.posted.forget();
    this.touched.length = 0;
    this.linked.length = 0;
    this.judge.now = 0;
  }

  /** Forgets history that no request can rest on any more, unless that has taken long a short while ago. */
  forgetWhenDue(): void {
    if (this.forgetting.isDue(this.judge.now)) this.forget();
  }

  /** Forgets history that no request can rest on any more. */
  forget(): void {
    this.forgetting.forget(this.judge.now);
    this.judge.posted.forget();
  }

  /** The action of that index was performed: the first ungranted reach that it can have added. */
  added(action: Action, index: number, granted: GrantCheck): Reach | null {
    this.judge.now = index + 1;
    if (this.touched.length > 0) this.touched.length = 0;
    if (this.linked.length > 0) this.linked.length = 0;
    switch (action.do) {
      case "store":
        return this.addedByStore(action.page, action.word, granted);
      case "flush-line":
        this.windowsEnded(action.page);
        return null;
      case "write-register":
        return this.addedByCommand(granted);
      case "poll-memory":
        this.completionSeen();
        return this.addedByStore(action.page, action.word, granted);
      case "poll-register":
      case "read-register":
      case "read-memory":
        this.completionSeen();
        return null;
      case "request":
        return this.addedByRequest(granted);
    }
  }

  /** Walks see no older values of a line any more. */
  private windowsEnded(page: number): void {
    if (this.graph.tops.isUpper(page)) this.graph.steered();
    else if (leadsToTables(this.graph.rolesOf(page))) this.graph.relinked();
  }

  private completionSeen(): void {
    const { steering, unit } = this.oracle;
    if (steering.tablePointer.isSettledAt(this.judge.now) || unit.storeVisibility.needsBufferFlush)
      this.graph.steered();
  }

  /** A device may have written an entry. */
  private addedByRequest(granted: GrantCheck): Reach | null {
    const { writes } = this.oracle;
    const last = writes[writes.length - 1];
    if (last?.step !== this.judge.now || this.oracle.memory.frameOf(last.page) < 0) return null;
    return this.addedByStore(last.page, last.request.offset >>> 3, granted);
  }

  private addedByStore(page: number, word: number, granted: GrantCheck): Reach | null {
    const { graph } = this;
    const { memory } = this.oracle;
    const frame = memory.frameOf(page);
    if (frame < 0) return null;
    const low = memory.low(frame, word);
    const high = memory.high(frame, word);
    graph.pointers.stored(page, word, low, high);
    const upper = graph.tops.isUpper(page);
    if (upper) graph.steered();
    let roles = graph.rolesOf(page);
    if (!upper && roles.length === 0) return null;
    if (leadsToTables(roles)) {
      graph.relinked();
      roles = graph.rolesOf(page);
    }
    let found = upper ? this.addedByUpperEntry(page, word, granted) : null;
    for (const role of roles) {
      if (this.isUnlinked(role)) continue;
      const span = this.oracle.unit.entries.span(role.level);
      const iova = role.iova + word * span;
      this.touch(role.top.domainId, iova, span);
      if (graph.pointers.isPresent(low)) found ??= this.addedThrough(role, iova, low, high, granted);
    }
    return found;
  }

  /** The table cannot be read in that role any more. */
  private isUnlinked({ top, until, level, iova }: Role): boolean {
    return this.judge.isUnlinked(top, until, level, iova, this.judge.now);
  }

  private touch(domainId: number, iova: number, pages: number): void {
    for (const requester of this.graph.tops.sharing(domainId)) this.touched.push({ requester, iova, pages });
  }

  private addedThrough(
    role: Role,
    iova: number,
    low: number,
    high: number,
    granted: GrantCheck,
  ): Reach | null {
    const { graph, judge } = this;
    const { domainId } = role.top;
    const testers = graph.tops.sharing(domainId);
    let found: Reach | null = null;
    graph.leavesAt(role, iova, low, high, judge.now, OPEN, (leaf) => {
      found = judge.check(testers, role.top, leaf, granted);
      return found !== null;
    });
    this.linked.push(...graph.passed);
    return found;
  }

  /** A part of a device entry, or of one above, was changed: what its requesters, and those who share caches, reach. */
  private addedByUpperEntry(page: number, word: number, granted: GrantCheck): Reach | null {
    const { tops } = this.graph;
    let found: Reach | null = null;
    for (const requester of tops.readBy(page, word)) {
      this.touched.push({ requester, iova: 0, pages: EVERY_ADDRESS });
      this.linked.push(...tops.below(page, requester));
      found ??= this.addedByDevice(requester, granted);
    }
    return found;
  }

  /** A requester has begun to use domain ids: what those who share them reach through any of their tables. */
  private addedByDevice(requester: number, granted: GrantCheck): Reach | null {
    const { tops } = this.graph;
    for (const domainId of tops.domainsOf(requester)) {
      const begun = tops
        .of(domainId)
        .some(({ devices }) =>
          devices.some((one) => one.requester === requester && one.since === this.judge.now),
        );
      if (!begun) continue;
      this.touch(domainId, 0, EVERY_ADDRESS);
      const others = tops.sharing(domainId).filter((one) => one !== requester);
      const found =
        this.reachUnder(domainId, [requester], granted) ?? this.reachUnder(domainId, others, granted);
      if (found) return found;
    }
    return null;
  }

  /** A register was written that may steer translation. */
  private addedByCommand(granted: GrantCheck): Reach | null {
    const { enabled, tablePointer, protection } = this.oracle.steering;
    const { now } = this.judge;
    if (![enabled, tablePointer, protection].some((one) => one.isCommandedAt(now))) return null;
    this.graph.steered();
    let found: Reach | null = null;
    for (const requester of this.oracle.functions) {
      this.touched.push({ requester, iova: 0, pages: EVERY_ADDRESS });
      found ??= this.reachOf(requester, granted);
    }
    return found;
  }

  /** The first ungranted reach of a requester. */
  reachOf(requester: number, granted: GrantCheck): Reach | null {
    const testers = [requester];
    let found = this.reachUntranslated(requester, granted);
    this.linked.push(...this.graph.tops.uppers);
    for (const domainId of this.graph.tops.domainsOf(requester))
      found ??= this.reachUnder(domainId, testers, granted);
    return found;
  }

  /** The first ungranted reach of one of the requesters under a domain id. */
  private reachUnder(domainId: number, testers: readonly number[], granted: GrantCheck): Reach | null {
    if (testers.length === 0) return null;
    let found: Reach | null = null;
    for (const top of this.graph.tops.of(domainId)) {
      if (this.judge.isOver(top)) continue;
      this.eachLeaf(top, (leaf) => {
        found = this.judge.check(testers, top, leaf, granted);
        return found !== null;
      });
      if (found) return found;
    }
    return null;
  }

  private eachLeaf(top: Top, visit: (leaf: Readonly<Leaf>) => boolean): void {
    if (top.passThrough) {
      visit(this.everyPage());
      return;
    }
    this.graph.leavesUnder(top, visit);
    this.linked.push(top.table, ...this.graph.passed);
  }

  private everyPage(): Leaf {
    return everyPage(this.oracle.unit.memoryPages);
  }

  /** Without tables: translation may be disabled, or addresses may not be translated. */
  private reachUntranslated(requester: number, granted: GrantCheck): Reach | null {
    for (const leaf of this.untranslated()) {
      const found = this.judge.check([requester], null, leaf, granted);
      if (found) return found;
    }
    return null;
  }

  /** What may be reached without a device entry that says so. */
  private untranslated(): Leaf[] {
    if (this.judge.mayTranslate(false)) return [this.everyPage()];
    const { memoryPages, special } = this.oracle.unit;
    return special
      .untranslated()
      .filter(({ first }) => first < memoryPages)
      .map(({ first, last }) => {
        const pages = Math.min(last + 1, memoryPages) - first;
        return { ...this.everyPage(), iova: first, page: first, pages };
      });
  }

  /** The first ungranted reach to one of these pages. */
  reachTo(page: number, pages: number, access: number, granted: GrantCheck): Reach | null {
    const found = this.reachToItself(page, pages, access, granted);
    if (found) return found;
    for (const one of this.graph.leavesTo(page, pages)) {
      const through = this.reachThrough(one, page, pages, access, granted);
      if (through) return through;
    }
    return null;
  }

  private reachToItself(page: number, pages: number, access: number, granted: GrantCheck): Reach | null {
    const { judge, oracle } = this;
    const { tops } = this.graph;
    const itself = { ...this.everyPage(), iova: page, page, pages, access };
    for (const { page: first, pages: count } of this.untranslated()) {
      const from = Math.max(page, first);
      const part = { ...itself, iova: from, page: from, pages: Math.min(page + pages, first + count) - from };
      const found = part.pages > 0 ? judge.check(oracle.functions, null, part, granted) : null;
      if (found) return found;
    }
    for (const top of tops.passingThrough) {
      const found = judge.isOver(top) ? null : judge.check(tops.sharing(top.domainId), top, itself, granted);
      if (found) return found;
    }
    return null;
  }

  /** Through an entry of a table: an ungranted reach to those of the `count` pages from `page` on that it maps. */
  private reachThrough(
    { key, base, size, role }: LeafEntry,
    page: number,
    count: number,
    access: number,
    granted: GrantCheck,
  ): Reach | null {
    const { graph, leaf, pointer } = this;
    const { entries } = this.oracle.unit;
    const { top, level } = role;
    if (!graph.pointers.findLeaf(key, base, size, level, role.since, pointer)) return null;
    const iova = role.iova + (key % 512) * entries.span(level);
    // The part of them that the entry's own slot serves.
    const own = base + (iova % size);
    const first = Math.max(page, own);
    leaf.pages = Math.min(page + count, own + entries.span(level)) - first;
    if (leaf.pages <= 0) return null;
    leaf.iova = iova + (first - own);
    leaf.page = first;
    leaf.access = access & pointer.access;
    leaf.level = level;
    leaf.size = size;
    leaf.since = Math.max(role.since, pointer.since);
    leaf.until = pointer.until;
    leaf.upperUntil = role.until;
    return this.judge.check(graph.tops.sharing(top.domainId), top, leaf, granted);
  }

  /** A way on which the unit may read entries from the page. */
  tableReach(page: number): Reach | null {
    const { graph, judge, oracle } = this;
    if (!judge.mayTranslate(true)) return null;
    for (const role of graph.rolesOf(page)) {
      if (this.isUnlinked(role)) continue;
      for (const requester of graph.tops.sharing(role.top.domainId))
        if (judge.readsFrom(requester, role.iova, page)) return tableReachOf(requester, role.iova, page);
    }
    if (!graph.tops.isUpper(page)) return null;
    const { ordinaryPage } = oracle.unit;
    const requester = oracle.functions.find((one) => judge.readsFrom(one, ordinaryPage, page));
    return requester === undefined ? null : tableReachOf(requester, ordinaryPage, page);
  }

  /** Everything every requester reaches now. */
  everything(): Reach[] {
    const boundaries = this.judge.posted.boundaries(this.judge.now, 0, EVERY_ADDRESS);
    return this.oracle.functions.flatMap((requester) =>
      pieces(this.candidatesOf(requester), boundaries).flatMap((piece) => this.reachesOf(requester, piece)),
    );
  }

  private reachesOf(requester: number, { iova, page, pages, access }: Candidate): Reach[] {
    const { graph, judge } = this;
    return RIGHTS.flatMap((right): Reach[] => {
      if ((access & right) === 0) return [];
      const reach = { requester, iova, page, pages, access: right };
      if (judge.reaches(requester, iova, page, right)) return [{ ...reach, way: "request" }];
      const underWay =
        right === Right.write &&
        graph.tops.domainsOf(requester).some((one) => judge.mayArrive(requester, one, iova, page));
      return underWay ? [{ ...reach, way: "posted-write" }] : [];
    });
  }

  private candidatesOf(requester: number): Candidate[] {
    const { judge, graph } = this;
    const { special } = this.oracle.unit;
    const found: Candidate[] = [];
    const output = [...special.output, ...this.oracle.steering.protection.pages];
    const add = (top: Top | null, leaf: Readonly<Leaf>) => {
      if (judge.removed(top, leaf) !== Removed.everything)
        found.push(...aroundSpecial(leaf, { input: special.input, output }));
      return false;
    };
    for (const leaf of this.untranslated()) add(null, leaf);
    for (const domainId of graph.tops.domainsOf(requester))
      for (const top of graph.tops.of(domainId)) this.eachLeaf(top, (leaf) => add(top, leaf));
    return found;
  }
}

/** Some entry of the table leads to other tables. */
function leadsToTables(roles: readonly Role[]): boolean {
  return roles.some((one) => one.level > 1);
}

function tableReachOf(requester: number, iova: number, page: number): Reach {
  return { requester, iova, page, pages: 1, access: 0, way: "table" };
}
