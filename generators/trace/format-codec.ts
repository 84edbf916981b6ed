/** What lines of recorded traces are checked with, and what is said when one does not fit. */
import { isLeft } from "fp-ts/lib/Either.js";
import * as t from "io-ts";
import type { Word } from "../../model/trace.js";

/** A line does not fit the format; the message says where in the line, and what was expected there. */
export class TraceFormatError extends Error {
  override readonly name = "TraceFormatError";
}

const HEXADECIMAL = /^0x[0-9a-f]+$/i;

/** A whole number from `low` to `high`, as a JSON number or as `"0x…"`. */
export function number(low: number, high: number): t.Type<number, number, unknown> {
  const name = `a whole number from ${low} to ${high}`;
  const is = (value: unknown): value is number =>
    Number.isInteger(value) && Number(value) >= low && Number(value) <= high;
  const validate: t.Validate<unknown, number> = (value, context) => {
    const read = typeof value === "string" && HEXADECIMAL.test(value) ? Number(value) : value;
    return is(read) ? t.success(read) : t.failure(value, context, `expected ${name}`);
  };
  return new t.Type(name, is, validate, t.identity);
}

const WIDEST = 16;

/** 64 bits: `"0x…"` of up to 16 digits, or a JSON number below 2^53. */
export const word = new t.Type<Word, string, unknown>(
  "a 64-bit value",
  (value): value is Word => typeof value === "object" && value !== null && "low" in value && "high" in value,
  (value, context) => {
    const read = wordOf(value);
    return read ? t.success(read) : t.failure(value, context, 'expected a 64-bit value such as "0x10001003"');
  },
  ({ low, high }) => `0x${high === 0 ? low.toString(16) : high.toString(16) + hexadecimal(low)}`,
);

function wordOf(value: unknown): Word | null {
  if (typeof value === "number") {
    if (!Number.isSafeInteger(value) || value < 0) return null;
    return { low: value >>> 0, high: Math.floor(value / 2 ** 32) };
  }
  if (typeof value !== "string" || !HEXADECIMAL.test(value) || value.length > WIDEST + 2) return null;
  const split = Math.max(2, value.length - 8);
  return {
    low: Number.parseInt(value.slice(split), 16),
    high: split === 2 ? 0 : Number.parseInt(value.slice(2, split), 16),
  };
}

function hexadecimal(half: number): string {
  return half.toString(16).padStart(8, "0");
}

/** 32 bits. */
export const half = number(0, 0xffffffff);
/** The number of a 4 KiB page. */
export const page = number(0, 2 ** 52 - 1);
export const requester = number(0, 0xffff);

/**
 * What a codec makes of parsed JSON.
 * @param within what stands before the place in messages
 * @throws TraceFormatError naming the place that does not fit
 */
export function decoded<A>(codec: t.Decoder<unknown, A>, data: unknown, within = ""): A {
  const result = codec.decode(data);
  if (isLeft(result)) throw new TraceFormatError(mismatch(result.left, within));
  return result.right;
}

/**
 * The one codec that fits what a line says it is: trying them all would take far longer.
 * @throws TraceFormatError when it is none of them
 */
export function codecOf<Codecs extends Readonly<Record<string, t.Mixed>>>(
  codecs: Codecs,
  key: string,
  name: unknown,
): t.Decoder<unknown, t.TypeOf<Codecs[keyof Codecs]>> {
  if (typeof name === "string" && Object.hasOwn(codecs, name)) return codecs[name]!;
  throw new TraceFormatError(
    `at ${key}: unknown ${JSON.stringify(name)}; known: ${Object.keys(codecs).join(", ")}`,
  );
}

/** The first thing that does not fit, and everything that would. */
function mismatch(errors: t.Errors, within: string): string {
  const { context, value, message } = errors[0]!;
  const place = placeOf(context);
  const names = errors
    .filter((one) => placeOf(one.context) === place)
    .map((one) => one.context[one.context.length - 1]!.type.name);
  const expected = message ?? `expected ${[...new Set(names)].join(" or ")}`;
  const found = (JSON.stringify(value) ?? "nothing").slice(0, 80);
  return `at ${within}${place || "the top"}: ${expected}, found ${found}`;
}

function placeOf(context: t.Context): string {
  return context.flatMap(({ key }, index) => (key === "" || isPart(context, index) ? [] : [key])).join(".");
}

/** Alternatives and parts of a type are numbered; that is nothing that stands in the file. */
function isPart(context: t.Context, index: number): boolean {
  const outer = context[index - 1]?.type;
  const parent = outer instanceof t.ExactType ? outer.type : outer;
  return parent instanceof t.UnionType || parent instanceof t.IntersectionType;
}
