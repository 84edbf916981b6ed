/** The domain ids that are in use in a unit before it is taken over (AMD-Vi 2.2.2). */
import {
  DEVICE_TABLE_ENTRIES_PER_PAGE,
  DEVICE_TABLE_ENTRY_WORDS,
  deviceTableEntryLayout,
} from "../../../model/amdvi/tables.js";
import { pageOf } from "../../../model/amdvi/walk.js";
import { readField } from "../../../model/words/layout.js";
import { loadWord, type Steps } from "../shared/steps.js";

/** V and TV. */
const TRANSLATES = 3;
/** Size of DevTabBase, bits 8:0: pages less one. */
const SIZE_MASK = 0x1ff;

/** Follows what the device table base reads. */
export function* inheritedDomainIds(low: number, high: number): Steps<ReadonlySet<number>> {
  const first = pageOf(low, high);
  const domainIds = new Set<number>();
  for (let page = first; page <= first + (low & SIZE_MASK); page++)
    for (let entry = 0; entry < DEVICE_TABLE_ENTRIES_PER_PAGE; entry++) {
      const word = entry * DEVICE_TABLE_ENTRY_WORDS;
      const root = yield* loadWord(page, word);
      if ((root.low & TRANSLATES) !== TRANSLATES) continue;
      const domain = yield* loadWord(page, word + 1);
      domainIds.add(readField(deviceTableEntryLayout, "DomainID", [root, domain]));
    }
  return domainIds;
}
