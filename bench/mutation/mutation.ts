/** A mutation score: a random sample of the mutants of the model, and the share of it that the tests notice. */
import { availableParallelism } from "node:os";
import { dirname } from "node:path";
import { Chance } from "../../model/words/chance.js";
import { type Equivalent, equivalents, keyOf } from "./equivalents.js";
import { declaredRules, type Module, type Mutant, mutantsOf } from "./mutants.js";
import type { Failure } from "./runs.js";
import { Schedule } from "./schedule.js";
import { Trials, type Verdict } from "./trial.js";
import { Workspace } from "./workspace.js";

export interface Tried {
  readonly mutant: Mutant;
  readonly verdict: Verdict;
}

export interface Score {
  readonly seed: number;
  /** How many mutants there are, those known to be equivalent apart. */
  readonly mutants: number;
  readonly equivalent: number;
  /** Entries of the list of equivalent mutants that are no mutants any more. */
  readonly obsolete: readonly Equivalent[];
  readonly tried: readonly Tried[];
  /** Tests that fail without any mutant, and were left out. */
  readonly failing: readonly Failure[];
  readonly seconds: number;
}

export interface MutationOptions {
  readonly size: number;
  readonly seed: number;
  /** Only mutants of files whose path contains this. */
  readonly within: string;
  readonly workers: number;
  /** Processor seconds for the tests of a mutant. */
  readonly each: number;
  readonly progress: (tried: Tried) => void;
}

export const defaultMutation: Omit<MutationOptions, "size" | "seed" | "progress"> = {
  within: "",
  workers: availableParallelism(),
  each: 60,
};

/** Tries a sample. Equal seeds draw equal samples of the same model. */
export async function mutationScore(options: MutationOptions): Promise<Score> {
  const started = performance.now();
  const workspace = new Workspace();
  try {
    const modules = workspace.modules();
    const mutants = allMutants(modules).filter((one) => one.file.includes(options.within));
    const known = equivalents();
    const isKnown = new Set(known.map(keyOf));
    const open = mutants.filter((one) => !isKnown.has(keyOf(one)));
    const keys = new Set(mutants.map(keyOf));
    const trials = new Trials(workspace, new Schedule(workspace.scripts()), options.each);
    const tried = await tryAll(sample(open, options), modules, trials, options);
    return {
      seed: options.seed,
      mutants: open.length,
      equivalent: mutants.length - open.length,
      obsolete: known.filter((one) => one.file.includes(options.within) && !keys.has(keyOf(one))),
      tried,
      failing: trials.failing,
      seconds: (performance.now() - started) / 1000,
    };
  } finally {
    workspace.remove();
  }
}

/** Every mutant of the modules, in the order of the files and of their text. */
export function allMutants(modules: readonly Module[]): Mutant[] {
  const rules = new Map(modules.flatMap(({ text }) => [...declaredRules(text)]));
  return modules.flatMap((module) => mutantsOf(module, rules));
}

/** So many different mutants, each as likely as any other. */
function sample(mutants: readonly Mutant[], { size, seed }: MutationOptions): Mutant[] {
  const chance = new Chance();
  chance.seed(seed);
  const left = [...mutants];
  const drawn: Mutant[] = [];
  while (drawn.length < size && left.length > 0) {
    const at = chance.below(left.length);
    drawn.push(left[at]!);
    left[at] = left[left.length - 1]!;
    left.pop();
  }
  return drawn;
}

/** Workers take one mutant at a time; what comes out stands in the order of the sample. */
async function tryAll(
  mutants: readonly Mutant[],
  modules: readonly Module[],
  trials: Trials,
  { workers, progress }: MutationOptions,
): Promise<Tried[]> {
  const byFile = new Map(modules.map((one) => [one.file, one]));
  const tried: Tried[] = [];
  let next = 0;
  const work = async (worker: number) => {
    while (next < mutants.length) {
      const index = next++;
      const mutant = mutants[index]!;
      const verdict = await trials.of(mutant, byFile.get(mutant.file)!, worker);
      tried[index] = { mutant, verdict };
      progress(tried[index]);
    }
  };
  await Promise.all(Array.from({ length: workers }, (_, worker) => work(worker)));
  return tried;
}

/** The folder of the model that a mutant is in. */
export function roomOf({ file }: Mutant): string {
  return dirname(file);
}
