import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { generatePlatform } from "../generators/pci/platform.js";
import { defaultPlatformOptions, generatePlatformScenario } from "../generators/platform/generate.js";
import { architectures } from "../model/architectures.js";
import { ExitCode } from "./errors.js";
import { run } from "./run.js";

/** Machines with two units, of which one translates for functions that its table names. */
const SEEDS = { vtd: 0, amdvi: 4 } as const;

let folder = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "iommu-spec-decode-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

function file(name: string, content: string | Uint8Array): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

async function runs(...args: string[]) {
  const lines: string[] = [];
  const complaints: string[] = [];
  const exit = await run(
    args,
    (line) => lines.push(line),
    (line) => complaints.push(line),
  );
  return { exit, text: lines.join("\n"), complaints };
}

/** Two endpoints below a root port that redirects nothing, and one beside it. */
const DUMP = [
  "00:01.0 PCI bridge: port",
  ...rows({ 6: 0x10, 14: 1, 25: 1, 26: 1, 52: 0x40, 64: 0x10, 66: 0x42 }),
  "00:02.0 VGA compatible controller: graphics",
  ...rows({}),
  "01:00.0 Ethernet controller: one",
  ...rows({ 6: 0x10, 52: 0x40, 64: 0x10, 66: 0x02 }),
].join("\n");

function rows(bytes: Readonly<Record<number, number>>): string[] {
  return Array.from({ length: 16 }, (_, row) => {
    const cells = Array.from({ length: 16 }, (_, at) => (bytes[row * 16 + at] ?? 0).toString(16));
    return `${row.toString(16)}0: ${cells.map((one) => one.padStart(2, "0")).join(" ")}`;
  });
}

describe.each(architectures.map((one) => [one.firmwareTables.signature.toLowerCase(), one] as const))(
  "decode %s",
  (kind, { id, firmwareTables }) => {
    const platform = generatePlatform(SEEDS[id], id);
    const bytes = firmwareTables.bytesOf(platform);

    it("prints structures, no findings, units and groups of a correct table", async () => {
      const { exit, text } = await runs("decode", kind, file("table", bytes));
      expect(exit).toBe(ExitCode.holds);
      expect(text).toContain("no findings");
      const [unit] = platform.units;
      expect(text).toContain(`at 0x${unit!.registers.toString(16)}000 in segment`);
      expect(text).toContain("group");
    });

    it("takes hex, as dumps have it", async () => {
      const binary = await runs("decode", kind, file("table", bytes));
      const hex = Buffer.from(bytes).toString("hex").replaceAll(/.{32}/g, "$&\n");
      const text = await runs("decode", kind, file("table.txt", hex));
      expect(text.text).toBe(binary.text);
    });

    it("names what is wrong, and exits with 1", async () => {
      const broken = Uint8Array.from(bytes);
      broken[9]! ^= 1;
      const { exit, text } = await runs("decode", kind, file("table", broken));
      expect(exit).toBe(ExitCode.violated);
      expect(text).toMatch(/^byte 0: the bytes add up to .*, not to 0 \(.*\.checksum\)$/m);
    });

    it("holds the table against a machine", async () => {
      const { exit, text } = await runs("decode", kind, file("table", bytes), "--pci", file("pci", DUMP));
      expect(exit).toBe(ExitCode.violated);
      expect(text).toContain("0000:01:00.0: endpoint");
    });

    it("gives everything as JSON", async () => {
      const { text } = await runs("decode", kind, file("table", bytes), "--json");
      const { structures, findings, platform: shown } = JSON.parse(text);
      expect(structures.length).toBeGreaterThan(0);
      expect(findings).toEqual([]);
      expect(shown.units).toHaveLength(platform.units.length);
    });
  },
);

describe("decode, groups and platform", () => {
  it.each([
    [["decode"], "decode takes dmar|ivrs and a file"],
    [["decode", "dmar", "a", "b"], "decode dmar takes one file"],
    [["decode", "dmar", "a", "--profile", "gm45"], "decode dmar takes no --profile"],
    [["decode", "mcfg", "x"], 'unknown structure "mcfg"'],
    [["decode", "dmar", "/nonexistent/table"], "no such file"],
    [["groups"], "groups takes one file"],
    [["platform", "a", "b"], "platform takes one file"],
    [["platform", "/nonexistent/dump"], "no such file"],
  ])("%j is wrong usage", async (args, message) => {
    const { exit, complaints } = await runs(...args);
    expect(exit).toBe(ExitCode.usage);
    expect(complaints).toHaveLength(1);
    expect(complaints[0]).toContain(message);
  });

  it("says of a file that is no table, or no dump, what it should be", async () => {
    const { complaints } = await runs("decode", "dmar", file("text", "hello"));
    expect(complaints[0]).toContain("text is no DMAR: expected its bytes, or a hex dump");
    const dump = await runs("groups", file("text", "hello"));
    expect(dump.complaints[0]).toContain("expected the output of `lspci -xxxx`");
  });

  it("shows the groups of a machine with the reason, and its tree", async () => {
    const path = file("pci", DUMP);
    const { text, exit } = await runs("groups", path);
    expect(exit).toBe(ExitCode.holds);
    expect(text).toMatch(/^group 1: 0000:00:01\.0, 0000:01:00\.0\n {2}0000:00:01\.0 and 0000:01:00\.0: .*/);
    expect(text).toContain("each in a group of its own: 0000:00:02.0");
    expect(text).toContain("note: no extended configuration space of 2 functions");
    const tree = await runs("platform", path);
    expect(tree.text).toMatch(
      /01\.0 0000:00:01\.0: root port, to bus 01\n {6}bus 01\n {8}00\.0 0000:01:00\.0: endpoint/,
    );
  });

  it("shows the machine of a scenario", async () => {
    const scenario = generatePlatformScenario(4, defaultPlatformOptions("vtd"));
    const { text, exit } = await runs("platform", file("scenario.json", JSON.stringify(scenario)));
    expect(exit).toBe(ExitCode.holds);
    for (const { name } of scenario.platform.units) expect(text).toContain(`unit ${name} at`);
  });
});

describe("list structures", () => {
  it("names every structure with its width and section", async () => {
    const lines: string[] = [];
    const print = (line: string) => lines.push(line);
    await run(["list", "structures"], print, print);
    const one = (name: string) => lines.find((line) => line.startsWith(`${name} `));
    expect(one("vtd.GSTS")).toContain("register at 0x1c, 32 bits (11.4.4.2)");
    expect(one("amdvi.dte")).toContain("256 bits (2.2.2)");
  });
});
