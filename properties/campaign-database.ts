/** The failure database: counterexamples of earlier campaigns on the same implementation, as files in its folder. */
import { mkdirSync, readdirSync, renameSync, rmSync, statSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { ScenarioError } from "../generators/scenario.js";
import { loadScenario } from "./counterexample.js";
import type { AnyScenario } from "./subject.js";

/** Files that are kept; the oldest go. */
const MOST_FILES = 200;
const MENDED = "mended";
/** How names of files begin that hold what an implementation failed on as a program: no counterexamples. */
export const FAILURE = "failure-";

/**
 * The files of a folder that can be replayed, by name. Those that cannot be read any more are left alone.
 * @param accepts which scenarios are meant
 */
export function earlierFailures(folder: string, accepts: (scenario: AnyScenario) => boolean): string[] {
  return boundedFiles(folder).filter((path) => {
    const loaded = loadedIfThere(path);
    return loaded !== null && accepts(loaded.scenario);
  });
}

/** The contents of a file; null when it cannot be used, or another thread has replaced it by a smaller one. */
export function loadedIfThere(path: string): ReturnType<typeof loadScenario> | null {
  try {
    return loadScenario(path);
  } catch (error) {
    if (error instanceof ScenarioError) return null;
    throw error;
  }
}

/** Moves the file of a failure that does not show any more aside, and returns where it is then. */
export function moveAside(path: string): string {
  const aside = join(dirname(path), MENDED);
  const moved = join(aside, basename(path));
  mkdirSync(aside, { recursive: true });
  renameSync(path, moved);
  boundedFiles(aside);
  return moved;
}

/** The counterexamples in a folder, by name; removes the oldest of too many. */
function boundedFiles(folder: string): string[] {
  const files = filesOf(folder);
  if (files.length <= MOST_FILES) return files;
  const newest = files
    .map((path) => ({ path, changed: statSync(path).mtimeMs }))
    .sort((one, other) => other.changed - one.changed);
  for (const { path } of newest.slice(MOST_FILES)) rmSync(path);
  return newest
    .slice(0, MOST_FILES)
    .map((one) => one.path)
    .sort();
}

function filesOf(folder: string): string[] {
  try {
    return readdirSync(folder)
      .filter((name) => name.endsWith(".json") && !name.startsWith(FAILURE))
      .sort()
      .map((name) => join(folder, name));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw error;
  }
}
