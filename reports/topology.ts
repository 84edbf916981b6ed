/** A PCI topology as a tree, one line for each bus and function, and its isolation groups. */
import { type IsolationGroup, isolationGroups } from "../model/pci/groups.js";
import type { FirmwarePlatform, RemappingUnit, ReservedRegion } from "../model/pci/platform.js";
import {
  Acs,
  type Bridge,
  type Device,
  type Endpoint,
  isBridge,
  type PciFunction,
  type Topology,
} from "../model/pci/topology.js";
import { showAddress } from "../model/words/address.js";

/** What is known of a machine beside its topology. */
type Known = Pick<FirmwarePlatform, "topology"> & Partial<Pick<FirmwarePlatform, "units" | "reserved">>;

const KINDS: Readonly<Record<PciFunction["kind"], string>> = {
  endpoint: "endpoint",
  "integrated-endpoint": "integrated endpoint",
  conventional: "conventional device",
  "root-port": "root port",
  "switch-upstream": "switch, upstream port",
  "switch-downstream": "switch, downstream port",
  "pcie-to-pci": "PCIe-to-PCI bridge",
  "pci-to-pci": "PCI-to-PCI bridge",
  "pci-to-pcie": "PCI-to-PCIe bridge",
};
/** As configuration space listings abbreviate the bits of ACS. */
const ACS_BITS = Object.entries({
  SV: Acs.sourceValidation,
  TB: Acs.translationBlocking,
  RR: Acs.requestRedirect,
  CR: Acs.completionRedirect,
  UF: Acs.upstreamForwarding,
  EC: Acs.egressControl,
  DT: Acs.directTranslated,
});
const RIGHTS = { r: "read only", w: "write only", rw: "read and write" } as const;

/** The machine as an indented tree: buses, functions, what units translate for, reserved memory. */
export function platformTree({ topology, units = [], reserved = [] }: Known): string[] {
  const tree = topology.segments.flatMap(({ segment, roots }) => [
    `segment ${hex(segment, 4)}`,
    ...roots.flatMap(({ bus, devices }) => busLines(bus, devices, reserved, "  ")),
  ]);
  return [...tree, ...units.map(unitLine)];
}

function busLines(
  bus: number,
  devices: readonly Device[],
  reserved: readonly ReservedRegion[],
  indent: string,
): string[] {
  const lines = devices.flatMap(({ device, functions }) =>
    functions.flatMap((one) => {
      const at = `${hex(device, 2)}.${one.function.toString(16)}`;
      const words = [...describe(one), ...regionsOf(one, reserved)];
      const line = `${indent}  ${at} ${one.name}: ${words.join(", ")}`;
      return isBridge(one)
        ? [line, ...busLines(one.secondary, one.devices, reserved, `${indent}    `)]
        : [line];
    }),
  );
  return [`${indent}bus ${hex(bus, 2)}${devices.length === 0 ? " (nothing on it)" : ""}`, ...lines];
}

function describe(one: PciFunction): string[] {
  const acs = one.acs === null ? [] : [describeAcs(one.acs)];
  return [KINDS[one.kind], ...(isBridge(one) ? describeBridge(one) : describeEndpoint(one)), ...acs];
}

function describeBridge({ secondary, subordinate, hotPlug }: Bridge): string[] {
  const buses =
    secondary === subordinate
      ? `to bus ${hex(secondary, 2)}`
      : `to buses ${hex(secondary, 2)} to ${hex(subordinate, 2)}`;
  return hotPlug ? [buses, "hot-plug"] : [buses];
}

function describeEndpoint({ sriov, phantomBits, alsoFunctions }: Endpoint): string[] {
  const words: string[] = [];
  if (sriov) {
    const { numVfs, totalVfs, firstVfOffset, vfStride } = sriov;
    words.push(`${numVfs} of ${totalVfs} virtual functions (offset ${firstVfOffset}, stride ${vfStride})`);
  }
  if (phantomBits > 0) words.push(`phantom functions in ${phantomBits} bits of the function number`);
  if (alsoFunctions.length > 0) words.push(`also makes requests as function ${alsoFunctions.join(" and ")}`);
  return words;
}

function describeAcs(bits: number): string {
  const set = ACS_BITS.filter(([, bit]) => bits & bit).map(([name]) => name);
  return set.length === 0 ? "ACS off" : `ACS ${set.join(" ")}`;
}

function regionsOf({ name }: PciFunction, reserved: readonly ReservedRegion[]): string[] {
  return reserved
    .filter((one) => one.functions.includes(name))
    .map(({ page, pages, kind, access }) => {
      const range = `${showAddress(page)} to ${showAddress(page + pages - 1, 0xfff)}`;
      return `reserved memory ${range} (${kind === "exclusion" ? "untranslated" : RIGHTS[access]})`;
    });
}

function unitLine({ name, segment, registers, covers }: RemappingUnit): string {
  const what = covers === "rest" ? "everything else of its segment" : covers.join(", ") || "nothing";
  return `unit ${name} at ${showAddress(registers)} in segment ${hex(segment, 4)}: ${what}`;
}

function hex(value: number, digits: number): string {
  return value.toString(16).padStart(digits, "0");
}

/** The isolation groups, the largest first, and why two functions share one. */
export function groupLines(topology: Topology): string[] {
  const groups = [...isolationGroups(topology)].sort(
    (one, other) => other.functions.length - one.functions.length,
  );
  const alone = groups.filter((one) => one.functions.length === 1);
  const shared = groups.filter((one) => one.functions.length > 1).flatMap(describeGroup);
  const rest = alone.map((one) => one.functions[0]!);
  return [...shared, ...(rest.length > 0 ? [`each in a group of its own: ${rest.join(", ")}`] : [])];
}

function describeGroup({ functions, because }: IsolationGroup, index: number): string[] {
  return [
    `group ${index + 1}: ${functions.join(", ")}`,
    ...because.map(({ one, other, reason }) => `  ${one} and ${other}: ${reason}`),
  ];
}
