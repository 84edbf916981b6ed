/**
 * The features that the platforms of scenarios are put together from. Each has a place of its own on the root bus, and the
 * buses that it needs, the lowest that are free: tables have an entry for every function of every bus.
 */
import type { ReservedRegion } from "../../model/pci/platform.js";
import {
  type Bridge,
  type Device,
  type Endpoint,
  ISOLATING_ACS,
  isBridge,
} from "../../model/pci/topology.js";
import type { ArchitectureId } from "../../model/profile.js";
import type { Chance } from "../../model/words/chance.js";
import { reservedPages } from "./places.js";

/** What a feature brings along. */
export interface Feature {
  /** On the root bus. */
  readonly devices: readonly Device[];
  readonly reserved?: readonly ReservedRegion[];
  /** Functions that are not there at first. */
  readonly absent?: readonly string[];
  /** Functions of the root bus that no unit translates for. */
  readonly uncovered?: readonly string[];
}

/** Draws the details of a feature. `bus` is the first that it may use. */
type Draw = (chance: Chance, architecture: ArchitectureId, bus: number) => Feature;

interface FeatureKind {
  /** How often of 256 a platform has it. */
  readonly weight: number;
  readonly draw: Draw;
}

const NO_SRIOV = { phantomBits: 0, sriov: null, alsoFunctions: [] } as const;

function endpoint(name: string, fn: number, kind: Endpoint["kind"], acs: number | null = null): Endpoint {
  return { name, function: fn, acs, kind, ...NO_SRIOV };
}

function integrated(name: string, device: number): Device {
  return { device, functions: [endpoint(name, 0, "integrated-endpoint")] };
}

function alone(name: string, device = 0): Device {
  return { device, functions: [endpoint(name, 0, "endpoint")] };
}

/** What a bridge is like where nothing else is said. */
const ORDINARY_BRIDGE = { function: 0, hotPlug: false, acs: ISOLATING_ACS } as const;

function bridge(of: Omit<Bridge, keyof typeof ORDINARY_BRIDGE> & Partial<Bridge>): Bridge {
  return { ...ORDINARY_BRIDGE, ...of };
}

/** Device numbers on the root bus. */
const AT = {
  usb: 1,
  disk: 2,
  multi: 3,
  phantom: 4,
  port: 5,
  slot: 6,
  outsider: 7,
  graphics: 8,
  bridge: 30,
} as const;

/** A region in the `index`-th quarter of the pages set aside, now and then all of it: the next one follows at once. */
function region(
  chance: Chance,
  architecture: ArchitectureId,
  index: number,
  functions: readonly string[],
): ReservedRegion {
  const quarter = reservedPages.length / 4;
  const page = reservedPages[index * quarter]!;
  const pages = 1 + chance.below(quarter);
  const common = { functions, page, pages };
  if (architecture === "vtd" || chance.happens(160)) return { ...common, kind: "unity", access: "rw" };
  if (chance.happens(96)) return { ...common, kind: "unity", access: chance.happens(128) ? "r" : "w" };
  return { ...common, kind: "exclusion", access: chance.happens(128) ? "rw" : "r" };
}

/** Features of a root bus: they go together in any number. */
const INTEGRATED = {
  /** An ordinary device. */
  disk: { weight: 200, draw: () => ({ devices: [integrated("disk", AT.disk)] }) },
  /** A USB controller that firmware drives, for a keyboard, until the operating system does. */
  usb: {
    weight: 112,
    draw: (chance, architecture) => ({
      devices: [integrated("usb", AT.usb)],
      reserved: [region(chance, architecture, 0, ["usb"])],
    }),
  },
  /** Graphics with memory that firmware took from the top of the machine's. */
  graphics: {
    weight: 40,
    draw: (chance, architecture) => ({
      devices: [integrated("graphics", AT.graphics)],
      reserved: [region(chance, architecture, 1, ["graphics"])],
    }),
  },
  /** A device of two functions, without ACS as a rule. One of them may have a region. */
  multi: {
    weight: 80,
    draw: (chance, architecture) => {
      const acs = chance.happens(64) ? ISOLATING_ACS : null;
      const functions = [0, 1].map((fn) => endpoint(`multi.${fn}`, fn, "integrated-endpoint", acs));
      return {
        devices: [{ device: AT.multi, functions }],
        reserved: chance.happens(64) ? [region(chance, architecture, 2, ["multi.1"])] : [],
      };
    },
  },
  /** A device whose requests carry several function numbers. */
  phantom: {
    weight: 48,
    draw: (chance) => {
      const one = endpoint("phantom", 0, "integrated-endpoint");
      const several = chance.happens(128);
      const functions = [{ ...one, ...(several ? { phantomBits: 1 as const } : { alsoFunctions: [1] }) }];
      return { devices: [{ device: AT.phantom, functions }] };
    },
  },
  /** A device that no unit translates for. */
  outsider: {
    weight: 64,
    draw: () => ({ devices: [integrated("outsider", AT.outsider)], uncovered: ["outsider"] }),
  },
} as const satisfies Readonly<Record<string, FeatureKind>>;

