import { describe, expect, it } from "vitest";
import type { Intent, IntentScenario, IntentStep } from "../generators/intents/scenario.js";
import { dataPages, protectedPage, vtdPlaces } from "../generators/places.js";
import type { Driver, DriverFactory, Routine } from "../implementations/driver/interface.js";
import type { Iommu } from "../implementations/iommu/interface.js";
import { platformNamed } from "../model/architectures.js";
import type { Finding } from "../model/finding.js";
import type { TraceRecord } from "../model/isolation/events.js";
import { type Action, Effect, type Request, taggedPages } from "../model/trace.js";
import { COHERENT, PhysicalMemory } from "../model/words/memory.js";
import { type DriverRun, driveScenario, type RunObserver } from "./driver-run.js";

const { roots, queuePage, statusPage, freeTables } = vtdPlaces;

const PAGE = dataPages[0]!;
const IOVA = 0x1000;

function scenarioOf(steps: readonly IntentStep[], fields: Partial<IntentScenario> = {}): IntentScenario {
  return {
    format: "iommu-spec driver scenario 1",
    architecture: "vtd",
    profile: "qemu-48",
    start: "translating",
    invalidation: "queue",
    flushing: "strict",
    timing: 0,
    devices: [{ name: "a", requesters: [0x20, 0x300] }],
    domains: [{ name: "d0" }, { name: "d1" }],
    ...fields,
    steps: [...steps],
  };
}

function* nothing(): Routine {}

function* settle(ticket: number): Routine {
  yield { do: "settled", ticket };
}

/** A driver that takes everything to be done at once, but for the given routines. */
function driverWith(routines: Partial<Driver> = {}): DriverFactory {
  return () => ({
    name: "idle",
    start: nothing,
    sync: nothing,
    attach: (_device, _domain, ticket) => settle(ticket),
    detach: (_device, ticket) => settle(ticket),
    map: (_domain, _mapping, ticket) => settle(ticket),
    protect: (_domain, _mapping, ticket) => settle(ticket),
    unmap: (_domain, _mapping, ticket) => settle(ticket),
    merge: (_domain, _mapping, ticket) => settle(ticket),
    destroy: (_domain, ticket) => settle(ticket),
    ...routines,
  });
}

/** A unit that lets every request through, to the page of the same number. */
function openUnit(types: Request["type"][] = ["read", "write", "atomic", "zero-length-read"]): Iommu {
  return {
    name: "open",
    requestTypes: new Set(types),
    reset: () => undefined,
    execute: (actions) =>
      actions.map((one) => ({ low: one.do === "request" ? one.request.page : 1, high: 0 })),
    readData: () => Effect.blocked,
    close: () => undefined,
  };
}

function observerOf(perform: RunObserver["perform"] = () => null): RunObserver {
  const memory = new PhysicalMemory(platformNamed("qemu-48").memoryPages);
  memory.reset(COHERENT, taggedPages(dataPages));
  return {
    memory,
    hear: () => null,
    perform(action, seen) {
      if (action.do === "store") memory.store(action.page, action.word, action.low, action.high, 1);
      return perform(action, seen);
    },
  };
}

function drive(scenario: IntentScenario, create = driverWith(), unit = openUnit()): DriverRun {
  return driveScenario(scenario, create, unit, observerOf());
}

const actionsOf = (run: DriverRun): Action[] =>
  run.records.flatMap((one) => ("event" in one ? [] : [one.action]));
const requestsOf = (run: DriverRun) =>
  actionsOf(run).flatMap((one) => (one.do === "request" ? [{ ...one.request, slot: one.slot }] : []));
const eventsOf = (run: DriverRun): string[] =>
  run.records.flatMap((one: TraceRecord) => ("event" in one ? [Object.values(one).join(" ")] : []));

const attach = (domain: string): Intent => ({ do: "attach", device: "a", domain });
const detach: Intent = { do: "detach", device: "a" };
const map: Intent = {
  do: "map",
  mapping: "m0",
  domain: "d0",
  iova: IOVA,
  page: PAGE,
  pages: 1,
  access: "rw",
};
const unmap: Intent = { do: "unmap", mapping: "m0", offset: 0, pages: 1 };
const dma = (type: Request["type"] = "write", requester: 0 | 1 = 0): IntentStep => ({
  do: "dma",
  device: "a",
  requester,
  iova: PAGE,
  type,
});

