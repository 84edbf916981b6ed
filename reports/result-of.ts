/** The result of campaigns as plain data. */
import { VERSION } from "../implementations/version.js";
import type { Architecture } from "../model/architecture.js";
import { findingKinds } from "../model/finding.js";
import { excuseRules } from "../model/isolation/witness.js";
import type { CampaignResult } from "../properties/campaign.js";
import type { DistinctFinding } from "../properties/distinct-findings.js";
import type { Distribution } from "../properties/distribution.js";
import type { Invariant } from "../properties/invariants.js";
import type { KnownDeviation } from "../properties/known-deviation.js";
import {
  RESULT_FORMAT,
  type Result,
  type ResultCampaign,
  type ResultFinding,
  type ResultRule,
  type ResultVerdict,
} from "./result.js";
import { describeScenario } from "./steps.js";
import { timelineOf } from "./timeline.js";
import { walkOf } from "./walk.js";

const TOOL = { name: "iommu-spec", version: VERSION };

/** A campaign with what it takes to tell of it. */
export interface CampaignToTell {
  readonly result: CampaignResult;
  readonly known: readonly KnownDeviation[];
  /** The command that replays a counterexample file. */
  readonly replay: (file: string) => string;
}

/** The result of a command. @param command the command line; null when there was none */
export function resultOf(campaigns: readonly CampaignToTell[], command: string | null): Result {
  const told = campaigns.map(campaignOf);
  return { format: RESULT_FORMAT, tool: TOOL, command, meaning: meaningOf(told), campaigns: told };
}

function campaignOf({ result, known, replay }: CampaignToTell): ResultCampaign {
  const { implementation, heading, architecture, seed, workers, runs, requests, seconds } = result;
  const { failures, mended, coverage, invariants } = result;
  return {
    implementation,
    heading,
    architecture: { id: architecture.id, name: architecture.name },
    seed,
    workers,
    runs,
    requests,
    seconds,
    verdicts: invariants.map((one) => verdictOf(result, one)),
    findings: result.findings.map((one) => findingOf(one, architecture, known, replay)),
    unknown: [...result.unknown].map(([reason, times]) => ({ reason, runs: times })),
    failures: failures.map(({ message, file }) => ({ message, file })),
    mended: [...mended],
    coverage: architecture.rules.map((one) => ({
      ...ruleOf(one),
      count: coverage.get(one.id) ?? 0,
    })),
    generated: generatedOf(result.drawn),
  };
}

function ruleOf({ id, statement, section }: ResultRule): ResultRule {
  return { id, statement, section };
}

/** The verdict of one invariant of a campaign. */
function verdictOf(result: CampaignResult, { id, title, statement, sections }: Invariant): ResultVerdict {
  const broken = [...result.findings.entries()].filter(([, one]) => one.invariants.includes(id));
  return {
    invariant: id,
    title,
    statement,
    sections: [...sections[result.architecture.id]],
    verdict: wordFor(
      result,
      broken.map(([, one]) => one),
    ),
    findings: broken.map(([index]) => index),
  };
}

function wordFor(result: CampaignResult, broken: readonly DistinctFinding[]): ResultVerdict["verdict"] {
  if (broken.some((one) => one.known === null)) return "violated";
  const withoutVerdict = [...result.unknown.values()].reduce((sum, times) => sum + times, 0);
  if (result.failures.length > 0 || result.runs === withoutVerdict) return "unknown";
  return broken.length > 0 ? "known deviations" : "holds";
}

/** One finding. @param replay the command that shows a file again */
export function findingOf(
  found: DistinctFinding,
  architecture: Architecture,
  known: readonly KnownDeviation[],
  replay: (file: string) => string,
): ResultFinding {
  const { signature, invariants, count, minimal, replayed, file, finding, scenario, stepOf } = found;
  const { kind, message, rules, witness, evidence, action } = finding;
  const { platform, steps } = describeScenario(scenario);
  const deviation = known.find((one) => one.id === found.known);
  return {
    signature,
    kind,
    meaning: findingKinds[kind],
    invariants: [...invariants],
    known: deviation ? knownOf(deviation) : null,
    count,
    minimal,
    replayed,
    file,
    replay: replay(file),
    message,
    rules: rules.map((id) => namedRule(id, architecture)),
    witness: [...witness],
    platform,
    steps,
    brokenStep: stepOf[action] ?? null,
    timeline: timelineOf(found),
    walk: evidence ? walkOf(architecture, evidence, stepOf) : null,
    scenario,
  };
}

function knownOf({ id, statement, specification, versions }: KnownDeviation): ResultFinding["known"] {
  return { id, statement, specification, versions: [...versions] };
}

/** A rule of the architecture, or one that software has to keep to. */
function namedRule(id: string, { rules }: Architecture): ResultRule {
  const rule = rules.find((one) => one.id === id);
  if (rule) return ruleOf(rule);
  const ofSoftware = Object.values(excuseRules).find((one) => one.id === id);
  return { id, statement: ofSoftware?.statement ?? "", section: "" };
}

function generatedOf(drawn: Distribution): ResultCampaign["generated"] {
  const groups = [...drawn].filter(([, values]) => values.size > 0);
  return groups.map(([group, values]) => ({
    group,
    values: [...values].map(([name, count]) => ({ name, count })).sort(byCount),
  }));
}

interface Counted {
  readonly name: string;
  readonly count: number;
}

/** The most frequent first; numbers in their order. */
function byCount(one: Counted, other: Counted): number {
  const [number, otherNumber] = [Number(one.name), Number(other.name)];
  if (!Number.isNaN(number) && !Number.isNaN(otherNumber)) return number - otherNumber;
  return other.count - one.count || (one.name < other.name ? -1 : 1);
}

/** One sentence: what the results mean. */
function meaningOf(campaigns: readonly ResultCampaign[]): string {
  const fresh = campaigns.flatMap((one) => one.findings).filter((one) => one.known === null).length;
  const runs = campaigns.reduce((sum, one) => sum + one.runs, 0);
  if (fresh > 0) {
    return `${quantity(fresh, "distinct violation")} in ${quantity(runs, "random scenario")}: each was shrunk, saved and replayed; the invariants named above do not hold.`;
  }
  if (campaigns.some((one) => one.failures.length > 0)) {
    return "An implementation failed before a verdict was reached: nothing is said about what it was not asked.";
  }
  if (runs === 0) return "Nothing was run, so nothing is said.";
  return `No new violation in ${quantity(runs, "random scenario")}: that is evidence, not proof; scenarios that were not drawn may still break an invariant.`;
}

/** A number with what it is of. */
export function quantity(number: number, what: string): string {
  return `${number.toLocaleString("en-US")} ${what}${number === 1 ? "" : "s"}`;
}
