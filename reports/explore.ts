/** What a search covered, and what it found, for a terminal and as JSON. */
import type { Counterexample, ExploreResult } from "../properties/explore/explore.js";
import type { Search } from "../properties/explore/search.js";

const count = (value: number) => value.toLocaleString("en");

function some(number: number, thing: string): string {
  if (number === 1) return `1 ${thing}`;
  return `${number} ${thing}${thing.endsWith("s") ? "es" : "s"}`;
}

/** Where a search stands, on one line. */
export function searchLine(name: string, search: Search, elapsed: number): string {
  const { frontier, states } = search;
  const rate = Math.round((frontier.transitions / Math.max(elapsed, 1)) * 1000);
  return `${name}: ${count(states)} states, ${count(states - frontier.next)} to go on from, ${search.depthDone} steps covered, ${count(rate)} transitions/s`;
}

/** A search in words. */
export function exploreLines(result: ExploreResult): string[] {
  const lines = result.counterexample ? counterexampleLines(result, result.counterexample) : [];
  const { states, transitions, milliseconds, failures, checkpoint } = result;
  const seconds = milliseconds / 1000;
  const kind = result.merged ? "states" : "scenarios";
  lines.push(
    `${result.name}: ${count(states)} ${kind}, ${count(transitions)} transitions in ${seconds.toFixed(1)} s, ${count(Math.round(transitions / seconds))}/s`,
    `  by distance from the start: ${result.layers.map(count).join(", ")}`,
    `  ${describe(result)}`,
    `  ${covered(result)}`,
  );
  for (const [reason, times] of failures)
    lines.push(`  no verdict after ${count(times)} of the steps: ${reason}`);
  lines.push(`  ${honesty(result)}`);
  if (checkpoint !== null) lines.push(`  stopped before the end: go on with --resume ${checkpoint}`);
  return lines;
}

function counterexampleLines(
  { name }: ExploreResult,
  { steps, finding, invariants, file, replayed, command }: Counterexample,
): string[] {
  return [
    `${name} breaks ${invariants.join(", ")} (${finding.kind}) after ${steps.length} steps, and no fewer:`,
    ...steps.map((step, index) => `  ${String(index + 1).padStart(3)}  ${step}`),
    `  ${finding.message}`,
    ...finding.witness.map((line) => `  ${line}`),
    replayed
      ? `  shown again from the start; saved as ${file}`
      : `  NOT shown again from the start; saved as ${file}`,
    `  ${command}`,
    "",
  ];
}

function describe({ configuration }: ExploreResult): string {
  const { profile, requesters, domains, iovas, pages } = configuration;
  const size = [
    some(requesters, "requester"),
    some(domains, "domain"),
    some(iovas, "address"),
    some(pages, "page"),
  ].join(", ");
  if ("rule" in configuration) return `configuration: ${profile}, ${size}`;
  const { start, invalidation, flushing, alias, kinds } = configuration;
  return `configuration: ${profile}, ${size}${alias ? ", an alias" : ""}; start ${start}, ${invalidation}, ${flushing}; steps: ${kinds.join(", ")}`;
}

function covered({ counterexample, exhausted, depthDone, checkpoint }: ExploreResult): string {
  if (counterexample) return `no violation within ${depthDone} steps`;
  if (exhausted) return "no violation, however many steps: nothing new can be reached";
  const so = checkpoint === null ? "" : " so far";
  return `no violation within ${depthDone} steps${so}`;
}

/** What the result does and does not say. */
function honesty({ merged, odds }: ExploreResult): string {
  if (!merged)
    return "states could not be told apart, so every scenario was run, up to names; this says nothing about longer ones, or about other configurations";
  return `states were told apart by keys of 128 bits (odds of a collision ${odds.toExponential(1)}); this says nothing about other configurations, or about other kinds of steps`;
}

/** A search as JSON. */
export function exploreAsJson(result: ExploreResult): string {
  return JSON.stringify({ ...result, failures: Object.fromEntries(result.failures) });
}
