/** The units and the memory that an IVRS speaks of: IVHDs of several types may describe one unit (AMD-Vi 5.2.2.1). */
import { isA, placed } from "../../acpi/structure.js";
import { fragment, readTable } from "../../acpi/table.js";
import { type RequesterId, showRequester } from "../../words/address.js";
import { type Claim, type Entries, entriesOf, type Placed } from "./claims.js";
import { hasId, type IdRange, type IdSet, idSet, without } from "./device-ids.js";
import {
  type Ivhd,
  type Ivmd,
  type Ivrs,
  ivhd10Layout,
  ivhd11Layout,
  ivhd40Layout,
  ivmdLayout,
  ivrsLayout,
} from "./layouts.js";

/** An IVHD with what its entries say. */
export interface DescribedIvhd extends Placed<Ivhd> {
  readonly entries: Entries;
}

/** A unit with everything that the table says of it. */
export interface DescribedUnit {
  readonly segment: number;
  /** The unit as a PCI function. */
  readonly deviceId: RequesterId;
  /** In the order of the table. */
  readonly ivhds: readonly DescribedIvhd[];
  /** The one that counts: of the highest type, and of several the first. */
  readonly ivhd: DescribedIvhd;
  /** The devices that it has. */
  readonly ids: IdSet;
}

/** An IVRS taken apart. */
export interface Description {
  readonly table: Ivrs | null;
  /** In the order in which the table first speaks of them. */
  readonly units: readonly DescribedUnit[];
  readonly memory: readonly Placed<Ivmd>[];
}

function isIvhd(one: Placed<Ivrs["parts"][number]>): one is Placed<Ivhd> {
  const { structure } = one;
  return isA(structure, ivhd10Layout) || isA(structure, ivhd11Layout) || isA(structure, ivhd40Layout);
}

function isIvmd(one: Placed<Ivrs["parts"][number]>): one is Placed<Ivmd> {
  return isA(one.structure, ivmdLayout);
}

/** Takes the bytes of a table apart; the table is null if there are too few. */
export function describe(bytes: Uint8Array): Description {
  const table = readTable(ivrsLayout, bytes);
  if (isA(table, fragment)) return { table: null, units: [], memory: [] };
  const parts = placed(table.parts, ivrsLayout.bytes);
  return { table, units: unitsOf(parts.filter(isIvhd)), memory: parts.filter(isIvmd) };
}

/** Choice: IVHDs are of one unit if segment and DeviceID are the same. */
function unitsOf(ivhds: readonly Placed<Ivhd>[]): DescribedUnit[] {
  const units = new Map<number, DescribedIvhd[]>();
  for (const one of ivhds) {
    const { segment, deviceId } = one.structure.values;
    const key = segment * 0x10000 + deviceId;
    const of = units.get(key) ?? [];
    of.push({ ...one, entries: entriesOf(one.structure, one.offset) });
    units.set(key, of);
  }
  return [...units.values()].map(unitOf);
}

function unitOf(ivhds: readonly DescribedIvhd[]): DescribedUnit {
  const ivhd = ivhds.reduce((best, one) => (typeOf(one) > typeOf(best) ? one : best));
  const { segment, deviceId } = ivhd.structure.values;
  return { segment, deviceId, ivhds, ivhd, ids: idSet(ivhd.entries.claims) };
}

/** The type of an IVHD: 10h, 11h or 40h. */
export function typeOf(ivhd: Placed<Ivhd>): number {
  return ivhd.structure.values.type;
}

/** What a unit is called in messages. */
export function nameOf(unit: Pick<DescribedUnit, "segment" | "deviceId">): string {
  return `the unit ${unit.segment.toString(16).padStart(4, "0")}:${showRequester(unit.deviceId)}`;
}

/** The devices of all other units of its segment. */
export function idsOfOthers(unit: DescribedUnit, units: readonly DescribedUnit[]): IdSet {
  const others = units.filter((one) => one !== unit && one.segment === unit.segment);
  return idSet(others.flatMap((one) => one.ids));
}

/** The entry of a unit on a device; of several the last, null for none. */
export function claimOn(unit: DescribedUnit, id: RequesterId): Claim | null {
  return unit.ivhd.entries.claims.findLast((claim) => claim.first <= id && id <= claim.last) ?? null;
}

/** The devices of a unit that may use ATS and those that may not. What has an alias has no ATS, and is neither. */
export function idsByAts(unit: DescribedUnit): { readonly allowed: IdSet; readonly disabled: IdSet } {
  const never = unit.ivhd.structure.values.iotlbSup === 0;
  const allowed: IdRange[] = [];
  const disabled: IdRange[] = [];
  let later: IdSet = [];
  for (const claim of [...unit.ivhd.entries.claims].reverse()) {
    const mine = without([claim], later);
    later = idSet([...later, claim]);
    if (claim.alias === null) (never || claim.atsDisabled ? disabled : allowed).push(...mine);
  }
  return { allowed: idSet(allowed), disabled: idSet(disabled) };
}

/** The unit that has a device; of several the first. */
export function unitWith(
  units: readonly DescribedUnit[],
  segment: number,
  id: RequesterId,
): DescribedUnit | null {
  return units.find((unit) => unit.segment === segment && hasId(unit.ids, id)) ?? null;
}
