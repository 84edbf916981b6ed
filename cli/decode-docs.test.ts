/** Every example of docs/decode.md prints what the document says. */
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { architectures } from "../model/architectures.js";
import { decodes } from "./decode.testing.js";

const DOCUMENT = readFileSync(fileURLToPath(new URL("../docs/decode.md", import.meta.url)), "utf8");

/** Blocks that begin with a command; an argument in single quotes may go over lines. */
const examples = [
  ...DOCUMENT.matchAll(/```console\n\$ iommu-spec decode ((?:'[^']*'|[^'\n])+)\n([\s\S]*?)\n```/g),
].map(([, command, printed]) => [command!, printed!] as const);

function argumentsOf(command: string): string[] {
  return [...command.matchAll(/'([^']*)'|(\S+)/g)].map(([, quoted, plain]) => quoted ?? plain!);
}

describe("docs/decode.md", () => {
  it("has an example of each form", () => {
    expect(examples.length).toBe(DOCUMENT.split("```console").length - 1);
    expect(examples.length).toBeGreaterThanOrEqual(6);
  });

  it.each(examples)("iommu-spec decode %s", (command, printed) => {
    expect(decodes(...argumentsOf(command)).text).toBe(printed);
  });

  it("names the structures that there are", () => {
    const known = new Set(architectures.flatMap((one) => one.structures.all.map(({ name }) => name)));
    const section = DOCUMENT.slice(DOCUMENT.indexOf("## Structures"), DOCUMENT.indexOf("The number behind"));
    const named = [...section.matchAll(/`(?:vtd\.|amdvi\.)?([a-z][a-z0-9-]+)`/g)].map(([, name]) => name!);
    expect(named.length).toBeGreaterThan(15);
    expect(named.filter((one) => !known.has(one))).toEqual([]);
  });
});
