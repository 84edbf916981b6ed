/** `bugs`: the bug library, and how soon and how small the suite finds what is in it. */
import { type Bug, bugs as library } from "../implementations/bugs.js";
import { type BugFigures, figuresOf, isComplete, totalsOf } from "../properties/bugs/figures.js";
import type { BugSearch, BugTask } from "../properties/bugs/measure.js";
import { defaultWorkers, onWorkers } from "../properties/workers/pool.js";
import { bugList, bugsAsJson, figuresAsJson, figureTable, totalLines } from "../reports/bugs.js";
import { ExitCode, UsageError } from "./errors.js";
import type { Options } from "./options.js";
import { StatusLine } from "./progress.js";

const SEEDS = 20;
const FIRST_SEED = 1;
const MILLISECONDS = 10_000;
const SEARCH = new URL("../properties/bugs/measure.js", import.meta.url);

/** Lists the bugs whose names have one of the given parts, or searches for them. */
export async function bugs(options: Options, print: (line: string) => void): Promise<ExitCode> {
  const chosen = chosenBugs(options);
  if (options.run) return search(chosen, options, print);
  const surplus = ["seeds", "seed", "workers", "time"].find((one) => options.given.includes(one));
  if (surplus !== undefined) throw new UsageError(`bugs takes --${surplus} with --run only`);
  if (options.json) print(bugsAsJson(chosen));
  else for (const line of bugList(chosen)) print(line);
  return ExitCode.holds;
}

function chosenBugs({ positionals, architectures }: Options): readonly Bug[] {
  const meant = library.filter((bug) => architectures.some((one) => one.id === bug.architecture));
  const parts = positionals.slice(1);
  for (const part of parts)
    if (meant.every((bug) => !bug.name.includes(part)))
      throw new UsageError(`no bug has "${part}" in its name; see \`iommu-spec bugs\``);
  return parts.length === 0 ? meant : meant.filter(({ name }) => parts.some((part) => name.includes(part)));
}

async function search(
  chosen: readonly Bug[],
  options: Options,
  print: (line: string) => void,
): Promise<ExitCode> {
  const { seeds = SEEDS, seed: firstSeed = FIRST_SEED, json } = options;
  const found = await searchedFor(chosen, seeds, firstSeed, options);
  const figures = chosen.map((bug, index): BugFigures => figuresOf(bug, found[index]!));
  const totals = totalsOf(figures);
  if (json) print(figuresAsJson(figures, totals, firstSeed));
  else for (const line of [...figureTable(figures), "", ...totalLines(totals, seeds, firstSeed)]) print(line);
  return isComplete(totals) ? ExitCode.holds : ExitCode.violated;
}

/** The searches for each bug, one for each seed. */
async function searchedFor(
  chosen: readonly Bug[],
  seeds: number,
  firstSeed: number,
  { workers = defaultWorkers(), milliseconds = MILLISECONDS }: Options,
): Promise<BugSearch[][]> {
  const tasks = chosen.flatMap(({ name }) =>
    Array.from(
      { length: seeds },
      (_, index): BugTask => ({ bug: name, seed: firstSeed + index, milliseconds }),
    ),
  );
  const searches = chosen.map((): BugSearch[] => []);
  const status = new StatusLine();
  const start = performance.now();
  let done = 0;
  await onWorkers<BugTask, BugSearch>(SEARCH, tasks, workers, (index, result) => {
    searches[Math.floor(index / seeds)]!.push(result);
    done++;
    status.show(
      performance.now() - start,
      () => `bugs: ${done} of ${tasks.length} searches; ${tasks[index]!.bug}`,
    );
  });
  status.done();
  return searches;
}
