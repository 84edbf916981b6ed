/** Campaigns: many scenarios on one implementation, every distinct finding once, each shrunk, saved and replayed. */
import { join } from "node:path";
import type { Architecture } from "../model/architecture.js";
import type { Finding } from "../model/finding.js";
import { FAILURE, loadedIfThere, moveAside } from "./campaign-database.js";
import { counterexampleName, loadScenario, saveCounterexample } from "./counterexample.js";
import { type DistinctFinding, DistinctFindings } from "./distinct-findings.js";
import { type Distribution, DistributionCounter } from "./distribution.js";
import { breaking, type Invariant } from "./invariants.js";
import type { KnownDeviation } from "./known-deviation.js";
import { minimise } from "./minimise.js";
import { lookOf, signatureOf, wordingOf } from "./signature.js";
import type { AnyScenario, Subject, Verdict } from "./subject.js";

export interface CampaignOptions<S extends AnyScenario = AnyScenario> {
  readonly subject: Subject<S>;
  readonly seed: number;
  /** Scenarios to run at most, those of all shares together. */
  readonly runs: number;
  /** Milliseconds after which no further scenario is begun. */
  readonly milliseconds: number;
  readonly invariants: readonly Invariant[];
  readonly known: readonly KnownDeviation[];
  /** Folder for counterexample files. */
  readonly folder: string;
  /** Files of earlier counterexamples, which are replayed first. */
  readonly earlier?: readonly string[];
  /** Which scenarios are this thread's; without it all are. */
  readonly share?: Share;
  readonly progress: (state: CampaignProgress) => void;
  /** Is told of all distinct findings whenever there is another. */
  readonly found?: (findings: readonly DistinctFinding[]) => void;
}

/** Every so many scenarios, from the n-th on. */
export interface Share {
  readonly first: number;
  readonly every: number;
}

export interface CampaignProgress {
  readonly runs: number;
  readonly findings: number;
  readonly elapsed: number;
}

/** What came of a campaign, or of a share of it, as plain data. */
export interface CampaignPart {
  readonly runs: number;
  readonly requests: number;
  readonly seconds: number;
  readonly findings: readonly DistinctFinding[];
  /** Runs in which the specification did not say what follows, by reason. */
  readonly unknown: ReadonlyMap<string, number>;
  /** Messages of an implementation that failed, with the file of the scenario it failed on where that is known. */
  readonly failures: readonly { readonly message: string; readonly file: string | null }[];
  /** What the scenarios were like. */
  readonly drawn: Distribution;
  /** How often each rule decided something, by rule id. */
  readonly coverage: ReadonlyMap<string, number>;
  /** Files of earlier counterexamples that show nothing any more, where they have been moved to. */
  readonly mended: readonly string[];
}

export interface CampaignResult extends CampaignPart {
  readonly implementation: string;
  /** Its name beside others. */
  readonly heading: string;
  readonly architecture: Architecture;
  readonly seed: number;
  /** Threads that the scenarios were divided among. */
  readonly workers: number;
  readonly invariants: readonly Invariant[];
}

/** Of so many scenarios about one is judged without steering around one of the known deviations. */
const OPEN_SHARE = 2;
/** A campaign ends when what is under test has failed this often without a run between that it got through. */
const MOST_FAILURES = 3;
/** Failures that are kept with their scenario. */
export const KEPT_FAILURES = 10;
/** From so many distinct findings on, hardly any that looks like an earlier one is shrunk. */
const MOST_FINDINGS = 40;
/** Of findings that look the same so many are shrunk, and so many more that say something else. */
const ALWAYS_SHRUNK = 3;
const MOST_WORDINGS = 12;
/** Scenarios that are begun before the first of them is judged, where that is of use. */
const AHEAD = 3;
const PROGRESS_MILLISECONDS = 100;
const WHOLE: Share = { first: 0, every: 1 };

