/** The device entries that give devices to a unit (AMD-Vi 5.2.2.1). */
import { make, type Structure } from "../../acpi/structure.js";
import type { RequesterId } from "../../words/address.js";
import type { AliasZone } from "./aliases.js";
import { common, hasId, type IdRange, type IdSet, idSet, LAST_ID, without } from "./device-ids.js";
import * as layouts from "./layouts.js";

/**
 * The entries that give a unit these devices: `ats` of them may use ATS. `machine` are the ids that can be those of a
 * function: an entry for one device is for one of them, anything else is in ranges.
 */
export function entriesFor(ids: IdSet, ats: IdSet, zones: readonly AliasZone[], machine: IdSet): Structure[] {
  const aliased = idSet(zones.flatMap((zone) => zone.ids));
  const plain = without(ids, aliased);
  const runs = [
    ...zones.flatMap((zone) =>
      common(ids, zone.ids).map((run) => ({ ...run, make: aliasEntry(zone.alias) })),
    ),
    ...(ats.length === 0
      ? plain.map((run) => ({ ...run, make: plainEntry }))
      : [
          ...common(plain, ats).map((run) => ({ ...run, make: extendedEntry(0) })),
          ...without(plain, ats).map((run) => ({ ...run, make: extendedEntry(1) })),
        ]),
  ];
  return runs.sort((a, b) => a.first - b.first).flatMap((run) => entriesOfRun(run, run.make, machine));
}

/** Makes an entry for one device, or one that starts a range. */
type EntryMaker = (deviceId: RequesterId, start: boolean) => Structure;

const plainEntry: EntryMaker = (deviceId, start) =>
  start
    ? make(layouts.startLayout, { type: 3, deviceId, ...layouts.NO_DTE_SETTING })
    : make(layouts.selectLayout, { type: 2, deviceId, ...layouts.NO_DTE_SETTING });

function aliasEntry(alias: RequesterId): EntryMaker {
  return (deviceId, start) =>
    start
      ? make(layouts.aliasStartLayout, { type: 67, deviceId, alias, ...layouts.NO_DTE_SETTING })
      : make(layouts.aliasSelectLayout, { type: 66, deviceId, alias, ...layouts.NO_DTE_SETTING });
}

function extendedEntry(atsDisabled: number): EntryMaker {
  return (deviceId, start) =>
    start
      ? make(layouts.extendedStartLayout, { type: 71, deviceId, atsDisabled, ...layouts.NO_DTE_SETTING })
      : make(layouts.extendedSelectLayout, { type: 70, deviceId, atsDisabled, ...layouts.NO_DTE_SETTING });
}

function entriesOfRun({ first, last }: IdRange, makeEntry: EntryMaker, machine: IdSet): Structure[] {
  if (first === 0 && last === LAST_ID && makeEntry === plainEntry)
    return [make(layouts.allLayout, { type: 1, ...layouts.NO_DTE_SETTING })];
  if (first === last && hasId(machine, first)) return [makeEntry(first, false)];
  return [makeEntry(first, true), make(layouts.endLayout, { type: 4, deviceId: last })];
}
