import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { realTables } from "../../acpi/corpus/corpus.testing.js";
import type { ShownStructure } from "../../acpi/firmware-table.js";
import { make, type Structure } from "../../acpi/structure.js";
import { bytesOfTable, readTable } from "../../acpi/table.js";
import type { Bridge, Device, Endpoint, Topology } from "../../pci/topology.js";
import { ivrsTables } from "./index.js";
import {
  allLayout,
  extendedSelectLayout,
  type Ivmd,
  IvmdType,
  ivmdLayout,
  ivrsLayout,
  NO_DTE_SETTING,
} from "./layouts.js";

const CORPUS = fileURLToPath(new URL("../../acpi/corpus/", import.meta.url));
const RYZEN = realTables("IVRS", CORPUS).find(({ machine }) =>
  machine.startsWith("Ryzen with Zen cores"),
)!.bytes;

const endpoint = (name: string, kind: Endpoint["kind"], fn = 0): Endpoint => ({
  name,
  function: fn,
  acs: null,
  kind,
  phantomBits: 0,
  sriov: null,
  alsoFunctions: [],
});
const port = (name: string, bus: number, devices: readonly Device[]): Bridge => ({
  name,
  function: 0,
  acs: null,
  kind: "root-port",
  secondary: bus,
  subordinate: bus,
  hotPlug: true,
  devices,
});

/** What such a machine has: host bridge 00:00.0, unit 00:00.2, a port 00:01.1 and the southbridge 00:14.0. */
const MACHINE: Topology = {
  segments: [
    {
      segment: 0,
      roots: [
        {
          bus: 0,
          devices: [
            {
              device: 0,
              functions: [
                endpoint("host", "integrated-endpoint"),
                endpoint("unit", "integrated-endpoint", 2),
              ],
            },
            {
              device: 1,
              functions: [port("port", 1, [{ device: 0, functions: [endpoint("disk", "endpoint")] }])],
            },
            { device: 0x14, functions: [endpoint("smbus", "integrated-endpoint")] },
          ],
        },
      ],
    },
  ],
};

const shown = ({ name, fields }: ShownStructure, ...which: string[]) => [
  name,
  ...which.map((field) => fields.find((one) => one.name === field)!.value),
];

/** The table with these blocks in addition. */
function withBlocks(bytes: Uint8Array, ...blocks: Structure[]): Uint8Array {
  const table: Structure = readTable(ivrsLayout, bytes);
  return bytesOfTable({ ...table, parts: [...table.parts, ...blocks] });
}

function regionsOf(values: Partial<Ivmd["values"]>) {
  const block = make(ivmdLayout, {
    type: IvmdType.one,
    unity: 1,
    ir: 1,
    iw: 1,
    exclusion: 0,
    deviceId: 0x100,
    lastDeviceId: 0,
    segment: 0,
    start: 0x8000_0000n,
    bytes: 0x2000n,
    ...values,
  });
  return ivrsTables.read(withBlocks(RYZEN, block)).platformIn(MACHINE).reserved;
}

describe("the IVRS of a Ryzen", () => {
  it("says what Linux prints of such tables with amd_iommu_dump", () => {
    const [{ parts }] = ivrsTables.read(RYZEN).structures as [ShownStructure];
    const [first, second] = parts as [ShownStructure, ShownStructure];
    expect(parts).toHaveLength(2);
    expect(shown(first, "deviceId", "capabilityOffset", "hats", "pasMax", "pnCounters", "pnBanks")).toEqual([
      "IVHD 10h",
      "00:00.2",
      "0x40",
      "2",
      "15",
      "4",
      "2",
    ]);
    expect(shown(second, "base", "efr", "iotlbSup", "coherent")).toEqual([
      "IVHD 11h",
      first.fields.find((one) => one.name === "base")!.value,
      "0x4f77ef22294ada",
      "1",
      "1",
    ]);
    expect(second.parts.map((one) => one.name)).toEqual(first.parts.map((one) => one.name));
    const [start, end, aliasStart, aliasEnd, ...more] = second.parts as ShownStructure[];
    expect(shown(start!, "deviceId")).toEqual(["start of range", "00:01.0"]);
    expect(shown(end!, "deviceId")).toEqual(["end of range", "ff:1f.6"]);
    expect(shown(aliasStart!, "deviceId", "alias")).toEqual(["alias start of range", "ff:00.0", "00:14.4"]);
    expect(shown(aliasEnd!, "deviceId")).toEqual(["end of range", "ff:1f.7"]);
    const specials = more.filter((one) => one.name === "special device");
    expect(specials.map((one) => shown(one, "variety", "handle", "deviceId").slice(1))).toEqual([
      ["2", "0", "00:14.0"],
      ["1", "33", "00:14.0"],
      ["1", "34", "00:00.1"],
    ]);
  });

  it("covers all but the host bridge and itself", () => {
    const platform = ivrsTables.read(RYZEN).platformIn(MACHINE);
    expect(platform.units).toEqual([
      {
        name: "ivhd0",
        segment: 0,
        registers: 0xfd200,
        covers: ["port", "smbus"],
        itself: 2,
      },
    ]);
    expect(platform.hostAddressWidth).toBe(48);
    expect(platform.interruptRemapping).toBe(true);
    expect(platform.optIn).toBe(false);
    expect(platform.atsPorts).toEqual(["port"]);
    const findings = ivrsTables.read(RYZEN).findingsIn(MACHINE);
    expect(findings.map((one) => one.message)).toEqual(["host (00:00.0) belongs to no unit"]);
  });
});

