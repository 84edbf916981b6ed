/** What the suite asks of an IOMMU under test, and the answers. Fields mean what they do in `model/trace.ts`. */
import * as t from "io-ts";
import { actionCodecs } from "./action-messages.js";
import { count, half, id, oneOf, page, requester, start } from "./codec.js";
import { profileCodec } from "./profile-codec.js";

/** An offset of a DWORD in a page. */
const dataOffset = half;

export const runSetupCodec = t.strict({
  profile: profileCodec,
  start,
  requesters: t.array(requester),
  dataPages: t.array(page),
  tablePages: t.array(page),
  rootPage: page,
  rootPages: count,
  queuePage: page,
  logPage: t.union([page, t.null]),
  timing: id,
});

/** What the suite sends after the hello. */
export const iommuRequestCodecs = {
  reset: t.strict({ id, do: t.literal("reset"), setup: runSetupCodec }),
  ...actionCodecs,
  request: t.strict({
    id,
    do: t.literal("request"),
    requester,
    page,
    offset: dataOffset,
    length: half,
    type: oneOf("read", "write", "atomic", "zero-length-read"),
    /** `writeTag(slot)`: what a write puts into every DWORD that it covers. */
    value: half,
    slot: half,
  }),
  "read-data": t.strict({ id, do: t.literal("read-data"), offset: dataOffset, pages: t.array(page) }),
} as const;

const nothing = t.type({ id });
const value = t.type({ id, low: half, high: half });
const seen = t.type({ id, seen: t.boolean });
/** Where a request took effect: in a page of memory, or `model/trace.ts` Effect. */
const landed = t.type({ id, page });
const elsewhere = t.type({ id, effect: oneOf("blocked", "nowhere", "interrupt", "done") });

/** What the program answers, by what was asked. */
export const iommuAnswerCodecs = {
  reset: nothing,
  store: nothing,
  "flush-line": nothing,
  "write-register": nothing,
  "read-register": value,
  "poll-register": seen,
  "read-memory": value,
  "poll-memory": seen,
  request: t.union([landed, elsewhere]),
  "read-data": t.type({ id, values: t.array(half) }),
} as const satisfies Record<keyof typeof iommuRequestCodecs, t.Mixed>;

type Requests = typeof iommuRequestCodecs;
export type IommuRequest = { readonly [Kind in keyof Requests]: t.TypeOf<Requests[Kind]> }[keyof Requests];
type Answers = typeof iommuAnswerCodecs;
export type IommuAnswer<Kind extends keyof Answers> = t.TypeOf<Answers[Kind]>;
