/** Prints what the parts cost, as figures and as ratios to a plain page walk timed in the same run. */

import { table } from "../reports/terminal.js";
import { driverVariantRows } from "./driver-variants.js";
import { judgingTimes } from "./exposure.js";
import { scenarioTimes } from "./scenarios.js";
import { traceTimes } from "./trace.js";
import {
  currentReader,
  plainWalk,
  referenceFault,
  referenceHit,
  withoutHistory,
  withoutStaleHistory,
} from "./translation.js";

const FEW = 64;
const MANY = 2 ** 21;
const COLD_TARGET = 250;
const WINDOW_TARGET = 2;
const SCENARIO_TARGET = 20_000;
const JUDGING_TARGET = 350;
/** Seconds for a million records. */
const TRACE_TARGET = 60;

type Row = readonly [what: string, figure: string, ratio: string, target: string];

const round = (value: number) => value.toLocaleString("en", { maximumFractionDigits: value < 10 ? 1 : 0 });

/** "reached" or by how much it is missed. */
function verdict(measured: number, most: number, unit: string): string {
  const target = `at most ${round(most)}${unit}`;
  return measured <= most ? `${target}: reached` : `${target}: missed by ${(measured / most).toFixed(1)}x`;
}

function translations(): Row[] {
  const few = plainWalk(FEW);
  const many = plainWalk(MANY);
  const row = (what: string, time: number, against: number, target = ""): Row => [
    what,
    `${round(time)} ns`,
    `${(time / against).toFixed(2)}`,
    target,
  ];
  const cold = currentReader(FEW);
  const coldMany = currentReader(MANY);
  const window = withoutHistory();
  const stored = withoutStaleHistory();
  return [
    row("plain walk, 64 pages", few, few),
    row("plain walk, 2 million pages", many, many),
    row("cold translation, current reader, 64 pages", cold, few, verdict(cold, COLD_TARGET, " ns")),
    row(
      "cold translation, current reader, 2 million pages",
      coldMany,
      many,
      verdict(coldMany, COLD_TARGET, " ns"),
    ),
    row("reference, IOTLB hit", referenceHit(), few),
    row("reference, fault with its record", referenceFault(), few),
    row(
      "admissible outcomes, tables never changed",
      window,
      few,
      verdict(window / cold, WINDOW_TARGET, "x the current reader"),
    ),
    row(
      "admissible outcomes, every entry stored once",
      stored,
      few,
      verdict(stored / cold, WINDOW_TARGET, "x the current reader"),
    ),
  ];
}

function scenarios(): Row[] {
  const times = scenarioTimes();
  const row = (what: string, time: number, target = ""): Row => [
    what,
    `${round(1e9 / time)}/s`,
    `${round(time / 1000)} us`,
    target,
  ];
  const { generate, compile, run, judge, together } = times;
  const rate = 1e9 / together;
  const missed = rate >= SCENARIO_TARGET ? "reached" : `missed by ${(SCENARIO_TARGET / rate).toFixed(1)}x`;
  return [
    row("generate", generate),
    row("compile", compile),
    row("run on the reference", run),
    row("judge", judge),
    row("together", together, `at least ${round(SCENARIO_TARGET)}/s: ${missed}`),
  ];
}

function traces(): Row[] {
  return (["strict", "deferred"] as const).map((flushing): Row => {
    const { seconds, records, resident } = traceTimes(flushing);
    const memory = resident.map((one) => round(one)).join(", ");
    return [
      `driver that flushes ${flushing}`,
      `${round(records / seconds)}/s`,
      `${memory} MiB`,
      verdict(seconds, TRACE_TARGET, " s"),
    ];
  });
}

function judging(): Row[] {
  const { actions, withdrawals, oracle, judge, withdraw, survey } = judgingTimes();
  const row = (what: string, time: number, target = ""): Row => [
    what,
    `${round(time / 1000)} us`,
    `${(time / oracle).toFixed(1)}`,
    target,
  ];
  return [
    row("following the unit alone", oracle),
    row("judging after every action", judge, verdict(judge / 1000, JUDGING_TARGET, " us")),
    row("for one action", judge / actions),
    row("for one withdrawal", withdraw / withdrawals),
    row("with the whole exposure after every action", survey),
  ];
}

function print(title: string, columns: Row, rows: readonly Row[]): void {
  const widths = columns.map((column, at) => Math.max(column.length, ...rows.map((row) => row[at]!.length)));
  const line = (row: Row) =>
    row
      .map((cell, at) => (at === 0 || at === 3 ? cell.padEnd(widths[at]!) : cell.padStart(widths[at]!)))
      .join("  ")
      .trimEnd();
  console.log(`${title}\n`);
  for (const row of [columns, ...rows]) console.log(`  ${line(row)}`);
  console.log("");
}

/** `npm run bench drivers [SEEDS] [SECONDS]`: this table alone, because it takes long. */
function drivers(seeds: number, seconds: number): void {
  console.log(`Faulty drivers: first detection over ${seeds} seeds, at most ${seconds} s each\n`);
  for (const line of table(driverVariantRows(seeds, seconds * 1000))) console.log(`  ${line}`);
}

const TRACES = "A million records of a driver with 4096 live mappings, read and judged";
const [what, seeds, seconds] = process.argv.slice(2);
if (what === "drivers") {
  drivers(Number(seeds ?? 20), Number(seconds ?? 20));
} else {
  print(TRACES, ["", "rate", "resident after 1/4, 1/2, all", "target"], traces());
  print("Translations, one core", ["", "median", "ratio to plain walk", "target"], translations());
  print("Scenarios of fifty steps, one core", ["", "rate", "each", "target"], scenarios());
  print(
    "Judging software: fifty intents, one core",
    ["", "median", "ratio to following", "target"],
    judging(),
  );
}
