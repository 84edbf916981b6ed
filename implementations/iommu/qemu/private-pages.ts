/**
 * Pages at the top of memory that belong to the adapter: the tables, queue and buffers it needs to bring the
 * IOMMU back to a known state and to see what the devices fetched. No run may use them.
 */
import type { HostPage, IovaPage, RequesterId } from "../../../model/words/address.js";
import { type BusAddress, SHOWN_MARK, tagImage } from "./edu.js";
import { PAGE_BYTES, writePage } from "./memory.js";
import type { Blueprint } from "./options.js";
import { DESCRIPTOR_BYTES } from "./registers.js";

/** How many pages at the top of memory are ours. */
export const PRIVATE_PAGES = 256;

/** The last 2 MiB that 39 address bits reach: far from anything a run is likely to map. */
const WINDOW_PAGE: IovaPage = 0x7fffe00;
const DOMAIN = 0xfff0;
const ENTRIES = 512;
const READ_WRITE = 3;
const PRESENT = 1;
const ADDRESS_WIDTH_39 = 1;

const CONTEXT_TABLES = 16;
const SHOWN = 64;

/** Descriptor words, and where the wait descriptor writes. */
const CONTEXT_DEVICE = 0x31;
const IOTLB_GLOBAL_DRAINED = 0xd2;
const WAIT_STATUS_WRITE = 0x25;

/** The adapter's own pages in one machine. */
export class PrivatePages {
  readonly root: HostPage;
  readonly queue: HostPage;
  readonly zeros: HostPage;
  readonly tags: HostPage;
  /** Descriptors in {@link queue}: together they empty every cache a device of this machine can fill. */
  readonly descriptors: number;
  readonly #status: HostPage;

  constructor(private readonly machine: Blueprint) {
    this.root = machine.memoryPages - PRIVATE_PAGES;
    this.queue = this.root + 4;
    this.#status = this.root + 5;
    this.zeros = this.root + 6;
    this.tags = this.root + 7;
    this.descriptors = machine.requesters.length + 2;
  }

  /** Whether a run may not use this page. */
  owns(page: HostPage): boolean {
    return page >= this.root;
  }

  /** Where a device shows what it fetched. */
  shownPage(requester: RequesterId): HostPage {
    return this.root + SHOWN + this.machine.requesters.indexOf(requester);
  }

  /** The address of a private page for a device, with translation through our tables or without any. */
  busAddress(page: HostPage, translated: boolean, offset = 0): BusAddress {
    const shown = translated ? WINDOW_PAGE + (page % ENTRIES) : page;
    return { low: ((shown & 0xfffff) * PAGE_BYTES + offset) >>> 0, high: Math.floor(shown / 0x100000) };
  }

  /** A wait descriptor, as four 32-bit words. */
  waitDescriptor(): Uint32Array {
    return Uint32Array.of(WAIT_STATUS_WRITE, 1, this.#status * PAGE_BYTES, 0);
  }

  /** Writes every private page into memory. */
  write(memory: number): void {
    const [root, upper, middle, lowest] = [0, 1, 2, 3].map((index) => this.root + index) as PageQuad;
    const last = ENTRIES - 1;
    writePage(memory, root, this.#rootTable());
    writePage(memory, upper, table(new Map([[last, entry(middle, READ_WRITE)]])));
    writePage(memory, middle, table(new Map([[last, entry(lowest, READ_WRITE)]])));
    writePage(memory, lowest, table(this.#windowEntries()));
    for (const [index, bus] of this.#buses().entries()) {
      writePage(memory, this.root + CONTEXT_TABLES + index, this.#contextTable(bus, upper));
    }
    writePage(memory, this.queue, this.#flushQueue());
    writePage(memory, this.zeros, new Uint8Array(PAGE_BYTES));
    writePage(memory, this.tags, tagImage());
  }

  /** Takes the sign of life out of the pages the devices show their buffers in. */
  clearMark(memory: number, requester: RequesterId): void {
    writePage(memory, this.shownPage(requester), Uint32Array.of(~SHOWN_MARK));
  }

  #buses(): number[] {
    return [...new Set(this.machine.requesters.map((id) => id >>> 8))];
  }

  #rootTable(): Uint8Array {
    const entries = this.#buses().map((bus, index): [number, number] => {
      return [2 * bus, entry(this.root + CONTEXT_TABLES + index, PRESENT)];
    });
    return table(new Map(entries));
  }

  #contextTable(bus: number, tables: HostPage): Uint8Array {
    const entries = new Map<number, number>();
    for (const id of this.machine.requesters.filter((id) => id >>> 8 === bus)) {
      entries.set(2 * (id & 0xff), entry(tables, PRESENT));
      entries.set(2 * (id & 0xff) + 1, DOMAIN * 0x100 + ADDRESS_WIDTH_39);
    }
    return table(entries);
  }

  #windowEntries(): Map<number, number> {
    const pages = Array.from({ length: PRIVATE_PAGES }, (_, index) => this.root + index);
    return new Map(pages.map((page) => [page % ENTRIES, entry(page, READ_WRITE)]));
  }

  #flushQueue(): Uint8Array {
    const words = new Uint32Array((this.descriptors * DESCRIPTOR_BYTES) / 4);
    for (const [index, id] of this.machine.requesters.entries()) words.set([CONTEXT_DEVICE, id], 4 * index);
    words[4 * this.machine.requesters.length] = IOTLB_GLOBAL_DRAINED;
    words.set(this.waitDescriptor(), words.length - 4);
    return new Uint8Array(words.buffer);
  }
}

type PageQuad = [HostPage, HostPage, HostPage, HostPage];

function entry(page: HostPage, bits: number): number {
  return page * PAGE_BYTES + bits;
}

function table(entries: ReadonlyMap<number, number>): Uint8Array {
  const words = new Uint32Array(PAGE_BYTES / 4);
  for (const [index, low] of entries) words[2 * index] = low;
  return new Uint8Array(words.buffer);
}
