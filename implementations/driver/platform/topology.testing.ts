/** A small machine: two units, a device with a reserved region, a bridge, virtual functions, a device behind no unit. */
import { architectureOf } from "../../../model/architectures.js";
import type { FirmwarePlatform } from "../../../model/pci/platform.js";
import { type Endpoint, ISOLATING_ACS, type Topology } from "../../../model/pci/topology.js";
import type { Profile } from "../../../model/profile.js";
import type { PlatformSetup } from "./interface.js";

const nothing = { function: 0, acs: null, phantomBits: 0, sriov: null, alsoFunctions: [] } as const;
const bridge = { function: 0, acs: ISOLATING_ACS, hotPlug: false } as const;

function endpoint(name: string, kind: Endpoint["kind"] = "integrated-endpoint"): Endpoint {
  return { name, kind, ...nothing };
}

const sriov = { totalVfs: 2, numVfs: 2, firstVfOffset: 8, vfStride: 1, vfAcs: ISOLATING_ACS };

export const topology: Topology = {
  segments: [
    {
      segment: 0,
      roots: [
        {
          bus: 0,
          devices: [
            { device: 1, functions: [endpoint("usb")] },
            { device: 2, functions: [endpoint("disk")] },
            { device: 3, functions: [endpoint("multi.0"), { ...endpoint("multi.1"), function: 1 }] },
            { device: 4, functions: [endpoint("outsider")] },
            {
              device: 5,
              functions: [
                {
                  name: "port",
                  kind: "root-port",
                  ...bridge,
                  secondary: 1,
                  subordinate: 1,
                  devices: [
                    { device: 0, functions: [{ ...endpoint("pf", "endpoint"), acs: ISOLATING_ACS, sriov }] },
                  ],
                },
              ],
            },
            {
              device: 30,
              functions: [
                {
                  name: "bridge",
                  kind: "pcie-to-pci",
                  ...bridge,
                  secondary: 2,
                  subordinate: 2,
                  devices: [{ device: 1, functions: [endpoint("old", "conventional")] }],
                },
              ],
            },
          ],
        },
      ],
    },
  ],
};

export const REGISTERS = { port: 0xfed90, others: 0xfed91 } as const;

const platform: FirmwarePlatform = {
  topology,
  hostAddressWidth: 39,
  interruptRemapping: false,
  optIn: false,
  units: [
    { name: "first", segment: 0, registers: REGISTERS.port, covers: ["port"], itself: null },
    {
      name: "second",
      segment: 0,
      registers: REGISTERS.others,
      covers: ["usb", "disk", "multi.0", "multi.1", "bridge"],
      itself: null,
    },
  ],
  reserved: [{ functions: ["usb", "multi.1"], page: 0x1800, pages: 2, kind: "unity", access: "rw" }],
  interruptSources: [],
  atsPorts: [],
};

/** What platform software is told of that machine. */
export function setupOf(profile: Profile): PlatformSetup {
  const places = platform.units.map((_, unit) => {
    const rootPage = 0x2000 + 16 * unit;
    const [queuePage, statusPage, logPage] = [rootPage + 10, rootPage + 11, rootPage + 12];
    return { rootPage, rootPages: 10, queuePage, statusPage, logPage };
  });
  return {
    profile,
    invalidation: "queue",
    firmwareTable: architectureOf(profile).firmwareTables.bytesOf(platform),
    topology,
    places,
    bouncePages: [0x1c00, 0x1c01],
    ownMemory: { page: 0x2000, pages: 512 },
    faultLimit: 3,
  };
}
