/** The invalidation queue as software can know it, over raw descriptors in memory (VT-d 6.5.2). */

import { beforeEach, describe, expect, it } from "vitest";
import { Cache, type Fence, InvalidationLog } from "../windows/invalidation-log.js";
import { OPEN, PhysicalMemory } from "../words/memory.js";
import { Coverage } from "../words/rule.js";
import { vtdRules } from "./behaviour-rules.js";
import { type InvalidationTarget, invalidations } from "./invalidations.js";
import { platformOf } from "./profile.js";
import { profileNamed } from "./profiles.js";
import { QueueView, queueRules } from "./queue-view.js";

const QUEUE = 8;
const STATUS = 9;
const CONTEXT_GLOBAL = 0x11;
const IOTLB_DOMAIN_5 = 0x0005_0022;
const IOTLB_DRAINING = 0xd2;
const BAD_TYPE = 0xf;
const RESERVED = 0x1d2;

let memory: PhysicalMemory;
let log: InvalidationLog<InvalidationTarget>;
let coverage: Coverage;
let queue: QueueView;
let step: number;
let end: number;

beforeEach(() => {
  memory = new PhysicalMemory(0x100);
  log = new InvalidationLog(invalidations);
  coverage = new Coverage(vtdRules);
  queue = new QueueView(platformOf(profileNamed("skylake-sp")), memory, log, coverage);
  queue.reset(true, QUEUE);
  step = 0;
  end = 0;
});

/** Software writes descriptors (their first words) behind the others and moves the tail. */
function submit(...descriptors: (number | readonly [number, number, number])[]): void {
  for (const one of descriptors) {
    const [low, high, low2] = typeof one === "number" ? [one, 0, 0] : one;
    memory.fill(QUEUE, end * 2, low, high);
    memory.fill(QUEUE, end * 2 + 1, low2, 0);
    end = (end + 1) % 256;
  }
  queue.tail = end;
  queue.submit(++step);
}

/** A wait that writes `data` to DWORD 2 * data of the status page. */
const wait = (data: number, fence = false) => [fence ? 0x65 : 0x25, data, STATUS * 4096 + data * 8] as const;

/** Software sees the status value of a wait. Which waits that completes, by their status values. */
function see(data: number): number[] {
  const item = queue.pendingStatus(STATUS, data * 2, data);
  if (!item) throw new Error(`no wait writes ${data}`);
  return queue.complete(item, ++step).map((one) => one.wait!.status!.data);
}

/** For each invalidation submitted so far whether it is known to be complete. */
const known = () => log.entries.map((one) => one.observed !== OPEN);

describe("submission", () => {
  it("descriptors up to the tail are submitted, in order, with the step of the tail", () => {
    submit(CONTEXT_GLOBAL, IOTLB_DOMAIN_5);
    submit(IOTLB_DRAINING);
    expect(log.entries).toEqual([
      {
        target: { cache: "context", granularity: "global" },
        submitted: 1,
        observed: OPEN,
        fenceGroup: 0,
        fencedBy: 1,
        queued: true,
        drainsWrites: false,
      },
      {
        target: { cache: "iotlb", granularity: "domain", domainId: 5 },
        submitted: 1,
        observed: OPEN,
        fenceGroup: 0,
        fencedBy: 1,
        queued: true,
        drainsWrites: false,
      },
      {
        target: { cache: "iotlb", granularity: "global" },
        submitted: 2,
        observed: OPEN,
        fenceGroup: 0,
        fencedBy: 1,
        queued: true,
        drainsWrites: true,
      },
    ]);
  });

  it("nothing is submitted while the queue is disabled; enabling it submits what is there", () => {
    queue.enable(false, ++step);
    submit(CONTEXT_GLOBAL);
    expect(log.entries).toEqual([]);
    queue.enable(true, ++step);
    expect(log.entries.map((one) => one.submitted)).toEqual([3]);
  });

  it("the ring wraps", () => {
    for (let round = 0; round < 300; round++) submit(CONTEXT_GLOBAL);
    expect(log.entries).toHaveLength(300);
    expect(queue.sawHead(300 % 256)).toBe(true);
  });

  it("other descriptors take their place and invalidate nothing that is modelled", () => {
    submit(0x4, CONTEXT_GLOBAL);
    expect([queue.items.length, log.entries.length]).toEqual([2, 1]);
  });

  it("what the text leaves open ends the verdict: a mask above MAMV, a queue or a tail outside of memory", () => {
    expect(() => submit([0x0005_0032, 0, 19])).toThrow("an address mask above CAP.MAMV (6.5.2.3)");
    queue.tail = 256;
    expect(() => queue.submit(++step)).toThrow("a queue tail beyond the end of the queue (11.4.9.9)");
    queue.reset(true, 0x100);
    queue.tail = 1;
    expect(() => queue.submit(++step)).toThrow("the invalidation queue at page 0x100 is not memory");
  });
});