describe("a run", () => {
  it("begins with what software keeps for itself, and the driver's start", () => {
    const start = function* (): Routine {
      yield { do: "store", page: statusPage, word: 0, low: 1, high: 0 };
    };
    const run = drive(scenarioOf([]), driverWith({ start }));
    expect(eventsOf(run)).toEqual([
      `allocate-table ${roots[0]}`,
      `allocate-table ${queuePage}`,
      `allocate-table ${statusPage}`,
      `protect ${protectedPage} 1`,
      "ready",
    ]);
    expect(run.stepOf).toEqual([-1]);
  });

  it("tells the driver where it starts", () => {
    let told: unknown;
    const create: DriverFactory = (setup) => {
      told = { ...setup, profile: setup.profile.id };
      return driverWith()(setup);
    };
    drive(scenarioOf([], { invalidation: "registers", flushing: "deferred", start: "reset" }), create);
    expect(told).toEqual({
      profile: "qemu-48",
      invalidation: "registers",
      flushing: "deferred",
      start: "reset",
      rootPage: roots[0],
      queuePage,
      rootPages: 1,
      statusPage,
      logPage: null,
    });
  });

  it("says of every action which step it belongs to", () => {
    const storing = function* (_domain: string, { iova }: { iova: number }, ticket: number): Routine {
      yield { do: "store", page: statusPage, word: iova % 512, low: 1, high: 0 };
      yield { do: "settled", ticket };
    };
    const run = drive(
      scenarioOf([attach("d0"), map, dma("read"), unmap]),
      driverWith({ map: storing, unmap: storing }),
    );
    expect(run.failure).toBeNull();
    expect(actionsOf(run).map((one) => one.do)).toEqual(["store", "request", "store"]);
    expect(run.stepOf).toEqual([1, 2, 3]);
  });

  it("ends at the first finding of its observer", () => {
    const finding: Finding = { kind: "foreign-page", action: 0, rules: [], message: "", witness: [] };
    const observer = observerOf((action) => (action.do === "request" ? finding : null));
    const run = driveScenario(scenarioOf([dma(), dma()]), driverWith(), openUnit(), observer);
    expect(run).toMatchObject({ finding, failure: null, requests: 1, stepOf: [0] });
  });

  it.each<[string, DriverFactory, RegExp]>([
    [
      "its factory throws",
      () => {
        throw new Error("no");
      },
      /^the driver's factory threw: no/,
    ],
    [
      "a routine is missing",
      (setup) => ({ ...driverWith()(setup), merge: undefined }) as unknown as Driver,
      /merge/,
    ],
    [
      "it settles what is not open",
      driverWith({ start: () => settle(5) }),
      /settles ticket 5, which is not open/,
    ],
    [
      "it settles twice",
      driverWith({ attach: (_, __, ticket) => twice(ticket) }),
      /settles ticket 1, which is not open/,
    ],
    [
      "it does not settle in strict mode",
      driverWith({ attach: nothing }),
      /flushes strictly, but an intent returned/,
    ],
    [
      "it frees what is no table of its own",
      driverWith({
        *start(): Routine {
          yield { do: "free-table", page: roots[0]! };
        },
      }),
      /frees page 0x2000, which is none of its tables/,
    ],
  ])("has no verdict when the driver cannot work: %s", (_, create, message) => {
    const run = drive(scenarioOf([attach("d0"), dma()]), create);
    expect(run.failure).toMatch(message);
    expect(run.finding).toBeNull();
    expect(requestsOf(run)).toEqual([]);
  });

  it("in deferred mode they are all settled by a sync", () => {
    const steps: IntentStep[] = [attach("d0"), map, unmap, { do: "sync" }];
    const run = drive(scenarioOf(steps, { flushing: "deferred" }), driverWith({ unmap: nothing }));
    expect(run.failure).toBe("the driver's sync returned before all that was put off had settled");
  });

  it("in deferred mode tickets may stay open", () => {
    const run = drive(
      scenarioOf([attach("d0"), map, unmap], { flushing: "deferred" }),
      driverWith({ unmap: nothing }),
    );
    expect(run.failure).toBeNull();
    expect(eventsOf(run).some((one) => one.startsWith("free"))).toBe(false);
  });
});

function* twice(ticket: number): Routine {
  yield* settle(ticket);
  yield* settle(ticket);
}

describe("requests", () => {
  it("are made under the id that the step says, each with a slot and bytes of its own", () => {
    const run = drive(scenarioOf([dma("write", 1), dma("read")]));
    expect(requestsOf(run)).toEqual([
      { requester: 0x300, page: PAGE, offset: 8, length: 4, type: "write", slot: 1 },
      { requester: 0x20, page: PAGE, offset: 16, length: 4, type: "read", slot: 2 },
    ]);
    expect(run.requests).toBe(2);
  });

  it("of an id that the device does not have are left out", () => {
    const devices = [{ name: "a", requesters: [0x20] }];
    expect(requestsOf(drive(scenarioOf([dma("read", 1)], { devices })))).toEqual([]);
  });

  it("of a kind that the unit's devices cannot make are left out", () => {
    const run = drive(scenarioOf([dma("atomic"), dma("read")]), driverWith(), openUnit(["read"]));
    expect(requestsOf(run).map((one) => [one.type, one.slot])).toEqual([["read", 2]]);
  });
});

