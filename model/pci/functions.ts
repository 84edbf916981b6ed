/** The functions of a topology with what follows from where they are: their requester ids, and the bridges above them. */
import type { BusNumbers } from "../acpi/firmware-table.js";
import { type RequesterId, requesterId } from "../words/address.js";
import { type Bridge, type Device, isBridge, type PciFunction, type Topology } from "./topology.js";

/** A function, or an enabled virtual function, in its place. */
export interface LocatedFunction {
  readonly name: string;
  readonly segment: number;
  readonly bus: number;
  readonly device: number;
  readonly function: number;
  /** The id of its own; what arrives at the IOMMU may be another (`requesterIdsOf`). */
  readonly requester: RequesterId;
  readonly kind: PciFunction["kind"] | "virtual-function";
  /** What the topology says of it; of a virtual function, its physical function. */
  readonly self: PciFunction;
  /** Name of the physical function of a virtual function. */
  readonly physical: string | null;
  /** The bridges on its way to the IOMMU, outermost first. */
  readonly above: readonly Bridge[];
  /** The device that it belongs to. Virtual functions belong to that of their physical function. */
  readonly of: Device;
}

/** The functions of a topology are asked for by name again and again. Topologies do not change. */
const known = new WeakMap<Topology, ReadonlyMap<string, LocatedFunction>>();

/** Every function, depth first; a physical function is followed by its virtual functions that are enabled. */
export function locatedFunctions(topology: Topology): readonly LocatedFunction[] {
  return [...byName(topology).values()];
}

/** The function or virtual function of that name, if there is one. */
export function functionNamed(topology: Topology, name: string): LocatedFunction | undefined {
  return byName(topology).get(name);
}

/** What virtual functions are called. They count from 1, as in the SR-IOV specification. */
export function nameOfVirtualFunction(pf: string, index: number): string {
  return `${pf}.vf${index}`;
}

/** What configuration space shows of every bridge, depth first. */
export function busNumbersOf(topology: Topology): BusNumbers[] {
  return locatedFunctions(topology).flatMap(({ segment, bus, device, function: fn, self }) =>
    isBridge(self)
      ? [{ segment, bus, device, function: fn, secondary: self.secondary, subordinate: self.subordinate }]
      : [],
  );
}

function byName(topology: Topology): ReadonlyMap<string, LocatedFunction> {
  let functions = known.get(topology);
  if (functions === undefined) {
    const found = new Map<string, LocatedFunction>();
    for (const { segment, roots } of topology.segments)
      for (const root of roots) locate(segment, root.bus, root.devices, [], found);
    functions = found;
    known.set(topology, functions);
  }
  return functions;
}

function locate(
  segment: number,
  bus: number,
  devices: readonly Device[],
  above: readonly Bridge[],
  found: Map<string, LocatedFunction>,
): void {
  for (const of of devices)
    for (const self of of.functions) {
      const { name, kind, function: fn } = self;
      const { device } = of;
      const requester = requesterId(bus, device, fn);
      const one = {
        name,
        segment,
        bus,
        device,
        function: fn,
        requester,
        kind,
        self,
        physical: null,
        above,
        of,
      };
      found.set(name, one);
      if (isBridge(self)) locate(segment, self.secondary, self.devices, [...above, self], found);
      else for (const virtual of virtualFunctionsOf(one)) found.set(virtual.name, virtual);
    }
}

/** The enabled virtual functions of a physical function (SR-IOV 2.1.2): 16 bit arithmetic that may carry into the bus. */
function virtualFunctionsOf(pf: LocatedFunction): LocatedFunction[] {
  if (isBridge(pf.self) || pf.self.sriov === null) return [];
  const { numVfs, firstVfOffset, vfStride } = pf.self.sriov;
  return Array.from({ length: numVfs }, (_, index) => {
    const requester = (pf.requester + firstVfOffset + index * vfStride) & 0xffff;
    return {
      ...pf,
      name: nameOfVirtualFunction(pf.name, index + 1),
      bus: requester >>> 8,
      device: (requester >>> 3) & 31,
      function: requester & 7,
      requester,
      kind: "virtual-function",
      physical: pf.name,
    };
  });
}
