import { describe, expect, it } from "vitest";
import type { Action, Observation } from "../../model/trace.js";
import { COHERENT, PhysicalMemory } from "../../model/words/memory.js";
import { ImplementationError, type Iommu } from "../iommu/interface.js";
import type { Access, Answer, Routine } from "./interface.js";
import { Machine } from "./machine.js";

const PAGES = 64;

/** A machine whose unit shows what it is told to, and which keeps what became of the accesses. */
function bench(shows: (action: Action) => Observation = () => ({ low: 0, high: 0 })) {
  const memory = new PhysicalMemory(PAGES);
  memory.reset(COHERENT);
  const performed: Action[] = [];
  const said: string[] = [];
  const tables = [9, 8];
  const unit: Iommu = {
    name: "fake",
    requestTypes: new Set(),
    reset: () => undefined,
    execute: (actions) => actions.map(shows),
    readData: () => 0,
    close: () => undefined,
  };
  const machine = new Machine(unit, memory, {
    performed(action) {
      performed.push(action);
      if (action.do === "store") memory.store(action.page, action.word, action.low, action.high, 1);
    },
    allocateTable: () => tables.pop() ?? null,
    freeTable: (page) => said.push(`free ${page}`),
    resetDevice: (requester) => said.push(`reset ${requester}`),
    settled: (ticket) => said.push(`settled ${ticket}`),
  });
  return { machine, memory, performed, said };
}

function* routine(...accesses: readonly Access[]): Routine {
  for (const one of accesses) yield one;
}

/** A routine that keeps the answers to its accesses. */
function* asking(answers: Answer[], ...accesses: readonly Access[]): Routine {
  for (const one of accesses) answers.push(yield one);
}

const store = (word: number, low = 1): Access => ({ do: "store", page: 1, word, low, high: 0 });
const lock = (name = "l"): Access => ({ do: "lock", lock: name });
const unlock = (name = "l"): Access => ({ do: "unlock", lock: name });
const wordsOf = (actions: readonly Action[]) => actions.map((one) => ("word" in one ? one.word : -1));

describe("accesses", () => {
  it("a load is answered from memory and is no action", () => {
    const { machine, performed } = bench();
    const answers: Answer[] = [];
    machine.run(
      asking(answers, store(3, 7), { do: "load", page: 1, word: 3 }, { do: "load", page: 2, word: 0 }),
    );
    expect(answers.slice(1)).toEqual([
      { low: 7, high: 0 },
      { low: 0, high: 0 },
    ]);
    expect(performed).toEqual([store(3, 7)]);
  });

  it("registers and polls are answered with what the unit shows", () => {
    const { machine } = bench((action) =>
      action.do === "read-register" ? { low: 5, high: 6 } : { low: 1, high: 0 },
    );
    const answers: Answer[] = [];
    machine.run(
      asking(
        answers,
        { do: "read-register", offset: 8, width: 8 },
        { do: "poll-register", offset: 0x1c, mask: 1, value: 1 },
        { do: "poll-memory", page: 1, word: 0, value: 4 },
      ),
    );
    expect(answers).toEqual([
      { low: 5, high: 6 },
      { low: 1, high: 0 },
      { low: 1, high: 0 },
    ]);
  });

  it("an answer is the driver's own: changing it changes no other", () => {
    const shown = { low: 1, high: 0 };
    const { machine } = bench(() => shown);
    const poll: Access = { do: "poll-register", offset: 0x1c, mask: 1, value: 1 };
    machine.run(
      (function* (): Routine {
        const answer = yield poll;
        (answer as { low: number }).low = 0;
      })(),
    );
    expect(shown.low).toBe(1);
  });

  it("clear-page stores zero to the words that are not zero", () => {
    const { machine, performed } = bench();
    machine.run(routine({ do: "clear-page", page: 1 }));
    expect(performed).toEqual([]);
    machine.run(routine(store(3), store(9), store(9, 0), store(511), { do: "clear-page", page: 1 }));
    expect(performed.slice(4)).toEqual([store(3, 0), store(511, 0)]);
  });

  it("flush-page writes back the lines that were stored to", () => {
    const { machine, performed } = bench();
    machine.run(routine({ do: "flush-page", page: 1 }));
    expect(performed).toEqual([]);
    machine.run(routine(store(7), store(8), store(511), { do: "flush-page", page: 1 }));
    expect(performed.slice(3)).toEqual([0, 1, 63].map((line) => ({ do: "flush-line", page: 1, line })));
  });

  it("tables, resets and tickets go to whoever listens", () => {
    const { machine, said } = bench();
    const answers: Answer[] = [];
    machine.run(
      asking(
        answers,
        { do: "allocate-table" },
        { do: "free-table", page: 8 },
        { do: "reset-device", requester: 32 },
        { do: "settled", ticket: 5 },
      ),
    );
    expect(answers[0]).toEqual({ low: 8, high: 0 });
    expect(said).toEqual(["free 8", "reset 32", "settled 5"]);
  });
});