/** Runs a campaign in this thread. Equal options give equal findings, but for the time limit. */
export function runCampaign<S extends AnyScenario>(options: CampaignOptions<S>): CampaignResult {
  const { subject, seed, invariants } = options;
  return {
    ...runShare(options),
    implementation: subject.name,
    heading: subject.heading,
    architecture: subject.architecture,
    seed,
    workers: 1,
    invariants,
  };
}

/** Runs the share of a campaign that is this thread's. */
export function runShare<S extends AnyScenario>(options: CampaignOptions<S>): CampaignPart {
  return new Campaign(options).run();
}

/** A scenario that is judged: how it came about, and what is steered around meanwhile. */
interface Trial<S extends AnyScenario> {
  readonly scenario: S;
  readonly seed: number;
  readonly steerAround: readonly KnownDeviation[];
  /** The known deviation that is not steered around, if there is one. */
  readonly open: KnownDeviation | null;
}

/** What a file of an earlier campaign shows again. */
type Shown = Pick<DistinctFinding, "finding" | "records" | "stepOf" | "file" | "minimal">;

/** Findings that look the same before they are shrunk: as each takes long, few are. */
interface Flood {
  times: number;
  shrunk: number;
  /** Of those that were shrunk. */
  readonly wordings: Set<string>;
  /** Of the last that was shrunk. */
  signature: string;
}

class Campaign<S extends AnyScenario> {
  private readonly found = new DistinctFindings();
  /** By what they looked like before any was shrunk. */
  private readonly seen = new Map<string, Flood>();
  private readonly unknown = new Map<string, number>();
  private readonly failures: { message: string; file: string }[] = [];
  private readonly mended: string[] = [];
  private readonly drawn = new DistributionCounter();
  private failuresInARow = 0;
  private runs = 0;
  private requests = 0;
  private opened = 0;

  constructor(private readonly options: CampaignOptions<S>) {}

  run(): CampaignPart {
    const { options } = this;
    const { first, every } = options.share ?? WHOLE;
    const start = performance.now();
    let shown = 0;
    const isOver = (elapsed: number) =>
      elapsed >= options.milliseconds || this.failuresInARow >= MOST_FAILURES;
    for (const [index, file] of (options.earlier ?? []).entries()) {
      // At least half of the time is for what was not drawn before.
      if (!isOver(2 * (performance.now() - start))) this.replay(file, index % every === first);
    }
    const ahead = options.subject.begin ? AHEAD : 0;
    const begun: (() => void)[] = [];
    for (let index = first; index < options.runs; index += every) {
      const elapsed = performance.now() - start;
      if (isOver(elapsed)) break;
      begun.push(this.begin(index));
      if (begun.length > ahead) begun.shift()!();
      if (elapsed - shown < PROGRESS_MILLISECONDS) continue;
      shown = elapsed;
      options.progress({ runs: this.runs, findings: this.found.size, elapsed });
    }
    while (begun.length > 0 && this.failuresInARow < MOST_FAILURES) begun.shift()!();
    return {
      runs: this.runs,
      requests: this.requests,
      seconds: (performance.now() - start) / 1000,
      findings: this.found.all(),
      unknown: this.unknown,
      failures: this.failures,
      drawn: this.drawn.counts(),
      coverage: options.subject.coverage(),
      mended: this.mended,
    };
  }

  /** Begins the scenario of an index; what is returned judges it. */
  private begin(index: number): () => void {
    const { subject, seed: ofCampaign } = this.options;
    const seed = scenarioSeed(ofCampaign, index);
    const open = isOpen(index) ? this.nextOpen() : null;
    const trial = { scenario: subject.generate(seed), seed, steerAround: this.knownBut(open), open };
    const verdict = subject.begin?.(trial.scenario, trial.steerAround);
    return () => this.conclude(trial, verdict?.() ?? subject.judge(trial.scenario, trial.steerAround));
  }

