/** Extended page tables (Intel SDM volume 3, 28.3.2): the second stage of VMX guests. */
import { Right } from "../isolation/events.js";
import { field, ignored, layout, reserved } from "../words/layout.js";
import { fourLevels } from "./four-levels.js";

const rights = [
  field("R", "0", "read access"),
  field("W", "1", "write access"),
  field("X", "2", "execute access"),
];

/** 28.3.2, an entry that references another table. Bit 8 is the accessed flag where that is enabled. */
export const eptTableLayout = layout("EPT entry, table", "28.3.2", 64, [
  ...rights,
  reserved("6:3"),
  field("PS", "7", "page size: zero"),
  field("A", "8", "accessed"),
  ignored("11:9"),
  field("ADDR", "51:12", "page of the next table"),
  ignored("63:52"),
]);

/** 28.3.2, an entry that maps a page. Above level 1 bit 7 is set, and the low bits of the address are zero. */
export const eptPageLayout = layout("EPT entry, page", "28.3.2", 64, [
  ...rights,
  field("MT", "5:3", "memory type: 6 is write-back"),
  field("IPAT", "6", "ignore the guest's memory type"),
  field("PS", "7", "page size: set above level 1, ignored there"),
  field("A", "8", "accessed"),
  field("D", "9", "dirty"),
  ignored("11:10"),
  field("ADDR", "51:12", "page"),
  ignored("63:52"),
]);

const READ_WRITE_EXECUTE = 7;
const WRITE_WITHOUT_READ = 2;

/** The largest tables of level 4 have no page size bit. */
const TOP_RESERVED = 0xf8;
const TABLE_RESERVED = 0x78;
const PAGE_SIZE = 0x80;

/** Four levels; an entry is present when it gives any right, and may not allow writes without reads (28.3.3.1). */
export const extendedPageTables = fourLevels({
  isPresent(low, level) {
    if ((low & READ_WRITE_EXECUTE) === 0 || (low & 3) === WRITE_WITHOUT_READ) return false;
    if (level === 4) return (low & TOP_RESERVED) === 0;
    return level === 1 || (low & PAGE_SIZE) !== 0 || (low & TABLE_RESERVED) === 0;
  },
  accessOf: (low) => (low & 1 ? Right.read : 0) | (low & 2 ? Right.write : 0),
});
