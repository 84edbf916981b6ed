/** What is said of a message that does not fit its codec. */
import * as t from "io-ts";

/** The first place that does not fit: what was expected there, and what was found. */
export function mismatch(errors: t.Errors): string {
  const deepest = errors.reduce((best, one) => (one.context.length > best.context.length ? one : best));
  const place = placeOf(deepest.context);
  const expected = errors
    .filter((one) => placeOf(one.context) === place)
    .map((one) => one.context[one.context.length - 1]!.type.name);
  const found = JSON.stringify(deepest.value) ?? "nothing";
  return `at ${place || "the top"} expected ${[...new Set(expected)].join(" or ")}, found ${found.slice(0, 80)}`;
}

/** The keys down to the place; which part of a union or intersection it is in does not stand in the message. */
function placeOf(context: t.Context): string {
  const keys = context.filter((entry, index) => {
    const parent = context[index - 1]?.type;
    return entry.key !== "" && !(parent instanceof t.UnionType || parent instanceof t.IntersectionType);
  });
  return keys.map((entry) => entry.key).join(".");
}
