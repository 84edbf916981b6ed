import { describe, expect, it } from "vitest";
import { describeExposure, requestOf, shown } from "../windows/exposure.testing.js";
import { Random } from "../windows/random.testing.js";
import { PAGE_COUNT, type Script, ScriptMaker, walkPlatforms } from "./abstract-machine.scripts.js";
import { scriptPlatform, VtdScriptRun } from "./exposure.testing.js";
import { tableIndex } from "./walk.js";

/** SCRIPTS=100000 SEED=7 runs a larger campaign. */
const SCRIPTS = Number(process.env.SCRIPTS ?? 5500);
const SEED = Number(process.env.SEED ?? 1);

const runs = new Map(walkPlatforms.map((one) => [one.profile, new VtdScriptRun(scriptPlatform(one))]));

function scriptOf(index: number, most = 12): Script {
  const random = new Random(SEED * 1000003 + index * 7919);
  return new ScriptMaker(random, walkPlatforms[index % walkPlatforms.length]!, 3 + random.below(most)).script;
}

/** For campaigns that are larger than usual. */
const timeout = 120_000 + SCRIPTS * 10;

describeExposure({
  scripts: SCRIPTS,
  pageCount: PAGE_COUNT,
  scriptOf,
  runOf: (script: Script) => runs.get(script.profile)!,
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
