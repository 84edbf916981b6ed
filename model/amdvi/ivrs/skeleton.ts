/** The functions that an IVRS names. */
import type { BusNumbers } from "../../acpi/firmware-table.js";
import { type NamedFunction, skeletonOf } from "../../pci/skeleton.js";
import type { Topology } from "../../pci/topology.js";
import { requesterId } from "../../words/address.js";
import { hasId } from "./device-ids.js";
import { IvmdType } from "./layouts.js";
import type { DescribedUnit, Description } from "./units.js";

/**
 * The units themselves, devices of entries for one, and bridges in their ranges.
 * Choice: aliases, special devices and ACPI devices have ids that need not be those of a function.
 */
export function skeletonIn({ units, memory }: Description, buses: readonly BusNumbers[]): Topology {
  const single = memory.filter(({ structure }) => structure.values.type === IvmdType.one);
  return skeletonOf(
    [
      ...units.flatMap((unit) => functionsOf(unit, buses)),
      ...single.map(({ structure: { values } }) => ({
        segment: values.segment,
        requester: values.deviceId,
        bridge: false,
      })),
    ],
    buses,
  );
}

function functionsOf({ segment, deviceId, ivhd, ids }: DescribedUnit, buses: readonly BusNumbers[]) {
  const named = ivhd.entries.claims.filter((one) => one.form === "one").map((one) => one.first);
  const bridges = buses
    .filter((one) => one.segment === segment)
    .map((one) => requesterId(one.bus, one.device, one.function))
    .filter((requester) => hasId(ids, requester));
  return [
    ...[deviceId, ...named].map((requester): NamedFunction => ({ segment, requester, bridge: false })),
    ...bridges.map((requester): NamedFunction => ({ segment, requester, bridge: true })),
  ];
}
