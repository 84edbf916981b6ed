import { describe, expect, it } from "vitest";
import { Effect } from "../trace.js";
import { showEffect } from "./oracle.js";

describe("an effect in words", () => {
  it.each([
    [0x12345, "reaches page 0x12345000"],
    [0, "reaches page 0x0"],
    [Effect.blocked, "is blocked"],
    [Effect.nowhere, "has no effect"],
    [Effect.interrupt, "goes to the interrupt unit"],
    [Effect.done, "completes without touching memory"],
  ])("%i", (effect, text) => {
    expect(showEffect(effect)).toBe(text);
  });
});
