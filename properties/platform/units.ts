/** Which unit the requests of a platform scenario reach, by the requester ids that they may carry. */

import { dataPages, ownPages, placesOf } from "../../generators/platform/places.js";
import { withAllVirtualFunctions } from "../../generators/platform/present.js";
import type { PlatformScenario } from "../../generators/platform/scenario.js";
import type { RunSetup } from "../../implementations/iommu/interface.js";
import { platformNamed } from "../../model/architectures.js";
import { unitCovering } from "../../model/pci/covering.js";
import { locatedFunctions } from "../../model/pci/functions.js";
import type { FirmwarePlatform } from "../../model/pci/platform.js";
import { requesterIdsOf } from "../../model/pci/requester-ids.js";
import { isBridge } from "../../model/pci/topology.js";
import type { RequesterId } from "../../model/words/address.js";

/** The requester ids that may ever be seen on a platform. */
export interface PlatformRequesters {
  /** Index of the unit that translates for an id; an id that is not there reaches no unit. */
  readonly unitOf: ReadonlyMap<RequesterId, number>;
  /** Ids of virtual functions, and those next to them that a mistaken offset or stride leads to. */
  readonly virtual: ReadonlySet<RequesterId>;
}

/** Platforms do not change: what follows from one is worked out once. */
const known = new WeakMap<FirmwarePlatform, PlatformRequesters>();

/** The requester ids of everything that can be there, virtual functions that are off included. */
export function platformRequesters(platform: FirmwarePlatform): PlatformRequesters {
  let requesters = known.get(platform);
  if (!requesters) {
    requesters = findRequesters({ ...platform, topology: withAllVirtualFunctions(platform.topology) });
    known.set(platform, requesters);
  }
  return requesters;
}

function findRequesters(platform: FirmwarePlatform): PlatformRequesters {
  const unitOf = new Map<RequesterId, number>();
  const virtual = new Set<RequesterId>();
  for (const { name, self, physical, requester } of locatedFunctions(platform.topology)) {
    const unit = unitCovering(platform, name);
    if (!unit) continue;
    const index = platform.units.indexOf(unit);
    for (const id of requesterIdsOf(platform.topology, name)) if (!unitOf.has(id)) unitOf.set(id, index);
    if (physical !== null || isBridge(self) || !self.sriov) continue;
    const { firstVfOffset, vfStride, totalVfs } = self.sriov;
    for (let away = 1; away <= firstVfOffset + totalVfs * vfStride; away++) {
      const id = (requester + away) & 0xffff;
      virtual.add(id);
      if (!unitOf.has(id)) unitOf.set(id, index);
    }
  }
  return { unitOf, virtual };
}

/** Where each unit of a run starts: as after a reset. */
export function unitSetups(scenario: PlatformScenario): RunSetup[] {
  const { platform } = scenario;
  const { unitOf } = platformRequesters(platform);
  const profile = platformNamed(scenario.profile);
  return platform.units.map((_, unit) => {
    const { rootPage, rootPages, queuePage, logPage } = placesOf(scenario, 0, unit);
    return {
      profile,
      start: "reset",
      requesters: [...unitOf].filter(([, of]) => of === unit).map(([id]) => id),
      dataPages,
      tablePages: ownPages,
      timing: (scenario.timing ^ Math.imul(unit, 0x9e3779b1)) >>> 0,
      rootPage,
      rootPages,
      queuePage,
      logPage,
    };
  });
}
