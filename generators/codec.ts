/** The parts that codecs of scenarios are made of, and what is said when one does not fit. */
import { isLeft } from "fp-ts/lib/Either.js";
import * as t from "io-ts";
import { architectures } from "../model/architectures.js";
import type { ArchitectureId } from "../model/profile.js";

/** A whole number from `low` to `high`. */
export function range(low: number, high: number): t.Type<number> {
  const name = `a whole number from ${low} to ${high}`;
  const is = (value: unknown): value is number =>
    Number.isInteger(value) && Number(value) >= low && Number(value) <= high;
  return new t.Type(
    name,
    is,
    (value, context) => (is(value) ? t.success(value) : t.failure(value, context)),
    t.identity,
  );
}

/** One of a few words. */
export function oneOf<const Words extends readonly [string, string, ...string[]]>(
  ...words: Words
): t.Type<Words[number]> {
  const [first, second, ...rest] = words.map((word) => t.literal(word));
  return t.union([first!, second!, ...rest]);
}

/** Nothing, or what a codec says; a misfit is one of the codec. */
export function nullable<T>(codec: t.Type<T>): t.Type<T | null> {
  return new t.Type(
    codec.name,
    (value): value is T | null => value === null || codec.is(value),
    (value, context) => (value === null ? t.success(null) : codec.validate(value, context)),
    t.identity,
  );
}

/** What steps call a device, domain or mapping. */
export const name = t.string;
/** A 4 KiB page number. */
export const page = range(0, 2 ** 52 - 1);

export const accessCodec = oneOf("r", "w", "rw");

/** A scenario file cannot be used; the message says what and where. */
export class ScenarioError extends Error {
  override readonly name = "ScenarioError";
}

/**
 * What a codec makes of parsed JSON that names a profile.
 * @throws ScenarioError naming the first place that does not fit, or the known profiles
 */
export function checked<T extends { architecture: ArchitectureId; profile: string }>(
  codec: t.Decoder<unknown, T>,
  data: unknown,
): T {
  const decoded = codec.decode(data);
  if (isLeft(decoded)) throw new ScenarioError(describeMismatch(decoded.left));
  const scenario = decoded.right;
  const profiles = architectures.find((one) => one.id === scenario.architecture)?.profiles ?? [];
  if (!profiles.some((one) => one.id === scenario.profile)) {
    const known = profiles.map((one) => one.id).join(", ");
    throw new ScenarioError(`unknown profile "${scenario.profile}"; known: ${known}`);
  }
  return scenario;
}

/** Of the alternatives that do not fit, the one whose tags fit best tells most; of what is wrong with it, the first. */
function describeMismatch(errors: t.Errors): string {
  const misfits = errors.map((error) => ({
    place: placeOf(error.context),
    alternative: alternativeOf(error.context),
    type: error.context[error.context.length - 1]!.type,
    value: error.value,
  }));
  const tagsMissed = (alternative: string) =>
    misfits.filter((one) => one.type instanceof t.LiteralType && alternative.startsWith(one.alternative))
      .length;
  const best = misfits.reduce((first, one) =>
    tagsMissed(one.alternative) < tagsMissed(first.alternative) ? one : first,
  );
  const words = misfits.filter((one) => one.place === best.place && one.type instanceof t.LiteralType);
  const types = best.type instanceof t.LiteralType ? words.map((one) => one.type) : [best.type];
  const expected = [...new Set(types.map((type) => type.name))].join(" | ");
  const found = JSON.stringify(best.value) ?? "nothing";
  return `at ${best.place || "the top"}: expected ${expected.slice(0, 200)}, found ${found.slice(0, 80)}`;
}

/** Which alternative of a union each entry of a context is, is nothing that stands in the file. */
function isAlternative(context: t.Context, index: number): boolean {
  return index > 0 && context[index - 1]!.type instanceof t.UnionType;
}

/** The place in the file. */
function placeOf(context: t.Context): string {
  const keys = context.filter((entry, index) => entry.key !== "" && !isAlternative(context, index));
  return keys.map((entry) => entry.key).join(".");
}

/** The place together with the alternatives taken on the way to it, down to the last of them. */
function alternativeOf(context: t.Context): string {
  const last = context.findLastIndex((_, index) => isAlternative(context, index));
  return last < 0
    ? ""
    : context
        .slice(0, last + 1)
        .map((entry) => `${entry.key}.`)
        .join("");
}
