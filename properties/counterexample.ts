/** Counterexample files: a scenario, what it broke and where, in a form that replays. */
import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { isLeft } from "fp-ts/lib/Either.js";
import * as t from "io-ts";
import { intentScenarioCodec, intentScenarioFrom } from "../generators/intents/scenario.js";
import { platformScenarioCodec, platformScenarioFrom } from "../generators/platform/scenario.js";
import { ScenarioError, scenarioCodec, scenarioFrom } from "../generators/scenario.js";
import type { AnyScenario } from "./subject.js";

const findingCodec = t.strict({
  kind: t.string,
  message: t.string,
  rules: t.array(t.string),
  witness: t.array(t.string),
});

const requiredCodec = t.strict({
  format: t.literal("iommu-spec counterexample 1"),
  /** The implementation it was found on. */
  implementation: t.string,
  invariants: t.array(t.string),
  seed: t.number,
  /** Id of the known deviation that it shows, if it is one. */
  known: t.union([t.string, t.null]),
  /** Known deviations of the implementation were steered around when it was found. */
  steered: t.boolean,
  finding: findingCodec,
  scenario: t.union([scenarioCodec, intentScenarioCodec, platformScenarioCodec]),
});

/** Files of before this was recorded have none. */
const minimalCodec = t.exact(
  t.partial({
    /** No step can be removed and no field simplified. */
    minimal: t.boolean,
  }),
);

const fileCodec = t.intersection([requiredCodec, minimalCodec]);

export type CounterexampleFile = t.TypeOf<typeof fileCodec>;

/** The file for a counterexample in a folder: equal ones have equal names, different ones different names. */
export function counterexampleName(folder: string, kind: string, scenario: AnyScenario): string {
  const digest = createHash("sha256").update(JSON.stringify(scenario)).digest("hex");
  return join(folder, `${kind}-${digest.slice(0, 8)}.json`);
}

/** Writes a counterexample, creating its folder. */
export function saveCounterexample(path: string, file: CounterexampleFile): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, `${JSON.stringify(file, null, 2)}\n`);
}

/**
 * Reads a counterexample file, or a bare scenario.
 * @throws ScenarioError when the file cannot be read, is not JSON, or does not fit; the message says where
 */
export function loadScenario(path: string): { scenario: AnyScenario; recorded: CounterexampleFile | null } {
  const data = parseFile(path);
  const isCounterexample = typeof data === "object" && data !== null && "scenario" in data;
  try {
    if (!isCounterexample) return { scenario: anyScenarioFrom(data), recorded: null };
    const scenario = anyScenarioFrom((data as { scenario: unknown }).scenario);
    const decoded = fileCodec.decode(data);
    return { scenario, recorded: isLeft(decoded) ? null : decoded.right };
  } catch (error) {
    if (error instanceof ScenarioError)
      throw new ScenarioError(`${path}: not a usable scenario: ${error.message}`);
    throw error;
  }
}

/** Which kind of scenario it is, its format says; one without a known format is taken for one of an IOMMU. */
function anyScenarioFrom(data: unknown): AnyScenario {
  const format = typeof data === "object" && data !== null && "format" in data ? String(data.format) : "";
  if (format.includes("platform")) return platformScenarioFrom(data);
  return format.includes("driver") ? intentScenarioFrom(data) : scenarioFrom(data);
}

function parseFile(path: string): unknown {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    throw new ScenarioError(`${path}: cannot be read (${(error as NodeJS.ErrnoException).code ?? error})`);
  }
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new ScenarioError(`${path}: not JSON, or cut short (${(error as Error).message})`);
  }
}
