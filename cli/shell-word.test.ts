import { spawnSync } from "node:child_process";
import { describe, expect, it } from "vitest";
import { shellWord } from "./shell-word.js";

describe("shellWord", () => {
  it("leaves names and paths as they are", () => {
    for (const text of ["vtd", "vtd:no-flush", "./a/b-c.mjs", "exec:./my-driver"])
      expect(shellWord(text)).toBe(text);
  });

  it("is read by a shell as the very text", () => {
    const texts = [
      "exec:./my driver --mode 'a b'",
      'a "quoted" $HOME `id`',
      "back\\slash;&|<>*?",
      "",
      "line\nline",
    ];
    const script = `printf '%s\\0' ${texts.map(shellWord).join(" ")}`;
    const { stdout } = spawnSync("sh", ["-c", script], { encoding: "utf8" });
    expect(stdout.split("\0").slice(0, -1)).toEqual(texts);
  });
});