describe("what a device was told to do", () => {
  const program: IntentStep = { do: "program", device: "a", requester: 0, iova: IOVA, access: "w" };

  it("comes when the device has another owner, and is known to be the former one's", () => {
    const run = drive(scenarioOf([attach("d0"), program, attach("d1")]));
    expect(requestsOf(run)).toMatchObject([{ requester: 0x20, page: IOVA, type: "write", slot: 1 }]);
    expect([...run.programmed]).toEqual([[1, ["d0"]]]);
    expect(run.stepOf).toEqual([2]);
  });

  it("comes when the device has no owner any more", () => {
    expect(requestsOf(drive(scenarioOf([attach("d0"), program, detach])))).toHaveLength(1);
  });

  it("comes once, and not while the owner is the same", () => {
    const steps = [attach("d0"), program, map, attach("d1"), attach("d0"), attach("d1")];
    expect(requestsOf(drive(scenarioOf(steps)))).toHaveLength(1);
  });

  it("is forgotten when the device is reset, under the id that is reset", () => {
    const resetting = (requester: number) =>
      driverWith({
        *detach(_device, ticket): Routine {
          yield { do: "reset-device", requester };
          yield { do: "settled", ticket };
        },
      });
    const steps = [attach("d0"), program, detach];
    expect(requestsOf(drive(scenarioOf(steps), resetting(0x20)))).toEqual([]);
    expect(requestsOf(drive(scenarioOf(steps), resetting(0x300)))).toHaveLength(1);
  });

  it("is nothing where the device has no owner", () => {
    expect(eventsOf(drive(scenarioOf([program]))).some((one) => one.startsWith("program"))).toBe(false);
  });
});

describe("plant", () => {
  const freeing = driverWith({
    *map(_domain, _mapping, ticket): Routine {
      const { low: page } = yield { do: "allocate-table" };
      yield { do: "free-table", page };
      yield { do: "settled", ticket };
    },
  });

  it("fills the table freed last with entries that lead to software's own memory", () => {
    const run = drive(scenarioOf([map, { do: "plant" }]), freeing);
    const stores = actionsOf(run).flatMap((one) => (one.do === "store" ? [one] : []));
    expect(new Set(stores.map((one) => one.page))).toEqual(new Set([freeTables[0]]));
    expect(stores.map((one) => one.word)).toEqual([0, 1, 2, 3, 4, 511, 8, 9]);
    expect(stores[0]).toMatchObject({ low: (protectedPage << 12) | 3, high: 0 });
    expect(eventsOf(run).at(-1)).toBe(`allocate ${freeTables[0]} 1 somebody else`);
  });

  it("does nothing where no table was freed, or none since", () => {
    expect(actionsOf(drive(scenarioOf([{ do: "plant" }]), freeing))).toEqual([]);
    const run = drive(scenarioOf([map, { do: "plant" }, { do: "plant" }]), freeing);
    expect(actionsOf(run)).toHaveLength(8);
  });
});

describe("together", () => {
  /** Stores three words of its own, with the lock or without. */
  const storing = (locked: boolean) =>
    driverWith({
      *map(_domain, { iova }, ticket): Routine {
        if (locked) yield { do: "lock", lock: "l" };
        for (const word of [0, 1, 2])
          yield { do: "store", page: statusPage, word: iova + word, low: 1, high: 0 };
        yield { do: "settled", ticket };
        if (locked) yield { do: "unlock", lock: "l" };
      },
    });
  const both = (schedule: number): IntentStep => ({
    do: "together",
    first: { ...map, iova: 0 },
    second: { ...map, mapping: "m1", iova: 10, page: PAGE + 1 },
    schedule,
  });
  const wordsOf = (run: DriverRun) => actionsOf(run).map((one) => ("word" in one ? one.word : -1));

  it.each([
    ["schedule 0: the first, then the second", 0, false, [0, 1, 2, 10, 11, 12]],
    ["by turns", 0xaaaaaaaa, false, [0, 10, 1, 11, 2, 12]],
    ["the second first", 0xffffffff, false, [10, 11, 12, 0, 1, 2]],
    ["by turns, but for a lock", 0xaaaaaaaa, true, [0, 1, 2, 10, 11, 12]],
  ])("%s", (_, schedule, locked, words) => {
    const run = drive(scenarioOf([both(schedule)]), storing(locked));
    expect(run.failure).toBeNull();
    expect(wordsOf(run)).toEqual(words);
    expect(run.stepOf).toEqual([0, 0, 0, 0, 0, 0]);
    expect(eventsOf(run).filter((one) => one.startsWith("update"))).toEqual(["update true", "update false"]);
  });

  it("an intent that asks nothing leaves the other", () => {
    const step: IntentStep = { do: "together", first: unmap, second: { ...map, iova: 0 }, schedule: 7 };
    expect(wordsOf(drive(scenarioOf([step]), storing(false)))).toEqual([0, 1, 2]);
  });
});

describe("a page that is free", () => {
  it("gets new content where devices may have written", () => {
    const run = drive(scenarioOf([attach("d0"), map, dma("write"), dma("read"), dma("atomic"), unmap]));
    const stores = actionsOf(run).filter((one) => one.do === "store");
    const value = { low: 0xe0000004, high: 0xe0000004 };
    expect(stores).toEqual([
      { do: "store", page: PAGE, word: 1, ...value },
      { do: "store", page: PAGE, word: 3, ...value },
    ]);
  });

  it("stays as it is where nobody wrote", () => {
    const run = drive(scenarioOf([attach("d0"), map, dma("read"), unmap]));
    expect(actionsOf(run).filter((one) => one.do === "store")).toEqual([]);
  });
});
