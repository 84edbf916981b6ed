import { expect, it } from "vitest";
import { withChecksum } from "../../acpi/table.js";
import type { Endpoint, Topology } from "../../pci/topology.js";
import { dmarTables } from "./index.js";

const IO_APIC = 8;
const HPET = 0;

/** Table 33 of the specification (VT-d 8.3.1.4), with register addresses, which it leaves open. */
const example = withChecksum(
  Uint8Array.from([
    ...new TextEncoder().encode("DMAR"),
    ...[152, 0, 0, 0, 1, 0],
    ...new TextEncoder().encode("OEMID OEMTABLE"),
    ...[1, 0, 0, 0, 0x49, 0x4e, 0x54, 0x4c, 1, 0, 0, 0],
    ...[38, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
    // DRHD #1: devices 4 and 5.
    ...[0, 0, 32, 0, 0, 0, 0, 0, 0, 0, 0xd9, 0xfe, 0, 0, 0, 0],
    ...[1, 8, 0, 0, 0, 0, 4, 0],
    ...[1, 8, 0, 0, 0, 0, 5, 0],
    // DRHD #2: the root port that is device 7.
    ...[0, 0, 24, 0, 0, 0, 0, 0, 0, 0x10, 0xd9, 0xfe, 0, 0, 0, 0],
    ...[2, 8, 0, 0, 0, 0, 7, 0],
    // DRHD #3: the rest, an I/O APIC and an HPET.
    ...[0, 0, 32, 0, 1, 0, 0, 0, 0, 0x20, 0xd9, 0xfe, 0, 0, 0, 0],
    ...[3, 8, 0, 0, IO_APIC, 0, 31, 7],
    ...[4, 8, 0, 0, HPET, 0, 31, 6],
    // SATC: device 5.
    ...[5, 0, 16, 0, 1, 0, 0, 0],
    ...[1, 8, 0, 0, 0, 0, 5, 0],
  ]),
);

const integrated = (name: string): Endpoint => {
  const common = { acs: null, phantomBits: 0, sriov: null, alsoFunctions: [] } as const;
  return { name, kind: "integrated-endpoint", function: 0, ...common };
};

const topology: Topology = {
  segments: [
    {
      segment: 0,
      roots: [
        {
          bus: 0,
          devices: [
            { device: 4, functions: [integrated("without ATS")] },
            { device: 5, functions: [integrated("with ATS")] },
            {
              device: 7,
              functions: [
                {
                  name: "root port",
                  kind: "root-port",
                  function: 0,
                  acs: null,
                  secondary: 1,
                  subordinate: 1,
                  hotPlug: false,
                  devices: [],
                },
              ],
            },
            { device: 30, functions: [integrated("device 30")] },
          ],
        },
      ],
    },
  ],
};

it("reads the example of the specification", () => {
  const table = dmarTables.read(example);
  expect(table.findings).toEqual([]);
  expect(table.findingsIn(topology)).toEqual([]);
  expect(table.platformIn(topology)).toEqual({
    topology,
    hostAddressWidth: 39,
    interruptRemapping: true,
    optIn: false,
    units: [
      { name: "dmar0", segment: 0, registers: 0xfed90, covers: ["without ATS", "with ATS"], itself: null },
      { name: "dmar1", segment: 0, registers: 0xfed91, covers: ["root port"], itself: null },
      { name: "dmar2", segment: 0, registers: 0xfed92, covers: "rest", itself: null },
    ],
    reserved: [],
    interruptSources: [
      { kind: "io-apic", id: IO_APIC, segment: 0, requester: 0x00ff },
      { kind: "hpet", id: HPET, segment: 0, requester: 0x00fe },
    ],
    atsPorts: [],
  });
});

it("shows it as the specification calls it", () => {
  const { parts } = dmarTables.read(example).structures[0]!;
  expect(parts.map((one) => [one.name, one.offset])).toEqual([
    ["DRHD", 48],
    ["DRHD", 80],
    ["DRHD", 104],
    ["SATC", 136],
  ]);
  expect(parts[2]!.parts[0]).toMatchObject({ name: "device scope", offset: 120 });
  expect(parts[2]!.parts[0]!.fields).toContainEqual({ name: "path", value: "1f.7" });
});
