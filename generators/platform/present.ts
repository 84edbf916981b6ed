/** The part of a topology that is there: functions that come and go, virtual functions that are switched on and off. */
import { type Device, isBridge, type PciFunction, type Topology } from "../../model/pci/topology.js";

/** The topology with every function as `change` has it; null takes it away with all below it, last first. */
export function withFunctions(
  topology: Topology,
  change: (one: PciFunction) => PciFunction | null,
): Topology {
  const changed = (one: PciFunction): PciFunction[] => {
    const kept = change(one);
    if (!kept) return [];
    return isBridge(kept) ? [{ ...kept, devices: devicesOf(kept.devices) }] : [kept];
  };
  const devicesOf = (devices: readonly Device[]): Device[] =>
    devices
      .map((device) => ({ ...device, functions: device.functions.flatMap(changed) }))
      .filter((device) => device.functions.length > 0);
  return {
    segments: topology.segments.map((segment) => ({
      ...segment,
      roots: segment.roots.map((root) => ({ ...root, devices: devicesOf(root.devices) })),
    })),
  };
}

/** The topology without these functions and all that is below them. */
export function withoutFunctions(topology: Topology, names: ReadonlySet<string>): Topology {
  return withFunctions(topology, (one) => (names.has(one.name) ? null : one));
}

/** The topology with another number of virtual functions of a physical one. */
export function withVirtualFunctions(topology: Topology, name: string, count: number): Topology {
  return withFunctions(topology, (one) =>
    one.name === name && !isBridge(one) && one.sriov
      ? { ...one, sriov: { ...one.sriov, numVfs: Math.min(count, one.sriov.totalVfs) } }
      : one,
  );
}

/** The topology with all virtual functions that there can ever be. */
export function withAllVirtualFunctions(topology: Topology): Topology {
  return withFunctions(topology, (one) =>
    isBridge(one) || !one.sriov ? one : { ...one, sriov: { ...one.sriov, numVfs: one.sriov.totalVfs } },
  );
}
