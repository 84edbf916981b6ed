/**
 * Judges candidates: whether requests of a requester, or writes of it that are still under way, may reach the pages that
 * an entry maps.
 */
import { Right } from "../isolation/events.js";
import type { GrantCheck, Reach } from "../isolation/exposure.js";
import type { Request, RequestType } from "../trace.js";
import { OPEN } from "../words/memory.js";
import type { AdmissibleOutcomes } from "./admissible.js";
import { type CacheTags, NO_PAGE_SIZE } from "./invalidation-log.js";
import type { WindowsOracle } from "./oracle.js";
import { PostedWrites } from "./posted-writes.js";
import { Removals, Removed } from "./removals.js";
import type { Leaf } from "./table-graph.js";
import type { Top } from "./tops.js";
import { pagesWithin, type SpecialPages } from "./unit.js";

/** A request as wide as any access needs; one object serves every question. */
interface Question extends Request {
  requester: number;
  page: number;
  type: RequestType;
}

export const RIGHTS = [Right.read, Right.write] as const;
const NO_BOUNDARIES: readonly number[] = [];
/** In place of a leaf: all there are, whatever they map. */
const EVERYTHING = {
  since: 0,
  until: OPEN,
  upperUntil: OPEN,
  level: 0,
  size: NO_PAGE_SIZE,
  iova: 0,
} as const;

export class ReachCheck {
  readonly posted: PostedWrites;
  private readonly removals: Removals;
  private readonly admissible: AdmissibleOutcomes;
  private readonly question: Question = { requester: 0, page: 0, offset: 0, length: 4, type: "read" };
  /** The step at which everything is asked. */
  now = 0;

  private readonly writes: CacheTags = { requester: 0, domainId: 0, page: 0, pages: 1 };
  private readonly special: SpecialPages;

  constructor(private readonly oracle: WindowsOracle) {
    this.admissible = oracle.admissible;
    this.posted = new PostedWrites(oracle);
    this.removals = new Removals(oracle.unit.entries, oracle.log);
    this.special = oracle.unit.special;
  }

  /** True when translation may be enabled, or disabled. */
  mayTranslate(enabled: boolean): boolean {
    const { value, until, count } = this.oracle.steering.enabled;
    for (let index = 0; index < count; index++)
      if ((value[index] === 1) === enabled && until[index]! > this.now) return true;
    return false;
  }

  /** Nothing that began with these device entries is left, at any address. */
  isOver(top: Top): boolean {
    return this.removals.on(top, EVERYTHING, this.now) === Removed.everything;
  }

  /** What is surely over of the ways to a leaf; `top` as in {@link check}. */
  removed(top: Top | null, leaf: Readonly<Leaf>): Removed {
    return top ? this.removals.on(top, leaf, this.now) : Removed.nothing;
  }

  /**
   * The first reach of one of the requesters to a page of the leaf that it was not granted.
   * @param top where the way to the leaf begins; null for requests that are not translated
   */
  check(
    requesters: readonly number[],
    top: Top | null,
    leaf: Readonly<Leaf>,
    granted: GrantCheck,
  ): Reach | null {
    let removed: Removed | null = null;
    for (const requester of requesters) {
      if (!granted(requester, leaf.page, leaf.pages, leaf.access)) continue;
      removed ??= this.removed(top, leaf);
      if (removed === Removed.everything) return null;
      for (const right of RIGHTS) {
        if ((leaf.access & right) === 0) continue;
        const found =
          (removed === Removed.nothing ? this.requested(requester, leaf, right, granted) : null) ??
          (right === Right.write && top ? this.underWay(requester, top, leaf, granted) : null);
        if (found) return found;
      }
    }
    return null;
  }

