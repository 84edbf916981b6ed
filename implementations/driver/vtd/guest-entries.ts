/** Entries of the extended page tables (EPT) that a driver writes for a guest's processors. */
import { eptPageLayout, eptTableLayout } from "../../../model/guest/ept.js";
import { Right } from "../../../model/isolation/events.js";
import { encoderOf } from "../../../model/words/layout.js";
import type { EntryFormat } from "../shared/page-tables.js";

const WRITE_BACK = 6;
const encodeTable = encoderOf(eptTableLayout, ["R", "W", "X", "ADDR"]);
const encodePage = encoderOf(eptPageLayout, ["R", "W", "X", "MT", "PS", "ADDR"]);

export const eptEntries: EntryFormat = {
  leafOrders: [0, 9],
  table: (_, page) => encodeTable({ R: 1, W: 1, X: 1, ADDR: page })[0]!,
  /** Choice: what a guest may read, it may execute. */
  leaf(level, page, _, access) {
    const R = access & Right.read ? 1 : 0;
    const W = access & Right.write ? 1 : 0;
    return encodePage({ R, W, X: R, MT: WRITE_BACK, PS: level > 1 ? 1 : 0, ADDR: page })[0]!;
  },
};
