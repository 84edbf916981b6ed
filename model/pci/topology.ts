/**
 * A PCI topology as data: what enumeration of configuration space shows, with the bus numbers it assigned. Everything that
 * follows from it (requester ids, routes, groups) is computed elsewhere in this folder.
 */

/** Bits of the ACS Control Register (PCIe Base, Access Control Services). */
export const Acs = {
  sourceValidation: 1 << 0,
  translationBlocking: 1 << 1,
  requestRedirect: 1 << 2,
  completionRedirect: 1 << 3,
  upstreamForwarding: 1 << 4,
  egressControl: 1 << 5,
  directTranslated: 1 << 6,
} as const;

/** What it takes at every port on the way for requests to reach the IOMMU, each under the id of its requester. */
export const ISOLATING_ACS =
  Acs.sourceValidation | Acs.requestRedirect | Acs.completionRedirect | Acs.upstreamForwarding;

/** What every function has. */
interface FunctionCommon {
  /** No two functions of a topology have the same; scenarios and reports refer to functions by it. */
  readonly name: string;
  /** 0 to 7; where the device has ARI, 0 to 255. */
  readonly function: number;
  /** The bits of its ACS Control Register that are set ({@link Acs}); null without the capability. */
  readonly acs: number | null;
}

/** Single Root I/O Virtualization capability of a physical function. */
export interface SriovCapability {
  readonly totalVfs: number;
  /** Virtual functions that are enabled: 0 while VF Enable is clear. */
  readonly numVfs: number;
  readonly firstVfOffset: number;
  readonly vfStride: number;
  /** ACS Control Register of every virtual function, or null. */
  readonly vfAcs: number | null;
}

/** A function that makes requests of its own. */
export interface Endpoint extends FunctionCommon {
  /** `conventional` functions are on a conventional PCI bus: their requests carry no requester id of their own. */
  readonly kind: "endpoint" | "integrated-endpoint" | "conventional";
  /** Bits of the function number that phantom functions use: Phantom Functions Supported, where enabled, else 0. */
  readonly phantomBits: 0 | 1 | 2 | 3;
  readonly sriov: SriovCapability | null;
  /** Other function numbers of the device that its requests may carry although that is not allowed (silicon errata). */
  readonly alsoFunctions: readonly number[];
}

export const BRIDGE_KINDS = [
  "root-port",
  "switch-upstream",
  "switch-downstream",
  /** Its secondary bus is conventional. */
  "pcie-to-pci",
  /** Both buses are conventional. */
  "pci-to-pci",
  /** A reverse bridge: its primary bus is conventional, below it is PCI Express. */
  "pci-to-pcie",
] as const;

/** A function that leads to a further bus. */
export interface Bridge extends FunctionCommon {
  readonly kind: (typeof BRIDGE_KINDS)[number];
  readonly secondary: number;
  /** The last bus number below it; with room for what may be plugged in. */
  readonly subordinate: number;
  /** Devices may come and go below it. */
  readonly hotPlug: boolean;
  readonly devices: readonly Device[];
}

export type PciFunction = Endpoint | Bridge;

export function isBridge(one: PciFunction): one is Bridge {
  return "secondary" in one;
}

export interface Device {
  /** 0 to 31; with ARI, and below root and downstream ports, 0. */
  readonly device: number;
  /** At least one, in ascending order of their numbers. */
  readonly functions: readonly PciFunction[];
}

/** The bus that a host bridge opens. */
export interface RootBus {
  readonly bus: number;
  readonly devices: readonly Device[];
}

export interface Segment {
  /** 16 bits. Requester ids are unique in a segment only. */
  readonly segment: number;
  readonly roots: readonly RootBus[];
}

export interface Topology {
  readonly segments: readonly Segment[];
}
