/**
 * The record of a driver at work, of any length: it maps and unmaps single pages of a few domains in a circle over
 * thousands of live mappings, frees tables that became empty, and now and then moves a function to another domain.
 */
import type { TraceHeader } from "../generators/trace/format-header.js";
import { type OwnershipEvent, Right, type TraceRecord } from "../model/isolation/events.js";
import type { Word } from "../model/trace.js";
import {
  contextDescriptor,
  DescriptorType,
  Granularity,
  iotlbDescriptor,
  waitDescriptor,
} from "../model/vtd/descriptors.js";
import { profileNamed } from "../model/vtd/profiles.js";
import { Offset } from "../model/vtd/registers.js";
import { contextEntryLayout, rootEntryLayout, secondStageLayout } from "../model/vtd/tables.js";
import { tableIndex } from "../model/vtd/walk.js";
import { requesterId } from "../model/words/address.js";
import { Chance } from "../model/words/chance.js";
import { encoderOf } from "../model/words/layout.js";

const ROOT_PAGE = 0x2000;
const QUEUE_PAGE = 0x2001;
const STATUS_PAGE = 0x2002;
const CONTEXT_PAGE = 0x2003;
const FIRST_TABLE = 0x3000;
const FIRST_DATA = 0x40000;
const MEMORY_PAGES = 0x80000;
const LEVELS = 4;
const QUEUE_ENTRIES = 256;
const REQUESTERS = [requesterId(0, 4, 0), requesterId(0, 5, 0), requesterId(0, 6, 0)];
const DOMAIN_IDS = [1, 2, 3, 4];
/** Addresses are drawn from this many pages, spread over tables that come and go. */
const IOVAS = 1 << 19;
/** One cycle in so many moves a function. */
const SWITCHES = 512;
/** Unmappings that a deferred flush is put off for. */
const DEFERRED = 128;

export const header: TraceHeader = {
  profile: { ...profileNamed("skylake-sp"), memoryPages: MEMORY_PAGES },
  setup: {
    start: "translating",
    rootPage: ROOT_PAGE,
    rootPages: 1,
    queuePage: QUEUE_PAGE,
    logPage: null,
    requesters: REQUESTERS,
    dataPages: [],
    tablePages: [],
  },
  protectedRuns: [],
};

const encodeRoot = encoderOf(rootEntryLayout, ["P", "CTP"]);
const encodeContext = encoderOf(contextEntryLayout, ["P", "SSPTPTR", "AW", "DID"]);
const encodeTable = encoderOf(secondStageLayout(2, false), ["R", "W", "ADDR"]);
const encodePage = encoderOf(secondStageLayout(1, true), ["R", "W", "ADDR"]);
const encodeContextFlush = encoderOf(contextDescriptor, ["Type", "G", "DID", "SID"]);
const encodeIotlbFlush = encoderOf(iotlbDescriptor, ["Type", "G", "DW", "DR", "DID", "IH", "ADDR"]);
const encodeWait = encoderOf(waitDescriptor, ["Type", "SW", "Data", "Address"]);

const NOTHING = { low: 0, high: 0 };
const SEEN = { low: 1, high: 0 };

interface Domain {
  readonly name: string;
  readonly id: number;
  readonly top: Table;
}

interface Table {
  readonly page: number;
  readonly below: Map<number, Table>;
  /** Entries that are present. */
  used: number;
}

interface Mapping {
  readonly domain: Domain;
  readonly iova: number;
  readonly page: number;
}

export interface DriverTraceOptions {
  readonly records: number;
  /** Live mappings, once it has come up to speed. */
  readonly live: number;
  /** Removed entries are flushed many at a time, by domain. */
  readonly deferred: boolean;
  /** Say that each mapping is usable, so that it is tried. */
  readonly usable: boolean;
}

/** The records of a run. Equal options give equal records. */
export function* driverTrace(options: DriverTraceOptions): Generator<TraceRecord> {
  const driver = new BenchDriver(options);
  let count = 0;
  for (const batch of driver.run()) {
    for (const record of batch) {
      if (count++ === options.records) return;
      yield record;
    }
  }
}

