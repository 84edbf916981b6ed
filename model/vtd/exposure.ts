/**
 * What requests could reach, in closed form from the windows: the tables in every value they have held are searched for
 * candidates, and each candidate is judged by the admissible outcomes (VT-d 3.4, 3.7, 6.2).
 */
import { Right } from "../isolation/events.js";
import type { GrantCheck, Reach, Touched, Way } from "../isolation/exposure.js";
import type { Action, Request, RequestType } from "../trace.js";
import type { AdmissibleOutcomes } from "./admissible.js";
import { Forgetting } from "./forgetting.js";
import { PAGES_BY_LEVEL } from "./invalidation-log.js";
import type { VtdOracle } from "./oracle.js";
import { PostedWrites } from "./posted-writes.js";
import { GlobalBit, Offset } from "./registers.js";
import { TableGraph } from "./table-graph.js";
import { pageOf } from "./walk.js";

/** A request as wide as any access needs; one object serves every question. */
interface Question extends Request {
  requester: number;
  page: number;
  type: RequestType;
}

const RIGHTS = [Right.read, Right.write] as const;
const SUPERPAGE_LEVELS = [2, 3] as const;

export class VtdExposure {
  /** Addresses whose translation the last action changed. */
  readonly touched: Touched[] = [];
  /** Pages that the last action made the unit read entries from. */
  readonly linked: number[] = [];
  readonly graph: TableGraph;
  private readonly admissible: AdmissibleOutcomes;
  private readonly posted: PostedWrites;
  private readonly forgetting: Forgetting;
  private readonly question: Question = { requester: 0, page: 0, offset: 0, length: 4, type: "read" };
  private now = 0;

  constructor(private readonly oracle: VtdOracle) {
    this.admissible = oracle.admissible;
    this.posted = new PostedWrites(oracle.log, oracle.queue);
    this.graph = new TableGraph(oracle.memory, oracle.steering, oracle.functions);
    this.forgetting = new Forgetting(oracle, this.graph);
  }

  reset(): void {
    this.graph.reset();
    this.posted.forget();
    this.touched.length = 0;
    this.linked.length = 0;
    this.now = 0;
  }

  /** Forgets history that no request can rest on any more. */
  forget(): void {
    this.forgetting.forget(this.posted.earliest(this.now));
    this.posted.forget();
  }

  /** The action of that index was performed: the first ungranted reach that it can have added. */
  added(action: Action, index: number, granted: GrantCheck): Reach | null {
    this.now = index + 1;
    this.touched.length = 0;
    this.linked.length = 0;
    if (action.do === "store") return this.addedByStore(action.page, action.word, granted);
    if (action.do === "write-register" && action.offset === Offset.GCMD)
      return this.addedByCommand(action.low, granted);
    return null;
  }

  private addedByStore(page: number, word: number, granted: GrantCheck): Reach | null {
    const { graph, oracle } = this;
    if (page === oracle.queue.queuePage) return null;
    const frame = oracle.memory.frameOf(page);
    const low = oracle.memory.low(frame, word);
    const high = oracle.memory.high(frame, word);
    const upper = graph.isUpper(page);
    graph.stored(page, word, low, high);
    if (upper) {
      const found = this.addedByUpperEntry(page, word & ~1, granted);
      if (found) return found;
    }
    let found: Reach | null = null;
    graph.roles(page, (requester, level, first) => {
      const iova = first + word * PAGES_BY_LEVEL[level]!;
      this.touched.push({ requester, iova, pages: PAGES_BY_LEVEL[level]! });
      if (found || (low & 3) === 0) return;
      if (level > 1 && (level > 3 || (low & 0x80) === 0)) this.linked.push(pageOf(low, high));
      graph.leavesOf(level, iova, low, high, (address, target, pages, access) => {
        found ??= this.check(graph.sharersOf(requester), address, target, pages, access, granted);
      });
    });
    return found;
  }

