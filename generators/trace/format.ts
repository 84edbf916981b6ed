/**
 * Recorded traces as JSON lines: a header, then one record on each line. Checked on the way in; what the codecs here and
 * in `format-header.ts` take is the format (`docs/trace-format.md`).
 */
import * as t from "io-ts";
import { type OwnershipEvent, Right, type TraceRecord } from "../../model/isolation/events.js";
import type { Action, Observation } from "../../model/trace.js";
import { oneOf } from "../codec.js";
import { codecOf, decoded, half, number, page, requester, TraceFormatError, word } from "./format-codec.js";

const pages = number(1, 2 ** 24);
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
  reserve: t.strict({ event: t.literal("reserve"), requester, region: t.string, page, pages, access }),
  guard: t.strict({ event: t.literal("guard"), page, pages }),
  vacate: t.strict({ event: t.literal("vacate"), requester }),
  virtual: t.strict({ event: t.literal("virtual"), requester }),
  ready: t.strict({ event: t.literal("ready") }),
  update: t.strict({ event: t.literal("update"), begins: t.boolean }),
} as const satisfies { readonly [Name in OwnershipEvent["event"]]: t.Mixed };

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
