/** What the parts cost, as figures and as ratios to a plain page walk timed in the same run. */

import { architectures } from "../model/architectures.js";
import type { ArchitectureId } from "../model/profile.js";
import { type JudgingTimes, judgingTimes } from "./exposure.js";
import { print } from "./print.js";
import { type Row, rounded } from "./row.js";
import { type StageTimes, scenarioTimes } from "./scenarios.js";
import { traceTimes } from "./trace.js";
import {
  currentReader,
  plainWalk,
  referenceFault,
  referenceHit,
  withoutHistory,
  withoutStaleHistory,
} from "./translation.js";
import { type BenchUnit, benchUnit } from "./units.js";

const FEW = 64;
const MANY = 2 ** 21;
const COLD_TARGET = 250;
const WINDOW_TARGET = 2;
const SCENARIO_TARGET = 20_000;
const JUDGING_TARGET = 350;
/** Against VT-d, for every other architecture. */
const BESIDE_TARGET = 1.3;
/** Seconds for a million records. */
const TRACE_TARGET = 60;

/** "reached" or by how much it is missed. */
function verdict(measured: number, most: number, unit: string): string {
  const target = `at most ${rounded(most)}${unit}`;
  return measured <= most ? `${target}: reached` : `${target}: missed by ${(measured / most).toFixed(1)}x`;
}

/** How much longer something takes than for VT-d, and whether that is within the target. */
function besideVtd(time: number, ofVtd: number): string {
  const ratio = time / ofVtd;
  return `${ratio.toFixed(2)}x VT-d, ${verdict(ratio, BESIDE_TARGET, "x")}`;
}

/** Nanoseconds for one translation, by what it goes through. */
const TRANSLATIONS = {
  "cold translation, current reader, 64 pages": (bench: BenchUnit) => currentReader(bench, FEW),
  "cold translation, current reader, 2 million pages": (bench: BenchUnit) => currentReader(bench, MANY),
  "reference, IOTLB hit": referenceHit,
  "reference, fault": referenceFault,
  "admissible outcomes, tables never changed": withoutHistory,
  "admissible outcomes, every entry stored once": withoutStaleHistory,
} as const;
type TranslationTimes = Record<keyof typeof TRANSLATIONS, number>;

function translationTimes(architecture: ArchitectureId): TranslationTimes {
  const bench = benchUnit(architecture);
  const times = Object.entries(TRANSLATIONS).map(([what, measure]) => [what, measure(bench)]);
  return Object.fromEntries(times) as TranslationTimes;
}

/** Ratios are to a plain walk over as many pages. */
function translations(times: TranslationTimes, plain: PlainTimes, ofVtd: TranslationTimes | null): Row[] {
  const cold = times["cold translation, current reader, 64 pages"];
  return (Object.keys(TRANSLATIONS) as (keyof TranslationTimes)[]).map((what) => {
    const time = times[what];
    const target = what.startsWith("cold")
      ? verdict(time, COLD_TARGET, " ns")
      : what.startsWith("admissible")
        ? verdict(time / cold, WINDOW_TARGET, "x the current reader")
        : "";
    const beside = ofVtd ? besideVtd(time, ofVtd[what]) : "";
    return [
      what,
      `${rounded(time)} ns`,
      (time / (what.includes("million") ? plain.many : plain.few)).toFixed(2),
      joined(target, beside),
    ];
  });
}

interface PlainTimes {
  readonly few: number;
  readonly many: number;
}

function joined(...texts: readonly string[]): string {
  return texts.filter((one) => one !== "").join("; ");
}

function scenarios(times: StageTimes, ofVtd: StageTimes | null): Row[] {
  const row = (what: string, of: keyof StageTimes): Row => [
    what,
    `${rounded(1e9 / times[of])}/s`,
    `${rounded(times[of] / 1000)} us`,
    ofVtd ? besideVtd(times[of], ofVtd[of]) : "",
  ];
  const rate = 1e9 / times.together;
  const missed = rate >= SCENARIO_TARGET ? "reached" : `missed by ${(SCENARIO_TARGET / rate).toFixed(1)}x`;
  const [what, figure, each, beside] = row("together", "together");
  const target = `at least ${rounded(SCENARIO_TARGET)}/s: ${missed}`;
  return [
    row("generate", "generate"),
    row("compile", "compile"),
    row("run on the reference", "run"),
    row("judge", "judge"),
    [what, figure, each, joined(target, beside)],
  ];
}

function traces(): Row[] {
  return (["strict", "deferred"] as const).map((flushing): Row => {
    const { seconds, records, resident } = traceTimes(flushing);
    const memory = resident.map((one) => rounded(one)).join(", ");
    return [
      `driver that flushes ${flushing}`,
      `${rounded(records / seconds)}/s`,
      `${memory} MiB`,
      verdict(seconds, TRACE_TARGET, " s"),
    ];
  });
}

function judging(times: JudgingTimes, ofVtd: JudgingTimes | null): Row[] {
  const { actions, withdrawals, oracle, judge, withdraw, survey } = times;
  const row = (what: string, time: number, target = ""): Row => [
    what,
    `${rounded(time / 1000)} us`,
    `${(time / oracle).toFixed(1)}`,
    target,
  ];
  const target = verdict(judge / 1000, JUDGING_TARGET, " us");
  // Drivers of two architectures differ in how much they do for an intent: what counts is one action.
  const beside = ofVtd ? besideVtd(judge / actions, ofVtd.judge / ofVtd.actions) : "";
  return [
    row("following the unit alone", oracle),
    row("judging after every action", judge, target),
    row("for one action", judge / actions, beside),
    row("for one withdrawal", withdraw / withdrawals),
    row("with the whole exposure after every action", survey),
  ];
}

const TRACES = "A million records of a driver with 4096 live mappings, read and judged";

/** Prints what the parts cost on one core, as figures and as ratios to a plain page walk timed in the same run. */
export function printTimings(): void {
  print(TRACES, ["", "rate", "resident after 1/4, 1/2, all", "target"], traces());
  const plain = { few: plainWalk(FEW), many: plainWalk(MANY) };
  const plainRows: Row[] = [
    ["64 pages", `${rounded(plain.few)} ns`, "", ""],
    ["2 million pages", `${rounded(plain.many)} ns`, "", ""],
  ];
  print("A plain walk, one core", ["", "median", "", ""], plainRows);
  const ofVtd = measured("vtd");
  for (const { id, name } of architectures) {
    const [times, base] = id === "vtd" ? [ofVtd, null] : [measured(id), ofVtd];
    const rows = translations(times.translation, plain, base?.translation ?? null);
    print(`${name}: translations, one core`, ["", "median", "ratio to plain walk", "target"], rows);
    print(
      `${name}: scenarios of fifty steps, one core`,
      ["", "rate", "each", "target"],
      scenarios(times.stages, base?.stages ?? null),
    );
    print(
      `${name}: judging software, fifty intents, one core`,
      ["", "median", "ratio to following", "target"],
      judging(times.judging, base?.judging ?? null),
    );
  }
}

/** Everything that is measured of an architecture. */
function measured(architecture: ArchitectureId) {
  return {
    translation: translationTimes(architecture),
    stages: scenarioTimes(architecture),
    judging: judgingTimes(architecture),
  };
}
