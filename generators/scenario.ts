/**
 * Scenarios as plain data: a platform, its functions and domains, and steps that name what they refer to. They are
 * checked on the way in, round-trip through JSON and replay exactly.
 */
import { isLeft } from "fp-ts/lib/Either.js";
import * as t from "io-ts";
import { profiles } from "../model/vtd/profiles.js";

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

/** What steps call a device, domain or mapping. */
export const name = t.string;
/** A 4 KiB page number. */
export const page = range(0, 2 ** 52 - 1);

export const sizeCodec = oneOf("4K", "2M", "1G");
export const accessCodec = oneOf("r", "w", "rw");

/** Which word a corruption aims at. */
const entryCodec = t.union(
  [
    t.strict({ structure: t.literal("root"), device: name }),
    t.strict({ structure: t.literal("context"), device: name }),
    t.strict({ structure: t.literal("table"), domain: name, iova: page, level: range(1, 5) }),
  ],
  "an entry of a known structure",
);

const targetCodec = t.union([
  t.strict({ cache: t.literal("context"), granularity: t.literal("global") }),
  t.strict({ cache: t.literal("context"), granularity: t.literal("domain"), domain: name }),
  t.strict({
    cache: t.literal("context"),
    granularity: t.literal("device"),
    domain: name,
    device: name,
    functionMask: range(0, 3),
  }),
  t.strict({ cache: t.literal("iotlb"), granularity: t.literal("global"), drain: t.boolean }),
  t.strict({ cache: t.literal("iotlb"), granularity: t.literal("domain"), domain: name, drain: t.boolean }),
  t.strict({
    cache: t.literal("iotlb"),
    granularity: t.literal("page"),
    domain: name,
    iova: page,
    mask: range(0, 63),
    leafOnly: t.boolean,
    drain: t.boolean,
  }),
]);

export const stepCodec = t.union(
  [
    /** Writes the context entry of a device: the domain's tables, or pass-through under the domain's id. */
    t.strict({
      do: t.literal("attach"),
      device: name,
      domain: name,
      type: oneOf("translated", "all", "pass-through"),
      faultProcessingDisable: t.boolean,
      writeBack: t.boolean,
    }),
    /** Clears the present bit of a device's context entry. */
    t.strict({ do: t.literal("detach"), device: name, writeBack: t.boolean }),
    /** Maps one page, building the tables on the way where they are missing. */
    t.strict({
      do: t.literal("map"),
      mapping: name,
      domain: name,
      iova: page,
      page,
      size: sizeCodec,
      access: accessCodec,
      writeBack: t.boolean,
    }),
    t.strict({ do: t.literal("unmap"), mapping: name, writeBack: t.boolean }),
    t.strict({ do: t.literal("protect"), mapping: name, access: accessCodec, writeBack: t.boolean }),
    /** Points the entry of a level at a spare table instead of the one below it. */
    t.strict({
      do: t.literal("retable"),
      domain: name,
      iova: page,
      level: range(2, 5),
      spare: range(0, 2),
      writeBack: t.boolean,
    }),
    /** Sets one bit of a table word to a value: what broken or hostile software may do. */
    t.strict({
      do: t.literal("corrupt"),
      entry: entryCodec,
      bit: range(0, 127),
      value: range(0, 1),
      writeBack: t.boolean,
    }),
    /** Writes back every line that is still dirty, and the write buffer where the platform has one. */
    t.strict({ do: t.literal("write-back") }),
    /** Submits an invalidation; through registers it is waited for if `complete`, through the queue by a `wait`. */
    t.strict({ do: t.literal("invalidate"), target: targetCodec, complete: t.boolean }),
    /** A wait descriptor, and the wait for its sign if there is one. */
    t.strict({ do: t.literal("wait"), sign: oneOf("status", "interrupt", "none"), fence: t.boolean }),
    /** An illegal descriptor; software sees the error, puts a wait in its place and goes on. */
    t.strict({
      do: t.literal("queue-error"),
      error: oneOf("type", "reserved", "granularity"),
      /** Software writes the tail again after it has cleared the error. */
      rewriteTail: t.boolean,
    }),
    /** Points the unit at a root table: 0 and 1 are software's own, 2 is where no memory is. */
    t.strict({ do: t.literal("set-root"), root: range(0, 2), complete: t.boolean }),
    t.strict({ do: t.literal("translation"), enable: t.boolean, complete: t.boolean }),
    /** Reads the fault registers, and frees them if `clear`. */
    t.strict({ do: t.literal("read-faults"), clear: t.boolean }),
    /** Reads the registers that tell what the unit is and what it was told. */
    t.strict({ do: t.literal("read-registers") }),
    /** Software takes a page back and gives it new content, where earlier requests may have written. */
    t.strict({ do: t.literal("reuse"), page }),
    t.strict({
      do: t.literal("dma"),
      device: name,
      iova: page,
      type: oneOf("read", "write", "atomic", "zero-length-read"),
      /** Bytes; a request of 8 bytes that crosses a page is split by the platform. */
      length: t.union([t.literal(4), t.literal(8)]),
      /** At most one request of a scenario should: its halves have no place of their own to be recognised by. */
      crossing: t.boolean,
    }),
  ],
  "a step of a known kind",
);

export const scenarioCodec = t.strict({
  format: t.literal("iommu-spec scenario 1"),
  architecture: t.literal("vtd"),
  profile: t.string,
  start: oneOf("translating", "reset"),
  /** Whether software invalidates through the queue or through registers. */
  invalidation: oneOf("queue", "registers"),
  /** Seed of what an implementation leaves to chance. */
  timing: range(0, 0xffffffff),
  devices: t.array(t.strict({ name, requester: range(0, 0xffff) })),
  domains: t.array(t.strict({ name, id: range(0, 0xffff), levels: range(3, 5) })),
  steps: t.array(stepCodec, "a list of steps"),
});

export type Step = t.TypeOf<typeof stepCodec>;
export type Scenario = t.TypeOf<typeof scenarioCodec>;
export type InvalidationTargetOf = t.TypeOf<typeof targetCodec>;
export type EntryName = t.TypeOf<typeof entryCodec>;

/** A scenario file cannot be used; the message says what and where. */
export class ScenarioError extends Error {
  override readonly name = "ScenarioError";
}

/**
 * A scenario from its parsed JSON.
 * @throws ScenarioError naming the first place that does not fit
 */
export function scenarioFrom(data: unknown): Scenario {
  return checked(scenarioCodec, data);
}

/**
 * What a codec makes of parsed JSON that names a profile.
 * @throws ScenarioError naming the first place that does not fit, or the known profiles
 */
export function checked<T extends { profile: string }>(codec: t.Decoder<unknown, T>, data: unknown): T {
  const decoded = codec.decode(data);
  if (isLeft(decoded)) throw new ScenarioError(describeMismatch(decoded.left));
  const scenario = decoded.right;
  if (!profiles.some((one) => one.id === scenario.profile)) {
    throw new ScenarioError(
      `unknown profile "${scenario.profile}"; known: ${profiles.map((one) => one.id).join(", ")}`,
    );
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