  /** Half of a root or context entry was changed: what its requesters, and those who share caches with them, reach. */
  private addedByUpperEntry(page: number, word: number, granted: GrantCheck): Reach | null {
    const { memory, steering } = this.oracle;
    const frame = memory.frameOf(page);
    const present = (memory.low(frame, word) & 1) !== 0;
    const pointer = steering.rootPointer.value.indexOf(page);
    const isRoot = pointer >= 0 && pointer < steering.rootPointer.count;
    const number = word >>> 1;
    if (present) this.linked.push(pageOf(memory.low(frame, word), memory.high(frame, word)));
    for (const requester of this.oracle.functions) {
      if (!(isRoot && requester >>> 8 === number) && (requester & 0xff) !== number) continue;
      this.touched.push({ requester, iova: 0, pages: Number.POSITIVE_INFINITY });
      // An entry that is not present adds nothing: what may still be cached was there before.
      const found = present ? this.addedByContext(requester, granted) : null;
      if (found) return found;
    }
    return null;
  }

  /** What a requester reaches, and others through the entries of its tables. */
  private addedByContext(requester: number, granted: GrantCheck): Reach | null {
    const { graph } = this;
    const own = this.reachOf(requester, granted);
    if (own) return own;
    const others = graph.sharersOf(requester).filter((one) => one !== requester);
    let found: Reach | null = null;
    if (others.length === 0) return found;
    for (const top of graph.rootsOf(requester).tops) {
      graph.leaves(top.table, top.levels, 0, (iova, page, pages, access) => {
        found ??= this.check(others, iova, page, pages, access, granted);
      });
    }
    return found;
  }

  private addedByCommand(value: number, granted: GrantCheck): Reach | null {
    const { enabled } = this.oracle.steering;
    const setsRoot = (value & GlobalBit.setRootTablePointer) !== 0;
    const switches = enabled.count > 1 && enabled.since[enabled.count - 1] === this.now;
    if (!setsRoot && !switches) return null;
    this.graph.steered();
    for (const requester of this.oracle.functions) {
      this.touched.push({ requester, iova: 0, pages: Number.POSITIVE_INFINITY });
      const found = this.reachOf(requester, granted);
      if (found) return found;
    }
    return null;
  }

  /** The first ungranted reach of a requester. */
  reachOf(requester: number, granted: GrantCheck): Reach | null {
    const { graph } = this;
    const testers = [requester];
    const all = this.oracle.platform.profile.memoryPages;
    if (this.mayPassThrough(requester)) {
      const found = this.check(testers, 0, 0, all, Right.both, granted);
      if (found) return found;
    }
    let found: Reach | null = null;
    for (const sharer of graph.sharersOf(requester)) {
      for (const top of graph.rootsOf(sharer).tops) {
        graph.leaves(top.table, top.levels, 0, (iova, page, pages, access) => {
          found ??= this.check(testers, iova, page, pages, access, granted);
        });
        if (found) return found;
      }
    }
    return null;
  }

  /** The first ungranted reach to one of these pages. */
  reachTo(page: number, pages: number, access: number, granted: GrantCheck): Reach | null {
    let found: Reach | null = null;
    for (const requester of this.oracle.functions) {
      if (this.mayPassThrough(requester))
        found ??= this.check([requester], page, page, pages, access, granted);
    }
    for (let one = page; one < page + pages && !found; one++) {
      this.leavesTo(one, 1, (requester, iova) => {
        found ??= this.check(this.graph.sharersOf(requester), iova, one, 1, access, granted);
      });
      for (const level of SUPERPAGE_LEVELS) {
        const size = PAGES_BY_LEVEL[level]!;
        const base = one - (one % size);
        if (one !== page && one !== base) continue;
        const count = Math.min(page + pages, base + size) - one;
        this.leavesTo(base, level, (requester, iova) => {
          const address = iova + (one - base);
          found ??= this.check(this.graph.sharersOf(requester), address, one, count, access, granted);
        });
      }
    }
    return found;
  }

