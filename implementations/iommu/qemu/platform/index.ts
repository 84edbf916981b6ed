/** QEMU as a machine with a tree of PCI devices: its topology and the firmware table it makes for its guest. */
import { enumerated } from "../../../../model/pci/configuration-space.js";
import type { Topology } from "../../../../model/pci/topology.js";
import { firmwareFile } from "./firmware-files.js";
import type { QemuPlatform } from "./platform.js";
import { signatureOf, tablesOf } from "./table-loader.js";

export { type PlatformOptions, QemuPlatform } from "./platform.js";
export { requestersSeen, type SeenAs } from "./requesters.js";
export type { Tree } from "./tree.js";

const TABLES = "etc/acpi/tables";
const SCRIPT = "etc/table-loader";

/** The topology that enumeration finds. */
export function topologyOfQemu(platform: QemuPlatform): Topology {
  return enumerated(platform.configurationSpaces()).topology;
}

/** The tables with this signature that QEMU makes for the firmware of its guest; normally one. */
export function qemuFirmwareTables(platform: QemuPlatform, signature: string): Uint8Array[] {
  const tables = tablesOf(firmwareFile(platform, TABLES), TABLES, firmwareFile(platform, SCRIPT));
  return tables.filter((table) => signatureOf(table) === signature);
}
