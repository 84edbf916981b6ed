/** Ids that bridges put in place of those of the functions behind them (AMD-Vi 5.2.2.1, alias entries). */
import { locatedFunctions } from "../../pci/functions.js";
import { idsBeyond } from "../../pci/requester-ids.js";
import { type Bridge, isBridge, type Topology } from "../../pci/topology.js";
import type { RequesterId } from "../../words/address.js";
import { type IdSet, idsOfBuses, single, without } from "./device-ids.js";

/** Buses behind a bridge that puts an id of its own in place of the requester's. */
export interface AliasZone {
  readonly segment: number;
  readonly ids: IdSet;
  readonly alias: RequesterId;
}

/**
 * The id in place of that of a function behind these bridges, outermost first; null if it keeps its own.
 * Choice: where several bridges each put one in place, it is that of the last before the IOMMU.
 */
export function aliasBehind(topology: Topology, bridges: readonly Bridge[]): RequesterId | null {
  const ids = bridges.reduceRight<readonly RequesterId[]>(
    (below, bridge) => idsBeyond(topology, bridge, below),
    [],
  );
  return ids.at(-1) ?? null;
}

/** The zones of a machine; those in others are left out. */
export function aliasZones(topology: Topology): AliasZone[] {
  return locatedFunctions(topology).flatMap(({ segment, self, above }) => {
    if (!isBridge(self) || aliasBehind(topology, above) !== null) return [];
    const alias = aliasBehind(topology, [...above, self]);
    if (alias === null) return [];
    return [
      { segment, ids: without([idsOfBuses(self.secondary, self.subordinate)], single([alias])), alias },
    ];
  });
}
