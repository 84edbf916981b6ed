/** What a mutation score says: rows by room and by rule, the survivors, and the same as JSON. */
import { mkdirSync, writeFileSync } from "node:fs";
import { type Row, rounded } from "../row.js";
import { defaultMutation, mutationScore, roomOf, type Score, type Tried } from "./mutation.js";

const TARGET = 95;
const FILE = "out/mutation.json";

/**
 * Tries a sample; saves what came out under `out/` and returns the rows of the table, that of all rooms last.
 * @param each processor seconds for the tests of a mutant
 */
export async function mutationRows(size: number, seed: number, each = defaultMutation.each): Promise<Row[]> {
  const score = await mutationScore({ ...defaultMutation, size, seed, each, progress: showSurvivor });
  mkdirSync("out", { recursive: true });
  writeFileSync(FILE, `${JSON.stringify(scoreAsData(score), null, 2)}\n`);
  return rowsOf(score);
}

export function rowsOf(score: Score): Row[] {
  const { tried, failing, obsolete } = score;
  const rooms = grouped(tried, ({ mutant }) => [roomOf(mutant)]);
  const rules = grouped(tried, ({ mutant }) => mutant.rules);
  const ruled = tried.filter((one) => one.mutant.rules.length > 0);
  const weak = rules.filter(([, group]) => killed(group).length < group.length).map(([rule]) => rule);
  const all = share(tried);
  const notes = [
    `at least ${TARGET} %: ${all >= TARGET ? "reached" : "missed"}`,
    failing.length > 0 ? `${failing.length} tests failed without a mutant and were left out` : "",
    obsolete.length > 0 ? `${obsolete.length} entries of the list of equivalent mutants are obsolete` : "",
  ];
  return [
    ...rooms.map(([room, group]) => row(room, group, "")),
    row(
      `lines of ${rules.length} named rules`,
      ruled,
      weak.length > 0 ? `survivors: ${weak.join(", ")}` : "",
    ),
    row(
      `a sample of ${rounded(score.mutants)} mutants, seed ${score.seed}`,
      tried,
      notes.filter(Boolean).join("; "),
    ),
  ];
}

function row(what: string, group: readonly Tried[], note: string): Row {
  return [what, `${killed(group).length} of ${group.length}`, `${share(group).toFixed(1)} %`, note];
}

/** Mutants that a test noticed, or for which one never ended. */
function killed(tried: readonly Tried[]): Tried[] {
  return tried.filter((one) => one.verdict.fate !== "survived");
}

/** Per cent of the mutants that were killed; all of none. */
function share(tried: readonly Tried[]): number {
  return tried.length === 0 ? 100 : (100 * killed(tried).length) / tried.length;
}

function grouped(
  tried: readonly Tried[],
  keysOf: (one: Tried) => readonly string[],
): [key: string, group: Tried[]][] {
  const groups = new Map<string, Tried[]>();
  for (const one of tried) for (const key of keysOf(one)) groups.set(key, [...(groups.get(key) ?? []), one]);
  return [...groups].sort(([one], [other]) => (one < other ? -1 : 1));
}

function showSurvivor({ mutant, verdict }: Tried): void {
  if (verdict.fate !== "survived") return;
  const { file, line, operator, original, replacement } = mutant;
  const left = verdict.complete ? "" : ", some left out for lack of time";
  console.log(`  ${file}:${line} survived ${verdict.tests} tests${left} (${operator})`);
  console.log(`    - ${original}\n    + ${replacement}`);
}

/** Everything about a score, for other programs. */
export function scoreAsData(score: Score): unknown {
  const { seed, mutants, equivalent, obsolete, tried, failing, seconds } = score;
  const groups = (keysOf: (one: Tried) => readonly string[]) =>
    Object.fromEntries(
      grouped(tried, keysOf).map(([key, group]) => [
        key,
        { tried: group.length, killed: killed(group).length },
      ]),
    );
  const count = (fate: string) => tried.filter((one) => one.verdict.fate === fate).length;
  return {
    format: "iommu-spec mutation 1",
    seed,
    mutants,
    equivalent,
    obsolete,
    tried: tried.length,
    killed: count("killed"),
    timeout: count("timeout"),
    survived: count("survived"),
    score: share(tried),
    seconds,
    byRoom: groups(({ mutant }) => [roomOf(mutant)]),
    byRule: groups(({ mutant }) => mutant.rules),
    byOperator: groups(({ mutant }) => [mutant.operator]),
    failing,
    survivors: tried
      .filter((one) => one.verdict.fate === "survived")
      .map(({ mutant: { edit: _, ...mutant }, verdict: { tests, complete } }) => ({
        ...mutant,
        tests,
        complete,
      })),
    killers: tried
      .filter((one) => one.verdict.fate !== "survived")
      .map(({ mutant, verdict }) => ({
        mutant: `${mutant.file}:${mutant.line} ${mutant.operator}: ${mutant.replacement}`,
        by: verdict.by,
      })),
  };
}
