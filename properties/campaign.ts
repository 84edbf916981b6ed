/** Campaigns: many scenarios on one implementation, every distinct finding once, each shrunk, saved and replayed. */
import { join } from "node:path";
import type { Architecture } from "../model/architecture.js";
import type { Finding } from "../model/finding.js";
import { loadScenario, saveCounterexample } from "./counterexample.js";
import { breaking, type Invariant } from "./invariants.js";
import type { KnownDeviation } from "./known-deviation.js";
import { minimise } from "./minimise.js";
import type { AnyScenario, Subject } from "./subject.js";

export interface CampaignOptions<S extends AnyScenario = AnyScenario> {
  readonly subject: Subject<S>;
  readonly seed: number;
  /** Scenarios to run at most. */
  readonly runs: number;
  /** Milliseconds after which no further scenario is begun. */
  readonly milliseconds: number;
  readonly invariants: readonly Invariant[];
  readonly known: readonly KnownDeviation[];
  /** Folder for counterexample files. */
  readonly folder: string;
  readonly progress: (state: CampaignProgress) => void;
}

export interface CampaignProgress {
  readonly runs: number;
  readonly findings: number;
  readonly elapsed: number;
}

export interface DistinctFinding {
  readonly signature: string;
  readonly invariants: readonly string[];
  /** Id of the known deviation that it is, if it is one. */
  readonly known: string | null;
  /** Scenarios that showed it. */
  count: number;
  readonly scenario: AnyScenario;
  readonly finding: Finding;
  readonly file: string;
  /** No step can be removed and no field simplified. */
  readonly minimal: boolean;
  /** The saved file showed it again when it was replayed. */
  readonly replayed: boolean;
}

export interface CampaignResult {
  readonly implementation: string;
  /** Its name beside others. */
  readonly heading: string;
  readonly architecture: Architecture;
  readonly seed: number;
  readonly runs: number;
  readonly requests: number;
  readonly seconds: number;
  readonly invariants: readonly Invariant[];
  readonly findings: readonly DistinctFinding[];
  /** Runs in which the specification did not say what follows, by reason. */
  readonly unknown: ReadonlyMap<string, number>;
  /** Messages of an implementation that failed, with the file of the scenario it failed on. */
  readonly failures: readonly { readonly message: string; readonly file: string }[];
  /** How often each rule decided something, by rule id. */
  readonly coverage: ReadonlyMap<string, number>;
}

/** Of every so many scenarios one is judged without steering around known deviations. */
const RAW_SHARE = 4;
/** A campaign ends when what is under test has failed this often without a run between that it got through. */
const MOST_FAILURES = 3;
/** Failures that are kept with their scenario. */
const KEPT_FAILURES = 10;
/** From so many distinct findings on, those that look like an earlier one are only counted. */
const MOST_FINDINGS = 40;

/** Runs a campaign. Equal options give equal findings, but for the time limit. */
export function runCampaign<S extends AnyScenario>(options: CampaignOptions<S>): CampaignResult {
  return new Campaign(options).run();
}

class Campaign<S extends AnyScenario> {
  private readonly found = new Map<string, DistinctFinding>();
  /** Signatures of shrunk findings by what the unshrunk ones looked like, so that a flood is shrunk once. */
  private readonly seen = new Map<string, { shrunk: number; signature: string }>();
  private readonly unknown = new Map<string, number>();
  private readonly failures: { message: string; file: string }[] = [];
  private failuresInARow = 0;
  private runs = 0;
  private requests = 0;

  constructor(private readonly options: CampaignOptions<S>) {}

  run(): CampaignResult {
    const { options } = this;
    const start = performance.now();
    const elapsed = () => performance.now() - start;
    while (
      this.runs < options.runs &&
      elapsed() < options.milliseconds &&
      this.failuresInARow < MOST_FAILURES
    ) {
      this.one(scenarioSeed(options.seed, this.runs));
      if (this.runs % 64 === 0) {
        options.progress({ runs: this.runs, findings: this.found.size, elapsed: elapsed() });
      }
    }
    return {
      implementation: options.subject.name,
      heading: options.subject.heading,
      architecture: options.subject.architecture,
      seed: options.seed,
      runs: this.runs,
      requests: this.requests,
      seconds: elapsed() / 1000,
      invariants: options.invariants,
      findings: [...this.found.values()],
      unknown: this.unknown,
      failures: this.failures,
      coverage: options.subject.coverage(),
    };
  }

  private one(seed: number): void {
    const { options } = this;
    const scenario = options.subject.generate(seed);
    const raw = this.runs % RAW_SHARE === 0;
    const steerAround = raw ? [] : options.known;
    this.runs++;
    const judged = options.subject.judge(scenario, steerAround);
    this.requests += judged.requests;
    if (judged.failure) this.noteFailure(scenario, judged.failure, seed);
    else this.failuresInARow = 0;
    if (judged.unknown) this.unknown.set(judged.unknown, (this.unknown.get(judged.unknown) ?? 0) + 1);
    for (const finding of judged.findings) this.note(scenario, finding, seed, steerAround);
  }

  private noteFailure(scenario: S, message: string, seed: number): void {
    this.failuresInARow++;
    if (this.failures.length >= KEPT_FAILURES) return;
    const file = join(this.options.folder, `failure-${this.failures.length + 1}.json`);
    const finding = { kind: "failure", message, rules: [], witness: [] };
    this.save(file, scenario, finding, [], seed, null, false);
    this.failures.push({ message, file });
  }

