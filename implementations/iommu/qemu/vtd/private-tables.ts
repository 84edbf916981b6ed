/** Tables and a queue of the adapter's own, with which it brings `intel-iommu` back and lets devices show what they fetched. */
import type { HostPage } from "../../../../model/words/address.js";
import { PAGE_BYTES } from "../memory.js";
import type { Blueprint } from "../options.js";
import { PRIVATE_PAGES, type PrivatePages, WINDOW_PAGES } from "../private-pages.js";
import { DESCRIPTOR_BYTES } from "./registers.js";

const DOMAIN = 0xfff0;
const ENTRIES = 512;
const READ_WRITE = 3;
const PRESENT = 1;
const ADDRESS_WIDTH_39 = 1;

const QUEUE = 4;
const STATUS = 5;
const CONTEXT_TABLES = 16;

/** Descriptor words, and where the wait descriptor writes. */
const CONTEXT_DEVICE = 0x31;
const IOTLB_GLOBAL_DRAINED = 0xd2;
const WAIT_STATUS_WRITE = 0x25;

/** The root table of ours: every device reaches every private page. */
export function privateRoot(pages: PrivatePages): HostPage {
  return pages.first;
}

/** The queue of ours: its descriptors empty every cache a device of the machine can fill. */
export function privateQueue(pages: PrivatePages): HostPage {
  return pages.first + QUEUE;
}

/** How many descriptors there are in {@link privateQueue}. */
export function privateDescriptors(machine: Blueprint): number {
  return machine.requesters.length + 2;
}

/** A wait descriptor, as four 32-bit words. */
export function waitDescriptor(pages: PrivatePages): Uint32Array {
  return Uint32Array.of(WAIT_STATUS_WRITE, 1, (pages.first + STATUS) * PAGE_BYTES, 0);
}

/** All of it. */
export function privateContents(pages: PrivatePages, machine: Blueprint): Map<HostPage, Uint8Array> {
  const [root, upper, middle, lowest] = [0, 1, 2, 3].map((index) => pages.first + index) as PageQuad;
  const last = ENTRIES - 1;
  const buses = [...new Set(machine.requesters.map((id) => id >>> 8))];
  const contextPage = (index: number) => pages.first + CONTEXT_TABLES + index;
  return new Map([
    [root, table(buses.map((bus, index) => [2 * bus, entry(contextPage(index), PRESENT)]))],
    [upper, table([[last, entry(middle, READ_WRITE)]])],
    [middle, table([[last, entry(lowest, READ_WRITE)]])],
    [lowest, table(windowEntries(pages))],
    ...buses.map((bus, index) => [contextPage(index), contextTable(machine, bus, upper)] as const),
    [privateQueue(pages), flushQueue(pages, machine)],
  ]);
}

type PageQuad = [HostPage, HostPage, HostPage, HostPage];
type Entry = readonly [index: number, low: number];

function contextTable(machine: Blueprint, bus: number, tables: HostPage): Uint8Array {
  const functions = machine.requesters.filter((id) => id >>> 8 === bus).map((id) => id & 0xff);
  return table(
    functions.flatMap((id): Entry[] => [
      [2 * id, entry(tables, PRESENT)],
      [2 * id + 1, DOMAIN * 0x100 + ADDRESS_WIDTH_39],
    ]),
  );
}

function windowEntries(pages: PrivatePages): Entry[] {
  const shown = Array.from({ length: PRIVATE_PAGES }, (_, index) => pages.first + index);
  return shown.map((page) => [page % WINDOW_PAGES, entry(page, READ_WRITE)]);
}

function flushQueue(pages: PrivatePages, machine: Blueprint): Uint8Array {
  const words = new Uint32Array((privateDescriptors(machine) * DESCRIPTOR_BYTES) / 4);
  for (const [index, id] of machine.requesters.entries()) words.set([CONTEXT_DEVICE, id], 4 * index);
  words[4 * machine.requesters.length] = IOTLB_GLOBAL_DRAINED;
  words.set(waitDescriptor(pages), words.length - 4);
  return new Uint8Array(words.buffer);
}

function entry(page: HostPage, bits: number): number {
  return page * PAGE_BYTES + bits;
}

function table(entries: readonly Entry[]): Uint8Array {
  const words = new Uint32Array(PAGE_BYTES / 4);
  for (const [index, low] of entries) words[2 * index] = low;
  return new Uint8Array(words.buffer);
}
