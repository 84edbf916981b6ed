/** The domain ids that are in use in a unit before it is taken over (VT-d 9.1, 9.3). */
import { Offset } from "../../../model/vtd/registers.js";
import { contextEntryLayout } from "../../../model/vtd/tables.js";
import { pageOf } from "../../../model/vtd/walk.js";
import { readField } from "../../../model/words/layout.js";
import { loadWord, type Steps } from "../shared/steps.js";

/** Entries of a root or context table, of two words each. */
const ENTRIES = 256;
const PRESENT = 1;

/** Follows the root pointer. It has been set, so it leads to tables. */
export function* inheritedDomainIds(): Steps<ReadonlySet<number>> {
  const { low, high } = yield { do: "read-register", offset: Offset.RTADDR, width: 8 };
  const root = pageOf(low, high);
  const domainIds = new Set<number>();
  for (let bus = 0; bus < ENTRIES; bus++) {
    const entry = yield* loadWord(root, bus * 2);
    if ((entry.low & PRESENT) === 0) continue;
    const contexts = pageOf(entry.low, entry.high);
    for (let index = 0; index < ENTRIES; index++) {
      const first = yield* loadWord(contexts, index * 2);
      if ((first.low & PRESENT) === 0) continue;
      const second = yield* loadWord(contexts, index * 2 + 1);
      domainIds.add(readField(contextEntryLayout, "DID", [first, second]));
    }
  }
  return domainIds;
}
