import { beforeAll, describe, expect, it } from "vitest";
import { Right } from "../isolation/events.js";
import type { GrantCheck, Reach } from "../isolation/exposure.js";
import type { Request, RequestType } from "../trace.js";
import { PAGE_COUNT, Random, type Script, ScriptMaker, walkPlatforms } from "./abstract-machine.scripts.js";
import { ScriptRun, scriptPlatform } from "./exposure.testing.js";
import { tableIndex } from "./walk.js";

/** SCRIPTS=100000 SEED=7 runs a larger campaign. */
const SCRIPTS = Number(process.env.SCRIPTS ?? 5500);
const SEED = Number(process.env.SEED ?? 1);
const IOVAS = [0, 1, 0x200, 0x40000];
const TYPES: readonly RequestType[] = ["read", "write", "zero-length-read", "atomic"];
const RIGHTS = [Right.read, Right.write];
/** Rights that a request shows to be there when it reaches a page. */
const SHOWN = { read: Right.read, write: Right.write, atomic: Right.both, "zero-length-read": 0 };

const runs = new Map(walkPlatforms.map((one) => [one.profile, new ScriptRun(scriptPlatform(one))]));

function scriptOf(index: number, most = 12): Script {
  const random = new Random(SEED * 1000003 + index * 7919);
  return new ScriptMaker(random, walkPlatforms[index % walkPlatforms.length]!, 3 + random.below(most)).script;
}

function requestOf(requester: number, page: number, type: RequestType): Request {
  return { requester, page, offset: 0, length: type === "zero-length-read" ? 0 : 4, type };
}

interface Reached {
  readonly reaches: Set<string>;
  /** Some request that reaches a page may also end otherwise. */
  readonly stale: boolean;
}

/** What every request to a few addresses may lead to. */
function bruteForce({ oracle, now }: ScriptRun): Reached {
  const reaches = new Set<string>();
  let stale = false;
  for (const requester of oracle.functions) {
    for (const page of IOVAS) {
      for (const type of TYPES) {
        const outcomes = oracle.outcomesOf(requestOf(requester, page, type), now - 1);
        for (const { effect } of outcomes) {
          if (effect < 0 || effect >= PAGE_COUNT) continue;
          if (outcomes.length > 1) stale = true;
          for (const right of RIGHTS)
            if (SHOWN[type] & right) reaches.add(`${requester} ${page} ${effect} ${right}`);
        }
      }
    }
  }
  return { reaches, stale };
}

function inClosedForm(reaches: readonly Reach[]): Set<string> {
  const found = new Set<string>();
  for (const { requester, iova, page, pages, access, way } of reaches) {
    if (way !== "request") continue;
    for (const one of IOVAS) {
      const target = page + (one - iova);
      if (one >= iova && one < iova + pages && target < PAGE_COUNT)
        found.add(`${requester} ${one} ${target} ${access}`);
    }
  }
  return found;
}

function differences(expected: ReadonlySet<string>, found: ReadonlySet<string>): string[] {
  return [
    ...[...expected].filter((one) => !found.has(one)).map((one) => `missing: ${one}`),
    ...[...found].filter((one) => !expected.has(one)).map((one) => `too much: ${one}`),
  ];
}

function shown(script: Script): string {
  return JSON.stringify({ ...script, profile: script.profile.id });
}

/** For campaigns that are larger than usual. */
const timeout = 120_000 + SCRIPTS * 10;

describe("exposure", () => {
  let states = 0;
  let stale = 0;

  beforeAll(() => {
    for (let index = 0; index < SCRIPTS; index++) compareWithRequests(index);
  }, SCRIPTS * 100);

  function compareWithRequests(index: number): void {
    const script = scriptOf(index);
    const run = runs.get(script.profile)!;
    run.start(script);
    script.steps.forEach((step, at) => {
      run.take(step);
      if (at % 3 !== index % 3 && at !== script.steps.length - 1) return;
      const expected = bruteForce(run);
      states++;
      if (expected.stale) stale++;
      const wrong = differences(expected.reaches, inClosedForm(run.exposure.everything()));
      if (wrong.length > 0) throw new Error(`after step ${at}: ${wrong.join("\n")}\n${shown(script)}`);
    });
  }

  it("is what all requests together may lead to", () => {
    expect(states).toBeGreaterThan(SCRIPTS * 3);
  });

  it("is compared where stale entries leave several outcomes open", () => {
    expect(stale / states).toBeGreaterThan(0.3);
  });
});

/** Grants what was reached before. */
class Before {
  private reaches: readonly Reach[] = [];

  readonly check: GrantCheck = (requester, page, pages, access) => {
    for (const right of RIGHTS) {
      if ((access & right) === 0) continue;
      for (let one = page; one < page + pages; ) {
        const known = this.reaches.find(
          (each) =>
            each.requester === requester &&
            each.access === right &&
            each.page <= one &&
            one < each.page + each.pages,
        );
        if (!known) return { page: one, access: right };
        one = known.page + known.pages;
      }
    }
    return null;
  };

  add(reaches: readonly Reach[]): void {
    this.reaches = [...this.reaches, ...reaches];
  }
}

