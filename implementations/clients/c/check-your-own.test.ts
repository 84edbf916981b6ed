/** docs/check-your-own.md, followed literally: every command in it, in order, has to print what the document says. */
import { chmodSync, cpSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  client,
  compileCommandLine,
  noCompiler,
  removeFolder,
  root,
  run,
  temporaryFolder,
} from "./programs.testing.js";

/** Commands to type, and what they print; null where the document does not say. */
interface Step {
  readonly commands: string;
  readonly output: string | null;
}

function stepsOf(markdown: string): Step[] {
  const fences = [...markdown.matchAll(/^```(\w+)\n(.*?)^```$/gms)].map(([, kind, text]) => ({
    kind,
    text: text!,
  }));
  return fences.flatMap(({ kind, text }, index) => {
    const next = fences[index + 1];
    return kind === "sh" ? [{ commands: text, output: next?.kind === "text" ? next.text : null }] : [];
  });
}

/** Times, rates and the number of threads are the machine's. */
function withoutTimes(text: string): string {
  return text.replace(/ in [\d.]+ s \(\d+\/s\)/g, "").replace(/, \d+ workers?/g, "");
}

/** What matches an output in which `...` stands for whatever is left out: lines, or the end of one. */
function patternOf(output: string): RegExp {
  const lines = withoutTimes(output.trimEnd()).split("\n");
  const escaped = (text: string) => text.replace(/[\\^$.*+?()[\]{}|/]/g, "\\$&");
  const patterns = lines.map((line) => {
    if (line === "...") return "(?:.*\\n)*?";
    return line.endsWith("...") ? `${escaped(line.slice(0, -3))}.*\\n` : `${escaped(line)}\\n`;
  });
  return new RegExp(`^${patterns.join("")}$`);
}

const steps = stepsOf(readFileSync(join(root, "docs/check-your-own.md"), "utf8"));
const folder = temporaryFolder();
const checkout = join(folder, "checkout");
const path = [join(folder, "bin"), process.env.PATH].join(delimiter);
const skipped = noCompiler === null ? "" : `: skipped, ${noCompiler}`;

/** A checkout as the document finds it: the client, and `npx` that has nothing to look up. */
function prepare(): void {
  const js = join(folder, "js");
  mkdirSync(js);
  mkdirSync(join(folder, "bin"));
  cpSync(client, join(checkout, "implementations/clients/c"), { recursive: true });
  const main = compileCommandLine(js);
  const npx = join(folder, "bin/npx");
  writeFileSync(
    npx,
    `#!/bin/sh\n[ "$1" = iommu-spec ] && shift && exec "${process.execPath}" "${main}" "$@"\n`,
  );
  chmodSync(npx, 0o755);
}

describe.skipIf(noCompiler !== null)(`docs/check-your-own.md${skipped}`, () => {
  beforeAll(prepare);
  afterAll(() => removeFolder(folder));

  it("has steps that say what they print", () => {
    expect(steps.length).toBeGreaterThan(6);
    expect(steps.filter((one) => one.output === null)).toEqual([]);
  });

  it.each(steps.map((step, index) => [index + 1, step] as const))("step %i", (_, { commands, output }) => {
    const { stdout, stderr } = run(checkout, "env", [`PATH=${path}`, "bash", "-c", commands]);
    expect(
      stderr
        .split("\n")
        .filter((line) => !/scenarios?, .* left/.test(line))
        .join("\n"),
    ).toBe("");
    expect(withoutTimes(stdout)).toMatch(patternOf(output!));
  });

  it("finds the mistake that the example driver can be compiled with", () => {
    const commands = [
      "gcc -std=c11 -g -DSETTLES_BEFORE_FLUSH -o mine/broken mine/driver.c mine/iommu_spec.c",
      "npx iommu-spec check --driver exec:mine/broken --seed 2 --runs 1",
    ];
    const { stdout, status } = run(checkout, "env", [`PATH=${path}`, "bash", "-c", commands.join(" && ")]);
    expect(stdout).toMatch(/freed-page: breaks I1 \(seen once; no step can be removed\)/);
    expect(stdout).toMatch(/ 3 {2}unmap 1 page of m\d from page 0\n/);
    expect(status).toBe(1);
  });
});
