/** The verdict on a recorded trace, in words and as JSON. */
import type { Finding } from "../model/finding.js";

/** What judging a trace file came to. */
export interface JudgedTrace {
  readonly file: string;
  /** Id of the platform profile. */
  readonly profile: string;
  readonly actions: number;
  readonly events: number;
  readonly seconds: number;
  /** What is wrong, in terms of the lines of the file. */
  readonly finding: Finding | null;
  /** Ids of the invariants that it breaks. */
  readonly invariants: readonly string[];
  /** Why there is no verdict. */
  readonly unknown: string | null;
  /** The last line that was read: where something is wrong, when something is. */
  readonly line: number;
}

const HOLDS =
  "holds: after every record, all that any request could reach, whatever caches a conforming unit may have, had been " +
  "granted, and every mapping said to be usable was. That is so for this run only, and as far as it was recorded: what " +
  "software did but the trace leaves out, and what it would do another time, is not judged.";

/** The verdict in words; the first line says what was judged. */
export function traceLines(judged: JudgedTrace): string[] {
  const { file, finding, unknown, line } = judged;
  if (unknown !== null) {
    return [
      judgedWhat(judged),
      `unknown: at ${file}:${line} the specification does not say what follows: ${unknown}`,
    ];
  }
  if (!finding) return [judgedWhat(judged), HOLDS];
  const broken = judged.invariants.join(", ");
  const hardware = judged.invariants.includes("conformance")
    ? [
        "  This is about the unit, not about software: no conforming unit may show it. Or the trace is not what happened.",
      ]
    : [];
  return [
    judgedWhat(judged),
    `violated: ${finding.kind} at ${file}:${line}${broken === "" ? "" : `, breaks ${broken}`}`,
    `  ${finding.message}`,
    ...finding.witness.map((one) => `    ${one}`),
    ...(finding.rules.length > 0 ? [`  rules: ${finding.rules.join(", ")}`] : []),
    ...hardware,
  ];
}

function judgedWhat({ file, profile, actions, events, seconds, finding, unknown }: JudgedTrace): string {
  const records = actions + events;
  const rate = Math.round(records / Math.max(seconds, 1e-9));
  const upTo = finding || unknown !== null ? "up to there" : "all of it";
  return (
    `${file}, ${upTo}: ${count(records, "record")} (${count(actions, "action")}, ${count(events, "event")}) ` +
    `on ${profile}, judged in ${seconds.toFixed(1)} s (${rate.toLocaleString("en-US")}/s)`
  );
}

function count(number: number, what: string): string {
  return `${number.toLocaleString("en-US")} ${what}${number === 1 ? "" : "s"}`;
}

/** The verdict for other programs. */
export function traceAsJson({ finding, unknown, ...judged }: JudgedTrace): string {
  const verdict = finding ? "violated" : unknown === null ? "holds" : "unknown";
  return JSON.stringify(
    { format: "iommu-spec trace result 1", verdict, ...judged, finding, unknown },
    null,
    2,
  );
}
