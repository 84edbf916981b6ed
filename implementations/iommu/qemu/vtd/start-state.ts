/** Where a run on `intel-iommu` starts, and how to get there whatever the run before has left behind. */
import { readSync } from "node:fs";
import type { Word } from "../../../../model/trace.js";
import type { RunSetup } from "../../interface.js";
import type { Machine } from "../machine.js";
import { PAGE_BYTES } from "../memory.js";
import { digits64 } from "../qtest.js";
import { differences, type Registers, word32, word64 } from "../register-image.js";
import type { Arrival } from "../start.js";
import { privateDescriptors, privateQueue, waitDescriptor } from "./private-tables.js";
import {
  ADDRESS,
  Command,
  DESCRIPTOR_BYTES,
  FAULT_RECORDED,
  FAULT_STATUS_CLEAR,
  QUEUE_DESCRIPTORS,
  QUEUE_SHAPE,
  Register,
} from "./registers.js";

/** Queues what leads to translating with an empty root table, an empty queue and empty caches; nothing when it cannot. */
export function queueTranslating(machine: Machine, setup: RunSetup): Arrival | undefined {
  if (!queueIsUsable(machine.seen, machine)) return undefined;
  const expected = translatingRegisters(machine.initial, setup);
  const learn = program(machine, setup);
  return () => differences(learn(), expected, ignored);
}

/** Whether one more wait descriptor will empty the queue; otherwise only a platform reset switches it off. */
function queueIsUsable(registers: Registers, machine: Machine): boolean {
  if ((word32(registers, Register.globalStatus) & Command.queue) === 0) return true;
  const page = queuePage(registers);
  return (word32(registers, Register.queueAddress) & QUEUE_SHAPE) === 0 && !machine.pages.owns(page);
}

/** Everything in one exchange: nothing here depends on an answer. */
function program(machine: Machine, setup: RunSetup): () => Registers {
  const { pages, seen, blueprint } = machine;
  const level = word32(seen, Register.globalStatus) & Command.translation;
  machine.forgetFetched();
  if (word32(seen, Register.faultStatus) !== 0) clearFaults(machine);
  if ((word32(seen, Register.globalStatus) & Command.queue) !== 0) drainQueue(machine);
  if (word32(seen, Register.completionStatus) !== 0) write32(machine, Register.completionStatus, 1);
  write32(machine, Register.globalCommand, level);
  write64(machine, Register.rootTable, setup.rootPage * PAGE_BYTES);
  write32(machine, Register.globalCommand, level | Command.setRoot);
  startQueue(machine, privateQueue(pages), level);
  write64(machine, Register.queueTail, privateDescriptors(blueprint) * DESCRIPTOR_BYTES);
  write32(machine, Register.globalCommand, level);
  startQueue(machine, setup.queuePage, Command.translation);
  machine.pristine = false;
  return machine.askRegisters();
}

function write32({ qtest }: Machine, offset: number, value: number): void {
  qtest.write32(ADDRESS + offset, value);
}

function write64({ qtest }: Machine, offset: number, low: number): void {
  qtest.write64(ADDRESS + offset, low, 0);
}

function clearFaults(machine: Machine): void {
  write32(machine, Register.faultRecordTop, FAULT_RECORDED);
  write32(machine, Register.faultStatus, FAULT_STATUS_CLEAR);
}

/** Tail and address are neighbours: one command sets both. */
function startQueue(machine: Machine, page: number, level: number): void {
  const digits = digits64(0, 0) + digits64(page * PAGE_BYTES, 0);
  machine.qtest.writeDigits(ADDRESS + Register.queueTail, digits);
  write32(machine, Register.globalCommand, level | Command.queue);
}

/**
 * The queue can be switched off only when it is empty and the last descriptor was a wait. So the descriptor at
 * its head, on which it may be stuck, becomes one for a moment: the next run may have something there already.
 */
function drainQueue(machine: Machine): void {
  const head = word32(machine.seen, Register.queueHead) % (QUEUE_DESCRIPTORS * DESCRIPTOR_BYTES);
  const address = queuePage(machine.seen) * PAGE_BYTES + head;
  const before = Buffer.alloc(DESCRIPTOR_BYTES);
  readSync(machine.memory, before, 0, DESCRIPTOR_BYTES, address);
  const wait = Buffer.from(waitDescriptor(machine.pages).buffer);
  machine.qtest.writeDigits(address, wait.toString("hex"));
  const tail = (head + DESCRIPTOR_BYTES) % (QUEUE_DESCRIPTORS * DESCRIPTOR_BYTES);
  write64(machine, Register.queueTail, tail);
  machine.qtest.writeDigits(address, before.toString("hex"));
}

function queuePage(registers: Registers): number {
  const word = word64(registers, Register.queueAddress);
  return word.high * 0x100000 + (word.low >>> 12);
}

function translatingRegisters(initial: Registers, setup: RunSetup): Registers {
  const registers = new Map(initial);
  const command = word64(registers, Register.globalCommand);
  const status = (Command.translation | Command.setRoot | Command.queue) >>> 0;
  registers.set(Register.globalCommand, { low: command.low, high: status });
  registers.set(Register.rootTable, { low: setup.rootPage * PAGE_BYTES, high: 0 });
  registers.set(Register.queueAddress, { low: setup.queuePage * PAGE_BYTES, high: 0 });
  return registers;
}

/** What is left of finished commands and of faults that were cleared is no state. */
export const ignored: Registers = new Map<number, Word>([
  [Register.contextCommand, { low: 0xffffffff, high: 0x7fffffff }],
  [Register.iotlbInvalidate, { low: 0xffffffff, high: 0x7fffffff }],
  [Register.faultStatus - 4, { low: 0, high: 0xff00 }],
  [Register.faultRecordLow, { low: 0xffffffff, high: 0xffffffff }],
  [Register.faultRecordHigh, { low: 0xffffffff, high: ~FAULT_RECORDED }],
]);
