/** A machine as a tree of QEMU's PCI devices, and the buses and options that follow from it. */
import { type RequesterId, requesterId } from "../../../../model/words/address.js";
import { EDU } from "../options.js";
import type { BridgePlace } from "../pci.js";

/** Bridges that QEMU has; behind the last three, buses are conventional. */
export type BridgeModel =
  | "pcie-root-port"
  | "x3130-upstream"
  | "xio3130-downstream"
  | "pcie-pci-bridge"
  | "pci-bridge"
  | "i82801b11-bridge";

/** A function at a place of its bus; every device has a function 0. */
export type Placed = {
  readonly device: number;
  readonly function?: number;
} & ({ readonly model: "edu" } | PlacedBridge);

interface PlacedBridge {
  readonly model: BridgeModel;
  readonly behind: readonly Placed[];
  /** Bus numbers kept free behind those in use. */
  readonly spare?: number;
}

/** A further root bus: it has a number of its own, and may be kept from the IOMMU. */
export interface Expander {
  /** Its place on bus 0. */
  readonly device: number;
  /** The buses behind it take the numbers that follow. */
  readonly bus: number;
  readonly bypass: boolean;
  readonly functions: readonly Placed[];
}

/** The PCI devices of a machine, the IOMMU and what every q35 has excepted. */
export interface Tree {
  /** On bus 0. */
  readonly functions: readonly Placed[];
  readonly expanders: readonly Expander[];
}

/** What a tree comes to. */
export interface Laid {
  /** Each before what is behind it. */
  readonly bridges: readonly BridgePlace[];
  /** Every `edu` by the address it has in configuration space, in the order of these. */
  readonly endpoints: readonly RequesterId[];
  /** The buses that no bridge leads to. */
  readonly roots: readonly number[];
  readonly options: readonly string[];
}

/** Numbers the buses depth first, as firmware does, and names every device for the command line. */
export function layOut({ functions, expanders }: Tree): Laid {
  const bridges: BridgePlace[] = [];
  const endpoints: RequesterId[] = [];
  const options: string[] = [];

  /** Returns the last bus number in use behind the bus. */
  const place = (bus: number, name: string, placed: readonly Placed[]): number => {
    let last = bus;
    for (const one of placed) {
      const id = requesterId(bus, one.device, one.function ?? 0);
      const where = `bus=${name},addr=${one.device.toString(16)}.${id & 7},multifunction=on`;
      if (one.model === "edu") {
        endpoints.push(id);
        options.push("-device", `${EDU},${where}`);
        continue;
      }
      const secondary = last + 1;
      options.push("-device", `${one.model},id=bus${secondary},${where}${chassis(one.model, secondary)}`);
      const at = bridges.push({ id, secondary, subordinate: secondary }) - 1;
      last = place(secondary, `bus${secondary}`, one.behind) + (one.spare ?? 0);
      bridges[at] = { id, secondary, subordinate: last };
    }
    return last;
  };

  place(0, "pcie.0", functions);
  for (const { device, bus, bypass, functions: placed } of expanders) {
    const kept = bypass ? ",bypass_iommu=on" : "";
    const where = `bus=pcie.0,addr=${device.toString(16)}.0`;
    options.push("-device", `pxb-pcie,id=bus${bus},bus_nr=${bus},${where}${kept}`);
    place(bus, `bus${bus}`, placed);
  }
  return {
    bridges,
    endpoints: endpoints.sort((one, other) => one - other),
    roots: [0, ...expanders.map((one) => one.bus)],
    options,
  };
}

function chassis(model: BridgeModel, number: number): string {
  switch (model) {
    case "pcie-root-port":
    case "xio3130-downstream":
      return `,chassis=${number}`;
    case "pci-bridge":
      return `,chassis_nr=${number}`;
    case "x3130-upstream":
    case "pcie-pci-bridge":
    case "i82801b11-bridge":
      return "";
  }
}
