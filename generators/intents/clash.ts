/** Which intents no software asks for at the same time. */
import type { Intent } from "./scenario.js";

type MapIntent = Extract<Intent, { do: "map" }>;

/**
 * True when two intents of two CPUs are about the same thing, so that what they mean together depends on which comes
 * first: one device, one page of a mapping, addresses or pages that overlap, a domain that goes.
 */
export function clash(first: Intent, second: Intent): boolean {
  if ("device" in first && "device" in second) return first.device === second.device;
  if ("mapping" in first && "mapping" in second && first.mapping === second.mapping)
    return (
      !("offset" in first && "offset" in second) ||
      overlap(first.offset, first.pages, second.offset, second.pages)
    );
  if (first.do === "map" && second.do === "map") return mapsClash(first, second);
  return destroys(first, second) || destroys(second, first);
}

function mapsClash(first: MapIntent, second: MapIntent): boolean {
  return first.domain === second.domain
    ? overlap(first.iova, first.pages, second.iova, second.pages)
    : overlap(first.page, first.pages, second.page, second.pages);
}

function destroys(one: Intent, other: Intent): boolean {
  return one.do === "destroy" && "domain" in other && one.domain === other.domain;
}

/** True when two runs of numbers have one in common. */
export function overlap(first: number, count: number, other: number, others: number): boolean {
  return first < other + others && other < first + count;
}
