import { describe, expect, it } from "vitest";
import { bugs } from "../implementations/bugs.js";
import { run } from "./run.js";

async function ran(...args: string[]) {
  const lines: string[] = [];
  const complaints: string[] = [];
  const code = await run(
    ["bugs", ...args],
    (line) => lines.push(line),
    (line) => complaints.push(line),
  );
  return { code, lines, complaints };
}

describe("bugs", () => {
  it("lists every bug with its minimum, and where it was published", async () => {
    const { code, lines } = await ran();
    expect(code).toBe(0);
    expect(lines).toHaveLength(bugs.length + 1);
    expect(lines.find((line) => line.startsWith("vtd:no-flush "))).toMatch(/ I1 +3 .*Xen XSA-78/);
  });

  it("lists those with a part of a name, and of an architecture", async () => {
    const { lines } = await ran("hint", "no-lock", "--architecture", "vtd", "--json");
    const { bugs: listed } = JSON.parse(lines.join("\n")) as { bugs: { name: string }[] };
    expect(listed.map((one) => one.name)).toEqual(["reference:hint-ignores-leaf", "vtd:no-lock"]);
  });

  it("searches for a bug with a number of seeds", async () => {
    const { code, lines } = await ran("fault-wrong-source", "--run", "--seeds", "2", "--workers", "1");
    expect(code).toBe(0);
    expect(lines[1]).toMatch(/^reference:fault-wrong-source +2\/2 .* 2 +2 +2 +conformance, I10$/);
    expect(lines.at(-1)).toBe(
      "counterexample of the least number of steps: 2 of 2 (100.0 %); more than one step longer: 0",
    );
  });

  it("gives figures as JSON, and says by its exit code that a bug was not found", async () => {
    const args = ["queue-unlocked", "--run", "--seeds", "1", "--workers", "1", "--time", "0s", "--json"];
    const { code, lines } = await ran(...args);
    expect(code).toBe(1);
    expect(JSON.parse(lines.join("\n"))).toMatchObject({
      format: "iommu-spec bug figures 1",
      totals: { bugs: 1, searches: 1, found: 0 },
      bugs: [{ name: "vtd:queue-unlocked", steps: null }],
    });
  });

  it.each([
    [["xyz"], 'iommu-spec: no bug has "xyz" in its name; see `iommu-spec bugs`'],
    [["--seeds", "2"], "iommu-spec: bugs takes --seeds with --run only"],
    [["--run", "--seeds", "0"], 'iommu-spec: --seeds takes a whole number from 1 on, not "0"'],
  ])("refuses %j", async (args, complaint) => {
    expect(await ran(...args)).toEqual({ code: 2, lines: [], complaints: [complaint] });
  });
});