describe("two CPUs", () => {
  const first = [store(0), store(1), store(2)];
  const second = [store(10), store(11), store(12)];

  it.each([
    ["the first, then the second", [0, 0, 0, 0], [0, 1, 2, 10, 11, 12]],
    ["by turns", [0, 1, 0, 1, 0, 1], [0, 10, 1, 11, 2, 12]],
    ["the second, then the first", [1, 1, 1, 1], [10, 11, 12, 0, 1, 2]],
  ])("%s", (_, turns, words) => {
    const { machine, performed } = bench();
    const rest = [...turns];
    machine.runTogether([routine(...first), routine(...second)], () => rest.shift() ?? 0);
    expect(wordsOf(performed)).toEqual(words);
  });

  it("whoever wants a lock that is held waits until it is given back", () => {
    const { machine, performed } = bench();
    const locked = (accesses: readonly Access[]) => routine(lock(), ...accesses, unlock());
    // The second CPU's turn comes whenever there is a choice, once the first has the lock.
    let turn = 0;
    machine.runTogether([locked(first), locked(second)], () => Math.min(turn++, 1));
    expect(wordsOf(performed)).toEqual([0, 1, 2, 10, 11, 12]);
  });

  it("locks of different names do not keep each other waiting", () => {
    const { machine, performed } = bench();
    let turn = 0;
    machine.runTogether(
      [routine(lock("a"), store(0), unlock("a")), routine(lock("b"), store(10), unlock("b"))],
      () => turn++ % 2,
    );
    expect(wordsOf(performed)).toEqual([0, 10]);
  });

  it("waiting for each other is the end", () => {
    const { machine } = bench();
    const crossed = (one: string, other: string) =>
      routine(lock(one), lock(other), unlock(other), unlock(one));
    let turn = 0;
    expect(() => machine.runTogether([crossed("a", "b"), crossed("b", "a")], () => turn++ % 2)).toThrow(
      "the driver's CPUs wait for each other's locks",
    );
  });
});

describe("what no driver can do", () => {
  it.each<[string, readonly Access[], RegExp]>([
    ["takes a lock twice", [lock(), lock()], /takes the lock "l" twice/],
    ["gives back a lock it does not hold", [unlock()], /gives back the lock "l" it does not hold/],
    ["keeps a lock", [lock()], /ends a routine while it holds the lock "l"/],
    ["asks for more tables than there are", Array(3).fill({ do: "allocate-table" }), /no page is left/],
  ])("%s", (_, accesses, message) => {
    expect(() => bench().machine.run(routine(...accesses))).toThrow(message);
  });

  it("goes on for ever", () => {
    const endless = (function* (): Routine {
      while (true) yield { do: "load", page: 1, word: 0 };
    })();
    expect(() => bench().machine.run(endless)).toThrow("100000 accesses without finishing");
  });

  it("is heard of when the unit fails", () => {
    const { machine } = bench(() => {
      throw new ImplementationError("the unit is gone");
    });
    expect(() => machine.run(routine(store(0)))).toThrow(
      expect.objectContaining({ name: "DriverError", message: "the unit is gone" }),
    );
  });

  it("a routine that failed leaves no lock behind", () => {
    const { machine, performed } = bench();
    expect(() => machine.run(routine(lock(), lock()))).toThrow();
    machine.run(routine(lock(), store(4), unlock()));
    expect(wordsOf(performed)).toEqual([4]);
  });
});