describe("6.5.2.12 what a complete wait tells", () => {
  it("everything ahead of the first wait is complete", () => {
    submit(CONTEXT_GLOBAL, IOTLB_DOMAIN_5, wait(1), IOTLB_DRAINING);
    expect(known()).toEqual([false, false, false]);
    expect(see(1)).toEqual([1]);
    expect(known()).toEqual([true, true, false]);
    expect(log.entries[0]!.observed).toBe(step);
  });

  it("of an earlier wait and what that covers it tells nothing", () => {
    submit(CONTEXT_GLOBAL, wait(1), IOTLB_DOMAIN_5, wait(2));
    expect(see(2)).toEqual([2]);
    expect(known()).toEqual([false, true]);
    expect(see(1)).toEqual([1]);
    expect(known()).toEqual([true, true]);
  });

  it("FN = 1: an earlier fence is complete, and what it covers", () => {
    submit(CONTEXT_GLOBAL, wait(1, true), IOTLB_DOMAIN_5, wait(2));
    expect(see(2)).toEqual([2, 1]);
    expect(known()).toEqual([true, true]);
  });

  it("fences chain, up to the first wait that is none", () => {
    submit(
      CONTEXT_GLOBAL,
      wait(1),
      CONTEXT_GLOBAL,
      wait(2, true),
      CONTEXT_GLOBAL,
      wait(3, true),
      CONTEXT_GLOBAL,
      wait(4),
    );
    expect(see(4)).toEqual([4, 3, 2]);
    expect(known()).toEqual([false, true, true, true]);
  });

  it("a completion that was seen before keeps its step", () => {
    submit(CONTEXT_GLOBAL, wait(1, true));
    see(1);
    submit(wait(2));
    expect(see(2)).toEqual([2]);
    expect(log.entries[0]!.observed).toBe(2);
  });

  it("FN = 1 parts what is before from what is behind it", () => {
    submit(IOTLB_DOMAIN_5, wait(1, true), IOTLB_DOMAIN_5, wait(2), IOTLB_DOMAIN_5);
    expect(log.entries.map((one) => one.fenceGroup)).toEqual([0, 1, 1]);
  });

  it("a fence covers what is behind the previous wait only", () => {
    submit(IOTLB_DOMAIN_5, wait(1), IOTLB_DOMAIN_5, wait(2, true), IOTLB_DOMAIN_5, wait(3));
    expect(log.entries.map((one) => one.fencedBy)).toEqual([OPEN, 1, 2]);
    see(3);
    const fence = { step: 0, done: [] };
    log.fence(Cache.iotlb, { requester: 0, domainId: 5, page: 0, pages: 1 }, step, [], fence);
    expect(fence.done).toEqual([1, 2]);
  });

  it("the head never moves backwards", () => {
    submit(CONTEXT_GLOBAL, IOTLB_DOMAIN_5);
    expect(queue.sawHead(2)).toBe(true);
    expect(queue.sawHead(1)).toBe(false);
  });

  it("waits are found by the place and value of their status, while they are not complete", () => {
    submit(wait(1), wait(2));
    expect(queue.pendingStatus(STATUS, 2, 2)).toBeUndefined();
    expect(queue.pendingStatus(STATUS, 4, 2)?.index).toBe(1);
    see(2);
    expect(queue.pendingStatus(STATUS, 4, 2)).toBeUndefined();
  });

  it("waits with an interrupt are listed until they are complete", () => {
    submit(0x15, wait(1), 0x15);
    expect(queue.pendingInterrupts().map((one) => one.index)).toEqual([0, 2]);
    queue.complete(queue.pendingInterrupts()[0]!, ++step);
    expect(queue.pendingInterrupts().map((one) => one.index)).toEqual([2]);
  });
});

