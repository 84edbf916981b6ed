/** Under which requester ids the requests of a function arrive at the IOMMU (VT-d 3.4.1, AMD IVRS alias entries). */
import { type RequesterId, requesterId } from "../words/address.js";
import { functionNamed, type LocatedFunction } from "./functions.js";
import { type Bridge, isBridge, type Topology } from "./topology.js";

/**
 * Every id that requests of the function may carry when they reach the IOMMU, its own first where that can appear at all.
 * None for a name that the topology does not have.
 */
export function requesterIdsOf(topology: Topology, name: string): readonly RequesterId[] {
  const one = functionNamed(topology, name);
  if (one === undefined) return [];
  return one.above.reduceRight((ids, bridge) => idsBeyond(topology, bridge, ids), idsSent(one));
}

/** The ids that a function puts into its requests. */
function idsSent({ requester, bus, of, self, physical }: LocatedFunction): readonly RequesterId[] {
  // Choice: phantom and stray function numbers are those of a physical function; its virtual functions have neither.
  if (isBridge(self) || physical !== null) return [requester];
  const phantoms = 8 - (8 >> self.phantomBits);
  const all = [requester];
  for (let fn = 0; fn < 8; fn++) if ((fn & ~phantoms) === 0) all.push((requester & ~phantoms) | fn);
  for (const fn of self.alsoFunctions) all.push(requesterId(bus, of.device, fn));
  return [...new Set(all)];
}

/** The ids that requests may have above a bridge which had one of `ids` below it. */
export function idsBeyond(
  topology: Topology,
  bridge: Bridge,
  ids: readonly RequesterId[],
): readonly RequesterId[] {
  switch (bridge.kind) {
    case "pcie-to-pci":
      // It keeps the id of a PCI-X request, and makes one up for a conventional request, which has none.
      // Choice: that is always one of its secondary bus (PCIe-to-PCI Bridge 2.3), never its own.
      return [...new Set([...ids, requesterId(bridge.secondary, 0, 0)])];
    case "pci-to-pci":
    case "pci-to-pcie":
      // Choice: it takes every request over as its own. (A PCI-X bridge between PCI-X buses may keep the id.)
      return [functionNamed(topology, bridge.name)!.requester];
    default:
      return ids;
  }
}
