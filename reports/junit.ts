/**
 * A result as JUnit XML, by the schema of Apache Ant: a suite for each campaign, a case for each invariant. A violated
 * invariant has failed; one without a verdict is an error. One that only known deviations break has passed: the schema knows
 * no other state, so they are told in the output of the suite.
 */
import type { Result, ResultCampaign, ResultFinding, ResultVerdict } from "./result.js";
import { counterexample, summary } from "./terminal.js";

/** The document. @param when the time that the suites are said to be of: that of the report, as results have none */
export function junitXml({ campaigns, command, tool, meaning }: Result, when: Date): string {
  const timestamp = when.toISOString().slice(0, 19);
  const common: [string, string][] = [
    ["tool", `${tool.name} ${tool.version}`],
    ["command", command ?? ""],
    ["meaning", meaning],
  ];
  const suites = campaigns.map((one, id) => suite(one, id, timestamp, common));
  return [`<?xml version="1.0" encoding="UTF-8"?>`, ...element("testsuites", {}, suites.flat()), ""].join(
    "\n",
  );
}

function suite(
  campaign: ResultCampaign,
  id: number,
  timestamp: string,
  common: readonly [string, string][],
): string[] {
  const { heading, seconds, verdicts, architecture, seed, workers, runs, requests } = campaign;
  const time = seconds.toFixed(3);
  const counted = (verdict: ResultVerdict["verdict"]) =>
    verdicts.filter((one) => one.verdict === verdict).length;
  const attributes = {
    id,
    name: heading,
    package: architecture.id,
    timestamp,
    hostname: "localhost",
    tests: verdicts.length,
    failures: counted("violated"),
    errors: counted("unknown"),
    time,
  };
  const facts = Object.entries({ architecture: architecture.name, seed, workers, runs, requests });
  const properties = [...common, ...facts].map(([name, value]) => tag("property", { name, value }));
  // The scenarios are run for all invariants together.
  const share = (seconds / Math.max(verdicts.length, 1)).toFixed(3);
  return element("testsuite", attributes, [
    ...element("properties", {}, properties),
    ...verdicts.flatMap((one) => testCase(campaign, one, share)),
    text("system-out", {}, outputOf(campaign)),
    text("system-err", {}, campaign.failures.map((one) => one.message).join("\n")),
  ]);
}

function testCase(campaign: ResultCampaign, one: ResultVerdict, time: string): string[] {
  const attributes = { name: `${one.invariant}: ${one.title}`, classname: campaign.heading, time };
  if (one.verdict === "violated") return element("testcase", attributes, [failure(campaign, one)]);
  if (one.verdict === "unknown") return element("testcase", attributes, [error(campaign)]);
  return [tag("testcase", attributes)];
}

function failure({ findings }: ResultCampaign, { findings: broken }: ResultVerdict): string {
  const fresh = broken.map((index) => findings[index]!).filter((one) => one.known === null);
  const { kind, message } = fresh[0]!;
  const body = fresh.map((one) => counterexample(one).join("\n")).join("\n\n");
  return text("failure", { type: kind, message }, body);
}

function error(campaign: ResultCampaign): string {
  const reasons = [
    ...campaign.failures.map((one) => one.message),
    ...campaign.unknown.map((one) => one.reason),
  ];
  const message = reasons[0] ?? "nothing was run";
  return text("error", { type: "unknown", message }, summary(campaign).join("\n"));
}

function outputOf(campaign: ResultCampaign): string {
  const known = campaign.findings.flatMap((one) => (one.known ? [knownText(one, one.known)] : []));
  return [...summary(campaign), ...known].join("\n");
}

function knownText(
  { invariants, replay }: ResultFinding,
  { id, statement, specification }: NonNullable<ResultFinding["known"]>,
): string {
  const breaks = invariants.join(", ");
  return `known deviation ${id}, which breaks ${breaks}: ${statement}; ${specification} (${replay})`;
}

type Attributes = Readonly<Record<string, string | number>>;

function element(name: string, attributes: Attributes, content: readonly string[]): string[] {
  if (content.length === 0) return [tag(name, attributes)];
  return [`<${name}${shown(attributes)}>`, ...content, `</${name}>`];
}

function tag(name: string, attributes: Attributes): string {
  return `<${name}${shown(attributes)}/>`;
}

function text(name: string, attributes: Attributes, content: string): string {
  return `<${name}${shown(attributes)}>${escaped(content)}</${name}>`;
}

function shown(attributes: Attributes): string {
  return Object.entries(attributes)
    .map(([name, value]) => ` ${name}="${escaped(String(value)).replaceAll("\n", "&#10;")}"`)
    .join("");
}

/** What XML has no way to write. */
const UNWRITABLE = /[^\t\n\r\u{20}-\u{d7ff}\u{e000}-\u{fffd}\u{10000}-\u{10ffff}]/gu;
const ENTITIES: Readonly<Record<string, string>> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" };

function escaped(content: string): string {
  return content.replace(UNWRITABLE, "\ufffd").replace(/[&<>"]/g, (one) => ENTITIES[one]!);
}
