/**
 * A result as a SARIF 2.1.0 log: a run for each campaign, a result for each counterexample, where its file is. Invariants and
 * rules of the specification are rules; a result is of the first invariant that it breaks beside conformance. A known
 * deviation is a note that is suppressed. A program that failed, or a specification that is silent, is a notification.
 */
import { isAbsolute } from "node:path";
import { pathToFileURL } from "node:url";
import { printable } from "../implementations/process/printable.js";
import type { Result, ResultCampaign, ResultFinding, ResultRule } from "./result.js";

const SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json";
/** Every finding about an IOMMU breaks it: it tells nothing beside another. */
const GENERAL = "conformance";

/** The log as JSON. */
export function sarifLog(result: Result): string {
  const runs = result.campaigns.map((one) => runOf(result, one));
  return JSON.stringify({ $schema: SCHEMA, version: "2.1.0", runs }, null, 2);
}

function runOf({ tool, command }: Result, campaign: ResultCampaign) {
  const { heading, findings, seed, runs, requests, seconds, workers, architecture } = campaign;
  const rules = rulesOf(campaign);
  const indices = new Map(rules.map(({ id }, index) => [id, index]));
  return {
    tool: { driver: { name: tool.name, version: tool.version, semanticVersion: tool.version, rules } },
    automationDetails: { id: `${heading}/` },
    invocations: [invocationOf(campaign, command)],
    results: findings.map((one) => resultOf(one, indices)),
    properties: { architecture: architecture.name, seed, runs, requests, seconds, workers },
  };
}

function rulesOf({ verdicts, coverage, findings }: ResultCampaign) {
  const rules = new Map<string, ResultRule>();
  for (const one of [...coverage, ...findings.flatMap((each) => each.rules)]) rules.set(one.id, one);
  return [
    ...verdicts.map(({ invariant, title, statement, sections }) =>
      descriptor({ id: invariant, statement, section: sections.join(", ") }, title),
    ),
    ...[...rules.values()].map((one) => descriptor(one, one.id)),
  ];
}

function descriptor({ id, statement, section }: ResultRule, name: string) {
  const said = statement === "" ? id : statement;
  return {
    id,
    shortDescription: { text: name },
    fullDescription: { text: said },
    help: { text: section === "" ? said : `${said} (${section})` },
    properties: { section },
  };
}

function invocationOf({ failures, unknown }: ResultCampaign, command: string | null) {
  const failed = failures.map(({ message, file }) => ({
    level: "error",
    message: { text: message },
    ...(file !== null && { locations: [locationOf(file)] }),
  }));
  const silent = unknown.map(({ reason, runs }) => ({
    level: "warning",
    message: { text: `no verdict in ${runs} runs: ${reason}` },
  }));
  return {
    executionSuccessful: failures.length === 0,
    ...(command !== null && { commandLine: command }),
    toolExecutionNotifications: [...failed, ...silent],
  };
}

function resultOf(finding: ResultFinding, indices: ReadonlyMap<string, number>) {
  const { invariants, known, signature, message, witness, file, count, kind, rules, replay } = finding;
  const ruleId = invariants.find((one) => one !== GENERAL) ?? invariants[0]!;
  return {
    ruleId,
    ruleIndex: indices.get(ruleId) ?? -1,
    level: known ? "note" : "error",
    message: { text: [message, ...witness].join("\n") },
    locations: [locationOf(file)],
    partialFingerprints: { "signature/v1": signature },
    // SARIF counts from 1; what only a file of an earlier campaign showed was not drawn at all.
    ...(count > 0 && { occurrenceCount: count }),
    ...(known && { suppressions: [suppression(known)] }),
    codeFlows: [{ threadFlows: [{ locations: stepsOf(finding) }] }],
    properties: { kind, invariants, rules: rules.map((one) => one.id), replay },
  };
}

function suppression({ id, statement, specification }: NonNullable<ResultFinding["known"]>) {
  return { kind: "external", justification: `known deviation ${id}: ${statement}; ${specification}` };
}

function stepsOf({ steps, brokenStep, message, file }: ResultFinding) {
  const told = steps.map((text, index) => ({
    location: { ...locationOf(file), message: { text } },
    importance: index === brokenStep ? "essential" : "important",
  }));
  return [
    ...told,
    { location: { ...locationOf(file), message: { text: message } }, importance: "essential" },
  ];
}

/** Nothing in a path is a scheme, a query or a fragment. */
function relativeUri(file: string): string {
  return file
    .split(/[\\/]/)
    .map((one) => encodeURIComponent(printable(one)))
    .join("/");
}

function locationOf(file: string) {
  const uri = isAbsolute(file) ? pathToFileURL(file).href : relativeUri(file);
  return { physicalLocation: { artifactLocation: { uri }, region: { startLine: 1 } } };
}
