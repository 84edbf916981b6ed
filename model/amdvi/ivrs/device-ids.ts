/** Sets of DeviceIDs of one PCI segment. */
import type { RequesterId } from "../../words/address.js";

/** All ids from the first to the last, both included. */
export interface IdRange {
  readonly first: RequesterId;
  readonly last: RequesterId;
}

/** Ranges in ascending order that neither overlap nor touch. */
export type IdSet = readonly IdRange[];

export const LAST_ID: RequesterId = 0xffff;
export const EVERY_ID: IdSet = [{ first: 0, last: LAST_ID }];

/** The ids on buses from one to another. */
export function idsOfBuses(first: number, last: number): IdRange {
  return { first: first << 8, last: (last << 8) | 0xff };
}

/** Ranges of one id each. */
export function single(ids: readonly RequesterId[]): IdRange[] {
  return ids.map((id) => ({ first: id, last: id }));
}

/** The ids of ranges in any order, which may overlap. */
export function idSet(ranges: readonly IdRange[]): IdSet {
  const sorted = [...ranges].sort((a, b) => a.first - b.first);
  const merged: IdRange[] = [];
  for (const { first, last } of sorted) {
    const before = merged.at(-1);
    if (!before || first > before.last + 1) merged.push({ first, last });
    else if (last > before.last) merged[merged.length - 1] = { first: before.first, last };
  }
  return merged;
}

/** The ids of the one set that the other lacks. */
export function without(ids: IdSet, others: IdSet): IdSet {
  const left: IdRange[] = [];
  let index = 0;
  for (const { first, last } of ids) {
    while (index < others.length && others[index]!.last < first) index++;
    let from = first;
    for (let at = index; at < others.length && others[at]!.first <= last; at++) {
      if (others[at]!.first > from) left.push({ first: from, last: others[at]!.first - 1 });
      from = others[at]!.last + 1;
    }
    if (from <= last) left.push({ first: from, last });
  }
  return left;
}

/** The ids that both sets have. */
export function common(one: IdSet, other: IdSet): IdSet {
  return without(one, without(one, other));
}

export function hasId(ids: IdSet, id: RequesterId): boolean {
  return ids.some(({ first, last }) => first <= id && id <= last);
}

/** Whether the other set has every id of the one. */
export function isWithin(one: IdSet, other: IdSet): boolean {
  return without(one, other).length === 0;
}
