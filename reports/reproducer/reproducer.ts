/** From a counterexample on QEMU to one file that shows it on a stock QEMU and needs nothing of ours. */
import { ImplementationError, type Iommu } from "../../implementations/iommu/interface.js";
import {
  type Decision,
  exactly,
  type MachineOptions,
  type Pattern,
  type Transcript,
} from "../../implementations/iommu/qemu/reproducer/lines.js";
import {
  type Decisive,
  type RecordedRun,
  Transcriber,
} from "../../implementations/iommu/qemu/reproducer/transcript.js";
import type { Finding } from "../../model/finding.js";
import type { Action, Word } from "../../model/trace.js";
import type { KnownDeviation } from "../../properties/known-deviation.js";
import type { About } from "./about.js";
import { Admissible } from "./admissible.js";
import { Follower, type MadeRun } from "./recording.js";
import { shellReproducer } from "./shell.js";
import { type Decided, shortened } from "./shorten.js";
import { isAsRecorded, tryScript, valueSaid } from "./trial.js";

/** The counterexample cannot be exported, and why. */
export class ReproducerError extends Error {
  override readonly name = "ReproducerError";
}

/** A counterexample as it was just made on a QEMU. */
export interface Counterexample {
  readonly run: MadeRun;
  readonly stepOf: readonly number[];
  readonly steps: readonly string[];
  /** Null when QEMU did not survive the run. */
  readonly finding: Finding | null;
  /** A driver is under test: what is wrong is for its owners to say, not for the specification. */
  readonly ofDriver: boolean;
  readonly steerAround: readonly KnownDeviation[];
  /** QEMU itself, for trials. */
  readonly iommu: Iommu;
  readonly qemu: { readonly path: string; readonly version: string };
}

/** What every form of the reproducer is made from, and what the script said when it was tried. */
export interface Reproducer {
  readonly about: About;
  readonly transcript: Transcript;
  readonly said: string;
}

/**
 * Makes the reproducer and tries it on the QEMU that the counterexample was made on.
 * @throws ReproducerError when it does not show there what was found
 */
export function reproducerOf(counterexample: Counterexample, about: About): Reproducer {
  let said = "";
  for (const { expected, transcriptWith } of candidates(counterexample)) {
    for (let recorded = expected, tries = 0; tries < 2; tries++) {
      const transcript = transcriptWith(recorded);
      const trial = tryScript(shellReproducer(about, transcript), counterexample.qemu.path);
      said = trial.said;
      if (trial.code !== 1) break;
      if (transcript.decision.kind === "loss" || isAsRecorded(trial)) return { about, transcript, said };
      recorded = valueSaid(trial);
    }
  }
  throw new ReproducerError(`what was found does not show by qtest commands alone: ${said}`);
}

/** Which functions the machine has: those that issue requests, or all. */
type Functions = "issuing" | "all";

/** A reproducer to try. */
interface Candidate {
  /** What QEMU is expected to show where it is decided; null when only a trial will tell. */
  readonly expected: Word | null;
  transcriptWith(recorded: Word | null): Transcript;
}

/** The shortest first; each costs time to make. */
function* candidates(counterexample: Counterexample): Generator<Candidate> {
  const { finding, ofDriver, run } = counterexample;
  const { actions, observations } = run;
  if (finding === null || observations === null) {
    yield ofLoss(counterexample);
    return;
  }
  if (finding.action >= actions.length) {
    yield ofMemory(counterexample, finding);
    return;
  }
  const upTo = <T>(list: readonly T[]) => list.slice(0, finding.action + 1);
  const stepOf = upTo(counterexample.stepOf);
  const whole = { actions: upTo(actions), observations: upTo(observations), stepOf, finding };
  if (ofDriver) {
    yield ofRequest(counterexample, whole);
    return;
  }
  const follower = new Follower(run.setup, counterexample.steerAround);
  const short = shortened(whole, run.setup, counterexample.iommu, follower);
  yield ofAction(counterexample, short, follower, "issuing");
  yield ofAction(counterexample, short, follower, "all");
  yield ofAction(counterexample, whole, follower, "all");
}

/** What an IOMMU showed at the last action of a run. */
function ofAction(
  counterexample: Counterexample,
  part: Decided,
  follower: Follower,
  functions: Functions,
): Candidate {
  const index = part.actions.length - 1;
  const action = part.actions[index]!;
  const seen = part.observations[index]!;
  const before = { actions: part.actions.slice(0, index), observations: part.observations.slice(0, index) };
  const admissible = new Admissible(follower, before);
  const { transcriber, machine } = transcribing(counterexample, part, functions);
  const subject = transcriber.subjectOf(action);
  if (action.do === "request") {
    const effects = admissible.effectsOf(action);
    const lines = transcriber.lines({ by: "action", index }, effects);
    const patterns = effects.map((one) => transcriber.patternOf(action, one));
    const shown = transcriber.patternOf(action, seen.low);
    return {
      expected: shown.value,
      transcriptWith: (recorded) => ({
        machine,
        lines,
        decision: mustBe(subject, patterns, recorded, shown.words),
      }),
    };
  }
  if (!isRead(action)) throw new ReproducerError("nothing is seen where the run is decided");
  const values = admissible.valuesOf(action, seen, part.finding);
  const lines = transcriber.lines({ by: "action", index }, []);
  const inadmissible = action.do === "poll-memory" ? { low: action.value >>> 0, high: 0 } : seen;
  return {
    expected: action.do === "read-register" || action.do === "read-memory" ? seen : null,
    transcriptWith: (recorded) => ({
      machine,
      lines,
      decision: values
        ? mustBe(subject, values, recorded, "")
        : mustNotBe(subject, UNIT, exactly(inadmissible), recorded),
    }),
  };
}

