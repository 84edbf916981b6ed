/** What is sent for a run is what its codecs take, and says all of the run. */
import { isRight } from "fp-ts/lib/Either.js";
import type * as t from "io-ts";
import { describe, expect, test } from "vitest";
import { architectures } from "../../../model/architectures.js";
import { type Action, writeTag } from "../../../model/trace.js";
import { requesterId } from "../../../model/words/address.js";
import { iommuRequestCodecs } from "../../protocol/messages.js";
import type { RunSetup } from "../interface.js";
import { actionText, sendRun } from "./run-messages.js";

const requester = requesterId(0, 4, 0);
const request = { requester, page: 2 ** 40, offset: 8, length: 8, type: "atomic" } as const;
const actions: readonly Action[] = [
  { do: "store", page: 2 ** 40, word: 511, low: 0xffffffff, high: 0x80000000 },
  { do: "flush-line", page: 7, line: 63 },
  { do: "write-register", offset: 0x18, width: 8, low: 1, high: 0xffffffff },
  { do: "read-register", offset: 0x1c, width: 4 },
  { do: "poll-register", offset: 0x1c, mask: 0x80000000, value: 0 },
  { do: "read-memory", page: 7, word: 0 },
  { do: "poll-memory", page: 7, word: 1, value: 0xffffffff },
  { do: "request", request, slot: 12 },
];

function decoded(text: string): unknown {
  const message = JSON.parse(`{"id":5,${text}`);
  const codec: t.Mixed = iommuRequestCodecs[message.do as Action["do"]];
  const result = codec.decode(message);
  return isRight(result) ? result.right : `no ${message.do}`;
}

function setupOf(profile: RunSetup["profile"]): RunSetup {
  return {
    profile,
    start: "translating",
    requesters: [requester],
    dataPages: [1, 2],
    tablePages: [3],
    rootPage: 4,
    rootPages: 1,
    queuePage: 5,
    logPage: profile.architecture === "amdvi" ? 6 : null,
    timing: 0xffffffff,
  };
}

describe("the messages of a run", () => {
  test.each(actions)("$do: every field, and what a write writes", (action) => {
    const expected =
      action.do === "request"
        ? { do: "request", ...action.request, value: writeTag(action.slot), slot: action.slot }
        : action;
    expect(decoded(actionText(action))).toEqual({ id: 5, ...expected });
  });

  test.each(architectures.flatMap((one) => one.profiles))("$id: reset, actions and data", (profile) => {
    const setup = setupOf(profile);
    const texts: string[] = [];
    sendRun({ sendText: (text) => texts.push(text) }, { setup, actions }, false);
    const [reset, ...rest] = texts.map(decoded);
    expect(reset).toEqual({ id: 5, do: "reset", setup });
    expect(rest.slice(actions.length)).toEqual(
      [8, 12].map((offset) => ({ id: 5, do: "read-data", offset, pages: [1, 2] })),
    );
  });
});
