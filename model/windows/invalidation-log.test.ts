/** The log of invalidations and what follows from it, with the simplest invalidations there can be. */
import { beforeEach, describe, expect, it } from "vitest";
import { OPEN } from "../words/memory.js";
import { Cache, type CacheTags, type Fence, InvalidationLog } from "./invalidation-log.js";
import { PostedWrites } from "./posted-writes.js";
import { simpleRules, type SimpleTarget as Target } from "./simple-invalidations.testing.js";
import { SteeringRegisters } from "./steering.js";

const tags: CacheTags = { requester: 1, domainId: 5, page: 8, pages: 1 };
const everything: Target = { cache: Cache.iotlb };
const ofDomain = (domain: number): Target => ({ cache: Cache.iotlb, domain });
const ofPages = (firstPage: number, pageCount: number): Target => ({
  cache: Cache.iotlb,
  range: { firstPage, pageCount },
});

let log: InvalidationLog<Target>;

beforeEach(() => {
  log = new InvalidationLog(simpleRules);
});

function submit(target: Target, step: number, observed = OPEN, fenceGroup = 0, queued = true) {
  const entry = log.submit(target, step, queued, fenceGroup);
  entry.observed = observed;
  return entry;
}

function fence(at: number, known: readonly number[] = [], cache: Cache = Cache.iotlb): Fence {
  const into: Fence = { step: 99, done: [99] };
  log.fence(cache, tags, at, known, into);
  return into;
}

describe("a fence", () => {
  it("is at the beginning, with nothing known, when there is nothing", () => {
    expect(fence(10)).toEqual({ step: 0, done: [] });
  });

  it("is the submission of the last covering one that was seen complete, that step included", () => {
    submit(everything, 2, 4);
    submit(everything, 6, 8);
    expect([3, 4, 7, 8].map((at) => fence(at).step)).toEqual([0, 2, 2, 6]);
    expect(fence(8).done).toEqual([0, 1]);
  });

  it("is the later submission whatever the order of the log", () => {
    submit(everything, 6, 8);
    submit(everything, 2, 4);
    expect(fence(8)).toEqual({ step: 6, done: [0, 1] });
  });

  it("takes those of the cache and the tags", () => {
    submit({ cache: Cache.table }, 1, 2);
    submit(ofDomain(6), 3, 4);
    submit(ofPages(9, 4), 5, 6);
    expect(fence(10)).toEqual({ step: 0, done: [] });
    expect(fence(10, [], Cache.table)).toEqual({ step: 1, done: [0] });
  });

  it("takes what is known to be done, and what was executed before it", () => {
    submit(everything, 2);
    submit(everything, 3, OPEN, 1);
    expect(fence(10)).toEqual({ step: 0, done: [] });
    expect(fence(10, [0])).toEqual({ step: 2, done: [0] });
    expect(fence(10, [1])).toEqual({ step: 3, done: [0, 1] });
    expect(fence(2, [0, 1])).toEqual({ step: 2, done: [0] });
  });
});

describe("the order of two", () => {
  it("is known when one was seen complete before the other was submitted, through whatever interface", () => {
    const first = submit(everything, 2, 4, 0, false);
    expect(log.executesBefore(first, submit(everything, 4, OPEN, 0, false))).toBe(true);
    expect(log.executesBefore(first, submit(everything, 3, OPEN, 0, false))).toBe(false);
  });

  it("in the queue is that of fences and of the architecture", () => {
    const first = submit(everything, 2);
    expect(log.executesBefore(first, submit(everything, 3))).toBe(false);
    expect(log.executesBefore(first, submit(everything, 3, OPEN, 1))).toBe(true);
    expect(log.executesBefore(first, submit({ ...everything, rank: 1 }, 3))).toBe(true);
    expect(log.executesBefore(first, submit(everything, 3, OPEN, 1, false))).toBe(false);
    first.fencedBy = 2;
    expect(log.executesBefore(first, submit(everything, 3, OPEN, 1))).toBe(false);
    expect(log.executesBefore(submit(everything, 1, OPEN, 0, false), submit(everything, 3, OPEN, 1))).toBe(
      false,
    );
  });

  it("tells that the earlier one is done, once it was submitted", () => {
    submit(everything, 5);
    submit(everything, 6, 9, 1);
    expect([4, 5, 8, 9].map((at) => log.isDone(0, at))).toEqual([false, false, false, true]);
    expect([8, 9].map((at) => log.isDone(1, at))).toEqual([false, true]);
  });
});

