/**
 * Pages at the top of memory that belong to the adapter: what it needs to bring the IOMMU back to a known state and to
 * see what the devices fetched. No run may use them.
 */
import type { HostPage, IovaPage, RequesterId } from "../../../model/words/address.js";
import { type BusAddress, SHOWN_MARK, tagImage } from "./edu.js";
import { PAGE_BYTES, writePage } from "./memory.js";
import type { Blueprint } from "./options.js";

/** How many pages at the top of memory are ours. */
export const PRIVATE_PAGES = 256;

/** Where a unit that goes on translating shows them, by the low 9 bits of their numbers: the last 2 MiB of 39 bits. */
export const WINDOW_PAGE: IovaPage = 0x7fffe00;
/** Pages in that window. */
export const WINDOW_PAGES = 512;

const ZEROS = 6;
const TAGS = 7;
const SHOWN = 64;

/** The adapter's own pages in one machine. */
export class PrivatePages {
  /** The first one. Those up to the sixth, and from the sixteenth to the 63rd after it, are for tables and queues. */
  readonly first: HostPage;
  readonly zeros: HostPage;
  readonly tags: HostPage;

  constructor(private readonly machine: Blueprint) {
    this.first = machine.memoryPages - PRIVATE_PAGES;
    this.zeros = this.first + ZEROS;
    this.tags = this.first + TAGS;
  }

  /** Whether a run may not use this page. */
  owns(page: HostPage): boolean {
    return page >= this.first;
  }

  /** Where a device shows what it fetched. */
  shownPage(requester: RequesterId): HostPage {
    return this.first + SHOWN + this.machine.requesters.indexOf(requester);
  }

  /** The address of a private page for a device, with translation through our tables or without any. */
  busAddress(page: HostPage, translated: boolean): BusAddress {
    const shown = translated ? WINDOW_PAGE + (page % WINDOW_PAGES) : page;
    return { low: ((shown & 0xfffff) * PAGE_BYTES) >>> 0, high: Math.floor(shown / 0x100000) };
  }

  /** Writes every private page into memory, those of the IOMMU included. */
  write(memory: number): void {
    const contents = this.machine.kind.privateContents(this, this.machine);
    for (const [page, bytes] of contents) writePage(memory, page, bytes);
    writePage(memory, this.zeros, new Uint8Array(PAGE_BYTES));
    writePage(memory, this.tags, tagImage());
  }

  /** Takes the sign of life out of the page a device shows its buffer in. */
  clearMark(memory: number, requester: RequesterId): void {
    writePage(memory, this.shownPage(requester), Uint32Array.of(~SHOWN_MARK));
  }
}