/** A page that a device has reached although its owner did not let it. */
function ofRequest(counterexample: Counterexample, part: Decided): Candidate {
  const index = part.actions.length - 1;
  const action = part.actions[index]!;
  if (action.do !== "request") throw new ReproducerError("it is not a request that the run is decided by");
  const { transcriber, machine } = transcribing(counterexample, part);
  const lines = transcriber.lines({ by: "action", index }, []);
  const inadmissible = transcriber.patternOf(action, part.observations[index]!.low);
  const subject = transcriber.subjectOf(action);
  return {
    expected: inadmissible.value,
    transcriptWith: (recorded) => ({
      machine,
      lines,
      decision: mustNotBe(subject, SOFTWARE, inadmissible, recorded),
    }),
  };
}

/** What memory holds after the run, which the judge says in words. */
function ofMemory(counterexample: Counterexample, finding: Finding): Candidate {
  const { actions, observations } = counterexample.run;
  const told = /^0x([0-9a-f]+) holds 0x([0-9a-f]+).*; admissible: (.*)$/.exec(finding.message);
  if (!told) throw new ReproducerError(`it is decided by what is left in memory: ${finding.message}`);
  const address = Number.parseInt(told[1]!, 16);
  const { transcriber, machine } = transcribing(counterexample, {
    actions,
    observations: observations!,
    stepOf: counterexample.stepOf,
  });
  const decisive: Decisive = { by: "memory", page: Math.floor(address / 4096), offset: address % 4096 };
  const lines = transcriber.lines(decisive, []);
  const values = [...told[3]!.matchAll(/0x([0-9a-f]+)/g)].map(([, digits]) =>
    exactly({ low: Number.parseInt(digits!, 16), high: 0 }),
  );
  return {
    expected: { low: Number.parseInt(told[2]!, 16), high: 0 },
    transcriptWith: (recorded) => ({
      machine,
      lines,
      decision: mustBe(`memory at 0x${told[1]}`, values, recorded, ""),
    }),
  };
}

/** QEMU does not survive the shortest part of the run that ends it. */
function ofLoss(counterexample: Counterexample): Candidate {
  const { iommu, run, stepOf } = counterexample;
  let [survives, dies] = [0, run.actions.length];
  while (dies - survives > 1) {
    const middle = Math.floor((survives + dies) / 2);
    const lost = whyLost(iommu, run, middle);
    if (lost === null) survives = middle;
    else dies = middle;
  }
  const reason = whyLost(iommu, run, dies) ?? "it ended";
  const actions = run.actions.slice(0, dies);
  // What the actions showed is not known, so it is not looked at either.
  const observations = actions.map(() => ({ low: 0, high: 0 }));
  const { transcriber, machine } = transcribing(counterexample, { actions, observations, stepOf });
  const lines = transcriber.lines({ by: "survival" }, []).filter((one) => one.do !== "check");
  const decision: Decision = { kind: "loss", recorded: reason };
  return { expected: null, transcriptWith: () => ({ machine, lines, decision }) };
}

/** How QEMU fails over so many actions of the run; null when it does not. */
function whyLost(iommu: Iommu, { setup, actions }: MadeRun, count: number): string | null {
  try {
    iommu.reset(setup);
    iommu.execute(actions.slice(0, count));
    return null;
  } catch (error) {
    if (!(error instanceof ImplementationError)) throw error;
    return /hangs|stopped answering/.test(error.message) ? "it hung" : "it ended";
  }
}

function transcribing(
  { run, steps, qemu }: Counterexample,
  part: Omit<Decided, "finding">,
  functions: Functions = "issuing",
): { readonly transcriber: Transcriber; readonly machine: MachineOptions } {
  const recorded: RecordedRun = { setup: run.setup, steps, ...part };
  const issuing = part.actions.flatMap((one) => (one.do === "request" ? [one.request.requester] : []));
  const present = functions === "all" ? run.setup.requesters : issuing;
  const transcriber = new Transcriber(recorded, present, qemu.version);
  return { transcriber, machine: transcriber.machine };
}

function isRead(action: Action): action is Action & { do: `${"read" | "poll"}-${"register" | "memory"}` } {
  return action.do.startsWith("read-") || action.do.startsWith("poll-");
}

const UNIT = "a conforming unit";
const SOFTWARE = "correct software";

function mustBe(
  subject: string,
  admissible: readonly Pattern[],
  recorded: Word | null,
  recordedWords: string,
): Decision {
  return { kind: "look", subject, by: UNIT, admissible, inadmissible: null, recorded, recordedWords };
}

function mustNotBe(subject: string, by: string, inadmissible: Pattern, recorded: Word | null): Decision {
  const recordedWords = inadmissible.words;
  return { kind: "look", subject, by, admissible: null, inadmissible, recorded, recordedWords };
}
