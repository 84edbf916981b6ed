import { describe } from "vitest";
import type { Word } from "../trace.js";
import { describeExposure } from "../windows/exposure.testing.js";
import { Random } from "../windows/random.testing.js";
import { describeTablesRead } from "../windows/tables-read.testing.js";
import { encode } from "../words/layout.js";
import {
  PAGE_COUNT,
  type Script,
  ScriptMaker,
  type Step,
  switchedOften,
  walkPlatforms,
} from "./abstract-machine.scripts.js";
import { AmdViScriptRun, scriptPlatform } from "./exposure.testing.js";
import { deviceTableEntryAt, deviceTableEntryLayout, pteLayout } from "./tables.js";
import { tableIndex } from "./walk.js";

/** SCRIPTS=100000 SEED=7 runs a larger campaign. */
const SCRIPTS = Number(process.env.SCRIPTS ?? 3000);
const SEED = Number(process.env.SEED ?? 1);

const runs = new Map(
  walkPlatforms.map(({ profile }) => [profile, new AmdViScriptRun(scriptPlatform({ profile }))]),
);

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

describe("with translation switched on and off", () => {
  describeExposure({
    scripts: Math.ceil(SCRIPTS / 10),
    pageCount: PAGE_COUNT,
    scriptOf: (index) => switchedOften(scriptOf(4 * SCRIPTS + index), new Random(SEED + index)),
    runOf: (script: Script) => runs.get(script.profile)!,
  });
});

/** A table of three levels that nothing leads to. */
const MARKED_TABLE = 50;
/** First of the pages that only marks lead to; aligned for leaves of every level. */
const MARKED = 2 ** 30;
const [MARK] = encode(pteLayout, { PR: 1, IR: 1, IW: 1, Address: MARKED }) as [Word];
const RIGHTS_HIGH = 0x60000000;
const RESERVED_HIGH = 0x200000;

/** The script with entries that allow everything. */
function plain(script: Script): Script {
  const isFirst = ({ page, word }: { page: number; word: number }) => page >= 10 || word % 4 === 0;
  const open = <A extends { page: number; word: number; high: number }>(at: A): A =>
    isFirst(at) ? { ...at, high: ((at.high | RIGHTS_HIGH) & ~RESERVED_HIGH) >>> 0 } : at;
  const marked = indices(script, [3]).map((word) => ({ page: MARKED_TABLE, word, ...MARK }));
  return {
    ...script,
    words: [...script.words.map(open), ...marked],
    steps: script.steps.map((step) => (step.do === "store" ? open(step) : step)),
  };
}

function indices({ pages }: Script, levels: readonly number[]): number[] {
  return [...new Set(pages.flatMap((iova) => levels.map((level) => tableIndex(iova, level))))];
}

/** Stores of an entry that leads to the marked table, if the page is the right one for the DeviceID. */
function deviceEntry(page: number, deviceId: number): Script["words"] {
  const at = deviceTableEntryAt(deviceId);
  const words = encode(deviceTableEntryLayout, {
    V: 1,
    TV: 1,
    Mode: 3,
    HostPTRoot: MARKED_TABLE,
    IR: 1,
    IW: 1,
    DomainID: 9,
  });
  const [first, second] = words as [Word, Word];
  // Device tables begin at odd pages.
  return (page - 1) % 2 === at.page
    ? [
        { page, word: at.word + 1, ...second },
        { page, word: at.word, ...first },
      ]
    : [];
}

describeTablesRead<Step, Script>({
  scripts: Math.floor(SCRIPTS / 10),
  tables: [1, 2, 3, 4, 10, 11, 12, 13, 14, 15],
  addresses: [0, 0x40000].flatMap((third) => [0, 1, 2, 0x200, 0x201, 0x202].map((rest) => third + rest)),
  scriptOf: (index) => plain(scriptOf(3 * SCRIPTS + index, 6)),
  runOf: (script) => runs.get(script.profile)!,
  marks: (script, page) =>
    page <= 4
      ? script.functions.map((id) => deviceEntry(page, id))
      : indices(script, [1, 2, 3]).map((word) => [{ page, word, ...MARK }]),
  isMarked: (effect) => effect >= MARKED,
  store: (word) => ({ do: "store", ...word }),
});