describe("reaches that an action adds", () => {
  it("are found when some exposure was not there before", { timeout }, () => {
    let added = 0;
    for (let index = 0; index < SCRIPTS / 4; index++) {
      const script = scriptOf(SCRIPTS + index);
      const run = runs.get(script.profile)!;
      run.start(script);
      const before = new Before();
      before.add(run.exposure.everything());
      for (const step of script.steps) {
        const found = run.take(step, before.check);
        const all = run.exposure.everything();
        const fresh = all.filter((one) => before.check(one.requester, one.page, one.pages, one.access));
        if ((found === null) !== (fresh.length === 0))
          expect.fail(
            `${JSON.stringify(step)}: ${JSON.stringify(found)} but ${JSON.stringify(fresh)}\n${shown(script)}`,
          );
        if (found) added++;
        before.add(all);
      }
    }
    expect(added).toBeGreaterThan(SCRIPTS / 20);
  });
});

describe("the reach to a page, or of a requester", () => {
  it("is part of the exposure", { timeout }, () => {
    const nothing: GrantCheck = (_, page, __, access) => ({ page, access });
    for (let index = 0; index < SCRIPTS / 10; index++) {
      const script = scriptOf(2 * SCRIPTS + index);
      const run = runs.get(script.profile)!;
      run.start(script);
      for (const step of script.steps) {
        run.take(step);
        const all = run.exposure.everything();
        for (const page of [0, 1, 32, 33, 34, 63])
          for (const access of RIGHTS) {
            const some = all.some(
              (one) => one.access === access && one.page <= page && page < one.page + one.pages,
            );
            expect(run.exposure.reachTo(page, 1, access, nothing) !== null, shown(script)).toBe(some);
          }
        for (const requester of script.functions)
          expect(run.exposure.reachOf(requester, nothing) !== null, shown(script)).toBe(
            all.some((one) => one.requester === requester),
          );
      }
    }
  });
});

describe("tables that the unit may read", () => {
  const CONTEXT_TABLE = 46;
  const MARKED = [40, 41, 42, 43, 44, 45];
  /** Every address whose tables are indexed with words that scripts store to. */
  const ADDRESSES = [0, 0x1000000000].flatMap((fifth) =>
    [0, 0x8000000].flatMap((fourth) =>
      [0, 0x40000].flatMap((third) => [0, 1, 0x200, 0x201].map((rest) => fifth + fourth + third + rest)),
    ),
  );

  /** The script with entries that allow everything, so that what is read is seen, and tables that nothing leads to. */
  function plain(script: Script): Script {
    const open = <A extends { page: number; low: number; high: number }>(at: A): A =>
      at.page < 10 || (at.low & 3) === 0
        ? at
        : { ...at, low: (at.low | 3) >>> 0, high: (at.high & ~0x40000000) >>> 0 };
    const marked = MARKED.slice(0, -1).flatMap((page) =>
      indices(script).map((word) => ({ page, word, low: ((page + 1) << 12) | 3, high: 0 })),
    );
    const contexts = script.functions.flatMap((id) => contextEntry(script, CONTEXT_TABLE, id));
    return {
      ...script,
      words: [...script.words.map(open), ...marked, ...contexts],
      steps: script.steps.map((step) => (step.do === "store" ? open(step) : step)),
    };
  }

  const indices = ({ pages }: Script) => [
    ...new Set(pages.flatMap((iova) => [1, 2, 3, 4, 5].map((level) => tableIndex(iova, level)))),
  ];

  function contextEntry(script: Script, page: number, requester: number): Script["words"] {
    const { supportedLevels } = scriptPlatform(script);
    const levels = [3, 4, 5].find((one) => (supportedLevels >>> one) & 1)!;
    const word = (requester & 255) * 2;
    return [
      { page, word: word + 1, low: (3 << 8) | (levels - 2), high: 0 },
      { page, word, low: (MARKED[0]! << 12) | 1, high: 0 },
    ];
  }

  /** Stores to entries of a page that make requests which read them end in a marked page. */
  function marks(script: Script, page: number): Script["words"][] {
    if (page <= 2) {
      const low = (CONTEXT_TABLE << 12) | 1;
      return script.functions.map((id) => [
        { page, word: (id >>> 8) * 2 + 1, low: 0, high: 0 },
        { page, word: (id >>> 8) * 2, low, high: 0 },
      ]);
    }
    if (page <= 4) return script.functions.map((id) => contextEntry(script, page, id));
    return indices(script).map((word) => [{ page, word, low: (MARKED[0]! << 12) | 3, high: 0 }]);
  }

  function isRead(script: Script, mark: Script["words"]): boolean {
    const run = runs.get(script.profile)!;
    run.start(script);
    for (const step of script.steps) run.take(step);
    for (const one of mark) run.take({ do: "store", ...one });
    return script.functions.some((requester) =>
      ADDRESSES.some((iova) =>
        run.oracle
          .outcomesOf(requestOf(requester, iova, "read"), run.now - 1)
          .some(({ effect }) => MARKED.includes(effect)),
      ),
    );
  }

  it("are those in which a new entry makes a request end somewhere else", { timeout }, () => {
    let read = 0;
    let unread = 0;
    for (let index = 0; index < SCRIPTS / 10; index++) {
      const script = plain(scriptOf(3 * SCRIPTS + index, 6));
      const run = runs.get(script.profile)!;
      for (const page of [1, 2, 3, 4, 10, 11, 12, 13, 14, 15, 16, 17]) {
        run.start(script);
        for (const step of script.steps) run.take(step);
        const reach = run.exposure.tableReach(page);
        const expected = marks(script, page).some((mark) => isRead(script, mark));
        if (expected) read++;
        else unread++;
        if (expected !== (reach !== null))
          expect.fail(`page ${page}: ${expected}, ${JSON.stringify(reach)}\n${shown(script)}`);
      }
    }
    expect(Math.min(read, unread)).toBeGreaterThan(SCRIPTS / 10);
  });
});
