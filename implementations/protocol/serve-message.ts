/** What both roles have in common on the program's side: messages are checked, the hello is answered. */
import { isLeft } from "fp-ts/lib/Either.js";
import type * as t from "io-ts";
import { type HelloAnswer, helloCodec, PROTOCOL, type Role } from "./messages.js";
import { mismatch } from "./mismatch.js";

/** What came in cannot be answered; the message says why. */
export class InputError extends Error {
  override readonly name = "InputError";
}

/** One role on the program's side. */
export interface Service {
  /**
   * What is to be answered to a message.
   * @throws InputError when it is none of the protocol's
   */
  answer(message: unknown): Answer;
}

/** A message, an object for JSON. */
export type Answer = object;

/** What a program says of itself, beside what its role implies. */
export type Identity = Omit<HelloAnswer, "id" | "protocol" | "role">;

/**
 * The answer to the hello, whichever role it is for: the suite says what to do about another; null for any other message.
 * @throws InputError when it is of another version of the protocol
 */
export function helloAnswered(message: unknown, role: Role, identity: Identity): Answer | null {
  if (kindOf(message) !== "hello") return null;
  const { protocol } = message as { readonly protocol?: unknown };
  if (protocol !== PROTOCOL)
    throw new InputError(`this program speaks version ${PROTOCOL} of the protocol, not ${protocol}`);
  const { id } = checked(helloCodec, message) as t.TypeOf<typeof helloCodec>;
  return { id, protocol: PROTOCOL, role, ...identity };
}

/** A message as the codec of its kind has it. @throws InputError when it is of no kind, or does not fit */
export function decodedMessage<Codecs extends Readonly<Record<string, t.Mixed>>>(
  codecs: Codecs,
  message: unknown,
): t.TypeOf<Codecs[keyof Codecs]> {
  const kind = kindOf(message);
  if (typeof kind === "string" && Object.hasOwn(codecs, kind)) return checked(codecs[kind]!, message);
  throw new InputError(`do has to be one of ${Object.keys(codecs).join(", ")}, not ${JSON.stringify(kind)}`);
}

/** What a message asks for; undefined where it asks for nothing. */
export function kindOf(message: unknown): unknown {
  return typeof message === "object" && message !== null && "do" in message ? message.do : undefined;
}

/** @throws InputError when a message does not fit; it says where */
export function checked<Codec extends t.Mixed>(codec: Codec, message: unknown): t.TypeOf<Codec> {
  const decoded = codec.decode(message);
  if (isLeft(decoded)) throw new InputError(mismatch(decoded.left));
  return decoded.right;
}
