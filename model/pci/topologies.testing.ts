/** Small topologies for tests, written down as they are drawn. */
import {
  type Bridge,
  type Device,
  type Endpoint,
  ISOLATING_ACS,
  type PciFunction,
  type Topology,
} from "./topology.js";

/** A machine with one root bus, which is bus 0. */
export function machine(...devices: Device[]): Topology {
  return { segments: [{ segment: 0, roots: [{ bus: 0, devices }] }] };
}

/** A device with that number. */
export function at(device: number, ...functions: PciFunction[]): Device {
  return { device, functions };
}

/** A single-function endpoint without anything special. */
export function endpoint(name: string, special: Partial<Endpoint> = {}): Endpoint {
  const plain = {
    kind: "endpoint",
    function: 0,
    acs: null,
    phantomBits: 0,
    sriov: null,
    alsoFunctions: [],
  } as const;
  return { ...plain, name, ...special };
}

/** A conventional device. */
export function conventional(name: string, special: Partial<Endpoint> = {}): Endpoint {
  return endpoint(name, { kind: "conventional", ...special });
}

/** A bridge to buses `secondary` to `subordinate`; ports have all of ACS. */
export function bridge(
  kind: Bridge["kind"],
  name: string,
  [secondary, subordinate = secondary]: readonly [number, number?],
  devices: readonly Device[],
  special: Partial<Bridge> = {},
): Bridge {
  const acs = kind === "root-port" || kind === "switch-downstream" ? ISOLATING_ACS : null;
  return { name, kind, function: 0, acs, secondary, subordinate, hotPlug: false, devices, ...special };
}

/** A root port to buses 1 to 4, and below it a switch with two downstream ports; behind each a card. */
export function switched(
  first: Partial<Bridge>,
  second: Partial<Bridge> = {},
  root: Partial<Bridge> = {},
): Topology {
  const left = bridge("switch-downstream", "left", [3], [at(0, endpoint("left card"))], first);
  const right = bridge("switch-downstream", "right", [4], [at(0, endpoint("right card"))], second);
  const upstream = bridge("switch-upstream", "switch", [2, 4], [at(0, left), at(1, right)]);
  return machine(at(1, bridge("root-port", "port", [1, 4], [at(0, upstream)], root)));
}