  /**
   * Known deviations are met one at a time, in turn: what one of them shows is not hidden by the others. Those that have
   * not shown yet come first.
   */
  private nextOpen(): KnownDeviation | null {
    const survived = this.options.known.filter((one) => !one.fatal);
    const unmet = survived.filter((one) => !this.found.sameAs(one.id));
    const among = unmet.length > 0 ? unmet : survived;
    return among[this.opened++ % among.length] ?? null;
  }

  private knownBut(open: KnownDeviation | null): readonly KnownDeviation[] {
    const { known } = this.options;
    return open ? known.filter((one) => one !== open) : known;
  }

  private conclude(trial: Trial<S>, judged: Verdict): void {
    this.runs++;
    this.requests += judged.requests;
    this.drawn.note(trial.scenario, judged);
    this.failuresInARow = judged.failure ? this.failuresInARow + 1 : 0;
    if (judged.failure) this.noteFailure(trial, judged.failure);
    if (judged.unknown) this.unknown.set(judged.unknown, (this.unknown.get(judged.unknown) ?? 0) + 1);
    for (const finding of judged.findings) this.note(trial, finding);
  }

  private noteFailure(trial: Trial<S>, message: string): void {
    if (this.failures.length >= KEPT_FAILURES) return;
    const { first, every } = this.options.share ?? WHOLE;
    // These are overwritten by the next campaign: what fails is in its latest ones too, and may take long to replay.
    const file = join(this.options.folder, `${FAILURE}${first + this.failures.length * every + 1}.json`);
    const finding = { kind: "failure", message, rules: [], witness: [] };
    this.save(file, trial, finding, { invariants: [], known: null, minimal: false });
    this.failures.push({ message, file });
  }

  /**
   * Shows an earlier counterexample again. All shares do, so that none shrinks the same anew; one of them tells when it
   * fails, or moves the file aside.
   */
  private replay(file: string, isOwn: boolean): void {
    const { subject, known } = this.options;
    const loaded = loadedIfThere(file);
    if (!loaded) return;
    const { recorded } = loaded;
    const scenario = loaded.scenario as S;
    const open = known.find((one) => one.id === recorded?.known) ?? null;
    const trial = { scenario, seed: recorded?.seed ?? 0, steerAround: this.knownBut(open), open };
    const { findings, failure, stepOf, records } = subject.judge(scenario, trial.steerAround);
    this.failuresInARow = failure ? this.failuresInARow + 1 : 0;
    const [finding] = findings;
    if (finding) {
      const run = { records: records(), stepOf };
      this.noteEarlier(trial, { finding, ...run, file, minimal: recorded?.minimal ?? true });
    } else if (isOwn && failure) this.failures.push({ message: failure, file });
    else if (isOwn) this.mended.push(moveAside(file));
  }

  private noteEarlier({ scenario, open }: Trial<S>, shown: Shown): void {
    const { finding } = shown;
    const broken = this.broken(finding);
    if (broken.length === 0) return;
    const known = open && !this.showsAnyway(scenario, finding) ? open.id : undefined;
    const signature = known ?? signatureOf(scenario, finding);
    this.enter({
      signature,
      invariants: broken.map((one) => one.id),
      known: known ?? null,
      count: 0,
      scenario,
      ...shown,
      replayed: true,
    });
  }

  private broken(finding: Finding): Invariant[] {
    return this.options.invariants.filter((one) => breaking(one, [finding]).length > 0);
  }

  private note(trial: Trial<S>, finding: Finding): void {
    if (this.broken(finding).length === 0) return;
    const { open } = trial;
    if (open) {
      const anyway = this.showsAnyway(trial.scenario, finding);
      if (!anyway) this.noteKnown(open, trial, finding);
      else this.note({ ...trial, steerAround: this.options.known, open: null }, anyway);
      return;
    }
    const look = lookOf(finding);
    const flood = this.seen.get(look) ?? { times: 0, shrunk: 0, wordings: new Set(), signature: "" };
    this.seen.set(look, flood);
    flood.times++;
    if (!isWorthShrinking(flood, finding, this.found.size)) {
      this.found.sameAs(flood.signature)!.count++;
      return;
    }
    flood.shrunk++;
    flood.wordings.add(wordingOf(finding));
    flood.signature = this.keep(null, trial, finding);
  }

