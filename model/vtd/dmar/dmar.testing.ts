/** A small machine, and tables that speak of it. */
import { make, type Structure } from "../../acpi/structure.js";
import { bytesOfTable } from "../../acpi/table.js";
import type { FirmwarePlatform } from "../../pci/platform.js";
import type { Bridge, Endpoint, Topology } from "../../pci/topology.js";
import { dmarLayout } from "./layouts.js";

export function endpoint(name: string, kind: Endpoint["kind"], more: Partial<Endpoint> = {}): Endpoint {
  return { name, kind, function: 0, acs: null, phantomBits: 0, sriov: null, alsoFunctions: [], ...more };
}

const nic = endpoint("nic", "endpoint", {
  sriov: { totalVfs: 4, numVfs: 2, firstVfOffset: 8, vfStride: 1, vfAcs: null },
});

function port(name: string, secondary: number, devices: Bridge["devices"]): Bridge {
  const fixed = { kind: "root-port", function: 0, acs: null, hotPlug: devices.length === 0 } as const;
  return { ...fixed, name, secondary, subordinate: secondary, devices };
}

/** Ports at 00:01.0 and 00:03.0, a USB controller at 00:02.0, graphics at 00:04.0, a NIC at 01:00.0. */
export const topology: Topology = {
  segments: [
    {
      segment: 0,
      roots: [
        {
          bus: 0,
          devices: [
            { device: 1, functions: [port("port", 1, [{ device: 0, functions: [nic] }])] },
            { device: 2, functions: [endpoint("usb", "integrated-endpoint")] },
            { device: 3, functions: [port("slot", 2, [])] },
            { device: 4, functions: [endpoint("graphics", "integrated-endpoint")] },
          ],
        },
      ],
    },
  ],
};

export const platform: FirmwarePlatform = {
  topology,
  hostAddressWidth: 39,
  interruptRemapping: true,
  optIn: true,
  units: [
    { name: "dmar0", segment: 0, registers: 0xfed90, covers: ["graphics"], itself: null },
    { name: "dmar1", segment: 0, registers: 0xfed91, covers: "rest", itself: null },
  ],
  reserved: [{ functions: ["usb"], page: 0x7a000, pages: 0x20, kind: "unity", access: "rw" }],
  interruptSources: [
    { kind: "io-apic", id: 2, segment: 0, requester: 0xf0f8 },
    { kind: "hpet", id: 0, segment: 0, requester: 0x00f8 },
  ],
  atsPorts: ["port"],
};

const fields = {
  signature: "DMAR",
  tableLength: 0,
  revision: 1,
  checksum: 0,
  oemId: "MAKER ",
  oemTableId: "MACHINE ",
  oemRevision: 1,
  creatorId: "TEST",
  creatorRevision: 1,
  addressWidth: 38,
  interruptRemapping: 1,
  x2apicOptOut: 0,
  optIn: 0,
};

/** A table of these structures. */
export function tableOf(structures: readonly Structure[], changed: Partial<typeof fields> = {}): Uint8Array {
  return bytesOfTable(make(dmarLayout, { ...fields, ...changed }, structures));
}
