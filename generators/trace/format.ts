/**
 * Recorded traces as JSON lines: a header, then one record on each line. Checked on the way in; what the codecs here take
 * is the format (`docs/trace-format.md`).
 */
import { isLeft } from "fp-ts/lib/Either.js";
import * as t from "io-ts";
import { type OwnershipEvent, Right, type TraceRecord } from "../../model/isolation/events.js";
import type { RunStart } from "../../model/run-start.js";
import type { Action, Observation, Word } from "../../model/trace.js";
import type { PlatformProfile } from "../../model/vtd/profile.js";
import { profiles } from "../../model/vtd/profiles.js";
import { oneOf } from "../scenario.js";

/** A line does not fit the format; the message says where in the line, and what was expected there. */
export class TraceFormatError extends Error {
  override readonly name = "TraceFormatError";
}

const HEXADECIMAL = /^0x[0-9a-f]+$/i;

/** A whole number from `low` to `high`, as a JSON number or as `"0x…"`. */
function number(low: number, high: number): t.Type<number, number, unknown> {
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
const word = new t.Type<Word, string, unknown>(
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

const half = number(0, 0xffffffff);
const page = number(0, 2 ** 52 - 1);
/** Every page of memory that something is said about takes room. */
const MOST_PAGES = 2 ** 32;
const pages = number(1, 2 ** 24);
const requester = number(0, 0xffff);
const wordIndex = number(0, 511);
const offset = number(0, 0xffff);
const access = number(1, Right.both);
const width = t.union([t.literal(4), t.literal(8)]);
const slot = number(0, 2 ** 28);

/** What an action showed. `low` may be negative: an `Effect`. */
const seen = t.tuple([number(-4, 2 ** 52), half]);

const request = t.strict({
  requester,
  page,
  offset: number(0, 4095),
  length: t.union([t.literal(0), t.literal(4), t.literal(8)]),
  type: oneOf("read", "write", "atomic", "zero-length-read"),
});

/** By what `do` says. Actions that show something have `seen`. */
const actions = {
  store: t.strict({ do: t.literal("store"), page, word: wordIndex, value: word }),
  "flush-line": t.strict({ do: t.literal("flush-line"), page, line: number(0, 63) }),
  "write-register": t.strict({ do: t.literal("write-register"), offset, width, value: word }),
  "read-register": t.strict({ do: t.literal("read-register"), offset, width, seen }),
  "read-memory": t.strict({ do: t.literal("read-memory"), page, word: wordIndex, seen }),
  "poll-register": t.strict({ do: t.literal("poll-register"), offset, mask: half, value: half, seen }),
  "poll-memory": t.strict({ do: t.literal("poll-memory"), page, word: wordIndex, value: half, seen }),
  request: t.strict({ do: t.literal("request"), request, slot, seen }),
} as const;

type ActionLine = t.TypeOf<(typeof actions)[keyof typeof actions]>;

const owner = t.string;
const domain = t.string;
const grant = { domain, iova: page, page, pages, access };

/** By what `event` says. */
const events = {
  allocate: t.strict({ event: t.literal("allocate"), page, pages, owner }),
  share: t.strict({ event: t.literal("share"), page, pages, owner }),
  free: t.strict({ event: t.literal("free"), page, pages }),
  "allocate-table": t.strict({ event: t.literal("allocate-table"), page }),
  "free-table": t.strict({ event: t.literal("free-table"), page }),
  protect: t.strict({ event: t.literal("protect"), page, pages }),
  grant: t.strict({ event: t.literal("grant"), ...grant }),
  withdraw: t.strict({ event: t.literal("withdraw"), ...grant }),
  usable: t.strict({ event: t.literal("usable"), ...grant }),
  retire: t.strict({ event: t.literal("retire"), ...grant }),
  assign: t.strict({ event: t.literal("assign"), requester, domain }),
  attached: t.strict({ event: t.literal("attached"), requester, domain }),
  leave: t.strict({ event: t.literal("leave"), requester, domain }),
  unassign: t.strict({ event: t.literal("unassign"), requester, domain }),
  program: t.strict({ event: t.literal("program"), requester, iova: page, access }),
  "reset-device": t.strict({ event: t.literal("reset-device"), requester }),
  ready: t.strict({ event: t.literal("ready") }),
  update: t.strict({ event: t.literal("update"), begins: t.boolean }),
} as const satisfies { readonly [Name in OwnershipEvent["event"]]: t.Mixed };

const profileCodec = t.strict({
  id: t.string,
  description: t.string,
  source: t.string,
  version: t.strict({ major: number(0, 15), minor: number(0, 15) }),
  capability: word,
  extendedCapability: word,
  hostAddressWidth: number(12, 64),
  iotlbLookup: oneOf("source-id", "domain-id", "either"),
  ignoredBitsChecked: t.boolean,
  memoryPages: number(1, MOST_PAGES),
});

const run = t.strict({ page, pages });

const headerCodec = t.intersection([
  t.strict({
    format: t.literal("iommu-spec trace 1"),
    architecture: t.literal("vtd"),
    profile: t.unknown,
    start: oneOf("translating", "reset"),
    requesters: t.array(requester),
    rootPage: page,
    queuePage: page,
  }),
  t.exact(
    t.partial({ protected: t.array(run), dataPages: t.array(page), memoryPages: number(1, MOST_PAGES) }),
  ),
]);

/** A run of pages that is software's own for the whole trace. */
export type PageRun = t.TypeOf<typeof run>;

/** What the first line of a trace says. */
export interface TraceHeader {
  readonly profile: PlatformProfile;
  readonly setup: RunStart;
  readonly protectedRuns: readonly PageRun[];
}

/**
 * The header from the parsed JSON of the first line.
 * @throws TraceFormatError naming the place that does not fit
 */
export function headerFrom(data: unknown): TraceHeader {
  const header = decoded(headerCodec, data);
  const { start, requesters, rootPage, queuePage, dataPages, memoryPages } = header;
  const profile = profileFrom(header.profile);
  return {
    profile: memoryPages === undefined ? profile : { ...profile, memoryPages },
    setup: {
      start,
      rootPage,
      rootPages: 1,
      queuePage,
      logPage: null,
      requesters,
      dataPages: dataPages ?? [],
      tablePages: [],
    },
    protectedRuns: header.protected ?? [],
  };
}

/** A profile of the suite by its id, or one that is written out. */
function profileFrom(data: unknown): PlatformProfile {
  if (typeof data !== "string") return { architecture: "vtd", ...decoded(profileCodec, data, "profile.") };
  const found = profiles.find((one) => one.id === data);
  if (found) return found;
  const ids = profiles.map((one) => one.id).join(", ");
  throw new TraceFormatError(`at profile: unknown profile "${data}"; known: ${ids}`);
}

/** The first line of a trace; a profile that the suite knows is written as its id. */
export function headerLine({ profile, setup, protectedRuns }: TraceHeader): string {
  const { rootPage, queuePage, requesters, dataPages } = setup;
  return JSON.stringify({
    format: "iommu-spec trace 1",
    architecture: "vtd",
    profile: profiles.includes(profile) ? profile.id : profileCodec.encode(profile),
    start: setup.start,
    requesters,
    rootPage,
    queuePage,
    ...(protectedRuns.length > 0 && { protected: protectedRuns }),
    ...(dataPages.length > 0 && { dataPages }),
  });
}

const SHOWN_NOTHING: Observation = { low: 0, high: 0 };

/**
 * A record from the parsed JSON of a line.
 * @throws TraceFormatError naming the place that does not fit
 */
export function recordFrom(data: unknown): TraceRecord {
  if (typeof data !== "object" || data === null) throw new TraceFormatError("expected an object");
  if ("do" in data) return actionRecord(decoded(codecOf(actions, "do", data.do), data));
  if ("event" in data) return decoded(codecOf(events, "event", data.event), data);
  throw new TraceFormatError('expected an action (with "do") or an event (with "event")');
}

/** The one codec that fits what a line says it is: trying them all would take far longer. */
function codecOf<Codecs extends Readonly<Record<string, t.Mixed>>>(
  codecs: Codecs,
  key: string,
  name: unknown,
): t.Decoder<unknown, t.TypeOf<Codecs[keyof Codecs]>> {
  if (typeof name === "string" && Object.hasOwn(codecs, name)) return codecs[name]!;
  throw new TraceFormatError(
    `at ${key}: unknown ${JSON.stringify(name)}; known: ${Object.keys(codecs).join(", ")}`,
  );
}

function actionRecord(line: ActionLine): TraceRecord {
  switch (line.do) {
    case "store":
      return {
        action: { do: "store", page: line.page, word: line.word, ...line.value },
        seen: SHOWN_NOTHING,
      };
    case "write-register": {
      const action = { do: line.do, offset: line.offset, width: line.width, ...line.value };
      return { action, seen: SHOWN_NOTHING };
    }
    case "flush-line":
      return { action: line, seen: SHOWN_NOTHING };
    default: {
      const { seen: shown, ...action } = line;
      return { action, seen: { low: shown[0], high: shown[1] } };
    }
  }
}

/** The line of a record. */
export function recordLine(record: TraceRecord): string {
  if ("event" in record) return JSON.stringify(record);
  const { action, seen: shown } = record;
  return JSON.stringify(lineData(action, shown));
}

function lineData(action: Action, shown: Observation): object {
  switch (action.do) {
    case "store":
    case "write-register": {
      const { low, high, ...rest } = action;
      return { ...rest, value: word.encode({ low, high }) };
    }
    case "flush-line":
      return action;
    default:
      return { ...action, seen: [shown.low, shown.high] };
  }
}

function decoded<A>(codec: t.Decoder<unknown, A>, data: unknown, within = ""): A {
  const result = codec.decode(data);
  if (isLeft(result)) throw new TraceFormatError(mismatch(result.left, within));
  return result.right;
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
  const parent = context[index - 1]?.type;
  return parent instanceof t.UnionType || parent instanceof t.IntersectionType;
}
