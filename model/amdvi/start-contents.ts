/** What memory holds when a run starts: data pages, and a device table that lets nothing through. */
import type { RunStart } from "../run-start.js";
import { taggedPages } from "../trace.js";
import type { InitialContents } from "../words/memory.js";
import { BLOCKING_ENTRY, DEVICE_TABLE_ENTRY_WORDS } from "./tables.js";

const HALVES = 1024;
const known = new WeakMap<readonly number[], Map<string, InitialContents>>();

/** The same object for starts that do not differ in what memory holds. */
export function startContents({ start, dataPages, rootPage, rootPages }: RunStart): InitialContents {
  if (start === "reset") return taggedPages(dataPages);
  const key = `${rootPage} ${rootPages}`;
  let byTable = known.get(dataPages);
  if (!byTable) {
    byTable = new Map();
    known.set(dataPages, byTable);
  }
  let contents = byTable.get(key);
  if (!contents) {
    const table = Array.from({ length: rootPages }, (_, index) => [rootPage + index, blockingPage] as const);
    contents = new Map([...taggedPages(dataPages), ...table]);
    byTable.set(key, contents);
  }
  return contents;
}

/** A page of device table entries with V = 1, TV = 0. */
const blockingPage = Uint32Array.from({ length: HALVES }, (_, half) => {
  if (half % (DEVICE_TABLE_ENTRY_WORDS * 2) === 0) return BLOCKING_ENTRY.low;
  return half % (DEVICE_TABLE_ENTRY_WORDS * 2) === 1 ? BLOCKING_ENTRY.high : 0;
});
