/** What is said of a message that does not fit its codec. */
import * as t from "io-ts";
import { shownValue } from "./shown-value.js";

/** Of a value so much is shown. */
const SHOWN = 80;

/** The first place that does not fit: what was expected there, and what was found. */
export function mismatch(errors: t.Errors): string {
  const deepest = errors.reduce((best, one) => (weightOf(one) > weightOf(best) ? one : best));
  const place = placeOf(deepest.context);
  const expected = errors
    .filter((one) => placeOf(one.context) === place)
    .map((one) => one.context[one.context.length - 1]!.type.name);
  return `at ${place || "the top"} expected ${[...new Set(expected)].join(" or ")}, found ${shownValue(deepest.value, SHOWN)}`;
}

/** The deeper the more; of alternatives the one of which there is something. */
function weightOf({ context, value }: t.ValidationError): number {
  return 2 * keysOf(context).length + (value === undefined ? 0 : 1);
}

/** The keys down to the place; which part of a union or intersection it is in does not stand in the message. */
function placeOf(context: t.Context): string {
  return keysOf(context).join(".");
}

function keysOf(context: t.Context): string[] {
  const entries = context.filter((entry, index) => {
    const parent = context[index - 1]?.type;
    return entry.key !== "" && !(parent instanceof t.UnionType || parent instanceof t.IntersectionType);
  });
  return entries.map((entry) => entry.key);
}
