/** The first message of a conversation, and its answer: who is there, and what can be asked of it. */
import * as t from "io-ts";
import { architecture, id, oneOf, Some, start, Text } from "./codec.js";

/** The version of the protocol. */
export const PROTOCOL = 1;

export const roleCodec = oneOf("iommu", "driver");
/** What a program is under test as. */
export type Role = t.TypeOf<typeof roleCodec>;

export const helloCodec = t.strict({
  id,
  do: t.literal("hello"),
  protocol: t.literal(PROTOCOL),
  role: roleCodec,
  /** Name and version of the suite. */
  suite: t.string,
});

const identity = t.type({
  id,
  protocol: t.literal(PROTOCOL),
  role: roleCodec,
  name: new Text(100),
  version: new Text(100),
  architectures: new Some(architecture),
});

/** What is left out is offered in full, but for `concurrent`. */
const capabilities = t.partial({
  /** Ids of the platform profiles that the program can be, or program. */
  profiles: new Some(new Text(100)),
  /** Types of requests that its devices can issue. */
  requests: t.array(oneOf("read", "write", "atomic", "zero-length-read")),
  /** States that a run can start in. */
  starts: new Some(start),
  invalidation: new Some(oneOf("queue", "registers")),
  flushing: new Some(oneOf("strict", "deferred")),
  /** Intents beside start, attach, detach, map, unmap and sync. */
  intents: t.array(oneOf("protect", "merge", "destroy")),
  /** Devices may have several requester ids. */
  aliases: t.boolean,
  /** Two intents may be under way at once. */
  concurrent: t.boolean,
});

export const helloAnswerCodec = t.intersection([identity, capabilities]);
export type HelloAnswer = t.TypeOf<typeof helloAnswerCodec>;

/** What decides whether the rest of an answer can be understood. */
export const greetingCodec = t.type({ protocol: t.number, role: t.string });

/** Any message may be answered by this: the run has no verdict. */
export const errorCodec = t.type({ id, error: t.string });
