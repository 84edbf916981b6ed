/** The counterexamples of a result in the order in which a report shows them, with their numbers and anchors. */
import { createHash } from "node:crypto";
import type { Result, ResultCampaign, ResultFinding } from "../result.js";

/** A counterexample in its place. */
export interface Entry {
  /** From 1 on, in the whole report. */
  readonly number: number;
  /** The same in every report that has the same finding of the same implementation. */
  readonly anchor: string;
  readonly campaign: ResultCampaign;
  /** Index of the campaign in the result. */
  readonly campaignIndex: number;
  readonly finding: ResultFinding;
  /** Index of the finding in its campaign. */
  readonly findingIndex: number;
}

/** All counterexamples: campaign by campaign, violations before known deviations. */
export function entriesOf({ campaigns }: Result): Entry[] {
  const all = campaigns.flatMap((campaign, campaignIndex) =>
    campaign.findings
      .map((finding, findingIndex) => ({ campaign, campaignIndex, finding, findingIndex }))
      .sort((one, other) => Number(one.finding.known !== null) - Number(other.finding.known !== null)),
  );
  const taken = new Map<string, number>();
  return all.map((one, index) => ({ ...one, number: index + 1, anchor: anchorOf(one, taken) }));
}

/** An anchor that no other finding has; `taken` counts how often each was wanted. */
function anchorOf(
  { campaign, finding }: Pick<Entry, "campaign" | "finding">,
  taken: Map<string, number>,
): string {
  const digest = createHash("sha256").update(`${campaign.heading}\n${finding.signature}`).digest("hex");
  const name = (finding.known?.id ?? finding.kind).replace(/[^A-Za-z0-9-]+/g, "-");
  const wanted = `finding-${name}-${digest.slice(0, 8)}`;
  const times = (taken.get(wanted) ?? 0) + 1;
  taken.set(wanted, times);
  return times === 1 ? wanted : `${wanted}-${times}`;
}

/** The counterexamples that a cell of the verdict table counts, in their order. */
export function entriesBreaking(entries: readonly Entry[], campaign: number, indices: readonly number[]) {
  return entries.filter((one) => one.campaignIndex === campaign && indices.includes(one.findingIndex));
}
