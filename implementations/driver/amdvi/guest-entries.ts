/** Entries of the nested page tables that a driver writes for a guest's processors. */
import { nestedPageLayout, nestedTableLayout } from "../../../model/guest/nested.js";
import { Right } from "../../../model/isolation/events.js";
import { encoderOf } from "../../../model/words/layout.js";
import type { EntryFormat } from "../shared/page-tables.js";

const encodeTable = encoderOf(nestedTableLayout, ["P", "RW", "US", "ADDR"]);
const encodePage = encoderOf(nestedPageLayout, ["P", "RW", "US", "PS", "ADDR"]);

export const nestedEntries: EntryFormat = {
  leafOrders: [0, 9],
  table: (_, page) => encodeTable({ P: 1, RW: 1, US: 1, ADDR: page })[0]!,
  /** What is present may be read. */
  leaf(level, page, _, access) {
    const RW = access & Right.write ? 1 : 0;
    return encodePage({ P: 1, RW, US: 1, PS: level > 1 ? 1 : 0, ADDR: page })[0]!;
  },
};