class BenchDriver {
  private out: TraceRecord[] = [];
  private readonly chance = new Chance();
  private readonly domains: Domain[] = [];
  private readonly domainOf = new Map<number, Domain>();
  private readonly live: Mapping[] = [];
  private readonly mapped = new Set<number>();
  private readonly freeTables: number[] = [];
  private readonly freeData: number[] = [];
  private nextTable = FIRST_TABLE;
  private nextData = FIRST_DATA;
  /** Unmapped, or empty and unlinked, but not flushed. */
  private gone: Mapping[] = [];
  private unlinked: number[] = [];
  private tail = 0;
  private waits = 0;

  constructor(private readonly options: DriverTraceOptions) {
    this.chance.seed(1);
  }

  /** Everything done since the last batch, for ever. */
  *run(): Generator<readonly TraceRecord[]> {
    this.start();
    for (let cycle = 0; ; cycle++) {
      if (cycle % SWITCHES === SWITCHES - 1)
        this.move(REQUESTERS[((cycle / SWITCHES) % REQUESTERS.length) | 0]!);
      this.map(this.domains[this.chance.below(this.domains.length)]!);
      if (this.live.length > this.options.live) this.unmap(this.chance.below(this.live.length));
      yield this.out;
      this.out = [];
    }
  }

  private start(): void {
    for (const page of [ROOT_PAGE, QUEUE_PAGE, STATUS_PAGE, CONTEXT_PAGE])
      this.say({ event: "allocate-table", page });
    this.store(ROOT_PAGE, 0, encodeRoot({ P: 1, CTP: CONTEXT_PAGE })[0]!);
    for (const id of DOMAIN_IDS) this.domains.push({ name: `d${id}`, id, top: this.newTable() });
    REQUESTERS.forEach((requester, index) => {
      this.attach(requester, this.domains[index]!);
    });
  }

  private say(event: OwnershipEvent): void {
    this.out.push(event);
  }

  private store(page: number, word: number, { low, high }: Word): void {
    this.out.push({ action: { do: "store", page, word, low, high }, seen: NOTHING });
  }

  private newTable(): Table {
    const page = this.freeTables.pop() ?? this.nextTable++;
    this.say({ event: "allocate-table", page });
    return { page, below: new Map(), used: 0 };
  }

  private attach(requester: number, domain: Domain): void {
    const entry = encodeContext({ P: 1, SSPTPTR: domain.top.page, AW: LEVELS - 2, DID: domain.id });
    this.say({ event: "assign", requester, domain: domain.name });
    this.store(CONTEXT_PAGE, (requester & 0xff) * 2 + 1, entry[1]!);
    this.store(CONTEXT_PAGE, (requester & 0xff) * 2, entry[0]!);
    this.domainOf.set(requester, domain);
    if (this.options.usable) this.say({ event: "attached", requester, domain: domain.name });
  }

  /** 6.5.3.3: the context cache is invalidated before the IOTLB, both by the domain id that is left. */
  private move(requester: number): void {
    const from = this.domainOf.get(requester)!;
    const to = this.domains[(this.domains.indexOf(from) + 1) % this.domains.length]!;
    const word = (requester & 0xff) * 2;
    if (this.options.usable) this.say({ event: "leave", requester, domain: from.name });
    this.store(CONTEXT_PAGE, word, NOTHING);
    this.submit(
      encodeContextFlush({
        Type: DescriptorType.context,
        G: Granularity.selective,
        DID: from.id,
        SID: requester,
      }),
    );
    this.submit(this.domainFlush(from));
    this.wait();
    this.say({ event: "unassign", requester, domain: from.name });
    this.attach(requester, to);
  }

  private map(domain: Domain): void {
    const iova = this.freeAddress(domain);
    const page = this.freeData.pop() ?? this.nextData++;
    const grant = { domain: domain.name, iova, page, pages: 1, access: Right.both };
    this.say({ event: "allocate", page, pages: 1, owner: domain.name });
    this.say({ event: "grant", ...grant });
    let table = domain.top;
    for (let level = LEVELS; level > 1; level--) table = this.tableBelow(table, tableIndex(iova, level));
    this.store(table.page, tableIndex(iova, 1), encodePage({ R: 1, W: 1, ADDR: page })[0]!);
    table.used++;
    if (this.options.usable) this.say({ event: "usable", ...grant });
    this.live.push({ domain, iova, page });
  }

