/**
 * What the suite asks of a driver under test, the accesses by which the driver carries it out, and their answers. Fields
 * mean what they do in `implementations/driver/interface.ts`.
 */
import * as t from "io-ts";
import { actionCodecs } from "./action-messages.js";
import { count, half, id, oneOf, page, requester, start, WholeNumber, word } from "./codec.js";
import { profileCodec } from "./profile-codec.js";

export const driverSetupCodec = t.strict({
  profile: profileCodec,
  invalidation: oneOf("queue", "registers"),
  flushing: oneOf("strict", "deferred"),
  start,
  rootPage: page,
  rootPages: count,
  queuePage: page,
  statusPage: page,
  logPage: t.union([page, t.null]),
});

const ticket = id;
/** `Right` bits: 1 read, 2 write. */
const rights = new WholeNumber(0, 3);
const domain = t.string;
const device = t.strict({ name: t.string, requesters: t.array(requester) });
const mapping = t.strict({ iova: page, page, pages: count, access: rights });

/** What the suite sends after the hello: a new driver for a new run, then intents. */
export const driverRequestCodecs = {
  setup: t.strict({ id, do: t.literal("setup"), setup: driverSetupCodec }),
  start: t.strict({ id, do: t.literal("start") }),
  attach: t.strict({ id, do: t.literal("attach"), device, domain, ticket }),
  detach: t.strict({ id, do: t.literal("detach"), device, ticket }),
  map: t.strict({ id, do: t.literal("map"), domain, mapping, ticket }),
  protect: t.strict({ id, do: t.literal("protect"), domain, mapping, ticket }),
  unmap: t.strict({ id, do: t.literal("unmap"), domain, mapping, ticket }),
  merge: t.strict({ id, do: t.literal("merge"), domain, mapping, ticket }),
  destroy: t.strict({ id, do: t.literal("destroy"), domain, ticket }),
  sync: t.strict({ id, do: t.literal("sync") }),
} as const;

/** What the program sends while an intent is under way, with the id of the intent. */
export const accessCodecs = {
  ...actionCodecs,
  "clear-page": t.strict({ id, do: t.literal("clear-page"), page }),
  load: t.strict({ id, do: t.literal("load"), page, word }),
  "flush-page": t.strict({ id, do: t.literal("flush-page"), page }),
  lock: t.strict({ id, do: t.literal("lock"), lock: t.string }),
  unlock: t.strict({ id, do: t.literal("unlock"), lock: t.string }),
  "allocate-table": t.strict({ id, do: t.literal("allocate-table") }),
  "free-table": t.strict({ id, do: t.literal("free-table"), page }),
  "reset-device": t.strict({ id, do: t.literal("reset-device"), requester }),
  settled: t.strict({ id, do: t.literal("settled"), ticket }),
} as const;

type Requests = typeof driverRequestCodecs;
export type DriverRequest = { readonly [Kind in keyof Requests]: t.TypeOf<Requests[Kind]> }[keyof Requests];

type Accesses = typeof accessCodecs;
/** An `Access` of the driver's interface, with the id of its intent. */
export type SentAccess = { readonly [Kind in keyof Accesses]: t.TypeOf<Accesses[Kind]> }[keyof Accesses];

/** What the suite answers to an access. */
export const accessAnswerCodec = t.strict({ id, low: page, high: half });
/** What the program answers to `setup`. */
export const setupAnswerCodec = t.type({ id });
/** What the program says when an intent is carried out. */
export const doneCodec = t.type({ id, done: t.literal(true) });
