import { describeExposure } from "../windows/exposure.testing.js";
import { Random } from "../windows/random.testing.js";
import { PAGE_COUNT, type Script, ScriptMaker, walkPlatforms } from "./abstract-machine.scripts.js";
import { AmdViScriptRun, scriptPlatform } from "./exposure.testing.js";

/** SCRIPTS=100000 SEED=7 runs a larger campaign. */
const SCRIPTS = Number(process.env.SCRIPTS ?? 3000);
const SEED = Number(process.env.SEED ?? 1);

const runs = new Map(
  walkPlatforms.map(({ profile }) => [profile, new AmdViScriptRun(scriptPlatform({ profile }))]),
);

function scriptOf(index: number): Script {
  const random = new Random(SEED * 1000003 + index * 7919);
  return new ScriptMaker(random, walkPlatforms[index % walkPlatforms.length]!, 3 + random.below(12)).script;
}

describeExposure({
  scripts: SCRIPTS,
  pageCount: PAGE_COUNT,
  scriptOf,
  runOf: (script: Script) => runs.get(script.profile)!,
});
