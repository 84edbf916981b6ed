/** Which devices the units of a platform have. */
import type { Structure } from "../../acpi/structure.js";
import { functionNamed } from "../../pci/functions.js";
import type { FirmwarePlatform, RemappingUnit } from "../../pci/platform.js";
import { requesterIdsOf } from "../../pci/requester-ids.js";
import { type Bridge, isBridge } from "../../pci/topology.js";
import type { RequesterId } from "../../words/address.js";
import { aliasZones } from "./aliases.js";
import {
  common,
  EVERY_ID,
  hasId,
  type IdRange,
  type IdSet,
  idSet,
  idsOfBuses,
  single,
  without,
} from "./device-ids.js";
import { entriesFor } from "./entries-for.js";
import { idsOnMachine, virtualIdsOf } from "./machine-ids.js";

/** What a unit has. */
export interface Claiming {
  readonly entries: readonly Structure[];
  /** Whether some of its devices may use ATS. */
  readonly ats: boolean;
  has(id: RequesterId): boolean;
}

/** What each unit of a platform has, in their order. */
export function claimedBy(platform: FirmwarePlatform): Claiming[] {
  const { topology, units } = platform;
  const ports = atsRanges(platform);
  const zones = aliasZones(topology);
  const machine = idsOnMachine(topology);
  return idsOfUnits(platform).map((ids, index) => {
    const { segment } = units[index]!;
    const ats = common(ids, ports[segment] ?? []);
    const aliased = zones.filter((zone) => zone.segment === segment);
    return {
      ats: ats.length > 0,
      entries: entriesFor(ids, ats, aliased, machine.get(segment) ?? []),
      has: (id) => hasId(ids, id),
    };
  });
}

interface Paint {
  readonly unit: RemappingUnit;
  readonly ids: readonly IdRange[];
}

/**
 * The ids of each unit. What is named nearer to a device counts more: the rest, then ids that bridges put in place of a
 * function's, bridges with their buses from outside in, further ids of functions, and their own.
 */
function idsOfUnits({ topology, units }: FirmwarePlatform): IdSet[] {
  const rest: Paint[] = [];
  const foreign: Paint[] = [];
  const bridges: (Paint & { readonly depth: number })[] = [];
  const further: Paint[] = [];
  const own: Paint[] = [];
  for (const unit of units) {
    if (unit.covers === "rest") rest.push({ unit, ids: EVERY_ID });
    else
      for (const name of unit.covers) {
        const one = functionNamed(topology, name);
        if (!one || one.segment !== unit.segment) continue;
        const all = single(requesterIdsOf(topology, name));
        if (isBridge(one.self))
          bridges.push({ unit, ids: [...all, busesOf(one.self)], depth: one.above.length });
        else {
          foreign.push({ unit, ids: all });
          further.push({ unit, ids: all.filter(({ first }) => first >>> 8 === one.bus) });
          own.push({ unit, ids: single([one.requester, ...virtualIdsOf(one)]) });
        }
      }
  }
  bridges.sort((a, b) => a.depth - b.depth);
  return painted(units, [...rest, ...foreign, ...bridges, ...further, ...own]);
}

/** Later paint covers earlier paint, segment by segment. */
function painted(units: readonly RemappingUnit[], paints: readonly Paint[]): IdSet[] {
  const taken: Record<number, IdSet> = {};
  const ids = new Map<RemappingUnit, IdRange[]>();
  for (const { unit, ids: wanted } of [...paints].reverse()) {
    const before = taken[unit.segment] ?? [];
    const free = without(idSet(wanted), before);
    ids.set(unit, [...(ids.get(unit) ?? []), ...free]);
    taken[unit.segment] = idSet([...before, ...free]);
  }
  return units.map((unit) => idSet(ids.get(unit) ?? []));
}

function busesOf({ secondary, subordinate }: Bridge): IdRange {
  return idsOfBuses(secondary, subordinate);
}

/** Buses below root ports that may use ATS, by segment. */
function atsRanges({ topology, atsPorts }: FirmwarePlatform): Record<number, IdSet> {
  const ranges: Record<number, IdSet> = {};
  for (const name of atsPorts) {
    const port = functionNamed(topology, name);
    if (!port || !isBridge(port.self)) continue;
    ranges[port.segment] = idSet([...(ranges[port.segment] ?? []), busesOf(port.self)]);
  }
  return ranges;
}