  /**
   * By a request that is answered now. A leaf is one entry, and what excludes that excludes it for every page, so the first
   * ungranted page stands for all up to where other memory may be protected.
   */
  private requested(
    requester: number,
    { iova, page, pages }: Readonly<Leaf>,
    right: number,
    granted: GrantCheck,
  ): Reach | null {
    for (let at = 0; at < pages; ) {
      const missing = granted(requester, page + at, pages - at, right);
      if (!missing) return null;
      at = missing.page - page;
      const skipped = this.specialPages(iova + at, missing.page);
      if (skipped === 0 && this.reaches(requester, iova + at, missing.page, right))
        return reachOf(requester, iova + at, missing.page, right, "request");
      at = skipped > 0 ? at + skipped : this.edgeBehind(missing.page) - page;
    }
    return null;
  }

  /** By a write translated before. What drained it may have done so for a part of the pages only. */
  private underWay(
    requester: number,
    { domainId }: Top,
    { iova, page, pages }: Readonly<Leaf>,
    granted: GrantCheck,
  ): Reach | null {
    const boundaries = pages === 1 ? NO_BOUNDARIES : this.posted.boundaries(this.now, iova, pages);
    for (let at = 0; at < pages; ) {
      const missing = granted(requester, page + at, pages - at, Right.write);
      if (!missing) return null;
      at = missing.page - page;
      const skipped = this.specialPages(iova + at, missing.page);
      if (skipped === 0 && this.mayArrive(requester, domainId, iova + at, missing.page))
        return reachOf(requester, iova + at, missing.page, Right.write, "posted-write");
      const boundary = (boundaries.find((one) => one > iova + at) ?? iova + pages) - iova;
      at = skipped > 0 ? at + skipped : Math.min(boundary, this.edgeBehind(missing.page) - page);
    }
    return null;
  }

  /** True when a request for the address that is answered now may reach the page. */
  reaches(requester: number, iova: number, page: number, right: number): boolean {
    const { admissible, now } = this;
    for (const { effect } of admissible.compute(this.ask(requester, iova, right), now))
      if (effect === page) return true;
    return false;
  }

  /** True when a write to the address, translated under that domain id before, may still reach the page. */
  mayArrive(requester: number, domainId: number, iova: number, page: number): boolean {
    const { admissible, now, posted, writes } = this;
    writes.requester = requester;
    writes.domainId = domainId;
    writes.page = iova;
    const drained = posted.drained(now, writes);
    for (const moment of posted.moments(now, drained)) {
      const question = this.ask(requester, iova, Right.write);
      for (const { effect } of admissible.compute(question, moment, drained.known, domainId))
        if (effect === page) return true;
    }
    return false;
  }

  /** True when the unit may read an entry from the page for a request to the address. */
  readsFrom(requester: number, iova: number, page: number): boolean {
    const ordinary = iova + pagesWithin(this.special.input, iova);
    return this.admissible.readsFrom(this.ask(requester, ordinary, Right.read), page, this.now);
  }

  /** As {@link Removals.ofTable}. */
  isUnlinked(top: Top, until: number, level: number, iova: number, at: number): boolean {
    return this.removals.ofTable(top, until, level, iova, at);
  }

  /** How many pages from there on have a meaning of their own, as an address or as what it leads to. */
  private specialPages(iova: number, page: number): number {
    const { input, output } = this.special;
    return Math.max(pagesWithin(input, iova), pagesWithin(output, page));
  }

  private edgeBehind(page: number): number {
    return this.oracle.steering.protection.edgeBehind(page);
  }

  private ask(requester: number, iova: number, right: number): Question {
    const { question } = this;
    question.requester = requester;
    question.page = iova;
    question.type = right === Right.write ? "write" : "read";
    return question;
  }
}

/** What is reached without translation, or with pass-through: each page by its own address. */
export function everyPage(memoryPages: number): Leaf {
  return {
    iova: 0,
    page: 0,
    pages: memoryPages,
    access: Right.both,
    level: 0,
    size: NO_PAGE_SIZE,
    since: 0,
    until: OPEN,
    upperUntil: OPEN,
  };
}

function reachOf(requester: number, iova: number, page: number, access: number, way: Reach["way"]): Reach {
  return { requester, iova, page, pages: 1, access, way };
}
