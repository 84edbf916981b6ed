/** Who can reach what, as a table and as JSON. */
import { Right } from "../model/isolation/events.js";
import type { ExposureModel, Reach, Way } from "../model/isolation/exposure.js";
import type { Ownership } from "../model/isolation/ownership.js";
import { showAddress, showRequester } from "../model/words/address.js";
import { table } from "./terminal.js";

/** A run of pages that a requester reaches in one way with the same rights. */
export interface ExposureRow {
  readonly requester: number;
  readonly iova: number;
  readonly page: number;
  readonly pages: number;
  /** `Right` bits. */
  readonly access: number;
  readonly way: Way;
  readonly granted: boolean;
  /** Domains of the requester that were granted some of these rights. */
  readonly domains: readonly string[];
  /** The tables themselves do not give it any more, only what caches may still hold. */
  readonly stale: boolean;
}

/** The exposure at a place of a trace. */
export interface Exposure {
  readonly place: string;
  /** Software has seen translation enabled, or has said that it is ready. */
  readonly isolating: boolean;
  readonly rows: readonly ExposureRow[];
}

const WAYS: Readonly<Record<Way, string>> = {
  request: "now",
  "posted-write": "posted write",
  table: "table",
};

/** The exposure of a model, held to what was granted; sorted, with runs of adjacent pages made one. */
export function exposureRows(model: ExposureModel, ownership: Ownership): ExposureRow[] {
  const rows = withRightsJoined(model.exposure()).flatMap((reach) => {
    const stale = reach.way === "request" && !model.witness(reach).current;
    return runsOf(reach, ownership, stale);
  });
  return merged(rows.sort(inOrder));
}

/** One reach for the rights to the same pages. */
function withRightsJoined(reaches: readonly Reach[]): Reach[] {
  const joined = new Map<string, Reach>();
  for (const reach of reaches) {
    const key = `${reach.requester}/${reach.iova}/${reach.page}/${reach.pages}/${reach.way}`;
    const other = joined.get(key);
    joined.set(key, other ? { ...other, access: other.access | reach.access } : reach);
  }
  return [...joined.values()];
}

/** A reach in runs of pages to which the same was granted. */
function runsOf(reach: Reach, ownership: Ownership, stale: boolean): ExposureRow[] {
  const rows: ExposureRow[] = [];
  const domains = ownership.domainsOf(reach.requester);
  for (let at = 0; at < reach.pages; at++) {
    const page = reach.page + at;
    const granting = domains.filter((one) => (ownership.rightsIn([one], page) & reach.access) !== 0);
    const granted = (reach.access & ~ownership.rightsIn(domains, page)) === 0;
    rows.push({ ...reach, iova: reach.iova + at, page, pages: 1, granted, domains: granting, stale });
    if (rows.length > 1) mergeLast(rows);
  }
  return rows;
}

function mergeLast(rows: ExposureRow[]): void {
  const [before, last] = rows.slice(-2);
  if (!continues(before!, last!)) return;
  rows.splice(-2, 2, { ...before!, pages: before!.pages + last!.pages });
}

function merged(rows: readonly ExposureRow[]): ExposureRow[] {
  const out: ExposureRow[] = [];
  for (const row of rows) {
    out.push(row);
    if (out.length > 1) mergeLast(out);
  }
  return out;
}

function continues(before: ExposureRow, next: ExposureRow): boolean {
  return (
    before.requester === next.requester &&
    before.iova + before.pages === next.iova &&
    before.page + before.pages === next.page &&
    before.access === next.access &&
    before.way === next.way &&
    before.granted === next.granted &&
    before.stale === next.stale &&
    before.domains.join() === next.domains.join()
  );
}

function inOrder(one: ExposureRow, other: ExposureRow): number {
  return (
    one.requester - other.requester ||
    one.iova - other.iova ||
    one.page - other.page ||
    one.way.localeCompare(other.way)
  );
}

/** The table, and a line for every requester that reaches nothing. */
export function exposureLines({ place, isolating, rows }: Exposure, requesters: readonly number[]): string[] {
  const ungranted = rows.filter((one) => !one.granted).length;
  const lines = [
    `${place}: ${rows.length} ${rows.length === 1 ? "run" : "runs"} of pages can be reached, ${ungranted} without a grant`,
  ];
  if (!isolating)
    lines.push(
      "software has not seen translation enabled yet, nor said that it is ready: isolation is not owed",
    );
  if (rows.length > 0) {
    const header = [
      "",
      "requester",
      "addresses",
      "pages of memory",
      "rights",
      "how",
      "granted to",
      "rests on",
    ];
    lines.push(...table([header, ...rows.map(cells)]).map((line) => `  ${line}`));
  }
  for (const requester of requesters) {
    if (!rows.some((one) => one.requester === requester))
      lines.push(`  ${showRequester(requester)} reaches nothing`);
  }
  return lines;
}

function cells({
  requester,
  iova,
  page,
  pages,
  access,
  way,
  granted,
  domains,
  stale,
}: ExposureRow): string[] {
  const rights = (access & Right.read ? "r" : "-") + (access & Right.write ? "w" : "-");
  const grantees = domains.length > 0 ? domains.join(", ") : "nobody";
  const basis = way === "posted-write" ? "earlier translation" : stale ? "stale entries" : "present entries";
  return [
    granted ? "" : "!",
    showRequester(requester),
    showRun(iova, pages),
    showRun(page, pages),
    rights,
    WAYS[way],
    granted ? grantees : `not granted (${grantees})`,
    basis,
  ];
}

/** First and last byte. */
function showRun(page: number, pages: number): string {
  return `${showAddress(page)}-${showAddress(page + pages - 1, 4095)}`;
}

/** The exposure for other programs; numbers of pages, not addresses. */
export function exposureAsJson(exposure: Exposure): string {
  return JSON.stringify({ format: "iommu-spec exposure 1", ...exposure }, null, 2);
}
