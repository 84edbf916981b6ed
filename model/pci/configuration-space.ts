/**
 * A topology from configuration space (PCI Local Bus 6, PCIe Base 7): headers tell bridges and their buses, capabilities
 * tell ports, phantom functions, ACS and SR-IOV.
 */
import { type RequesterId, requesterId } from "../words/address.js";
import type { BRIDGE_KINDS, Bridge, Device, Endpoint, PciFunction, Topology } from "./topology.js";

/** The configuration space of a function: 256 bytes, or 4096 with the extended part. */
export interface ConfigurationSpace {
  readonly segment: number;
  readonly bus: number;
  readonly device: number;
  readonly function: number;
  readonly bytes: Uint8Array;
}

/** What configuration space says. */
export interface Enumerated {
  readonly topology: Topology;
  /** What could not be told, as sentences. */
  readonly gaps: readonly string[];
}

const CONFIGURATION_SIZE = 256;
const EXTENDED = 0x100;
const Capability = { pciExpress: 0x10 } as const;
const ExtendedCapability = { acs: 0x000d, sriov: 0x0010 } as const;

/** Device/Port Type of the PCI Express Capabilities Register, bits 7:4. */
const PORT_TYPES: Readonly<Record<number, Bridge["kind"]>> = {
  4: "root-port",
  5: "switch-upstream",
  6: "switch-downstream",
  7: "pcie-to-pci",
  8: "pci-to-pcie",
};
const INTEGRATED_TYPES: ReadonlySet<number> = new Set([9, 10]);
/** Bridges with a conventional secondary bus. */
const CONVENTIONAL: ReadonlySet<Bridge["kind"]> = new Set<Bridge["kind"]>(["pcie-to-pci", "pci-to-pci"]);

/** Little-endian fields, and the capabilities by what they are. */
class Header {
  private readonly view: DataView;

  constructor(readonly space: ConfigurationSpace) {
    const { buffer, byteOffset, byteLength } = space.bytes;
    this.view = new DataView(buffer, byteOffset, byteLength);
  }

  byte(offset: number): number {
    return offset < this.view.byteLength ? this.view.getUint8(offset) : 0;
  }

  half(offset: number): number {
    return this.byte(offset) | (this.byte(offset + 1) << 8);
  }

  /** Header type 1, or 2 of a CardBus bridge, which has its bus numbers at the same place. */
  get isBridge(): boolean {
    const type = this.byte(0x0e) & 0x7f;
    return type === 1 || type === 2;
  }

  get hasExtended(): boolean {
    return this.view.byteLength > CONFIGURATION_SIZE;
  }

  get requester(): RequesterId {
    const { bus, device, function: number } = this.space;
    return requesterId(bus, device, number);
  }

  /** Offset of the PCI Express capability; 0 without one. A list that loops is followed once around. */
  get pciExpress(): number {
    const seen = new Set<number>();
    if ((this.half(0x06) & 0x10) === 0) return 0;
    for (let at = this.byte(0x34) & 0xfc; at >= 0x40 && !seen.has(at); at = this.byte(at + 1) & 0xfc) {
      if (this.byte(at) === Capability.pciExpress) return at;
      seen.add(at);
    }
    return 0;
  }

  /** Offset of an extended capability; 0 without it. */
  extended(id: number): number {
    const seen = new Set<number>();
    for (let at = EXTENDED; at >= EXTENDED && !seen.has(at); at = this.half(at + 2) >>> 4) {
      if (this.half(at) === id) return at;
      seen.add(at);
    }
    return 0;
  }

  get acs(): number | null {
    const at = this.extended(ExtendedCapability.acs);
    return at === 0 ? null : this.half(at + 6) & 0x7f;
  }
}

/** The topology of all these functions, in any order; virtual functions are told by their physical function. */
export function enumerated(spaces: readonly ConfigurationSpace[]): Enumerated {
  const headers = spaces.map((space) => new Header(space));
  const segments = [...new Set(spaces.map((one) => one.segment))].sort((one, other) => one - other);
  const enumerations = segments.map(
    (segment) => new Enumeration(headers.filter((one) => one.space.segment === segment)),
  );
  const blind = headers.filter((one) => one.pciExpress !== 0 && !one.hasExtended);
  return {
    topology: {
      segments: segments.map((segment, index) => ({ segment, roots: enumerations[index]!.roots() })),
    },
    gaps:
      blind.length === 0
        ? []
        : [
            `no extended configuration space of ${blind.length} functions, such as ${nameOf(blind[0]!.space)}: ACS and SR-IOV are taken to be absent`,
          ],
  };
}

/** The functions of one segment. */
class Enumeration {
  private readonly own: readonly Header[];
  private readonly virtual: ReadonlyMap<RequesterId, Header>;

  constructor(headers: readonly Header[]) {
    const byId = new Map(headers.map((one) => [one.requester, one]));
    const virtual = headers.flatMap(virtualFunctionsOf).filter((id) => byId.has(id));
    this.virtual = new Map(virtual.map((id) => [id, byId.get(id)!]));
    this.own = headers.filter((one) => !this.virtual.has(one.requester));
  }