  /** What looks the same when every known deviation is steered around. */
  private showsAnyway(scenario: S, finding: Finding): Finding | undefined {
    const { findings } = this.options.subject.judge(scenario, this.options.known);
    return findings.find((one) => lookOf(one) === lookOf(finding));
  }

  /** A known deviation is shown once, by the smallest scenario that it alone explains. */
  private noteKnown(known: KnownDeviation, trial: Trial<S>, finding: Finding): void {
    const before = this.found.sameAs(known.id);
    if (before) before.count++;
    else this.keep(known, trial, finding);
  }

  /** Shrinks, saves and replays a finding; returns its signature. */
  private keep(known: KnownDeviation | null, trial: Trial<S>, finding: Finding): string {
    const { subject } = this.options;
    const { steerAround } = trial;
    const start = subject.avoiding(trial.scenario, steerAround);
    const stillKnown = (candidate: S, found: Finding) =>
      known === null || !this.showsAnyway(candidate, found);
    const small = minimise(subject, start, finding, steerAround, stillKnown);
    const signature = known?.id ?? signatureOf(small.scenario, small.finding);
    const before = this.found.sameAs(signature);
    if (before && before.scenario.steps.length <= small.scenario.steps.length) {
      before.count++;
      return signature;
    }
    const facts = {
      invariants: this.broken(small.finding).map((one) => one.id),
      known: known?.id ?? null,
      minimal: small.complete,
    };
    const file = counterexampleName(this.options.folder, known?.id ?? small.finding.kind, small.scenario);
    this.save(file, { ...trial, scenario: small.scenario }, small.finding, facts);
    // Only what was saved counts: the scenario goes through its file and back.
    const again = subject.judgeAfresh(loadScenario(file).scenario as S, steerAround);
    this.enter({
      ...facts,
      signature,
      count: 1,
      scenario: small.scenario,
      finding: small.finding,
      records: again.records(),
      stepOf: again.stepOf,
      file,
      replayed: again.findings.some((one) => one.kind === small.finding.kind),
    });
    return signature;
  }

  private enter(finding: DistinctFinding): void {
    this.found.enter(finding);
    this.options.found?.(this.found.all());
  }

  private save(
    file: string,
    { scenario, seed, steerAround }: Trial<S>,
    { kind, message, rules, witness }: Omit<Finding, "kind" | "action"> & { readonly kind: string },
    { invariants, ...facts }: { invariants: string[]; known: string | null; minimal: boolean },
  ): void {
    saveCounterexample(file, {
      format: "iommu-spec counterexample 1",
      implementation: this.options.subject.name,
      invariants,
      seed,
      steered: steerAround.length > 0,
      ...facts,
      finding: { kind, message, rules: [...rules], witness: [...witness] },
      scenario,
    });
  }
}

/** The seed of the n-th scenario of a campaign. */
export function scenarioSeed(seed: number, index: number): number {
  return (Math.imul(seed, 0x85ebca6b) + index) >>> 0;
}

/** True for the first ones, for what says something new, and ever more rarely for the rest: another bug may hide there. */
function isWorthShrinking({ times, shrunk, wordings }: Flood, finding: Finding, findings: number): boolean {
  if (Number.isInteger(Math.log2(times))) return true;
  if (findings >= MOST_FINDINGS) return false;
  return shrunk < ALWAYS_SHRUNK || (wordings.size < MOST_WORDINGS && !wordings.has(wordingOf(finding)));
}

/** Scattered, so that every share has its part whatever their number is. */
function isOpen(index: number): boolean {
  return Math.imul(index, 0x9e3779b1) >>> 0 < 2 ** 32 / OPEN_SHARE;
}
