import { describe, expect, it } from "vitest";
import { generatePlatform } from "../../../generators/pci/platform.js";
import { writeStructure } from "../../acpi/structure.js";
import { readTable } from "../../acpi/table.js";
import { busNumbersOf, locatedFunctions } from "../../pci/functions.js";
import type { FirmwarePlatform } from "../../pci/platform.js";
import type { Topology } from "../../pci/topology.js";
import { endpoint, platform, topology } from "./dmar.testing.js";
import { dmarTables } from "./index.js";
import { dmarLayout } from "./layouts.js";

/** A table does not tell what units are called. */
const nameless = ({ units, topology: _, ...rest }: FirmwarePlatform) => ({
  ...rest,
  units: units.map((one) => ({ ...one, name: "" })),
});

const SAMPLES = 10_000;

describe("the table of a generated machine", () => {
  it("is correct, and says what the machine is", { timeout: 60_000 }, () => {
    for (let seed = 0; seed < SAMPLES; seed++) {
      const machine = generatePlatform(seed, "vtd");
      const bytes = dmarTables.bytesOf(machine);
      const table = dmarTables.read(bytes);
      const findings = [...table.findings, ...table.findingsIn(machine.topology)];
      if (findings.length > 0) expect(findings, `seed ${seed}`).toEqual([]);
      const said = nameless(table.platformIn(machine.topology));
      if (JSON.stringify(said) !== JSON.stringify(nameless(machine)))
        expect(said, `seed ${seed}`).toEqual(nameless(machine));
      const again = writeStructure(readTable(dmarLayout, bytes));
      if (Buffer.compare(again, bytes) !== 0) expect(again, `seed ${seed}`).toEqual(bytes);
    }
  });

  it("gives back functions and the bridges above them, from bus numbers", () => {
    for (let seed = 0; seed < 500; seed++) {
      const machine = generatePlatform(seed, "vtd");
      const skeleton = dmarTables.read(dmarTables.bytesOf(machine)).skeleton(busNumbersOf(machine.topology));
      const known = addressesIn(machine.topology);
      const found = addressesIn(skeleton);
      for (const [address, above] of found)
        expect(above, `seed ${seed}, ${address}`).toBe(known.get(address));
      const named = machine.units.flatMap(({ covers }) => (covers === "rest" ? [] : covers));
      for (const one of locatedFunctions(machine.topology)) {
        if (named.includes(one.name))
          expect(found.has(addressOf(one)), `seed ${seed}, ${one.name}`).toBe(true);
      }
    }
  });
});

function addressOf(one: { segment: number; requester: number }): string {
  return `${one.segment} ${one.requester}`;
}

/** The addresses of functions, each with those of the bridges above it. */
function addressesIn(machine: Topology): Map<string, string> {
  const located = locatedFunctions(machine).filter((one) => one.physical === null);
  const ids = new Map(located.map((one) => [one.name, one.requester]));
  return new Map(
    located.map((one) => [addressOf(one), one.above.map((bridge) => ids.get(bridge.name)).join(" ")]),
  );
}

describe("the table of a small machine", () => {
  const table = dmarTables.read(dmarTables.bytesOf(platform));

  it("says what the machine is", () => {
    expect(table.findings).toEqual([]);
    expect(table.findingsIn(topology)).toEqual([]);
    expect(table.platformIn(topology)).toEqual(platform);
  });

  it("names its functions by their addresses, as far as bus numbers tell", () => {
    const [segment] = table.skeleton(busNumbersOf(topology)).segments;
    const functions = segment!.roots[0]!.devices.flatMap((one) => one.functions);
    expect(functions.map((one) => [one.name, one.kind])).toEqual([
      ["0000:00:01.0", "root-port"],
      ["0000:00:02.0", "integrated-endpoint"],
      ["0000:00:04.0", "integrated-endpoint"],
    ]);
    expect(functions[0]).toMatchObject({ secondary: 1, subordinate: 1, devices: [] });
    const [blind] = table.skeleton([]).segments;
    expect(blind!.roots[0]!.devices[0]!.functions[0]).toMatchObject({ secondary: 0, devices: [] });
  });

  it("has ALL_PORTS where every root port supports ATS", () => {
    const all = dmarTables.bytesOf({ ...platform, atsPorts: ["port", "slot"] });
    const atsr = dmarTables.read(all).structures[0]!.parts.find((one) => one.name === "ATSR")!;
    expect(atsr.fields).toContainEqual({ name: "allPorts", value: "1" });
    expect(atsr.parts).toEqual([]);
  });

  it("lists the physical function for a virtual one", () => {
    const covers = ["nic.vf1", "nic", "nic.vf2"];
    const units = [{ ...platform.units[0]!, covers }, platform.units[1]!];
    const read = dmarTables.read(dmarTables.bytesOf({ ...platform, units })).platformIn(topology);
    expect(read.units[0]!.covers).toEqual(["nic"]);
  });

  it("names functions that only ARI tells by the device and function numbers of their requester ids", () => {
    const [root] = topology.segments[0]!.roots;
    const [port, ...others] = root!.devices;
    const device = { device: 0, functions: [endpoint("ninth", "endpoint", { function: 9 })] };
    const functions = [{ ...port!.functions[0]!, devices: [device] }];
    const segments = [{ segment: 0, roots: [{ bus: 0, devices: [{ device: 1, functions }, ...others] }] }];
    const units = [{ ...platform.units[0]!, covers: ["ninth"] }, platform.units[1]!];
    const table = dmarTables.read(dmarTables.bytesOf({ ...platform, units, topology: { segments } }));
    expect(table.platformIn({ segments }).units[0]!.covers).toEqual(["ninth"]);
    expect([...table.findings, ...table.findingsIn({ segments })]).toEqual([]);
  });

  it("cannot be written for functions that the machine has not", () => {
    const units = [{ ...platform.units[0]!, covers: ["nobody"] }];
    expect(() => dmarTables.bytesOf({ ...platform, units })).toThrow("no function is called nobody");
  });

  it("is nothing when it is cut off", () => {
    const fragment = dmarTables.read(dmarTables.bytesOf(platform).subarray(0, 40));
    expect(fragment.findings.map((one) => one.rule.id)).toEqual(["dmar.table.length"]);
    expect(fragment.platformIn(topology).units).toEqual([]);
    expect(fragment.skeleton([])).toEqual({ segments: [] });
    expect(fragment.findingsIn(topology)).toEqual([]);
  });
});
