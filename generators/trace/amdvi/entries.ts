/** Entries of AMD-Vi tables in traces: device table entries, and host page table entries of every size. */
import {
  BLOCKING_ENTRY,
  deviceTableEntryAt,
  deviceTableEntryLayout,
  largePageAddress,
  NextLevel,
  pdeLayout,
  pteLayout,
} from "../../../model/amdvi/tables.js";
import { Right } from "../../../model/isolation/events.js";
import type { Word } from "../../../model/trace.js";
import { decode, encoderOf } from "../../../model/words/layout.js";
import { amdViPlaces, PAGE_SIZES, PAGES_OF_SIZE } from "../../places.js";
import type { DeviceEntryFormat, PageTableFormat } from "../notation-dialect.js";
import { takeDomain, takeRightsIf } from "../notation-words.js";

const ZERO: Word = { low: 0, high: 0 };
const [DEVICE_TABLE] = amdViPlaces.roots;

const encodeLeaf = encoderOf(pteLayout, ["PR", "NextLevel", "Address", "IR", "IW"]);
const encodeTable = encoderOf(pdeLayout, ["PR", "NextLevel", "Address", "IR", "IW"]);
const encodeDevice = encoderOf(deviceTableEntryLayout, [
  "V",
  "TV",
  "Mode",
  "HostPTRoot",
  "IR",
  "IW",
  "DomainID",
]);

function leaf(nextLevel: number, address: number, rights: number): Word {
  const [IR, IW] = [rights & Right.read, rights >>> 1];
  return encodeLeaf({ PR: 1, NextLevel: nextLevel, Address: address, IR, IW })[0]!;
}

/** 2.2.3: levels may be left out, and pages may be of any power of two. */
export const hostPageTables: PageTableFormat = {
  leaf: (_, page, rights) => leaf(NextLevel.leaf, page, rights),
  link: (_, next, page) => encodeTable({ PR: 1, NextLevel: next, Address: page, IR: 1, IW: 1 })[0]!,
  linked(_, entry) {
    const { NextLevel: next, Address } = decode(pdeLayout, [entry]);
    return next === NextLevel.leaf || next === NextLevel.sizeCoded ? null : { page: Address!, level: next! };
  },
  isPresent: ({ low }) => (low & 1) !== 0,
  /** `d1[10..17] = p10..p17 rw 32K`: every slot of a page larger than those of its level holds the same entry. */
  takeLargePage(line, level, run, rights) {
    const size = PAGE_SIZES.find((one) => line.takeWordIf(one));
    if (size === undefined) return null;
    const pages = PAGES_OF_SIZE[size];
    if (level > 1 || pages === 1 || pages !== run.pages || run.page % pages !== 0)
      line.reject(`a page of ${size} has ${pages} entries of level 1 and begins at a multiple of its size`);
    return leaf(NextLevel.sizeCoded, largePageAddress(run.page, pages), rights);
  },
  /** `d1[0]/4 = t1 next 2`: the entry leaves a level out. */
  takeNextLevel(line, level) {
    if (!line.takeWordIf("next")) return level - 1;
    const lower = Array.from({ length: level - 1 }, (_, index) => String(index + 1));
    return Number(line.oneOf(lower));
  },
};

/** 2.2.2: only the first 128 bits decide what a request may do. */
export const deviceTableEntries: DeviceEntryFormat = {
  keyword: "dte",
  placeOf(requester) {
    const { page, word } = deviceTableEntryAt(requester);
    return page < amdViPlaces.rootPages ? { page: DEVICE_TABLE + page, word } : null;
  },
  /** `d1`, `d1 r` for fewer rights, `pass d1` for Mode 0 under the domain's id, `blocked` for TV = 0. */
  take(line, names) {
    if (line.takeWordIf("blocked")) return [BLOCKING_ENTRY, ZERO];
    const passes = line.takeWordIf("pass");
    const domain = names.domain(takeDomain(line));
    const rights = takeRightsIf(line) ?? Right.both;
    const [first, second] = encodeDevice({
      V: 1,
      TV: 1,
      Mode: passes ? 0 : domain.levels,
      HostPTRoot: passes ? 0 : domain.top(),
      IR: rights & Right.read,
      IW: rights >>> 1,
      DomainID: domain.id,
    });
    return [first!, second!];
  },
  /** V and TV. */
  isInUse: ({ low }) => (low & 3) === 3,
};
