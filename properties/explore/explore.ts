/** Searches made: of the protocol or of a driver, with what came of them, counterexamples saved. */
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { defaultIntentOptions } from "../../generators/intents/generate.js";
import type { IntentScenario } from "../../generators/intents/scenario.js";
import { recordLine } from "../../generators/trace/format.js";
import type { Finding } from "../../model/finding.js";
import { counterexampleName, saveCounterexample } from "../counterexample.js";
import { exposureSubject, type NamedDriver } from "../driver-subject.js";
import { brokenBy } from "../invariants.js";
import { resumeFrom, saveCheckpoint } from "./checkpoint.js";
import { type DriverConfiguration, scenarioOf } from "./driver/configuration.js";
import { ExploredDriver } from "./driver/explored.js";
import { ReplayedDriver } from "./driver/replayed.js";
import { oddsOfCollision } from "./key.js";
import { type ProtocolConfiguration, type ProtocolStep, stepsOf } from "./protocol/configuration.js";
import { ExploredProtocol } from "./protocol/explored.js";
import { ProtocolRun } from "./protocol/run.js";
import { type Explored, Search } from "./search.js";

export interface ExploreOptions {
  /** Most steps; infinite for the whole space. */
  readonly depth: number;
  readonly milliseconds: number;
  /** A checkpoint to go on from. */
  readonly resume: string | null;
  /** Where counterexamples and checkpoints go. */
  readonly folder: string;
  readonly progress: (search: Search, elapsed: number) => void;
}

/** A shortest way to a violation. */
export interface Counterexample {
  readonly steps: readonly string[];
  readonly finding: Finding;
  readonly invariants: readonly string[];
  readonly file: string;
  /** It was shown again from its file, with nothing left over from the search. */
  readonly replayed: boolean;
  /** The command that shows it once more. */
  readonly command: string;
}

export interface ExploreResult {
  readonly name: string;
  readonly configuration: ProtocolConfiguration | DriverConfiguration;
  readonly states: number;
  readonly transitions: number;
  /** States by their distance from the start. */
  readonly layers: readonly number[];
  /** Every scenario of this many steps has been covered. */
  readonly depthDone: number;
  /** Nothing new is left, however many steps. */
  readonly exhausted: boolean;
  /** States that say the same were taken for one. */
  readonly merged: boolean;
  /** Odds that two different states were taken for one because of their keys. */
  readonly odds: number;
  /** Steps after which there was no verdict, by reason. */
  readonly failures: ReadonlyMap<string, number>;
  readonly counterexample: Counterexample | null;
  readonly checkpoint: string | null;
  readonly milliseconds: number;
}

/** Searches the protocol. */
export function exploreProtocol(
  configuration: ProtocolConfiguration,
  options: ExploreOptions,
): ExploreResult {
  const name = `protocol ${configuration.rule}`;
  const alphabet = stepsOf(configuration);
  return explore(name, configuration, new ExploredProtocol(configuration), options, (path, finding) =>
    protocolCounterexample(
      configuration,
      path.map((one) => alphabet[one]!),
      finding,
      options.folder,
    ),
  );
}

/** Searches a driver. @param isReadable its state can be read: it is built in */
export function exploreDriver(
  driver: NamedDriver,
  isReadable: boolean,
  configuration: DriverConfiguration,
  options: ExploreOptions,
): ExploreResult {
  const explored = isReadable
    ? new ExploredDriver(configuration, driver.create)
    : new ReplayedDriver(configuration, driver);
  return explore(driver.name, configuration, explored, options, (path, finding) => {
    const steps = path.map((one) => explored.alphabet[one]!.step);
    return driverCounterexample(driver, { ...scenarioOf(configuration), steps }, finding, options.folder);
  });
}

function explore(
  name: string,
  configuration: ProtocolConfiguration | DriverConfiguration,
  explored: Explored,
  options: ExploreOptions,
  saved: (path: readonly number[], finding: Finding) => Counterexample,
): ExploreResult {
  const begun = performance.now();
  const elapsed = () => performance.now() - begun;
  const subject = `${name} ${JSON.stringify({ ...configuration, depth: options.depth })}`;
  const search = new Search(explored, {
    depth: options.depth,
    goesOn: (search) => {
      options.progress(search, elapsed());
      return elapsed() < options.milliseconds;
    },
  });
  if (options.resume !== null) resumeFrom(options.resume, subject, search);
  const isOver = search.run();
  const checkpoint = isOver
    ? null
    : join(options.folder, `${name.replaceAll(/[^a-z0-9]+/gi, "-")}.search.json`);
  if (checkpoint !== null) saveCheckpoint(checkpoint, subject, search);
  const merged = search.keys.length > 0;
  const { violation } = search;
  return {
    name,
    configuration,
    states: search.states,
    transitions: search.frontier.transitions,
    layers: search.layers,
    depthDone: violation ? violation.path.length - 1 : search.depthDone,
    exhausted: search.isExhausted,
    merged,
    odds: merged ? oddsOfCollision(search.states) : 0,
    failures: search.frontier.failures,
    counterexample: violation && saved(violation.path, violation.finding),
    checkpoint,
    milliseconds: elapsed(),
  };
}

/** A protocol has no scenarios of its own: what it did is saved as a trace. */
function protocolCounterexample(
  configuration: ProtocolConfiguration,
  path: readonly ProtocolStep[],
  finding: Finding,
  folder: string,
): Counterexample {
  const lines: string[] = [];
  const run = new ProtocolRun(configuration, (record) => lines.push(recordLine(record)));
  let again: Finding | null = null;
  for (const step of path) again = run.take(step);
  const { profile, start, requesters, rootPage, queuePage, logPage } = run.setup;
  const header = {
    format: "iommu-spec trace 1",
    architecture: profile.architecture,
    profile: profile.id,
    start,
    requesters,
    rootPage,
    ...(profile.architecture === "amdvi" ? { rootPages: run.setup.rootPages, logPage } : {}),
    queuePage,
  };
  const file = join(folder, `protocol-${configuration.profile}-${configuration.rule}.jsonl`);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, `${[JSON.stringify(header), ...lines].join("\n")}\n`);
  return {
    steps: path.map((step) => Object.values(step).join(" ")),
    finding,
    invariants: brokenBy(finding),
    file,
    replayed: again?.kind === finding.kind,
    command: `npx iommu-spec trace ${file}`,
  };
}

/** Judged afresh, with the reference answering, before it is saved. */
function driverCounterexample(
  driver: NamedDriver,
  scenario: IntentScenario,
  found: Finding,
  folder: string,
): Counterexample {
  const subject = exposureSubject(driver, defaultIntentOptions(scenario.architecture));
  const [again] = subject.judgeAfresh(scenario, []).findings;
  const finding = again ?? found;
  const file = counterexampleName(folder, finding.kind, scenario);
  const { kind, message, rules, witness } = finding;
  saveCounterexample(file, {
    format: "iommu-spec counterexample 1",
    implementation: driver.name,
    invariants: brokenBy(finding),
    seed: 0,
    known: null,
    steered: false,
    minimal: true,
    finding: { kind, message, rules: [...rules], witness: [...witness] },
    scenario,
  });
  return {
    steps: scenario.steps.map((step) =>
      Object.values(step)
        .map((one) => (typeof one === "object" ? JSON.stringify(one) : String(one)))
        .join(" "),
    ),
    finding,
    invariants: brokenBy(finding),
    file,
    replayed: again !== undefined,
    command: `npx iommu-spec replay ${file}`,
  };
}