describe("a port", () => {
  const atsPortsOf = (...entries: Structure[]) => {
    const table: Structure = readTable(ivrsLayout, RYZEN);
    const parts = table.parts.map((one) => ({ ...one, parts: entries }));
    return ivrsTables.read(bytesOfTable({ ...table, parts })).platformIn(MACHINE).atsPorts;
  };
  const select = (deviceId: number, atsDisabled: number) =>
    make(extendedSelectLayout, { type: 70, deviceId, atsDisabled, ...NO_DTE_SETTING });

  it("is for ATS if every device below may use it, as the last entry of each says", () => {
    const all = make(allLayout, { type: 1, ...NO_DTE_SETTING });
    expect(atsPortsOf(all)).toEqual(["port"]);
    expect(atsPortsOf(all, select(0x100, 1))).toEqual([]);
    expect(atsPortsOf(all, select(0x100, 1), select(0x100, 0))).toEqual(["port"]);
    expect(atsPortsOf(all, select(0xa0, 1))).toEqual(["port"]);
    expect(atsPortsOf()).toEqual([]);
  });
});

describe("memory", () => {
  it("of one device is of that", () => {
    const unity = { page: 0x80000, pages: 2, kind: "unity", access: "rw" };
    expect(regionsOf({})).toEqual([{ functions: ["disk"], ...unity }]);
  });

  it("of a range, or of all devices, is of those that make requests", () => {
    const range = { type: IvmdType.range, deviceId: 0, lastDeviceId: 0x100 };
    const all = ["host", "unit", "disk", "smbus"];
    expect(regionsOf(range).map((one) => one.functions)).toEqual([all]);
    expect(regionsOf({ type: IvmdType.all, deviceId: 0 }).map((one) => one.functions)).toEqual([all]);
  });

  it("has the rights that it is given; what is excluded has all", () => {
    expect(regionsOf({ iw: 0 }).map((one) => one.access)).toEqual(["r"]);
    expect(regionsOf({ ir: 0 }).map((one) => one.access)).toEqual(["w"]);
    const excluded = regionsOf({ unity: 0, ir: 0, iw: 0, exclusion: 1 });
    expect(excluded.map(({ kind, access }) => [kind, access])).toEqual([["exclusion", "rw"]]);
  });

  it("takes every page that it touches", () => {
    const regions = regionsOf({ start: 0x8000_0fffn, bytes: 2n });
    expect(regions.map(({ page, pages }) => [page, pages])).toEqual([[0x80000, 2]]);
  });

  it("that is empty, for nobody, or of no use is left out", () => {
    expect(regionsOf({ bytes: 0n })).toEqual([]);
    expect(regionsOf({ deviceId: 0x300 })).toEqual([]);
    expect(regionsOf({ segment: 7 })).toEqual([]);
    expect(regionsOf({ unity: 0 })).toEqual([]);
    expect(regionsOf({ ir: 0, iw: 0 })).toEqual([]);
  });
});

describe("bytes that are no IVRS", () => {
  it("speak of no machine", () => {
    const table = ivrsTables.read(RYZEN.subarray(0, 20));
    const { topology, ...platform } = table.platformIn(MACHINE);
    expect(platform).toEqual({
      hostAddressWidth: 0,
      interruptRemapping: false,
      optIn: false,
      units: [],
      reserved: [],
      interruptSources: [],
      atsPorts: [],
    });
    expect(topology).toBe(MACHINE);
    expect(table.skeleton([])).toEqual({ segments: [] });
  });
});
