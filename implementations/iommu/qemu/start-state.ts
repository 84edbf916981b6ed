/** Bringing the IOMMU to where a run starts, whatever the run before has left behind, and checking that it is there. */

import { writeSync } from "node:fs";
import { ImplementationError, type RunSetup } from "../interface.js";
import type { Machine, Registers } from "./machine.js";
import { PAGE_BYTES } from "./memory.js";
import { digits64 } from "./qtest.js";
import {
  Command,
  DESCRIPTOR_BYTES,
  FAULT_RECORDED,
  FAULT_STATUS_CLEAR,
  QUEUE_DESCRIPTORS,
  QUEUE_SHAPE,
  Register,
  WINDOW,
} from "./registers.js";

/** What a run left behind keeps this process from another one; a new process does not know of it. */
export class StartStateError extends ImplementationError {}

/** After a platform reset. */
export function bringToReset(machine: Machine): void {
  if (machine.pristine) return;
  machine.platformReset();
  const strange = differences(machine.seen, machine.initial);
  if (strange.length > 0) throw new StartStateError(`QEMU keeps state over a reset: ${strange.join(", ")}`);
}

/** Translating with an empty root table, an empty queue and empty caches. */
export function bringToTranslating(machine: Machine, setup: RunSetup): void {
  const expected = translatingRegisters(machine.initial, setup);
  if (queueIsUsable(machine.seen, machine)) {
    program(machine, setup);
    if (differences(machine.seen, expected).length === 0) return;
  }
  machine.platformReset();
  program(machine, setup);
  const strange = differences(machine.seen, expected);
  if (strange.length > 0)
    throw new StartStateError(`QEMU does not reach the start state: ${strange.join(", ")}`);
}

/** Whether one more wait descriptor will empty the queue; otherwise only a platform reset switches it off. */
function queueIsUsable(registers: Registers, machine: Machine): boolean {
  if ((at(registers, Register.globalStatus) & Command.queue) === 0) return true;
  const page = queuePage(registers);
  return (at(registers, Register.queueAddress) & QUEUE_SHAPE) === 0 && !machine.pages.owns(page);
}

/** Everything in one exchange: nothing here depends on an answer. */
function program(machine: Machine, setup: RunSetup): void {
  const { pages, seen } = machine;
  const level = at(seen, Register.globalStatus) & Command.translation;
  machine.forgetFetched();
  if (at(seen, Register.faultStatus) !== 0) clearFaults(machine);
  if ((at(seen, Register.globalStatus) & Command.queue) !== 0) drainQueue(machine);
  if (at(seen, Register.completionStatus) !== 0) write32(machine, Register.completionStatus, 1);
  write32(machine, Register.globalCommand, level);
  write64(machine, Register.rootTable, setup.rootPage * PAGE_BYTES);
  write32(machine, Register.globalCommand, level | Command.setRoot);
  startQueue(machine, pages.queue, level);
  write64(machine, Register.queueTail, pages.descriptors * DESCRIPTOR_BYTES);
  write32(machine, Register.globalCommand, level);
  startQueue(machine, setup.queuePage, Command.translation);
  machine.pristine = false;
  machine.level = Command.translation | Command.queue;
  machine.readRegisters();
}

function write32({ qtest }: Machine, offset: number, value: number): void {
  qtest.write32(WINDOW.address + offset, value);
}

function write64({ qtest }: Machine, offset: number, low: number): void {
  qtest.write64(WINDOW.address + offset, low, 0);
}

function clearFaults(machine: Machine): void {
  write32(machine, Register.faultRecordTop, FAULT_RECORDED);
  write32(machine, Register.faultStatus, FAULT_STATUS_CLEAR);
}

/** Tail and address are neighbours: one command sets both. */
function startQueue(machine: Machine, page: number, level: number): void {
  const digits = digits64(0, 0) + digits64(page * PAGE_BYTES, 0);
  machine.qtest.writeDigits(WINDOW.address + Register.queueTail, digits);
  write32(machine, Register.globalCommand, level | Command.queue);
}

/**
 * The queue can be switched off only when it is empty and the last descriptor was a wait. So the descriptor at
 * its head, on which it may be stuck, becomes one.
 */
function drainQueue(machine: Machine): void {
  const head = at(machine.seen, Register.queueHead) % (QUEUE_DESCRIPTORS * DESCRIPTOR_BYTES);
  const address = queuePage(machine.seen) * PAGE_BYTES + head;
  machine.writtenBetweenRuns.add(queuePage(machine.seen));
  writeSync(machine.memory, machine.pages.waitDescriptor(), 0, DESCRIPTOR_BYTES, address);
  const tail = (head + DESCRIPTOR_BYTES) % (QUEUE_DESCRIPTORS * DESCRIPTOR_BYTES);
  write64(machine, Register.queueTail, tail);
}

function queuePage(registers: Registers): number {
  const word = registers[Register.queueAddress / 8]!;
  return word.high * 0x100000 + (word.low >>> 12);
}

function translatingRegisters(initial: Registers, setup: RunSetup): Registers {
  const registers = [...initial];
  const command = registers[Register.globalCommand / 8]!;
  const status = (Command.translation | Command.setRoot | Command.queue) >>> 0;
  registers[Register.globalCommand / 8] = { low: command.low, high: status };
  registers[Register.rootTable / 8] = { low: setup.rootPage * PAGE_BYTES, high: 0 };
  registers[Register.queueAddress / 8] = { low: setup.queuePage * PAGE_BYTES, high: 0 };
  return registers;
}

/** What is left of finished commands and of faults that were cleared is no state. */
const ignored: ReadonlyMap<number, { low: number; high: number }> = new Map([
  [Register.contextCommand, { low: 0xffffffff, high: 0x7fffffff }],
  [Register.iotlbInvalidate, { low: 0xffffffff, high: 0x7fffffff }],
  [Register.faultStatus - 4, { low: 0, high: 0xff00 }],
  [Register.faultRecordLow, { low: 0xffffffff, high: 0xffffffff }],
  [Register.faultRecordHigh, { low: 0xffffffff, high: ~FAULT_RECORDED }],
]);

function differences(seen: Registers, expected: Registers): string[] {
  const strange: string[] = [];
  for (const [index, word] of seen.entries()) {
    const wanted = expected[index]!;
    const mask = ignored.get(8 * index) ?? { low: 0, high: 0 };
    const low = (word.low ^ wanted.low) & ~mask.low;
    const high = (word.high ^ wanted.high) & ~mask.high;
    if ((low | high) !== 0)
      strange.push(`register ${(8 * index).toString(16)}h is ${show(word)}, not ${show(wanted)}`);
  }
  return strange;
}

function show(word: { low: number; high: number }): string {
  const digits = (value: number) => value.toString(16).padStart(8, "0");
  return `${digits(word.high)}_${digits(word.low)}h`;
}

function at(registers: Registers, offset: number): number {
  const word = registers[offset >>> 3]!;
  return (offset & 4) === 0 ? word.low : word.high;
}
