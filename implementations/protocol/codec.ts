/** The parts that messages are made of. Codecs know what a JSON Schema has to say of them. */
import * as t from "io-ts";

/** A whole number from `low` to `high`. */
export class WholeNumber extends t.Type<number> {
  constructor(
    readonly low: number,
    readonly high: number,
  ) {
    const is = (value: unknown): value is number =>
      Number.isInteger(value) && (value as number) >= low && (value as number) <= high;
    super(
      `a whole number from ${low} to ${high}`,
      is,
      (value, context) => (is(value) ? t.success(value) : t.failure(value, context)),
      t.identity,
    );
  }
}

/** What people read: printable, not empty, and of bounded length. */
export class Text extends t.Type<string> {
  constructor(readonly longest: number) {
    const is = (value: unknown): value is string =>
      typeof value === "string" && value.length <= longest && PRINTABLE.test(value);
    super(
      `printable text of at most ${longest} characters`,
      is,
      (value, context) => (is(value) ? t.success(value) : t.failure(value, context)),
      t.identity,
    );
  }
}

/**
 * What {@link Text} consists of, as a JSON Schema has it too: no control characters, none that are invisible or turn lines
 * around, no line ends, no halves of characters.
 */
export const PRINTABLE = /^[^\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]+$/u;

/** A list of at least one. */
export class Some<C extends t.Mixed> extends t.Type<t.TypeOf<C>[]> {
  constructor(readonly item: C) {
    const is = (value: unknown): value is t.TypeOf<C>[] => list.is(value) && value.length > 0;
    const list = t.array(item);
    super(
      `a list of at least one ${item.name}`,
      is,
      (value, context) =>
        Array.isArray(value) && value.length === 0
          ? t.failure(value, context)
          : list.validate(value, context),
      t.identity,
    );
  }
}

/** The number of a message. */
export const id = new WholeNumber(0, Number.MAX_SAFE_INTEGER);
/** Half of a 64-bit value. */
export const half = new WholeNumber(0, 0xffffffff);
/** A page number: an address divided by 4096. */
export const page = new WholeNumber(0, 2 ** 52 - 1);
/** An aligned 64-bit word of a page. */
export const word = new WholeNumber(0, 511);
/** A count of pages. */
export const count = new WholeNumber(0, 2 ** 52);
export const requester = new WholeNumber(0, 0xffff);
/** Offset of a register in the window of the unit. */
export const registerOffset = new WholeNumber(0, 0xffff);
export const width = t.union([t.literal(4), t.literal(8)]);
export const word64 = t.strict({ low: half, high: half });

/** One of a few words. */
export function oneOf<const Words extends readonly [string, string, ...string[]]>(
  ...words: Words
): t.Type<Words[number]> {
  const [first, second, ...rest] = words.map((one) => t.literal(one));
  return t.union([first!, second!, ...rest]);
}

export const architecture = oneOf("vtd", "amdvi");
export const start = oneOf("reset", "translating");
