/** What a draining invalidation guarantees: granularity by granularity, for software and for conforming hardware. */

import { describe, expect, it } from "vitest";
import { InvalidationLog } from "../windows/invalidation-log.js";
import { isDrained, PostedWrites, type TranslatedWrite } from "../windows/posted-writes.js";
import { SteeringRegisters } from "../windows/steering.js";
import { NO_DOMAIN } from "../windows/walk.js";
import { type InvalidationTarget, invalidations } from "./invalidations.js";
import { protectedMemory } from "./rules.js";
import { A, domainOf, grant, pageOf, Software } from "./software.testing.js";

const PAGE = 0x100;
const GONE = { event: "withdraw", ...grant("d1", 0, PAGE, 4) } as const;
const globally: InvalidationTarget = { cache: "iotlb", granularity: "global" };
const domain = (domainId: number): InvalidationTarget => ({
  cache: "iotlb",
  granularity: "domain",
  domainId,
});
const pages = (firstPage: number, pageCount: number): InvalidationTarget => ({
  cache: "iotlb",
  granularity: "page",
  domainId: 1,
  firstPage,
  pageCount,
  leafOnly: true,
});

/** Invalidations submitted at steps 10, 20 and so on, each seen complete 5 steps later, or never. */
function history(...entries: { target: InvalidationTarget; draining?: boolean; pending?: boolean }[]) {
  const log = new InvalidationLog(invalidations);
  const steering = new SteeringRegisters();
  steering.reset(true, 1);
  for (const [index, { target, draining, pending }] of entries.entries()) {
    const invalidation = log.submit(target, 10 * (index + 1), true, 0, draining ?? true);
    if (!pending) invalidation.observed = invalidation.submitted + 5;
  }
  return {
    log,
    steering,
    unit: { protection: { rule: protectedMemory, ofTranslated: true, drains: true, status: "in PMEN" } },
  };
}

describe("writes that may be under way", () => {
  const moments = (run: ReturnType<typeof history>, domainId: number, page: number) => {
    const posted = new PostedWrites(run);
    return posted.moments(99, posted.drained(99, { requester: A, domainId, page, pages: 1 }));
  };

  it("were translated since the last draining of their domain id and address", () => {
    const run = history({ target: globally }, { target: domain(1) }, { target: pages(4, 4) });
    expect(moments(run, 1, 4)).toEqual([30]);
    expect(moments(run, 1, 8)).toEqual([20, 34]);
    expect(moments(run, 2, 4)).toEqual([10, 24, 34]);
  });

  it("are not drained by what drains nothing, or was not seen complete", () => {
    const run = history(
      { target: globally },
      { target: globally, draining: false },
      { target: globally, pending: true },
    );
    expect(moments(run, 1, 4)).toEqual([10, 24]);
  });

  it("are drained by switching translation on", () => {
    const run = history({ target: globally, draining: false }, { target: globally, draining: false });
    run.steering.enabled.commanded(0, 12);
    run.steering.enabled.observed(13);
    run.steering.enabled.commanded(1, 17);
    run.steering.enabled.observed(18);
    expect(moments(run, 1, 4)).toEqual([17, 24]);
  });

  it("are drained by protecting memory where draining is there", () => {
    const run = history({ target: globally, draining: false });
    run.steering.protection.commanded([], 17);
    expect(moments(run, 1, 4)).toEqual([14]);
    run.steering.protection.observed(18);
    expect(moments(run, 1, 4)).toEqual([17]);
    const without = { ...run, unit: { protection: { ...run.unit.protection, drains: false } } };
    expect(moments(without, 1, 4)).toEqual([14, 17]);
  });

  it("are drained for a run of pages where the whole of it is in the range", () => {
    const posted = new PostedWrites(history({ target: pages(0, 8) }, { target: pages(4, 4) }));
    const tags = { requester: A, domainId: 1 };
    expect(posted.drained(99, { ...tags, page: 4, pages: 4 })).toEqual({ step: 20, known: [1] });
    expect(posted.drained(99, { ...tags, page: 0, pages: 8 })).toEqual({ step: 10, known: [0] });
    expect(posted.boundaries(99, 0, 16)).toEqual([4, 8]);
  });
});

describe("a write that was seen to land", () => {
  const write = (...domainIds: number[]): TranslatedWrite => ({
    action: 4,
    step: 5,
    request: { requester: A, page: 6, offset: 0, length: 4, type: "write" },
    page: PAGE,
    tag: 0,
    domainIds,
  });

  it.each([
    [globally, true, true, true],
    [domain(1), true, false, false],
    [pages(4, 4), true, false, false],
    [pages(8, 8), false, false, false],
  ])(
    "is drained by %o: translated under domain 1 %s, under 1 or 2 %s, under none %s",
    (target, one, two, none) => {
      const { log } = history({ target });
      expect(isDrained(log, write(1), 15)).toBe(one);
      expect(isDrained(log, write(1, 2), 15)).toBe(two);
      expect(isDrained(log, write(NO_DOMAIN), 15)).toBe(none);
      expect(isDrained(log, write(1), 14)).toBe(false);
    },
  );

  it("is drained once it is under each of the domain ids that it may have been translated under", () => {
    const { log } = history({ target: domain(1) }, { target: domain(2) });
    expect(isDrained(log, write(1, 2), 24)).toBe(false);
    expect(isDrained(log, write(1, 2), 25)).toBe(true);
  });

  it("is not drained by an invalidation that was submitted before it", () => {
    const { log } = history({ target: globally });
    expect(isDrained(log, { ...write(1), step: 11 }, 99)).toBe(false);
  });
});

describe("software that drains", () => {
  const LEAVES = 0x13;
  const unmapped = () => {
    const software = new Software().says(
      { event: "allocate", page: PAGE, pages: 4, owner: "d1" },
      { event: "assign", requester: A, domain: "d1" },
      { event: "grant", ...grant("d1", 0, PAGE, 4) },
    );
    software.tables(0x10);
    for (let index = 0; index < 4; index++) software.map(LEAVES, index, PAGE + index);
    software.context(A, 0x10, 5);
    for (let index = 0; index < 4; index++) software.clear(LEAVES, index);
    return software.flush(pageOf(5, 0, { mask: 2, drain: 0 }));
  };

  it.each([
    ["the domain", domainOf(5)],
    ["the pages", pageOf(5, 0, { mask: 2 })],
  ])("%s may have its pages back", (_, flush) => {
    expect(unmapped().flush(flush).says(GONE).finding).toBeNull();
  });

  it("one half of the pages, then the other, may have them back", () => {
    const drained = unmapped().flush(pageOf(5, 0, { mask: 1 }), pageOf(5, 2, { mask: 1 }));
    expect(drained.says(GONE).finding).toBeNull();
  });

  it.each([
    ["another domain", domainOf(6), "the IOTLB invalidation of domain 6 (action 24)"],
    [
      "half of the pages",
      pageOf(5, 0, { mask: 1 }),
      "the IOTLB invalidation of 2 pages at 0x0 in domain 5 (action 24)",
    ],
  ])("%s is told what it has left out", (_, flush, named) => {
    const { finding } = unmapped().flush(flush).says(GONE);
    expect(finding).toMatchObject({ kind: "freed-page", rules: ["isolation.no-draining"] });
    expect(finding!.witness.at(-1)).toContain(`; ${named} drains others than those to`);
  });
});
