/** Machines for tests of this folder: one with every kind of place, and any that QEMU can be. */
import fc from "fast-check";
import type { BridgeModel, Placed, Tree } from "./tree.js";

function edu(device: number, fn = 0): Placed {
  return { model: "edu", device, function: fn };
}

function bridge(model: BridgeModel, device: number, fn: number, behind: readonly Placed[]): Placed {
  return { model, device, function: fn, behind };
}

/** Requester ids are known by hand for this one. */
export const everyPlace: Tree = {
  functions: [
    edu(4),
    edu(4, 1),
    bridge("pci-bridge", 6, 0, [edu(1)]),
    bridge("pcie-pci-bridge", 7, 0, [edu(1)]),
    bridge("pcie-root-port", 0x1c, 0, [edu(0), edu(0, 3)]),
    bridge("pcie-root-port", 0x1d, 0, [
      bridge("pcie-pci-bridge", 0, 0, [
        edu(1),
        edu(2),
        edu(2, 1),
        bridge("pci-bridge", 3, 0, [edu(0), edu(5)]),
      ]),
    ]),
    bridge("pcie-root-port", 0x1d, 1, [
      bridge("x3130-upstream", 0, 0, [
        bridge("xio3130-downstream", 0, 0, [edu(0)]),
        bridge("xio3130-downstream", 1, 0, [edu(0)]),
      ]),
    ]),
    bridge("i82801b11-bridge", 0x1e, 0, [edu(1), bridge("pci-bridge", 3, 0, [edu(2)])]),
  ],
  expanders: [
    { device: 8, bus: 0x40, bypass: false, functions: [bridge("pcie-root-port", 0, 0, [edu(0)])] },
    { device: 9, bus: 0x60, bypass: true, functions: [bridge("pcie-root-port", 0, 0, [edu(0)])] },
  ],
};

/** Where a function may go, which decides what it may be. */
type Place = "root" | "link" | "switch" | "conventional";

/** Bridges that a place takes, and the place behind each. */
const BRIDGES: Readonly<Record<Place, readonly (readonly [BridgeModel, Place])[]>> = {
  root: [
    ["pcie-root-port", "link"],
    ["pcie-pci-bridge", "conventional"],
    ["pci-bridge", "conventional"],
    ["i82801b11-bridge", "conventional"],
  ],
  link: [
    ["x3130-upstream", "switch"],
    ["pcie-pci-bridge", "conventional"],
  ],
  switch: [["xio3130-downstream", "link"]],
  conventional: [["pci-bridge", "conventional"]],
};

/** Bus 0 has devices of its own from 1fh downwards and, with `amd-iommu`, in the first place that is free. */
const DEVICES: Readonly<Record<Place, readonly [first: number, last: number]>> = {
  root: [2, 0x1d],
  link: [0, 0],
  switch: [0, 3],
  conventional: [1, 4],
};
const DEPTH = 3;
const EXPANDER = 0x1e;

/** Any tree whose buses fit below 80h, the buses of an expander above. */
export const treeArbitrary: fc.Arbitrary<Tree> = fc
  .tuple(busArbitrary("root", DEPTH, 3), fc.option(expanderArbitrary()))
  .map(([functions, expander]) => ({ functions, expanders: expander === null ? [] : [expander] }));

function expanderArbitrary() {
  const ports = fc.array(busArbitrary("link", 2, 1), { minLength: 1, maxLength: 2 });
  return fc.record({ bypass: fc.boolean(), ports }).map(({ bypass, ports }) => ({
    device: EXPANDER,
    bus: 0x80,
    bypass,
    functions: ports.map((behind, device) => bridge("pcie-root-port", device, 0, behind)),
  }));
}

function busArbitrary(place: Place, depth: number, most: number): fc.Arbitrary<Placed[]> {
  const [first, last] = DEVICES[place];
  return fc
    .uniqueArray(fc.integer({ min: first, max: last }), { minLength: 1, maxLength: most })
    .chain((devices) => fc.tuple(...devices.map((device) => deviceArbitrary(place, device, depth))))
    .map((devices) => devices.flat());
}

/** One or two functions, the first of them function 0. */
function deviceArbitrary(place: Place, device: number, depth: number): fc.Arbitrary<Placed[]> {
  return fc
    .uniqueArray(fc.integer({ min: 1, max: 7 }), { maxLength: 1 })
    .chain((others) => fc.tuple(...[0, ...others].map((fn) => functionArbitrary(place, device, fn, depth))));
}

function functionArbitrary(place: Place, device: number, fn: number, depth: number): fc.Arbitrary<Placed> {
  const bridges = BRIDGES[place].map(([model, below]) =>
    fc
      .record({
        behind: depth === 0 ? fc.constant([]) : busArbitrary(below, depth - 1, 2),
        spare: fc.nat({ max: 2 }),
      })
      .map(({ behind, spare }): Placed => ({ model, device, function: fn, behind, spare })),
  );
  // A bus between the ports of a switch takes nothing else.
  if (place === "switch") return fc.oneof(...bridges);
  const endpoint = { arbitrary: fc.constant(edu(device, fn)), weight: 3 };
  if (depth === 0) return endpoint.arbitrary;
  const others = bridges.map((arbitrary) => ({ arbitrary, weight: 1 }));
  return fc.oneof({ withCrossShrink: true }, endpoint, ...others);
}
