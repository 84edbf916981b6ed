/** What firmware would do: give the PCI functions of the machine their addresses and their right to DMA. */
import { type RequesterId, requesterId } from "../../../model/words/address.js";
import type { Blueprint } from "./options.js";
import type { Qtest, Reply } from "./qtest.js";

/** Where the registers of each device are. */
export type Bars = ReadonlyMap<RequesterId, number>;

/** The two ports that lead to configuration space. */
export const CONFIG_ADDRESS = 0xcf8;
export const CONFIG_DATA = 0xcfc;
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

/** A bridge: where it is, and the buses below it. */
export interface BridgePlace {
  readonly id: RequesterId;
  readonly secondary: number;
  readonly subordinate: number;
}

/** Addresses in the 32-bit PCI hole, 1 MiB each; functions behind one root port are neighbours. */
export function assignBars(functions: readonly RequesterId[]): Bars {
  return new Map(functions.map((id, index) => [id, FIRST_BAR + index * BAR_BYTES]));
}

/** The root ports of a machine, each with one bus below it. */
export function bridgesOf(machine: Blueprint): BridgePlace[] {
  return machine.ports.map(({ slot, bus }) => ({
    id: requesterId(0, slot, 0),
    secondary: bus,
    subordinate: bus,
  }));
}

/** A word that goes into the configuration space of a function. */
export interface ConfigurationWrite {
  readonly id: RequesterId;
  readonly register: number;
  readonly value: number;
  /** What it does, in words. */
  readonly meaning: string;
}

/** The configuration of every bridge, the upper ones first, and of every device. */
export function configuration(bridges: readonly BridgePlace[], bars: Bars): ConfigurationWrite[] {
  const enabled = { register: COMMAND, value: MEMORY_AND_DMA, meaning: "memory space and bus master" };
  const ofBridge = ({ id, secondary, subordinate }: BridgePlace): ConfigurationWrite[] => {
    const behind = [...bars].filter(([one]) => one >>> 8 >= secondary && one >>> 8 <= subordinate);
    const addresses = behind.map(([, bar]) => bar);
    const buses = (subordinate << 16) | (secondary << 8) | (id >>> 8);
    return [
      { id, register: BUS_NUMBERS, value: buses, meaning: `buses ${secondary} to ${subordinate}` },
      { id, register: MEMORY_WINDOW, value: window(addresses), meaning: "memory window" },
      { id, register: PREFETCHABLE_WINDOW, value: CLOSED_WINDOW, meaning: "no prefetchable memory window" },
      { id, ...enabled },
    ];
  };
  return [
    ...bridges.flatMap(ofBridge),
    ...[...bars].flatMap(([id, bar]) => [
      { id, register: BAR0, value: bar, meaning: "address of its registers" },
      { id, ...enabled },
    ]),
  ];
}

/** Queues all of it. */
export function configure(qtest: Qtest, bridges: readonly BridgePlace[], bars: Bars): void {
  for (const { id, register, value } of configuration(bridges, bars))
    writeConfiguration(qtest, id, register, value);
}

/** What selects a word of the configuration space of a function at the first port. */
export function selector(id: RequesterId, register: number): number {
  return (0x80000000 | (id << 8) | register) >>> 0;
}

/** Asks for a word of the configuration space of a function; all ones where there is none. */
export function readConfiguration(qtest: Qtest, id: RequesterId, register: number): Reply {
  qtest.out32(CONFIG_ADDRESS, selector(id, register));
  return qtest.in32(CONFIG_DATA);
}

function window(addresses: readonly number[]): number {
  if (addresses.length === 0) return CLOSED_WINDOW;
  return ((Math.max(...addresses) >>> 16) << 16) | (Math.min(...addresses) >>> 16);
}

/** Queues writing a word of the configuration space of a function. */
export function writeConfiguration(qtest: Qtest, id: RequesterId, register: number, value: number): void {
  qtest.out32(CONFIG_ADDRESS, selector(id, register));
  qtest.out32(CONFIG_DATA, value);
}
