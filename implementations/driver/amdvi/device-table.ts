/** Device table entries: which domain a DeviceID belongs to (AMD-Vi 2.2.2). */
import {
  BLOCKING_ENTRY,
  DEVICE_TABLE_ENTRIES_PER_PAGE,
  DEVICE_TABLE_ENTRY_WORDS,
  deviceTableEntryAt,
} from "../../../model/amdvi/tables.js";
import type { Word } from "../../../model/trace.js";
import type { HostPage, RequesterId } from "../../../model/words/address.js";
import type { Routine } from "../interface.js";
import type { DeviceEntries } from "../shared/intent-driver.js";
import { flushLineOf } from "../shared/steps.js";
import type { TableMemory } from "../shared/table-memory.js";
import type { Encodings } from "./encodings.js";
import type { AmdViFaults } from "./faults.js";
import type { AmdViFlusher } from "./flusher.js";
import type { GrowingTables } from "./growing-tables.js";

const INVALID_ENTRY: Word = { low: 0, high: 0 };

/** Which half of the first 128 bits: V, TV and the top table, or the DomainID. */
const Half = { root: 0, domain: 1 } as const;
type Half = (typeof Half)[keyof typeof Half];

export class DeviceTable implements DeviceEntries<GrowingTables> {
  private readonly domains = new Map<RequesterId, GrowingTables>();

  constructor(
    private readonly encodings: Encodings,
    private readonly flusher: AmdViFlusher,
    private readonly memory: TableMemory,
    private readonly faults: AmdViFaults,
    private readonly firstPage: HostPage,
    private readonly pages: number,
  ) {}

  domainOf(requester: RequesterId): GrowingTables | undefined {
    return this.domains.get(requester);
  }

  /** Makes every entry of a table that no unit uses yet let nothing through: with V = 0 everything would pass. */
  *blockAll(): Routine {
    if (this.faults.leavesTableInvalid) return;
    for (let page = this.firstPage; page < this.firstPage + this.pages; page++) {
      for (let entry = 0; entry < DEVICE_TABLE_ENTRIES_PER_PAGE; entry++)
        yield { do: "store", page, word: entry * DEVICE_TABLE_ENTRY_WORDS, ...BLOCKING_ENTRY };
      if (this.memory.needsLineFlush) yield { do: "flush-page", page };
    }
  }

  /** V = 1, TV = 0, in one store: the DomainID stays, as nothing is translated under it any more. */
  *clear(requester: RequesterId): Routine {
    this.domains.delete(requester);
    yield* this.store(requester, Half.root, this.faults.detachesByInvalid ? INVALID_ENTRY : BLOCKING_ENTRY);
  }

  /**
   * A CPU stores 64 bits at once, and a unit may fetch the two halves at different moments, as early as the last
   * invalidation. So the DomainID is there, and no unit has another one, before the top table is: pages of one domain are
   * never cached under the id of another.
   */
  *fill(requesters: readonly RequesterId[], domain: GrowingTables): Routine {
    for (const requester of requesters) this.domains.set(requester, domain);
    const halves: Half[] = this.faults.storesValidHalfFirst
      ? [Half.root, Half.domain]
      : [Half.domain, Half.root];
    for (const half of halves) {
      for (const requester of requesters) yield* this.store(requester, half, this.halfOf(domain, half));
      if (half === Half.root || !this.faults.fillsInOneRound) yield* this.flush(requesters);
    }
  }

  /** A domain has another top table. Root and Mode are in one half: no unit sees one of them without the other. */
  *topChanged(domain: GrowingTables): Routine {
    const requesters = [...this.domains.keys()].filter((one) => this.domains.get(one) === domain);
    for (const requester of requesters)
      yield* this.store(requester, Half.root, this.halfOf(domain, Half.root));
    if (!this.faults.growsWithoutFlush) yield* this.flush(requesters);
  }

  private halfOf(domain: GrowingTables, half: Half): Word {
    return half === Half.domain
      ? this.encodings.deviceDomain(domain.domainId)
      : this.encodings.deviceRoot(domain.topPage, domain.levels);
  }

  private flush(requesters: readonly RequesterId[]): Routine {
    return this.flusher.flush(requesters.map((one) => this.encodings.invalidateDevice(one)));
  }

  /** @throws RangeError when the table has no such entry */
  private *store(requester: RequesterId, half: Half, value: Word): Routine {
    const at = deviceTableEntryAt(requester);
    if (at.page >= this.pages) throw new RangeError(`DeviceID ${requester} is beyond the device table`);
    const page = this.firstPage + at.page;
    const word = at.word + half;
    yield { do: "store", page, word, ...value };
    if (this.memory.needsLineFlush) yield flushLineOf(page, word);
  }
}
