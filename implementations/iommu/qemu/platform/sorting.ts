/** What translation that sorts requests by a byte of their requester id shares between architectures. */
import type { Word } from "../../../../model/trace.js";
import type { HostPage } from "../../../../model/words/address.js";
import { PAGE_BYTES, writePage } from "../memory.js";
import type { QemuPlatform } from "./platform.js";

/** Sets up a unit so that IOVA page 0 of a requester whose id has that value in that byte is the place of the value. */
export type Sort = (platform: QemuPlatform, byte: "bus" | "function") => void;

/** Values of a byte. */
export const VALUES: readonly number[] = Array.from({ length: 256 }, (_, value) => value);
/**
 * The place of value 0; those of the others follow. A place is at the same time the page table, of every level there is,
 * that leads to it: its first entry points to the page itself.
 */
export const FIRST_PLACE: HostPage = 0x1000;
/** Pages for the tables above. */
export const FIRST_TABLE: HostPage = FIRST_PLACE + VALUES.length;

/** The byte of an id that counts. */
export function keyOf(id: number, byte: "bus" | "function"): number {
  return byte === "bus" ? id >>> 8 : id & 0xff;
}

/** Words as memory holds them. */
export function image(words: readonly Word[]): Uint32Array {
  return Uint32Array.from(words.flatMap(({ low, high }) => [low, high]));
}

/** Writes a page of entries of one size. */
export function writeEntries(
  { memory }: QemuPlatform,
  page: HostPage,
  entries: readonly Uint32Array[],
): void {
  const bytes = new Uint32Array(PAGE_BYTES / 4);
  for (const [index, entry] of entries.entries()) bytes.set(entry, index * entry.length);
  writePage(memory, page, bytes);
}

/** Empties all places; `entry` is what points to a page. */
export function writePlaces(platform: QemuPlatform, entry: (page: HostPage) => readonly Word[]): void {
  for (const value of VALUES) {
    const page = FIRST_PLACE + value;
    writeEntries(platform, page, [image(entry(page))]);
  }
}
