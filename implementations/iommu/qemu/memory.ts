/** The guest's memory, shared with QEMU as a file: no command is needed to read or write it. */
import { readSync, writeSync } from "node:fs";
import { pageTag } from "../../../model/trace.js";
import type { HostPage } from "../../../model/words/address.js";

/** Bytes in a page, and 32-bit words in a page. */
export const PAGE_BYTES = 4096;
const PAGE_DWORDS = PAGE_BYTES / 4;

/** Writes bytes at the start of a page. */
export function writePage(memory: number, page: HostPage, bytes: NodeJS.ArrayBufferView): void {
  writeSync(memory, bytes, 0, bytes.byteLength, page * PAGE_BYTES);
}

/** Neighbouring pages, read and written as one. */
interface Span {
  readonly first: HostPage;
  readonly pages: number;
  readonly start: Uint32Array;
  readonly now: Uint32Array;
  /** Words stored since the last write, as a range. */
  dirtyFrom: number;
  dirtyTo: number;
}

/** Which pages a run uses, and what those hold that are neither tagged nor empty when it starts. */
export interface RunPages {
  readonly dataPages: readonly HostPage[];
  readonly tablePages: readonly HostPage[];
  /** Pages that hold `rootContents`; they are among the others. */
  readonly rootPages: readonly HostPage[];
  readonly rootContents: Uint32Array;
}

/** The data and table pages of a run: what they hold at its start, and what they hold now. */
export class RunMemory {
  readonly #spans: readonly Span[];
  readonly #place = new Map<HostPage, { span: Span; dword: number }>();
  readonly #signature: string;
  readonly #rootPages: ReadonlySet<HostPage>;
  readonly #rootContents: Uint32Array;
  /** What is noted as the contents of memory is what it holds. */
  #refreshed = false;

  constructor(
    private readonly memory: number,
    pages: RunPages,
  ) {
    this.#signature = signature(pages);
    this.#rootPages = new Set(pages.rootPages);
    this.#rootContents = pages.rootContents;
    this.#spans = spansOf([...new Set([...pages.dataPages, ...pages.tablePages])]);
    for (const span of this.#spans) {
      for (let page = 0; page < span.pages; page++) {
        this.#place.set(span.first + page, { span, dword: page * PAGE_DWORDS });
      }
    }
    for (const page of pages.dataPages) this.#tag(page);
    for (const page of pages.rootPages) this.#fill(page, pages.rootContents);
  }

  /** Every page of the run. */
  get pages(): Iterable<HostPage> {
    return this.#place.keys();
  }

  /** Whether a page is of the root or device table. */
  isRoot(page: HostPage): boolean {
    return this.#rootPages.has(page);
  }

  /** Whether these are the pages of this run. */
  covers(pages: RunPages): boolean {
    return this.#signature === signature(pages) && this.#rootContents === pages.rootContents;
  }

  /** Puts the start contents into memory where the last run, as of the last {@link refresh}, left something else. */
  restart(): void {
    for (const span of this.#spans) {
      let from = -1;
      for (let page = 0; page <= span.pages; page++) {
        const changed = page < span.pages && (!this.#refreshed || differs(span, page));
        if (changed && from < 0) from = page;
        if (changed || from < 0) continue;
        const [start, end] = [from * PAGE_DWORDS, page * PAGE_DWORDS];
        span.now.set(span.start.subarray(start, end), start);
        write(this.memory, span, start, end);
        from = -1;
      }
    }
    this.#refreshed = false;
  }

  /** Zeroes the pages of this run that `next` will not overwrite, so that no tag of ours outlives the run. */
  clearUnless(next: RunMemory): void {
    const zeros = new Uint8Array(PAGE_BYTES);
    for (const page of this.pages) if (!next.#place.has(page)) writePage(this.memory, page, zeros);
  }

  /** Stores a 64-bit word without any command; {@link flush} makes QEMU see it. */
  store(page: HostPage, word: number, low: number, high: number): void {
    const place = this.#place.get(page);
    if (place === undefined) {
      writeSync(this.memory, Uint32Array.of(low, high), 0, 8, page * PAGE_BYTES + 8 * word);
      return;
    }
    const at = place.dword + 2 * word;
    place.span.now[at] = low;
    place.span.now[at + 1] = high;
    place.span.dirtyFrom = Math.min(place.span.dirtyFrom, at);
    place.span.dirtyTo = Math.max(place.span.dirtyTo, at + 2);
  }

  /** Writes what was stored. */
  flush(): void {
    for (const span of this.#spans) {
      if (span.dirtyFrom < span.dirtyTo) write(this.memory, span, span.dirtyFrom, span.dirtyTo);
    }
  }

  /** Looks at memory as it is now. */
  refresh(): void {
    this.#refreshed = true;
    for (const span of this.#spans) {
      readSync(this.memory, span.now, 0, span.now.byteLength, span.first * PAGE_BYTES);
    }
  }

  /** The 32-bit value at an offset as of the last {@link refresh}. */
  dword(page: HostPage, offset: number): number | undefined {
    const place = this.#place.get(page);
    return place?.span.now[place.dword + (offset >>> 2)];
  }

  /** The page that held `value` at `offset` at the last {@link refresh}. */
  pageHolding(value: number, offset: number): HostPage | undefined {
    for (const span of this.#spans) {
      for (let page = 0; page < span.pages; page++) {
        if (span.now[page * PAGE_DWORDS + (offset >>> 2)] === value) return span.first + page;
      }
    }
    return undefined;
  }

  #tag(page: HostPage): void {
    const { span, dword } = this.#place.get(page)!;
    for (let at = 0; at < PAGE_DWORDS; at++) span.start[dword + at] = pageTag(page, 4 * at);
  }

  #fill(page: HostPage, contents: Uint32Array): void {
    const place = this.#place.get(page);
    place?.span.start.set(contents, place.dword);
  }
}

/** Whether a page holds something else than at the start of a run. */
function differs(span: Span, page: number): boolean {
  const bytes = (words: Uint32Array) => new Uint8Array(words.buffer, page * PAGE_BYTES, PAGE_BYTES);
  return Buffer.compare(bytes(span.start), bytes(span.now)) !== 0;
}

function write(memory: number, span: Span, from: number, to: number): void {
  writeSync(memory, span.now.subarray(from, to), 0, 4 * (to - from), span.first * PAGE_BYTES + 4 * from);
  span.dirtyFrom = span.now.length;
  span.dirtyTo = 0;
}

function spansOf(pages: HostPage[]): Span[] {
  const runs: { first: HostPage; pages: number }[] = [];
  for (const page of pages.sort((a, b) => a - b)) {
    const last = runs.at(-1);
    if (last !== undefined && last.first + last.pages === page) last.pages += 1;
    else runs.push({ first: page, pages: 1 });
  }
  return runs.map(({ first, pages }) => {
    const length = pages * PAGE_DWORDS;
    return {
      first,
      pages,
      start: new Uint32Array(length),
      now: new Uint32Array(length),
      dirtyFrom: length,
      dirtyTo: 0,
    };
  });
}

function signature({ dataPages, tablePages, rootPages }: RunPages): string {
  return `${dataPages.join()}|${tablePages.join()}|${rootPages.join()}`;
}
