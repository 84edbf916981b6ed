import { describe, expect, test } from "vitest";
import { printable } from "./printable.js";

describe("text of others", () => {
  test.each([
    ["a terminal's commands", "\u001b[2J\u009b31m\u0007", "\\u001b[2J\\u009b31m\\u0007"],
    ["what hides other text", "a\rb\b\u0000\u007f", "a\\u000db\\u0008\\u0000\\u007f"],
    ["lines turned around", "\u202eabc\u2066", "\\u202eabc\\u2066"],
    ["invisible characters", "\ufeff{}\u200b\u{e0041}", "\\ufeff{}\\u200b\\udb40\\udc41"],
    ["other line ends", "a\u2028b", "a\\u2028b"],
    ["half a character", "\ud800", "\\ud800"],
    ["what people write", "größer\tals 4 €\n日本 😀", "größer\tals 4 €\n日本 😀"],
  ])("shows %s", (_, text, shown) => {
    expect(printable(text)).toBe(shown);
  });

  test("stays the same JSON", () => {
    const value = { "a\u202e": "\u001b\u009b\u2028\u{e0041}\ud800" };
    expect(JSON.parse(printable(JSON.stringify(value, null, 2)))).toEqual(value);
  });
});