describe("looking up", () => {
  it("the first that was submitted at a step or later", () => {
    for (const step of [2, 4, 4, 7]) submit(everything, step);
    expect([0, 2, 3, 4, 5, 7, 8].map((step) => log.firstSince(step))).toEqual([0, 0, 1, 1, 3, 3, 4]);
  });

  it("the last submission of several", () => {
    for (const step of [2, 7, 4]) submit(everything, step);
    expect([log.flushedBy([]), log.flushedBy([0]), log.flushedBy([0, 1, 2])]).toEqual([0, 2, 7]);
  });

  it("nothing after a reset", () => {
    submit(everything, 2);
    log.reset();
    expect(log.entries).toEqual([]);
  });
});

describe("forgetting", () => {
  it("leaves those that exclude something", () => {
    const [first, second] = [submit(everything, 2, 4), submit(everything, 5, 6)];
    log.forget(() => false);
    expect(log.entries).toEqual([first, second]);
    log.forget((one) => one === first);
    expect(log.entries).toEqual([second]);
  });

  it("keeps the first that tells of another one, and no further one", () => {
    const open = submit(everything, 2);
    submit(everything, 3, 9, 1);
    const teller = submit(everything, 4, 8, 1);
    submit(everything, 5, 10, 1);
    log.forget((one) => one !== open);
    expect(log.entries).toEqual([open, teller]);
  });

  it("keeps none that tells what is known without it", () => {
    const seen = submit(everything, 2, 5);
    submit(everything, 3, 9, 1);
    log.forget((one) => one !== seen);
    expect(log.entries).toEqual([seen]);
  });
});

describe("moments at which a write may have been translated", () => {
  function moments(now: number): number[] {
    const steering = new SteeringRegisters();
    steering.reset(true, 1);
    const posted = new PostedWrites({ log, steering, unit: { protection: null } });
    return posted.moments(now, { step: 10, known: [] });
  }

  it("are the draining, and those right before others were seen complete since", () => {
    submit(ofDomain(6), 2, 10);
    submit(ofDomain(6), 2, 11);
    submit(ofDomain(6), 2, 20);
    submit(ofDomain(6), 2, 21);
    expect(moments(20)).toEqual([10, 19]);
  });

  it("are each given once, whatever is next to them", () => {
    submit(ofDomain(6), 2, 27);
    submit(ofDomain(6), 3, 25);
    submit(ofDomain(6), 4, 25);
    submit(ofDomain(6), 5, 26);
    expect(moments(30).sort((a, b) => a - b)).toEqual([10, 24, 25, 26]);
  });

  it("change inside a run of pages where another invalidation begins or ends", () => {
    submit(ofPages(4, 4), 2, 3);
    submit(ofPages(6, 10), 2, 3);
    submit(ofPages(20, 4), 2, OPEN);
    const steering = new SteeringRegisters();
    steering.reset(true, 1);
    const posted = new PostedWrites({ log, steering, unit: { protection: null } });
    expect(posted.boundaries(9, 0, 32)).toEqual([4, 6, 8, 16]);
    expect(posted.boundaries(9, 4, 4)).toEqual([6]);
    expect(posted.boundaries(9, 3, 2)).toEqual([4]);
    expect(posted.boundaries(9, 6, 10)).toEqual([8]);
  });
});