  /** Entries of a level that have pointed to a page. */
  private leavesTo(page: number, level: number, visit: (requester: number, iova: number) => void): void {
    const { graph } = this;
    for (const key of graph.pointersTo(page)) {
      const word = key % 512;
      graph.roles(Math.floor(key / 512), (requester, role, first) => {
        if (role === level) visit(requester, first + word * PAGES_BY_LEVEL[level]!);
      });
    }
  }

  /** A way on which the unit may read entries from the page. */
  tableReach(page: number): Reach | null {
    const { graph, oracle, question } = this;
    let found: Reach | null = null;
    const ask = (requester: number, iova: number) => {
      if (found) return;
      question.requester = requester;
      question.page = iova;
      question.type = "read";
      if (!this.admissible.readsFrom(question, page, this.now)) return;
      found = { requester, iova, page, pages: 1, access: 0, way: "table" };
    };
    graph.roles(page, (requester, _, iova) => {
      for (const sharer of graph.sharersOf(requester)) ask(sharer, iova);
    });
    if (graph.isUpper(page)) for (const requester of oracle.functions) ask(requester, 0);
    return found;
  }

  /** Everything every requester reaches now. */
  everything(): Reach[] {
    const all: Reach[] = [];
    const seen = new Set<string>();
    for (const requester of this.oracle.functions) {
      // Granted to nobody: every candidate is judged, and reported by refusing it.
      this.eachCandidate(requester, (iova, page, pages, access) => {
        for (const right of RIGHTS) {
          if ((access & right) === 0) continue;
          const way = this.reaches(requester, iova, page, right);
          const key = `${requester}|${iova}|${page}|${pages}|${right}|${way}`;
          if (way === null || seen.has(key)) continue;
          seen.add(key);
          all.push({ requester, iova, page, pages, access: right, way });
        }
      });
    }
    return all;
  }

  private eachCandidate(
    requester: number,
    visit: (iova: number, page: number, pages: number, access: number) => void,
  ): void {
    if (this.mayPassThrough(requester)) visit(0, 0, this.oracle.platform.profile.memoryPages, Right.both);
    for (const sharer of this.graph.sharersOf(requester)) {
      for (const top of this.graph.rootsOf(sharer).tops) this.graph.leaves(top.table, top.levels, 0, visit);
    }
  }

  /** Requests of the requester may reach the page of their own address. */
  private mayPassThrough(requester: number): boolean {
    const { enabled } = this.oracle.steering;
    for (let index = 0; index < enabled.count; index++) {
      if (enabled.value[index] === 0 && enabled.until[index]! > this.now) return true;
    }
    return this.graph.sharersOf(requester).some((one) => this.graph.rootsOf(one).passThrough);
  }

  /**
   * The reach of one of the requesters to a page of the run that it was not granted. A run has one entry behind it, and
   * what excludes that excludes it for every page, so the first ungranted page stands for the run.
   */
  private check(
    requesters: readonly number[],
    iova: number,
    page: number,
    pages: number,
    access: number,
    granted: GrantCheck,
  ): Reach | null {
    for (const requester of requesters) {
      const missing = granted(requester, page, pages, access);
      if (!missing) continue;
      const address = iova + (missing.page - page);
      for (const right of RIGHTS) {
        if ((missing.access & right) === 0) continue;
        const way = this.reaches(requester, address, missing.page, right);
        if (way) return { requester, iova: address, page: missing.page, pages: 1, access: right, way };
      }
    }
    return null;
  }

  /** How a request for the address reaches the page, or null. */
  private reaches(requester: number, iova: number, page: number, right: number): Way | null {
    const { question } = this;
    question.requester = requester;
    question.page = iova;
    question.type = right === Right.write ? "write" : "read";
    if (this.leadsTo(page, this.now, undefined)) return "request";
    if (right !== Right.write) return null;
    const { moments, known } = this.posted.undrained(this.now);
    return moments.some((moment) => this.leadsTo(page, moment, known)) ? "posted-write" : null;
  }

  private leadsTo(page: number, at: number, known: readonly number[] | undefined): boolean {
    for (const outcome of this.admissible.compute(this.question, at, known))
      if (outcome.effect === page) return true;
    return false;
  }
}
