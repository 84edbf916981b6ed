import { describe, expect, it } from "vitest";
import { platformNamed } from "../../../../model/architectures.js";
import { type Action, pageTag, writeTag } from "../../../../model/trace.js";
import type { RunSetup } from "../../interface.js";
import { device, read, request, store, write32 } from "../testing.js";
import { exactly, NOWHERE, wordOf } from "./lines.js";
import { type Decisive, Transcriber } from "./transcript.js";

const setup: RunSetup = {
  profile: platformNamed("qemu-48"),
  start: "translating",
  requesters: [device],
  dataPages: [4096, 4097],
  tablePages: [8192, 8193, 8194],
  timing: 0,
  rootPage: 8192,
  rootPages: 1,
  queuePage: 8194,
  logPage: null,
};

function transcriber(actions: readonly Action[], effects: readonly number[]) {
  const observations = effects.map((low) => ({ low, high: 0 }));
  const run = { setup, actions, observations, stepOf: actions.map(() => 0), steps: ["the step"] };
  return new Transcriber(run, [device], "7.2.22");
}

function linesOf(actions: readonly Action[], effects: readonly number[], decisive: Decisive) {
  const lines = transcriber(actions, effects).lines(decisive, []);
  return lines.slice(lines.findIndex((one) => one.do === "heading" && one.text.startsWith("Step 1")) + 1);
}

describe("the lines of a run", () => {
  it("have stores and register writes as they are, with what they mean", () => {
    const actions = [store(8192, 1, 5), write32(0x18, 0x84000000), read(0x1c)];
    expect(linesOf(actions, [0, 0, 0], { by: "action", index: 2 })).toEqual([
      { do: "write", width: 8, address: 0x2000008, value: wordOf(5), comment: "root table, word 1" },
      { do: "write", width: 4, address: 0xfed90018, value: wordOf(0x84000000), comment: "GCMD_REG: TE QIE" },
      { do: "decide", look: { at: "memory", address: 0xfed9001c, width: 4 }, comment: "GSTS_REG" },
    ]);
  });

  it("look for what a device has written at once", () => {
    const [, look] = linesOf([request("write", 3, 5, 8)], [4097], { by: "action", index: 0 });
    const pages = [4096, 4097];
    expect(look).toMatchObject({ do: "decide", look: { at: "pages", pages, offset: 8, tag: writeTag(3) } });
  });

  it("show what a device has read when translation is off", () => {
    const lines = linesOf([request("read", 1, 5, 8)], [4097], { by: "action", index: 0 });
    expect(lines.map((one) => one.do)).toEqual(["transfer", "heading", "write", "transfer", "decide"]);
  });

  it("check what earlier looks showed", () => {
    const poll: Action = { do: "poll-register", offset: 0x34, mask: 0x10, value: 0x10 };
    const lines = linesOf([poll, read(0x20, 8)], [0, 0], { by: "action", index: 1 });
    expect(lines[0]).toMatchObject({ do: "check", unless: true, expected: { mask: wordOf(0x10) } });
  });
});

describe("what a look gives for an effect", () => {
  const write = request("write", 1, 5, 8) as Action & { do: "request" };
  const fetch = request("read", 1, 5, 8) as Action & { do: "request" };

  it("is the address of the page that was written, or nowhere", () => {
    const written = transcriber([write], [-2]);
    expect(written.patternOf(write, 4097)).toEqual(exactly(wordOf(0x1001000), "it reaches page 0x1001000"));
    expect(written.patternOf(write, -2)).toEqual(exactly(NOWHERE, "it has no effect"));
  });

  it("is what the page that was read holds by then, or nothing", () => {
    const untouched = transcriber([fetch], [4097]);
    expect(untouched.patternOf(fetch, 4097).value).toEqual(wordOf(pageTag(4097, 8)));
    expect(untouched.patternOf(fetch, -1).value).toEqual(wordOf(0));
    const renewed = transcriber([store(4097, 1, 7), fetch], [0, 4097]);
    renewed.lines({ by: "action", index: 1 }, []);
    expect(renewed.patternOf(fetch, 4097).value).toEqual(wordOf(7));
  });
});
