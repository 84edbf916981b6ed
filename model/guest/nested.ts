/** Nested page tables (AMD APM volume 2, 15.25): the second stage of SVM guests, in the format of long-mode tables. */
import { Right } from "../isolation/events.js";
import { field, ignored, layout } from "../words/layout.js";
import { fourLevels } from "./four-levels.js";

const common = [
  field("P", "0", "present"),
  field("RW", "1", "writes are allowed"),
  field("US", "2", "user accesses are allowed: every access of a guest is one"),
  field("PWT", "3", "write-through"),
  field("PCD", "4", "cache disable"),
  field("A", "5", "accessed"),
];

/** APM 2, 5.3.3, an entry that references another table. */
export const nestedTableLayout = layout("nested page table entry, table", "15.25.5", 64, [
  ...common,
  ignored("6"),
  field("PS", "7", "page size: zero"),
  ignored("11:8"),
  field("ADDR", "51:12", "page of the next table"),
  ignored("62:52"),
  field("NX", "63", "no execution"),
]);

/** APM 2, 5.3.3, an entry that maps a page. Above level 1 bit 7 is set, and the low bits of the address are zero. */
export const nestedPageLayout = layout("nested page table entry, page", "15.25.5", 64, [
  ...common,
  field("D", "6", "dirty"),
  field("PS", "7", "page size: set above level 1, page attributes there"),
  ignored("11:8"),
  field("ADDR", "51:12", "page"),
  ignored("62:52"),
  field("NX", "63", "no execution"),
]);

const PRESENT_USER = 5;
const PAGE_SIZE = 0x80;

/** Four levels; 15.25.6: an entry that does not allow user accesses lets no guest through. */
export const nestedPageTables = fourLevels({
  isPresent: (low, level) =>
    (low & PRESENT_USER) === PRESENT_USER && (level !== 4 || (low & PAGE_SIZE) === 0),
  accessOf: (low) => Right.read | (low & 2 ? Right.write : 0),
});