/** What is below root ports: either these, with a bus for each, or {@link switched}. */
const BELOW_PORTS = {
  /** A network adapter, with a region for its management controller at times. */
  nic: {
    weight: 96,
    draw: (chance, architecture, bus) => ({
      devices: [port("port1", AT.port, bus, false, [alone("nic")])],
      reserved: chance.happens(40) ? [region(chance, architecture, 3, ["nic"])] : [],
    }),
  },
  /** An empty slot, or one with a card in it, and another card for the same place. */
  slot: {
    weight: 112,
    draw: (chance, _, bus) => {
      const cards = [alone("card"), alone("other-card")];
      return {
        devices: [port("slot", AT.slot, bus, true, cards)],
        absent: chance.happens(128) ? ["other-card"] : ["card", "other-card"],
      };
    },
  },
  /** Conventional devices behind a bridge, which share its requester id. */
  conventional: {
    weight: 104,
    draw: (chance, _, bus) => {
      const kind = chance.happens(192) ? "pcie-to-pci" : "pci-to-pci";
      const devices = [1, 2].map((device) => ({
        device,
        functions: [endpoint(`old${device}`, 0, "conventional")],
      }));
      const one = bridge({ name: "bridge", kind, acs: null, secondary: bus, subordinate: bus, devices });
      return { devices: [{ device: AT.bridge, functions: [one] }] };
    },
  },
} as const satisfies Readonly<Record<string, FeatureKind>>;

function port(
  name: string,
  device: number,
  bus: number,
  hotPlug: boolean,
  devices: readonly Device[],
): Device {
  const one = bridge({ name, kind: "root-port", secondary: bus, subordinate: bus, hotPlug, devices });
  return { device, functions: [one] };
}

/** A physical function with virtual ones, in the place of the network adapter. */
const virtualised: Draw = (chance) => {
  const vfStride = 1 + chance.below(2);
  const numVfs = chance.happens(144) ? 1 + chance.below(2) : 0;
  const acs = chance.happens(208) ? ISOLATING_ACS : null;
  const sriov = { totalVfs: 3, numVfs, firstVfOffset: 8, vfStride, vfAcs: acs };
  const functions = [{ ...endpoint("pf", 0, "endpoint", acs), sriov }];
  return { devices: [port("port1", AT.port, 1, false, [{ device: 0, functions }])] };
};

/** A switch with two ports, whose ACS redirects what goes from one to the other, or does not. */
const switched: Draw = (chance) => {
  const acs = chance.happens(112) ? ISOLATING_ACS : null;
  const hotPlug = chance.happens(96);
  const lower = ["left", "right"].map((name, index): Device => {
    const bus = 3 + index;
    const devices = [alone(name)];
    const one = bridge({
      name: `${name}-port`,
      kind: "switch-downstream",
      secondary: bus,
      subordinate: bus,
      acs,
      hotPlug,
      devices,
    });
    return { device: index, functions: [one] };
  });
  const upper = bridge({
    name: "switch",
    kind: "switch-upstream",
    secondary: 2,
    subordinate: 4,
    acs: null,
    devices: lower,
  });
  const devices = [{ device: 0, functions: [upper] }];
  const one = bridge({ name: "port1", kind: "root-port", secondary: 1, subordinate: 4, devices });
  return { devices: [{ device: AT.port, functions: [one] }] };
};

/** Features for one platform; at least one that a unit translates for. */
export function drawFeatures(chance: Chance, architecture: ArchitectureId): Feature[] {
  const features: Feature[] = [];
  let bus = 1;
  const add = (kinds: Readonly<Record<string, FeatureKind>>) => {
    for (const { weight, draw } of Object.values(kinds)) {
      if (!chance.happens(weight)) continue;
      const feature = draw(chance, architecture, bus);
      features.push(feature);
      if (feature.devices.some((one) => one.functions.some(isBridge))) bus++;
    }
  };
  add(INTEGRATED);
  if (chance.happens(56)) features.push(switched(chance, architecture, bus));
  else if (chance.happens(72)) features.push(virtualised(chance, architecture, bus));
  else add(BELOW_PORTS);
  if (features.every((one) => one.uncovered)) features.push(INTEGRATED.disk.draw());
  return features;
}
