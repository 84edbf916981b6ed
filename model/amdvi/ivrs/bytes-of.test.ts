import { describe, expect, it } from "vitest";
import type { FirmwarePlatform, RemappingUnit } from "../../pci/platform.js";
import type { Bridge, Device, Endpoint, PciFunction, Topology } from "../../pci/topology.js";
import { ivrsTables } from "./index.js";

const endpoint = (name: string, kind: Endpoint["kind"] = "endpoint"): Endpoint => ({
  name,
  function: 0,
  acs: null,
  kind,
  phantomBits: 0,
  sriov: null,
  alsoFunctions: [],
});
const bridge = (
  name: string,
  kind: Bridge["kind"],
  secondary: number,
  subordinate: number,
  devices: readonly Device[],
): Bridge => ({ name, function: 0, acs: null, kind, secondary, subordinate, hotPlug: false, devices });
const at = (device: number, one: PciFunction): Device => ({ device, functions: [one] });
const machine = (...devices: Device[]): Topology => ({
  segments: [{ segment: 0, roots: [{ bus: 0, devices }] }],
});

const unitsOf = (...covers: RemappingUnit["covers"][]): RemappingUnit[] =>
  covers.map((one, index) => ({
    name: `ivhd${index}`,
    segment: 0,
    registers: 0xfd000 + 0x80 * index,
    covers: one,
    itself: 2 + index,
  }));

function platformOf(topology: Topology, units: RemappingUnit[], atsPorts: string[] = []): FirmwarePlatform {
  return {
    topology,
    hostAddressWidth: 48,
    interruptRemapping: false,
    optIn: false,
    units,
    reserved: [],
    interruptSources: [],
    atsPorts,
  };
}

/** The entries of each unit, one line each, of the IVHDs of type 11h. */
function entriesOf(platform: FirmwarePlatform): string[][] {
  const [table] = ivrsTables.read(ivrsTables.bytesOf(platform)).structures;
  return table!.parts
    .filter((one) => one.name === "IVHD 11h")
    .map(({ parts }) =>
      parts.map(({ name, fields }) => {
        const shown = fields.filter((one) => ["deviceId", "alias", "atsDisabled"].includes(one.name));
        return [name, ...shown.map((one) => one.value)].join(" ");
      }),
    );
}

describe("units for parts of a hierarchy", () => {
  const leaf = bridge("deep", "switch-downstream", 3, 3, [at(0, endpoint("leaf"))]);
  const inner = bridge("inner", "switch-upstream", 2, 4, [at(0, leaf)]);
  const topology = machine(at(1, bridge("outer", "root-port", 1, 4, [at(0, inner)])));

  it("have what no unit nearer to the devices has, in whatever order they are", () => {
    for (const covers of [
      [["outer"], ["inner"], ["leaf"], "rest"],
      [["leaf"], ["inner"], "rest", ["outer"]],
    ] as const) {
      const platform = platformOf(topology, unitsOf(...covers));
      const table = ivrsTables.read(ivrsTables.bytesOf(platform));
      expect(table.findings).toEqual([]);
      expect(table.findingsIn(topology)).toEqual([]);
      expect(table.platformIn(topology)).toEqual(platform);
    }
  });

  it("say which ports may use ATS only if one may", () => {
    const some = platformOf(topology, unitsOf("rest"), ["outer"]);
    expect(entriesOf(platformOf(topology, unitsOf("rest")))).toEqual([["all"]]);
    expect(entriesOf(some)).toEqual([
      [
        "extended start of range 00:00.0 1",
        "end of range 00:1f.7",
        "extended start of range 01:00.0 0",
        "end of range 04:1f.7",
        "extended start of range 05:00.0 1",
        "end of range ff:1f.7",
      ],
    ]);
  });
});

describe("functions behind a bridge that puts its own id in place of theirs", () => {
  const conventional = endpoint("sound", "conventional");
  const second = bridge("second", "pci-to-pci", 6, 6, [at(3, conventional)]);
  const first = bridge("first", "pcie-to-pci", 5, 6, [at(2, second)]);
  const topology = machine(at(4, first));

  it("have the id of the last bridge before the unit as their alias", () => {
    expect(entriesOf(platformOf(topology, unitsOf(["first"])))).toEqual([
      ["select 00:04.0", "select 05:00.0", "alias start of range 05:00.1 05:00.0", "end of range 06:1f.7"],
    ]);
  });

  it("give their unit that id too if it has no more than them", () => {
    const [entries] = entriesOf(platformOf(topology, unitsOf(["sound"])));
    expect(entries).toEqual([
      "select 05:00.0",
      "alias select 05:02.0 05:00.0",
      "alias select 06:03.0 05:00.0",
    ]);
  });
});
