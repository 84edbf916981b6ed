/** Every message of the protocol, by who sends it. What checks messages, documents them and makes the JSON Schema reads this. */
import type * as t from "io-ts";
import {
  accessAnswerCodec,
  accessCodecs,
  doneCodec,
  driverRequestCodecs,
  setupAnswerCodec,
} from "./driver-messages.js";
import { errorCodec, helloAnswerCodec, helloCodec } from "./hello.js";
import { iommuAnswerCodecs, iommuRequestCodecs } from "./iommu-messages.js";

export * from "./driver-messages.js";
export * from "./hello.js";
export * from "./iommu-messages.js";

/** The messages of one role: of the suite by what they ask for, of the program by what they answer or do. */
export interface Messages {
  readonly suite: Readonly<Record<string, t.Mixed>>;
  readonly program: Readonly<Record<string, t.Mixed>>;
}

const common = { suite: { hello: helloCodec }, program: { hello: helloAnswerCodec, error: errorCodec } };

export const messages = {
  iommu: {
    suite: { ...common.suite, ...iommuRequestCodecs },
    program: { ...common.program, ...iommuAnswerCodecs },
  },
  driver: {
    suite: { ...common.suite, ...driverRequestCodecs, answer: accessAnswerCodec },
    program: { ...common.program, setup: setupAnswerCodec, ...accessCodecs, done: doneCodec },
  },
} as const satisfies Readonly<Record<string, Messages>>;
