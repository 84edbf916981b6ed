/** What firmware would do: give the PCI functions of the machine their addresses and their right to DMA. */
import { type RequesterId, requesterId } from "../../../model/words/address.js";
import type { Blueprint } from "./options.js";
import type { Qtest, Reply } from "./qtest.js";

/** Where the registers of each device are. */
export type Bars = ReadonlyMap<RequesterId, number>;

const CONFIG_ADDRESS = 0xcf8;
const CONFIG_DATA = 0xcfc;
const COMMAND = 0x04;
const BAR0 = 0x10;
const BUS_NUMBERS = 0x18;
const MEMORY_WINDOW = 0x20;
const PREFETCHABLE_WINDOW = 0x24;
/** Memory space and bus master. */
const MEMORY_AND_DMA = 0x6;
/** Base above limit. */
const CLOSED_WINDOW = 0x0000fff0;

const FIRST_BAR = 0xc0000000;
const BAR_BYTES = 0x100000;

/** Addresses in the 32-bit PCI hole, 1 MiB each; functions behind one root port are neighbours. */
export function assignBars(machine: Blueprint): Bars {
  return new Map(machine.requesters.map((id, index) => [id, FIRST_BAR + index * BAR_BYTES]));
}

/** Queues the configuration of every root port and device. */
export function configure(qtest: Qtest, machine: Blueprint, bars: Bars): void {
  for (const { slot, bus } of machine.ports) {
    const behind = machine.requesters.filter((id) => id >>> 8 === bus).map((id) => bars.get(id)!);
    const port = requesterId(0, slot, 0);
    write(qtest, port, BUS_NUMBERS, (bus << 16) | (bus << 8));
    write(qtest, port, MEMORY_WINDOW, window(behind.at(0)!, behind.at(-1)!));
    write(qtest, port, PREFETCHABLE_WINDOW, CLOSED_WINDOW);
    write(qtest, port, COMMAND, MEMORY_AND_DMA);
  }
  for (const id of machine.requesters) {
    write(qtest, id, BAR0, bars.get(id)!);
    write(qtest, id, COMMAND, MEMORY_AND_DMA);
  }
}

/** Asks for a word of the configuration space of a function; all ones where there is none. */
export function readConfiguration(qtest: Qtest, id: RequesterId, register: number): Reply {
  qtest.out32(CONFIG_ADDRESS, 0x80000000 | (id << 8) | register);
  return qtest.in32(CONFIG_DATA);
}

function window(first: number, last: number): number {
  return ((last >>> 16) << 16) | (first >>> 16);
}

function write(qtest: Qtest, id: RequesterId, register: number, value: number): void {
  qtest.out32(CONFIG_ADDRESS, 0x80000000 | (id << 8) | register);
  qtest.out32(CONFIG_DATA, value);
}
