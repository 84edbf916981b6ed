/**
 * What software and devices do to an IOMMU, one action at a time, and what they see of it. This is the whole
 * vocabulary between a scenario and an implementation under test, and the only evidence a verdict rests on.
 */
import type { HostPage, IovaPage, RequesterId } from "./words/address.js";

/** A 64-bit value as two unsigned 32-bit halves. */
export interface Word {
  readonly low: number;
  readonly high: number;
}

/** What a device asks for. A zero-length read has a length of 0 bytes; an AtomicOp needs both rights. */
export type RequestType = "read" | "write" | "atomic" | "zero-length-read";

/** An untranslated request without PASID. It never crosses a page: platforms split such requests (VT-d 3.13). */
export interface Request {
  readonly requester: RequesterId;
  readonly page: IovaPage;
  /** Byte offset in the page, a multiple of 4. */
  readonly offset: number;
  /** Bytes: 0 for a zero-length read, else 4 or 8. */
  readonly length: number;
  readonly type: RequestType;
}

export type Action =
  /** A CPU store of one aligned 64-bit word; `word` is its index in the page, 0 to 511. */
  | {
      readonly do: "store";
      readonly page: HostPage;
      readonly word: number;
      readonly low: number;
      readonly high: number;
    }
  /** The CPU writes the 64-byte line `line` (0 to 63) of the page back to memory (CLFLUSH). */
  | { readonly do: "flush-line"; readonly page: HostPage; readonly line: number }
  | {
      readonly do: "write-register";
      readonly offset: number;
      readonly width: 4 | 8;
      readonly low: number;
      readonly high: number;
    }
  | { readonly do: "read-register"; readonly offset: number; readonly width: 4 | 8 }
  /** Reads the 32-bit register until `(register & mask) === value`. */
  | { readonly do: "poll-register"; readonly offset: number; readonly mask: number; readonly value: number }
  /** A CPU load of one aligned 64-bit word that the IOMMU may have written, such as a word of the event log. */
  | { readonly do: "read-memory"; readonly page: HostPage; readonly word: number }
  /** Reads the low half of a memory word until it equals `value`. */
  | { readonly do: "poll-memory"; readonly page: HostPage; readonly word: number; readonly value: number }
  /** A device request. Every request of a run has a slot of its own, which decides the bytes it writes. */
  | { readonly do: "request"; readonly request: Request; readonly slot: number };

/**
 * What an action showed, as two numbers:
 * - `read-register`, `read-memory`: the low and high half read;
 * - `poll-register`, `poll-memory`: `low` is 1 when the awaited value was seen, 0 when the implementation gave up;
 * - `request`: `low` is a {@link Effect} or the number of the page where the request took effect;
 * - every other action: `low` and `high` are 0.
 */
export interface Observation {
  readonly low: number;
  readonly high: number;
}

/** Where a request took effect, when it was not in a page of memory (those are plain page numbers, 0 and up). */
export const Effect = {
  /** The requester was told that the request is unsupported; memory was not touched. */
  blocked: -1,
  /** Nothing was seen: blocked, or the request reached a place that the observer cannot look at. */
  nowhere: -2,
  /** A DWORD write to FEEx_xxxxh went to the interrupt unit. */
  interrupt: -3,
  /** Completed without touching memory: a zero-length read that is not blocked. */
  done: -4,
} as const;

/** The 32-bit value that a write with this slot puts into every DWORD it covers; never zero, unique per slot. */
export function writeTag(slot: number): number {
  return (0xd0000000 | (slot + 1)) >>> 0;
}

/** The 32-bit value that byte `offset` (a multiple of 4) of a data page holds before any device writes to it. */
export function pageTag(page: HostPage, offset: number): number {
  return (0x40000000 | ((page & 0xfffff) << 10) | (offset >>> 2)) >>> 0;
}

const tagged = new WeakMap<readonly HostPage[], ReadonlyMap<HostPage, Uint32Array>>();

/** What data pages hold at first, 1,024 halves each ({@link pageTag}). The same list gives the same map. */
export function taggedPages(pages: readonly HostPage[]): ReadonlyMap<HostPage, Uint32Array> {
  let contents = tagged.get(pages);
  if (!contents) {
    const halves = (page: HostPage) =>
      Uint32Array.from({ length: 1024 }, (_, half) => pageTag(page, half * 4));
    contents = new Map(pages.map((page) => [page, halves(page)]));
    tagged.set(pages, contents);
  }
  return contents;
}
