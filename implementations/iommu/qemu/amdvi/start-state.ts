/** Where a run on `amd-iommu` starts, and how to get there whatever the run before has left behind. */
import type { Word } from "../../../../model/trace.js";
import type { HostPage } from "../../../../model/words/address.js";
import { ImplementationError, type RunSetup } from "../../interface.js";
import type { Machine } from "../machine.js";
import { PAGE_BYTES } from "../memory.js";
import type { Blueprint } from "../options.js";
import type { PrivatePages } from "../private-pages.js";
import { digits64 } from "../qtest.js";
import { differences, type Registers } from "../register-image.js";
import type { Arrival } from "../start.js";
import {
  ADDRESS,
  COMMAND_BYTES,
  Command,
  Control,
  DEVICE_ENTRY_BYTES,
  Register,
  RING_LENGTH,
  Status,
} from "./registers.js";

export const NOTHING_IGNORED: Registers = new Map();
const TRANSLATING = Control.iommu | Control.eventLog | Control.commandBuffer;

/** What a page of the device table holds when a run starts: V = 1 and TV = 0 in every entry, so nothing gets through. */
export function blockingEntries(): Uint32Array<ArrayBuffer> {
  const words = new Uint32Array(PAGE_BYTES / 4);
  for (let at = 0; at < words.length; at += DEVICE_ENTRY_BYTES / 4) words[at] = 1;
  return words;
}

/** A command buffer of ours, whose commands empty every cache a device of the machine can fill. */
export function privateContents(pages: PrivatePages, machine: Blueprint): Map<HostPage, Uint8Array> {
  const words = new Uint32Array((commandCount(machine) * COMMAND_BYTES) / 4);
  // QEMU from 10.2 on learns from these, and from nothing else, that a device is to be translated.
  for (const [index, id] of machine.requesters.entries())
    words.set([id, Command.invalidateDevtabEntry], 4 * index);
  words[4 * machine.requesters.length + 1] = Command.invalidateIommuAll;
  return new Map([[pages.first, new Uint8Array(words.buffer)]]);
}

function commandCount(machine: Blueprint): number {
  return machine.requesters.length + 1;
}

/**
 * Queues what leads to translating with a device table that blocks everything, an empty command buffer, an empty log and
 * empty caches. Before 10.2, bits of the status register that are set stay so until a reset.
 */
export function queueTranslating(machine: Machine, setup: RunSetup): Arrival {
  const { logPage } = setup;
  if (logPage === null) throw new ImplementationError("a run on amd-iommu needs a page for the event log");
  const expected = translatingRegisters(machine.initial, setup, logPage);
  const learn = program(machine, setup, logPage);
  return () => differences(learn(), expected, NOTHING_IGNORED);
}

/** Everything in one exchange: nothing here depends on an answer. */
function program(machine: Machine, setup: RunSetup, logPage: HostPage): () => Registers {
  const { pages, blueprint } = machine;
  write(machine, Register.control, [low(0)]);
  machine.forgetFetched();
  // The event log can be moved only while no interrupt of it is pending.
  write(machine, Register.status, [low(Status.clear)]);
  write(machine, Register.deviceTableBase, [deviceTable(setup), ring(pages.first), ring(logPage)]);
  write(machine, Register.exclusionLimit, [low(0)]);
  write(machine, Register.pageRequestBase, [low(0)]);
  write(machine, Register.control, [low(Control.iommu | Control.commandBuffer)]);
  write(machine, Register.commandTail, [low(commandCount(blueprint) * COMMAND_BYTES)]);
  write(machine, Register.control, [low(0)]);
  write(machine, Register.commandBase, [ring(setup.queuePage)]);
  write(machine, Register.commandHead, [low(0), low(0), low(0), low(0)]);
  write(machine, Register.pageRequestHead, [low(0), low(0)]);
  write(machine, Register.control, [low(TRANSLATING)]);
  machine.pristine = false;
  return machine.askRegisters();
}

/** Writes neighbouring registers by one command. */
function write({ qtest }: Machine, offset: number, words: readonly Word[]): void {
  const digits = words.map((word) => digits64(word.low, word.high)).join("");
  qtest.writeDigits(ADDRESS + offset, digits);
}

function low(value: number): Word {
  return { low: value, high: 0 };
}

function ring(page: HostPage): Word {
  return { low: page * PAGE_BYTES, high: RING_LENGTH };
}

function deviceTable({ rootPage, rootPages }: RunSetup): Word {
  return low(rootPage * PAGE_BYTES + rootPages - 1);
}

function translatingRegisters(initial: Registers, setup: RunSetup, logPage: HostPage): Registers {
  return new Map([
    ...initial,
    [Register.deviceTableBase, deviceTable(setup)],
    [Register.commandBase, ring(setup.queuePage)],
    [Register.eventBase, ring(logPage)],
    [Register.control, low(TRANSLATING)],
    [Register.status, low(Status.eventLogRun | Status.commandBufferRun)],
  ]);
}