describe("6.5.2.11 bad descriptors", () => {
  it("stop the queue: nothing behind one is submitted, whatever the tail", () => {
    submit(CONTEXT_GLOBAL, BAD_TYPE, CONTEXT_GLOBAL);
    expect(queue.bad).toMatchObject({ index: 1, codes: [3] });
    submit(CONTEXT_GLOBAL);
    expect(log.entries).toHaveLength(1);
    expect(coverage.countOf(queueRules.stop)).toBe(1);
  });

  it("name the code of the error", () => {
    submit(RESERVED);
    expect(queue.bad).toMatchObject({ index: 0, codes: [4], rule: { id: "vtd.queue.reserved-bits" } });
  });

  it("once IQE is cleared fetching goes on at the head, with what stands there now", () => {
    submit(CONTEXT_GLOBAL, BAD_TYPE, IOTLB_DRAINING);
    memory.fill(QUEUE, 2, CONTEXT_GLOBAL, 0);
    queue.clearError(++step);
    expect(queue.bad).toBeNull();
    expect(log.entries.map((one) => one.submitted)).toEqual([1, 2, 2]);
  });

  it("one that still stands there stops the queue again", () => {
    submit(BAD_TYPE);
    queue.clearError(++step);
    expect(queue.bad).toMatchObject({ index: 0 });
  });
});

describe("11.4.9.1 head", () => {
  it("may be at any descriptor not yet known to be fetched, or at the tail", () => {
    submit(CONTEXT_GLOBAL, CONTEXT_GLOBAL);
    expect([0, 1, 2].map((head) => queue.sawHead(head))).toEqual([true, true, true]);
    expect(queue.sawHead(3)).toBe(false);
    expect(queue.sawHead(255)).toBe(false);
  });

  it("does not go back", () => {
    submit(CONTEXT_GLOBAL, CONTEXT_GLOBAL, CONTEXT_GLOBAL);
    expect([queue.sawHead(2), queue.sawHead(1), queue.sawHead(3)]).toEqual([true, false, true]);
  });

  it("is beyond a wait that is complete", () => {
    submit(CONTEXT_GLOBAL, wait(1), CONTEXT_GLOBAL);
    see(1);
    expect([queue.sawHead(0), queue.sawHead(1), queue.sawHead(2)]).toEqual([false, false, true]);
  });

  it("is not beyond a bad descriptor", () => {
    submit(CONTEXT_GLOBAL, BAD_TYPE, CONTEXT_GLOBAL);
    expect([queue.sawHead(0), queue.sawHead(1), queue.sawHead(2), queue.sawHead(3)]).toEqual([
      true,
      true,
      false,
      false,
    ]);
  });

  it("is zero while the queue is disabled", () => {
    submit(CONTEXT_GLOBAL);
    queue.enable(false, ++step);
    expect([queue.sawHead(0), queue.sawHead(1)]).toEqual([true, false]);
  });
});

describe("6.5.2.12 what an executed invalidation tells of earlier ones", () => {
  const iotlb = { requester: 0x20, domainId: 5, page: 0, pages: 1 };
  const fenceOf = (cache: Cache, known: readonly number[]): Fence => {
    const fence: Fence = { step: -1, done: [] };
    log.fence(cache, iotlb, step, known, fence);
    return fence;
  };

  it("an IOTLB invalidation executes after the context-cache invalidations ahead of it", () => {
    submit(CONTEXT_GLOBAL);
    submit(IOTLB_DOMAIN_5);
    expect(fenceOf(Cache.device, [])).toEqual({ step: 0, done: [] });
    expect(fenceOf(Cache.device, [1])).toEqual({ step: 1, done: [0] });
  });

  it("other pairs may execute in any order", () => {
    submit(IOTLB_DOMAIN_5);
    submit(CONTEXT_GLOBAL);
    submit(IOTLB_DRAINING);
    expect(fenceOf(Cache.iotlb, [1])).toEqual({ step: 0, done: [] });
    expect(fenceOf(Cache.iotlb, [2])).toEqual({ step: 3, done: [2] });
  });

  it("but for a fence between them", () => {
    submit(IOTLB_DOMAIN_5, wait(1, true));
    submit(CONTEXT_GLOBAL);
    expect(fenceOf(Cache.iotlb, [1])).toEqual({ step: 1, done: [0] });
  });

  it("one seen complete before the next was submitted comes before it", () => {
    submit(IOTLB_DOMAIN_5, wait(1));
    see(1);
    submit(IOTLB_DRAINING);
    expect(fenceOf(Cache.iotlb, [])).toEqual({ step: 1, done: [0] });
  });
});