  private note(scenario: S, finding: Finding, seed: number, steerAround: readonly KnownDeviation[]): void {
    const broken = this.options.invariants.filter((one) => breaking(one, [finding]).length > 0);
    if (broken.length === 0) return;
    const known = steerAround.length === 0 ? this.explanation(scenario, finding) : undefined;
    if (known) {
      this.noteKnown(known, scenario, finding, broken, seed);
      return;
    }
    if (steerAround.length === 0 && this.explainedTogether(scenario, finding)) return;
    const look = lookOf(finding);
    const earlier = this.seen.get(look);
    if (earlier && (earlier.shrunk >= 3 || this.found.size >= MOST_FINDINGS)) {
      this.found.get(earlier.signature)!.count++;
      return;
    }
    const signature = this.keep(null, scenario, finding, broken, seed, steerAround);
    this.seen.set(look, { shrunk: (earlier?.shrunk ?? 0) + 1, signature });
  }

  /** The known deviation that a finding is: getting past it alone makes the finding go away. */
  private explanation(scenario: S, finding: Finding): KnownDeviation | undefined {
    const look = lookOf(finding);
    return this.options.known.find((one) => {
      const [other] = this.options.subject.judge(scenario, [one]).findings;
      return other === undefined || lookOf(other) !== look || other.message !== finding.message;
    });
  }

  /** Several known deviations at once; what is behind them shows in the runs that steer around all of them. */
  private explainedTogether(scenario: S, finding: Finding): boolean {
    const { known, subject } = this.options;
    if (known.length === 0) return false;
    const { findings } = subject.judge(scenario, known);
    return findings.every((one) => lookOf(one) !== lookOf(finding));
  }

  /** A known deviation is shown once, by the smallest scenario that it alone explains. */
  private noteKnown(
    known: KnownDeviation,
    scenario: S,
    finding: Finding,
    broken: readonly Invariant[],
    seed: number,
  ): void {
    const before = this.found.get(known.id);
    if (before) before.count++;
    else this.keep(known, scenario, finding, broken, seed, []);
  }

  /** Shrinks, saves and replays a finding; returns its signature. */
  private keep(
    known: KnownDeviation | null,
    scenario: S,
    finding: Finding,
    broken: readonly Invariant[],
    seed: number,
    steerAround: readonly KnownDeviation[],
  ): string {
    const { subject } = this.options;
    const start = subject.avoiding(scenario, steerAround);
    const stillKnown = (candidate: S, found: Finding) =>
      known === null ||
      subject.judge(candidate, [known]).findings.every((one) => one.message !== found.message);
    const small = minimise(subject, start, finding, steerAround, stillKnown);
    // Several deviations at once may have hidden that this is one of them.
    const later =
      known ?? (steerAround.length === 0 ? this.explanation(small.scenario, small.finding) : undefined);
    const signature = later?.id ?? signatureOf(small.scenario, small.finding);
    const before = this.found.get(signature);
    if (before) {
      before.count++;
      return signature;
    }
    const ids = broken.map((one) => one.id);
    const file = join(this.options.folder, `${later?.id ?? `finding-${this.found.size + 1}`}.json`);
    this.save(file, small.scenario, small.finding, ids, seed, later?.id ?? null, steerAround.length > 0);
    // Only what was saved counts: the scenario goes through its file and back.
    const again = subject.judgeAfresh(loadScenario(file).scenario as S, steerAround);
    this.found.set(signature, {
      signature,
      invariants: ids,
      known: later?.id ?? null,
      count: 1,
      scenario: small.scenario,
      finding: small.finding,
      file,
      minimal: small.complete,
      replayed: again.findings.some((one) => one.kind === finding.kind),
    });
    return signature;
  }

  private save(
    file: string,
    scenario: S,
    finding: { kind: string; message: string; rules: readonly string[]; witness: readonly string[] },
    ids: readonly string[],
    seed: number,
    known: string | null,
    steered: boolean,
  ): void {
    const { kind, message, rules, witness } = finding;
    saveCounterexample(file, {
      format: "iommu-spec counterexample 1",
      implementation: this.options.subject.name,
      invariants: [...ids],
      seed,
      known,
      steered,
      finding: { kind, message, rules: [...rules], witness: [...witness] },
      scenario,
    });
  }
}

/** The seed of the n-th scenario of a campaign. */
function scenarioSeed(seed: number, index: number): number {
  return (Math.imul(seed, 0x85ebca6b) + index) >>> 0;
}

/** What a finding looks like before it is shrunk. */
function lookOf(finding: Finding): string {
  return `${finding.kind}|${[...finding.rules].sort().join()}`;
}

/** What tells one finding from another: what it breaks, and the shape of its smallest scenario. */
function signatureOf(scenario: AnyScenario, finding: Finding): string {
  const shape = scenario.steps.map(shapeOf);
  // Which of two independent intents comes first makes no other finding.
  if (scenario.format === "iommu-spec driver scenario 1") shape.sort();
  return `${lookOf(finding)}|${shape.join()}`;
}

function shapeOf(step: AnyScenario["steps"][number]): string {
  if (step.do === "invalidate") {
    const { target } = step;
    return "cache" in target ? `${target.cache}-${target.granularity}` : target.command;
  }
  if (step.do === "dma") return `dma-${step.type}`;
  if (step.do === "corrupt") return `corrupt-${step.entry.structure}`;
  if (step.do === "together") return `${step.first.do}+${step.second.do}`;
  return step.do;
}
