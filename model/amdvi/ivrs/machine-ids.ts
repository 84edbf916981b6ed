/** The DeviceIDs that there are on a machine. */
import { type LocatedFunction, locatedFunctions } from "../../pci/functions.js";
import { requesterIdsOf } from "../../pci/requester-ids.js";
import { isBridge, type Topology } from "../../pci/topology.js";
import type { RequesterId } from "../../words/address.js";
import { type IdRange, type IdSet, idSet, idsOfBuses, LAST_ID, single } from "./device-ids.js";

/** Ids of functions and of their requests, of virtual functions to be, and those below hot-plug ports, by segment. */
export function idsOnMachine(topology: Topology): ReadonlyMap<number, IdSet> {
  const functions = locatedFunctions(topology);
  return new Map(
    topology.segments.map(({ segment }) => {
      const here = functions.filter((one) => one.segment === segment);
      return [segment, idSet(here.flatMap((one) => idsOf(one, topology)))];
    }),
  );
}

function idsOf(one: LocatedFunction, topology: Topology): IdRange[] {
  const ids = single([one.requester, ...requesterIdsOf(topology, one.name), ...virtualIdsOf(one)]);
  const { self } = one;
  return isBridge(self) && self.hotPlug ? [...ids, idsOfBuses(self.secondary, self.subordinate)] : ids;
}

/** The ids of virtual functions, also of those that are not enabled yet. */
export function virtualIdsOf({ self, requester, physical }: LocatedFunction): RequesterId[] {
  if (isBridge(self) || !self.sriov || physical !== null) return [];
  const { totalVfs, firstVfOffset, vfStride } = self.sriov;
  return Array.from(
    { length: totalVfs },
    (_, index) => (requester + firstVfOffset + index * vfStride) & LAST_ID,
  );
}
