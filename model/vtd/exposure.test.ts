import { describe } from "vitest";
import { describeExposure } from "../windows/exposure.testing.js";
import { Random } from "../windows/random.testing.js";
import { describeTablesRead } from "../windows/tables-read.testing.js";
import {
  PAGE_COUNT,
  type Script,
  ScriptMaker,
  type Step,
  switchedOften,
  walkPlatforms,
  withProtection,
} from "./abstract-machine.scripts.js";
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

describeExposure({
  scripts: SCRIPTS,
  pageCount: PAGE_COUNT,
  scriptOf,
  runOf: (script: Script) => runs.get(script.profile)!,
});

describe("with translation switched on and off, and memory protected where that can be", () => {
  describeExposure({
    scripts: Math.ceil(SCRIPTS / 8),
    pageCount: PAGE_COUNT,
    scriptOf(index) {
      const random = new Random(SEED + index);
      const script = scriptOf(4 * SCRIPTS + index);
      const steered = random.chance(50) ? switchedOften(script, random) : script;
      return withProtection(steered, scriptPlatform(script), random);
    },
    runOf: (script: Script) => runs.get(script.profile)!,
  });
});

const CONTEXT_TABLE = 46;
/** Tables that nothing leads to. */
const MARKED = [40, 41, 42, 43, 44, 45];

/** The script with entries that allow everything. */
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

function indices({ pages }: Script): number[] {
  return [...new Set(pages.flatMap((iova) => [1, 2, 3, 4, 5].map((level) => tableIndex(iova, level))))];
}

function contextEntry(script: Script, page: number, requester: number): Script["words"] {
  const { supportedLevels } = scriptPlatform(script);
  const levels = [3, 4, 5].find((one) => (supportedLevels >>> one) & 1)!;
  const word = (requester & 255) * 2;
  return [
    { page, word: word + 1, low: (3 << 8) | (levels - 2), high: 0 },
    { page, word, low: (MARKED[0]! << 12) | 1, high: 0 },
  ];
}

describeTablesRead<Step, Script>({
  scripts: Math.floor(SCRIPTS / 10),
  tables: [1, 2, 3, 4, 10, 11, 12, 13, 14, 15, 16, 17],
  addresses: [0, 0x1000000000].flatMap((fifth) =>
    [0, 0x8000000].flatMap((fourth) =>
      [0, 0x40000].flatMap((third) => [0, 1, 0x200, 0x201].map((rest) => fifth + fourth + third + rest)),
    ),
  ),
  scriptOf: (index) => plain(scriptOf(3 * SCRIPTS + index, 6)),
  runOf: (script) => runs.get(script.profile)!,
  marks(script, page) {
    if (page <= 2) {
      const low = (CONTEXT_TABLE << 12) | 1;
      return script.functions.map((id) => [
        { page, word: (id >>> 8) * 2 + 1, low: 0, high: 0 },
        { page, word: (id >>> 8) * 2, low, high: 0 },
      ]);
    }
    if (page <= 4) return script.functions.map((id) => contextEntry(script, page, id));
    return indices(script).map((word) => [{ page, word, low: (MARKED[0]! << 12) | 3, high: 0 }]);
  },
  isMarked: (effect) => MARKED.includes(effect),
  store: (word) => ({ do: "store", ...word }),
});