  roots() {
    const below = new Set(this.own.filter((one) => one.isBridge).map((one) => one.byte(0x19)));
    const buses = [...new Set(this.own.map((one) => one.space.bus))].filter((bus) => !below.has(bus));
    return buses
      .sort((one, other) => one - other)
      .map((bus) => ({ bus, devices: this.devices(bus, null, new Set()) }));
  }

  /**
   * @param bridge the kind of the bridge that leads to the bus
   * @param above buses on the way: bridges that claim one of them again are taken to have nothing below
   */
  private devices(bus: number, bridge: Bridge["kind"] | null, above: ReadonlySet<number>): Device[] {
    const here = this.own
      .filter((one) => one.space.bus === bus)
      .sort((one, other) => one.requester - other.requester);
    // A link has one device; with ARI the five bits of the device number are further bits of the function number.
    const isLink = bridge === "root-port" || bridge === "switch-downstream";
    const deviceOf = (one: Header) => (isLink ? 0 : one.space.device);
    const path = new Set([...above, bus]);
    return [...new Set(here.map(deviceOf))].map((device) => ({
      device,
      functions: here
        .filter((one) => deviceOf(one) === device)
        .map((one) => this.functionOf(one, (one.requester & 0xff) - device * 8, bridge, path)),
    }));
  }

  private functionOf(
    header: Header,
    number: number,
    bridge: Bridge["kind"] | null,
    path: ReadonlySet<number>,
  ): PciFunction {
    const common = { name: nameOf(header.space), function: number, acs: header.acs };
    if (!header.isBridge) return { ...common, ...this.endpoint(header, bridge) };
    const kind = bridgeKind(header);
    const secondary = header.byte(0x19);
    const devices = path.has(secondary) ? [] : this.devices(secondary, kind, path);
    return {
      ...common,
      kind,
      secondary,
      subordinate: header.byte(0x1a),
      hotPlug: isHotPlug(header),
      devices,
    };
  }

  private endpoint(header: Header, bridge: Bridge["kind"] | null) {
    const express = header.pciExpress !== 0;
    const conventional = !express && bridge !== null && CONVENTIONAL.has(bridge);
    const integrated = express ? INTEGRATED_TYPES.has(portType(header)) : bridge === null;
    const kind: Endpoint["kind"] = conventional
      ? "conventional"
      : integrated
        ? "integrated-endpoint"
        : "endpoint";
    return { kind, phantomBits: phantomBits(header), sriov: this.sriov(header), alsoFunctions: [] };
  }

  private sriov(header: Header): Endpoint["sriov"] {
    const at = header.extended(ExtendedCapability.sriov);
    if (at === 0) return null;
    const [first] = virtualFunctionsOf(header);
    const virtual = first === undefined ? undefined : this.virtual.get(first);
    return {
      totalVfs: header.half(at + 0x0e),
      numVfs: enabledVfs(header, at),
      firstVfOffset: header.half(at + 0x14),
      vfStride: header.half(at + 0x16),
      vfAcs: virtual?.acs ?? null,
    };
  }
}

function portType(header: Header): number {
  return (header.byte(header.pciExpress + 2) >>> 4) & 0xf;
}

/** A bridge without a PCI Express capability has conventional buses on both sides. */
function bridgeKind(header: Header): (typeof BRIDGE_KINDS)[number] {
  return (header.pciExpress === 0 ? undefined : PORT_TYPES[portType(header)]) ?? "pci-to-pci";
}

/** Slot Implemented, and Hot-Plug Capable. */
function isHotPlug(header: Header): boolean {
  const at = header.pciExpress;
  return at !== 0 && (header.half(at + 2) & 0x100) !== 0 && (header.byte(at + 0x14) & 0x40) !== 0;
}

/** Phantom Functions Supported, where Phantom Functions Enable is set. */
function phantomBits(header: Header): 0 | 1 | 2 | 3 {
  const at = header.pciExpress;
  if (at === 0 || (header.half(at + 8) & 0x200) === 0) return 0;
  return ((header.byte(at + 4) >>> 3) & 3) as 0 | 1 | 2 | 3;
}

/** NumVFs while VF Enable is set. */
function enabledVfs(header: Header, at: number): number {
  return header.half(at + 8) & 1 ? header.half(at + 0x10) : 0;
}

/** Requester ids of the virtual functions that are enabled (SR-IOV 2.1.2). */
function virtualFunctionsOf(header: Header): RequesterId[] {
  const at = header.extended(ExtendedCapability.sriov);
  if (at === 0) return [];
  const first = header.requester + header.half(at + 0x14);
  const stride = header.half(at + 0x16);
  return Array.from({ length: enabledVfs(header, at) }, (_, index) => (first + index * stride) & 0xffff);
}

/** The address of a function as Linux and lspci write it: `0000:00:1f.3`. */
export function nameOf(one: Omit<ConfigurationSpace, "bytes">): string {
  const hex = (value: number, digits: number) => value.toString(16).padStart(digits, "0");
  return `${hex(one.segment, 4)}:${hex(one.bus, 2)}:${hex(one.device, 2)}.${one.function.toString(16)}`;
}
