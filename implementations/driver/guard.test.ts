import { describe, expect, it } from "vitest";
import type { PlatformProfile } from "../../model/vtd/profile.js";
import { profileNamed } from "../../model/vtd/profiles.js";
import { guardedDriver } from "./guard.js";
import type {
  Access,
  Answer,
  Driver,
  DriverFactory,
  DriverMapping,
  DriverSetup,
  Routine,
} from "./interface.js";
import { DriverError } from "./machine.js";

const SETUP: DriverSetup = {
  profile: profileNamed("qemu-48"),
  invalidation: "queue",
  flushing: "strict",
  start: "translating",
  rootPage: 1,
  rootPages: 1,
  queuePage: 2,
  statusPage: 3,
  logPage: null,
};
const MAPPING: DriverMapping = { iova: 1, page: 2, pages: 3, access: 3 };
const DEVICE = { name: "a", requesters: [0x20, 0x22] };

function* nothing(): Routine {}

const SILENT = {
  name: "silent",
  start: nothing,
  attach: nothing,
  detach: nothing,
  map: nothing,
  protect: nothing,
  unmap: nothing,
  merge: nothing,
  sync: nothing,
  destroy: nothing,
};

/** What a module may export, whatever its type says. */
function guarded(made: unknown, setup = SETUP): Driver {
  return guardedDriver((() => made) as DriverFactory, setup);
}

/** Runs a routine, answering every access; returns the accesses. */
function run(routine: Routine, answer: Answer = { low: 0, high: 0 }): Access[] {
  const accesses: Access[] = [];
  for (let next = routine.next(answer); !next.done; next = routine.next(answer)) accesses.push(next.value);
  return accesses;
}

/** The message of the DriverError that the driver's `map` ends with. */
function complaintOfMap(map: unknown): string {
  const driver = guarded({ ...SILENT, map });
  run(driver.start());
  try {
    run(driver.map("d0", MAPPING, 1));
  } catch (error) {
    expect(error).toBeInstanceOf(DriverError);
    return (error as Error).message;
  }
  return "no complaint";
}

