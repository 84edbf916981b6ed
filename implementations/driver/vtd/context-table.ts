/** Root and context entries: which domain a requester belongs to (VT-d 9.1, 9.3). */
import type { Word } from "../../../model/trace.js";
import type { HostPage, RequesterId } from "../../../model/words/address.js";
import type { Routine } from "../interface.js";
import type { DeviceEntries } from "../shared/intent-driver.js";
import type { PageTables } from "../shared/page-tables.js";
import { flushLineOf, type Steps } from "../shared/steps.js";
import { contextInvalidation, iotlbInvalidation, type VtdFlusher } from "./invalidation.js";
import type { Unit } from "./unit.js";

const NOTHING: Word = { low: 0, high: 0 };
const PRESENT: Word = { low: 1, high: 0 };

export class ContextTables implements DeviceEntries<PageTables> {
  /** Pages of context tables by bus. */
  private readonly tables = new Map<number, HostPage>();
  private readonly domains = new Map<RequesterId, PageTables>();

  constructor(
    private readonly unit: Unit,
    private readonly flusher: VtdFlusher,
    private readonly rootPage: HostPage,
  ) {}

  private get needsLineFlush(): boolean {
    return this.unit.needsLineFlush && !this.unit.faults.leavesContextDirty;
  }

  /** The domain whose context entry the requester has. */
  domainOf(requester: RequesterId): PageTables | undefined {
    return this.domains.get(requester);
  }

  /** 6.1: in caching mode entries that were not present may be cached, under domain id 0. */
  *fill(requesters: readonly RequesterId[], domain: PageTables): Routine {
    const { unit, flusher } = this;
    let rootEntryAdded = false;
    for (const requester of requesters) {
      if (yield* this.fillOne(requester, domain)) rootEntryAdded = true;
    }
    if (!unit.platform.cachingMode || unit.faults.attachesWithoutFlush) yield* unit.completeStores();
    else if (rootEntryAdded) yield* flusher.flush([contextInvalidation.global], [iotlbInvalidation.global]);
    else {
      const contexts = requesters.map((one) => contextInvalidation.device(0, one));
      yield* flusher.flush(contexts, [iotlbInvalidation.domain(domain.domainId)]);
    }
  }

  /** Makes the requester's entry not present: with its first half, which hardware looks at first and fetches whole. */
  *clear(requester: RequesterId): Routine {
    const table = this.tables.get(requester >>> 8)!;
    const word = wordOf(requester);
    this.domains.delete(requester);
    if (this.unit.faults.clearsFieldsFirst) yield { do: "store", page: table, word, ...PRESENT };
    yield { do: "store", page: table, word, ...NOTHING };
    if (this.needsLineFlush) yield flushLineOf(table, word);
  }

  /** Makes the requester's entry, which is not present, lead to the domain. True when a root entry was added for it. */
  private *fillOne(requester: RequesterId, domain: PageTables): Steps<boolean> {
    const { unit } = this;
    const bus = requester >>> 8;
    const known = this.tables.get(bus);
    const table = known ?? (yield* this.addTable(bus));
    this.domains.set(requester, domain);
    yield* this.storePair(table, wordOf(requester), unit.encodings.context(domain.topPage, domain.domainId));
    return known === undefined;
  }

  private *addTable(bus: number): Steps<HostPage> {
    const { unit } = this;
    const shared = unit.faults.sharesContextTable && bus > 1 ? this.tables.get(1) : undefined;
    const page = shared ?? (yield* unit.allocateTable());
    if (shared === undefined) yield* unit.clearTable(page);
    this.tables.set(bus, page);
    yield* this.storePair(this.rootPage, bus * 2, unit.encodings.root(page));
    return page;
  }

  /** A CPU stores 64 bits at once: the half with the present bit comes last. Both are in one line. */
  private *storePair(page: HostPage, word: number, entry: readonly Word[]): Routine {
    const [first, second] = this.unit.faults.storesPresentHalfFirst ? [0, 1] : [1, 0];
    yield { do: "store", page, word: word + first!, ...entry[first!]! };
    yield { do: "store", page, word: word + second!, ...entry[second!]! };
    if (this.needsLineFlush) yield flushLineOf(page, word);
  }
}

/** Entries are two words each, by device and function. */
function wordOf(requester: RequesterId): number {
  return (requester & 0xff) * 2;
}
