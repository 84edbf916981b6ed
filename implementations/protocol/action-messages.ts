/** What software does to memory and registers, as both roles have it: `model/trace.ts` Action, with the id of a message. */
import * as t from "io-ts";
import { half, id, page, registerOffset, WholeNumber, width, word } from "./codec.js";

export const actionCodecs = {
  store: t.strict({ id, do: t.literal("store"), page, word, low: half, high: half }),
  "flush-line": t.strict({ id, do: t.literal("flush-line"), page, line: new WholeNumber(0, 63) }),
  "write-register": t.strict({
    id,
    do: t.literal("write-register"),
    offset: registerOffset,
    width,
    low: half,
    high: half,
  }),
  "read-register": t.strict({ id, do: t.literal("read-register"), offset: registerOffset, width }),
  "poll-register": t.strict({
    id,
    do: t.literal("poll-register"),
    offset: registerOffset,
    mask: half,
    value: half,
  }),
  "read-memory": t.strict({ id, do: t.literal("read-memory"), page, word }),
  "poll-memory": t.strict({ id, do: t.literal("poll-memory"), page, word, value: half }),
} as const;