describe("what the factory gives", () => {
  it.each<[string, unknown, RegExp]>([
    ["nothing", undefined, /^the driver's factory returned undefined, not a driver$/],
    ["a number", 5, /^the driver's factory returned 5, not a driver$/],
    [
      "a promise",
      Promise.resolve(SILENT),
      /has no start, attach, detach, map, protect, unmap, merge, sync, destroy$/,
    ],
    [
      "too little",
      { ...SILENT, merge: undefined, sync: 1 },
      /^the driver that the factory returned has no merge, sync$/,
    ],
  ])("%s", (_, made, message) => {
    expect(() => run(guarded(made).start())).toThrow(message);
    expect(() => run(guarded(made).start())).toThrow(DriverError);
  });

  it("an exception", () => {
    const factory = () => {
      throw new TypeError("no such unit");
    };
    const driver = guardedDriver(factory, SETUP);
    expect(() => run(driver.start())).toThrow(
      /^the driver's factory threw: TypeError: no such unit at .*guard\.test\.ts/,
    );
  });

  it("a profile cannot be changed for the runs after this one", () => {
    const setup = structuredClone(SETUP);
    const driver = guardedDriver((given) => {
      ((given.profile as PlatformProfile).capability as { low: number }).low = 0;
      return SILENT;
    }, setup);
    expect(() => run(driver.start())).toThrow(/factory threw: TypeError: Cannot assign/);
    expect(setup.profile).toEqual(SETUP.profile);
  });
});

describe("what a routine does", () => {
  it("accesses and answers pass, in order", () => {
    const seen: Answer[] = [];
    const driver = guarded({
      ...SILENT,
      *map(domain: string, mapping: DriverMapping, ticket: number): Routine {
        expect([domain, mapping, ticket]).toEqual(["d0", MAPPING, 7]);
        seen.push(yield { do: "load", page: 1, word: 2 });
        seen.push(yield { do: "settled", ticket });
      },
    });
    run(driver.start());
    expect(run(driver.map("d0", MAPPING, 7), { low: 4, high: 5 })).toEqual([
      { do: "load", page: 1, word: 2 },
      { do: "settled", ticket: 7 },
    ]);
    expect(seen).toEqual([
      { low: 4, high: 5 },
      { low: 4, high: 5 },
    ]);
  });

  it("an iterator that is no generator will do", () => {
    const accesses: Access[] = [{ do: "lock", lock: "l" }];
    const driver = guarded({ ...SILENT, sync: () => accesses.values() });
    run(driver.start());
    expect(run(driver.sync())).toEqual([{ do: "lock", lock: "l" }]);
  });

  it.each<[string, unknown, RegExp]>([
    [
      "returns nothing",
      () => undefined,
      /^the driver's map returned undefined; expected an iterator, as \*map\(\) gives$/,
    ],
    [
      "returns a list",
      () => [{ do: "allocate-table" }],
      /^the driver's map returned \[{"do":"allocate-table"}\]; expected/,
    ],
    ["is asynchronous", async function* () {}, /^the driver's map returned {}; expected an iterator/],
    ["returns a promise", async () => undefined, /^the driver's map returned {}; expected an iterator/],
    ["gives no result", () => ({ next: () => 5 }), /^the iterator of the driver's map gave 5$/],
    [
      "yields a wrong number",
      function* () {
        yield { do: "load", page: 0, word: 512 };
      },
      /^the driver's map yielded {"do":"load","page":0,"word":512}: word has to be a whole number from 0 to 0x1ff$/,
    ],
    [
      "yields what JSON cannot say",
      function* () {
        yield { do: "load", page: 7n, word: Number.NaN, and: undefined };
      },
      /^the driver's map yielded {"do":"load","page":"7","word":"NaN","and":"undefined"}: page has to be/,
    ],
    [
      "yields something that refers to itself",
      function* () {
        const access: Record<string, unknown> = { do: "fly" };
        access.self = access;
        yield access;
      },
      /^the driver's map yielded \[object Object\]: do has to be one of/,
    ],
    [
      "yields something long",
      function* () {
        yield { do: "x".repeat(1000) };
      },
      /^the driver's map yielded {"do":"x{1,160}\.\.\.: do has to be one of/,
    ],
    [
      "yields something that throws when it is looked at",
      function* () {
        yield {
          get do() {
            throw new Error("hands off");
          },
        };
      },
      /^the driver's map threw: hands off/,
    ],
    [
      "throws an error",
      () => {
        throw new RangeError("nothing is mapped there");
      },
      /^the driver's map threw: RangeError: nothing is mapped there at .*guard\.test\.ts/,
    ],
    [
      "throws something else",
      () => {
        throw { code: 5 };
      },
      /^the driver's map threw {"code":5}$/,
    ],
  ])("%s", (_, map, message) => {
    expect(complaintOfMap(map)).toMatch(message);
  });

  it("begins when its turn comes, not when it is asked for", () => {
    const order: string[] = [];
    const driver = guarded({
      ...SILENT,
      sync() {
        order.push("began");
        return nothing();
      },
    });
    run(driver.start());
    const routine = driver.sync();
    order.push("asked");
    run(routine);
    expect(order).toEqual(["asked", "began"]);
  });

  it("what it is given is its own: changing that, or an access it has yielded, changes nothing elsewhere", () => {
    const access = { do: "load", page: 1, word: 0 };
    const driver = guarded({
      ...SILENT,
      attach(device: { requesters: number[] }) {
        device.requesters.length = 0;
        return nothing();
      },
      *unmap(_: string, mapping: { pages: number }) {
        mapping.pages = 0;
        yield access;
        access.word = 5;
        yield access;
      },
    });
    run(driver.start());
    run(driver.attach(DEVICE, "d0", 1));
    expect(run(driver.unmap("d0", MAPPING, 2))).toEqual([
      { do: "load", page: 1, word: 0 },
      { do: "load", page: 1, word: 5 },
    ]);
    expect(DEVICE.requesters).toEqual([0x20, 0x22]);
    expect(MAPPING.pages).toBe(3);
  });
});
