/**
 * The result of a command that ran campaigns: plain data, which every report is made from and which other programs may
 * read. Described in docs/result-format.md.
 */
import * as t from "io-ts";

export const RESULT_FORMAT = "iommu-spec result 2";

const nullable = <C extends t.Mixed>(codec: C) => t.union([codec, t.null]);

const ruleCodec = t.strict({
  id: t.string,
  statement: t.string,
  /** Section of the specification, such as `VT-d 9.8`; empty for what no specification says. */
  section: t.string,
});

const timelineCodec = t.strict({
  lanes: t.array(
    t.strict({
      id: t.string,
      title: t.string,
      kind: t.keyof({ software: null, invalidation: null, requester: null }),
    }),
  ),
  /** Positions go from 0 to this. */
  length: t.number,
  /** Which positions a step takes; step -1 is what precedes the first. */
  steps: t.array(t.strict({ step: t.number, from: t.number, until: t.number })),
  events: t.array(
    t.strict({
      at: t.number,
      /** Null for what takes no time. */
      until: nullable(t.number),
      lane: t.string,
      text: t.string,
      tone: t.keyof({ plain: null, good: null, bad: null }),
    }),
  ),
  /** The value that was used too long. */
  stale: nullable(
    t.strict({
      title: t.string,
      /** When it was stored. */
      from: t.number,
      replaced: nullable(t.number),
      /** Where it was still used, or could be. */
      until: t.number,
      /** The invalidation that ends its use, or should. */
      fence: nullable(t.strict({ submitted: t.number, completed: nullable(t.number), text: t.string })),
      text: t.string,
    }),
  ),
});

const walkCodec = t.strict({
  request: t.string,
  entries: t.array(
    t.strict({
      name: t.string,
      /** `0x…`, or empty where it is at none. */
      address: t.string,
      /** `0xHHHHHHHH_LLLLLLLL`. */
      value: t.string,
      fields: t.array(t.strict({ name: t.string, bits: t.string, value: t.string, meaning: t.string })),
      /** -1: before the first step. */
      storedStep: t.number,
      replacedStep: nullable(t.number),
      stale: t.boolean,
      /** Why it is still in use, or cannot be any more. */
      why: nullable(t.string),
    }),
  ),
  target: t.string,
});

const findingCodec = t.strict({
  signature: t.string,
  kind: t.string,
  /** What findings of this kind are. */
  meaning: t.string,
  invariants: t.array(t.string),
  known: nullable(
    t.strict({ id: t.string, statement: t.string, specification: t.string, versions: t.array(t.string) }),
  ),
  /** Scenarios that showed it; 0 when only its file of an earlier campaign did. */
  count: t.number,
  minimal: t.boolean,
  replayed: t.boolean,
  file: t.string,
  /** The command that shows it again. */
  replay: t.string,
  message: t.string,
  rules: t.array(ruleCodec),
  witness: t.array(t.string),
  platform: t.array(t.string),
  steps: t.array(t.string),
  /** Index into `steps`; -1 for what precedes the first, null for the state after the run. */
  brokenStep: nullable(t.number),
  timeline: nullable(timelineCodec),
  walk: nullable(walkCodec),
  scenario: t.unknown,
});

const verdictCodec = t.strict({
  invariant: t.string,
  title: t.string,
  statement: t.string,
  sections: t.array(t.string),
  verdict: t.keyof({ holds: null, violated: null, "known deviations": null, unknown: null }),
  /** Indices into the findings of the campaign. */
  findings: t.array(t.number),
});

const campaignCodec = t.strict({
  implementation: t.string,
  heading: t.string,
  architecture: t.strict({ id: t.string, name: t.string }),
  seed: t.number,
  workers: t.number,
  runs: t.number,
  requests: t.number,
  seconds: t.number,
  verdicts: t.array(verdictCodec),
  findings: t.array(findingCodec),
  unknown: t.array(t.strict({ reason: t.string, runs: t.number })),
  failures: t.array(t.strict({ message: t.string, file: nullable(t.string) })),
  /** Files of earlier counterexamples that show nothing any more, where they have been moved to. */
  mended: t.array(t.string),
  /** Every rule of the architecture, with how often it decided something. */
  coverage: t.array(t.intersection([ruleCodec, t.strict({ count: t.number })])),
  /** What was drawn, group by group. */
  generated: t.array(
    t.strict({ group: t.string, values: t.array(t.strict({ name: t.string, count: t.number })) }),
  ),
});

export const resultCodec = t.strict({
  format: t.literal(RESULT_FORMAT),
  tool: t.strict({ name: t.string, version: t.string }),
  /** The command line that it came of. */
  command: nullable(t.string),
  /** One sentence: what the result says, and what it does not. */
  meaning: t.string,
  campaigns: t.array(campaignCodec),
});

export type Result = t.TypeOf<typeof resultCodec>;
export type ResultCampaign = t.TypeOf<typeof campaignCodec>;
export type ResultFinding = t.TypeOf<typeof findingCodec>;
export type ResultVerdict = t.TypeOf<typeof verdictCodec>;
export type ResultRule = t.TypeOf<typeof ruleCodec>;
export type Timeline = t.TypeOf<typeof timelineCodec>;
export type Walk = t.TypeOf<typeof walkCodec>;