  private freeAddress(domain: Domain): number {
    while (true) {
      const iova = this.chance.below(IOVAS);
      const key = domain.id * IOVAS + iova;
      if (this.mapped.has(key)) continue;
      this.mapped.add(key);
      return iova;
    }
  }

  private tableBelow(table: Table, index: number): Table {
    let below = table.below.get(index);
    if (!below) {
      below = this.newTable();
      table.below.set(index, below);
      table.used++;
      this.store(table.page, index, encodeTable({ R: 1, W: 1, ADDR: below.page })[0]!);
    }
    return below;
  }

  private unmap(at: number): void {
    const mapping = this.live[at]!;
    this.live[at] = this.live[this.live.length - 1]!;
    this.live.pop();
    const { domain, iova, page } = mapping;
    if (this.options.usable)
      this.say({ event: "retire", domain: domain.name, iova, page, pages: 1, access: Right.both });
    const emptied = this.clear(domain, iova);
    this.gone.push(mapping);
    this.unlinked.push(...emptied);
    if (!this.options.deferred) {
      const flush = { Type: DescriptorType.iotlb, G: Granularity.selective, DW: 1, DR: 1, DID: domain.id };
      this.submit(encodeIotlbFlush({ ...flush, IH: emptied.length === 0 ? 1 : 0, ADDR: iova }));
      this.wait();
      this.release();
    } else if (this.gone.length === DEFERRED) {
      for (const each of new Set(this.gone.map((one) => one.domain))) this.submit(this.domainFlush(each));
      this.wait();
      this.release();
    }
  }

  /**
   * Clears an entry and, where the flush follows at once, those of the tables that become empty; returns their pages.
   * With a flush put off they stay: what is mapped beside meanwhile would be looked for in a table that is gone.
   */
  private clear(domain: Domain, iova: number): number[] {
    const tables = [domain.top];
    for (let level = LEVELS; level > 1; level--)
      tables.push(tables[tables.length - 1]!.below.get(tableIndex(iova, level))!);
    const emptied: number[] = [];
    for (let depth = LEVELS - 1; depth >= 0; depth--) {
      const table = tables[depth]!;
      const index = tableIndex(iova, LEVELS - depth);
      this.store(table.page, index, NOTHING);
      table.below.delete(index);
      if (--table.used > 0 || depth === 0 || this.options.deferred) break;
      emptied.push(table.page);
    }
    return emptied;
  }

  private domainFlush(domain: Domain): readonly Word[] {
    const flush = { Type: DescriptorType.iotlb, G: Granularity.domain, DW: 1, DR: 1, DID: domain.id };
    return encodeIotlbFlush({ ...flush, IH: 0, ADDR: 0 });
  }

  private submit([first, second]: readonly Word[]): void {
    this.store(QUEUE_PAGE, this.tail * 2, first!);
    this.store(QUEUE_PAGE, this.tail * 2 + 1, second!);
    this.tail = (this.tail + 1) % QUEUE_ENTRIES;
  }

  private wait(): void {
    const value = ++this.waits;
    this.submit(
      encodeWait({ Type: DescriptorType.wait, SW: 1, Data: value, Address: (STATUS_PAGE << 10) >>> 0 }),
    );
    this.out.push(
      {
        action: { do: "write-register", offset: Offset.IQT, width: 8, low: this.tail << 4, high: 0 },
        seen: NOTHING,
      },
      { action: { do: "poll-memory", page: STATUS_PAGE, word: 0, value }, seen: SEEN },
    );
  }

  /** What was flushed belongs to nobody any more. */
  private release(): void {
    for (const { domain, iova, page } of this.gone) {
      this.say({ event: "withdraw", domain: domain.name, iova, page, pages: 1, access: Right.both });
      this.say({ event: "free", page, pages: 1 });
      this.freeData.push(page);
      this.mapped.delete(domain.id * IOVAS + iova);
    }
    for (const page of this.unlinked) {
      this.say({ event: "free-table", page });
      this.freeTables.push(page);
    }
    this.gone = [];
    this.unlinked = [];
  }
}
