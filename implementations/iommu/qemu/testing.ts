/** Hand-made runs, and a look at processes, for the tests of this folder: one domain, tables of three or four levels, a queue. */
import { readdirSync, readFileSync } from "node:fs";
import type { StartState } from "../../../model/run-start.js";
import type { Action, Request, Word } from "../../../model/trace.js";
import { profiles } from "../../../model/vtd/profiles.js";
import { type RequesterId, requesterId } from "../../../model/words/address.js";
import { ImplementationError, type RunSetup } from "../interface.js";
import { findQemu } from "./find.js";
import { Command, DESCRIPTOR_BYTES, Register } from "./registers.js";

/** The pages of a hand-made run. */
export const page = {
  root: 0x10000,
  context: 0x10001,
  tables: [0x10002, 0x10003, 0x10004, 0x10005],
  queue: 0x10006,
  status: 0x10007,
  behind: 0x10008,
  data: [0x10010, 0x10011, 0x10012, 0x10013],
} as const;

/** The device of a hand-made run. */
export const device = requesterId(0, 4, 0);
export const READ_WRITE = 3;
export const DOMAIN = 5;

/** Every process below `pid`, as they are now. */
export function descendants(pid: number): number[] {
  const parents = new Map<number, number>();
  for (const name of readdirSync("/proc")) {
    const stat = /^\d+$/.test(name) ? statOf(name) : undefined;
    if (stat !== undefined && stat.state !== "Z") parents.set(Number(name), stat.parent);
  }
  const found = [pid];
  for (let at = 0; at < found.length; at++) {
    for (const [child, parent] of parents) if (parent === found[at]) found.push(child);
  }
  return found.slice(1);
}

/** The QEMU processes below `pid`. */
export function qemusBelow(pid: number): number[] {
  return descendants(pid).filter((id) => /^qemu-system/.test(statOf(String(id))?.name ?? ""));
}

/** Whether a process exists and is more than a corpse. */
export function isAlive(pid: number): boolean {
  const stat = statOf(String(pid));
  return stat !== undefined && stat.state !== "Z";
}

function statOf(pid: string): { name: string; state: string; parent: number } | undefined {
  try {
    const [, name, state, parent] = /^\d+ \((.*)\) (\S) (\d+)/s.exec(
      readFileSync(`/proc/${pid}/stat`, "utf8"),
    )!;
    return { name: name!, state: state!, parent: Number(parent) };
  } catch {
    return undefined;
  }
}

/** Why the tests that need QEMU cannot run; nothing when they can. */
export function whyNoQemu(): string | undefined {
  try {
    findQemu();
    return undefined;
  } catch (error) {
    if (!(error instanceof ImplementationError)) throw error;
    console.warn(`Tests that need QEMU are skipped: ${error.message}`);
    return error.message;
  }
}

/** A setup with the pages above. */
export function setupFor(
  profileId: string,
  start: StartState = "translating",
  requesters: readonly RequesterId[] = [device],
): RunSetup {
  const profile = profiles.find(({ id }) => id === profileId);
  if (profile === undefined) throw new Error(`no profile ${profileId}`);
  const { root, context, tables, queue, status, behind, data } = page;
  return {
    profile,
    start,
    requesters,
    dataPages: data,
    tablePages: [root, context, ...tables, queue, status, behind],
    timing: 0,
    rootPage: root,
    rootPages: 1,
    queuePage: queue,
    logPage: null,
  };
}

/** A CPU store of a word below 2^53. */
export function store(at: number, word: number, value: number): Action {
  return { do: "store", page: at, word, low: value >>> 0, high: Math.floor(value / 0x100000000) };
}

/** Stores that attach the device to a domain whose tables map IOVA page 0 upwards to `targets`. */
export function attach(levels: 3 | 4, targets: readonly number[], rights = READ_WRITE): Action[] {
  const { root, context, tables } = page;
  const used = tables.slice(4 - levels);
  return [
    store(root, 0, context * 4096 + 1),
    store(context, 2 * device, used[0]! * 4096 + 1),
    store(context, 2 * device + 1, DOMAIN * 0x100 + (levels - 2)),
    ...used.slice(0, -1).map((at, index) => store(at, 0, used[index + 1]! * 4096 + READ_WRITE)),
    ...targets.map((target, index) => store(used.at(-1)!, index, target * 4096 + rights)),
  ];
}

/** The store that unmaps IOVA page `index` of {@link attach}. */
export function unmap(index: number): Action {
  return store(page.tables[3], index, 0);
}

/** A device request of 8 bytes. */
export function request(
  type: "read" | "write",
  slot: number,
  at: number,
  offset: number,
  extra: Partial<Request> = {},
): Action {
  return { do: "request", request: { requester: device, page: at, offset, length: 8, type, ...extra }, slot };
}

/** An IOTLB invalidation of the whole domain and a wait that stores `ticket`, as descriptors 2n and 2n+1. */
export function invalidateAndWait(n: number, ticket: number): Action[] {
  const at = (index: number): Word => ({ low: (index * DESCRIPTOR_BYTES) % 4096, high: 0 });
  const word = ((4 * n) % 512) as number;
  return [
    store(page.queue, word, DOMAIN * 0x10000 + 0xe2),
    store(page.queue, word + 1, 0),
    store(page.queue, word + 2, ticket * 0x100000000 + 0x25),
    store(page.queue, word + 3, page.status * 4096),
    { do: "write-register", offset: Register.queueTail, width: 8, ...at(2 * n + 2) },
    { do: "poll-memory", page: page.status, word: 0, value: ticket },
  ];
}

/** A 32-bit register write. */
export function write32(offset: number, low: number): Action {
  return { do: "write-register", offset, width: 4, low: low >>> 0, high: 0 };
}

/** A 64-bit register write. */
export function write64(offset: number, low: number): Action {
  return { do: "write-register", offset, width: 8, low: low >>> 0, high: 0 };
}

/** A register read. */
export function read(offset: number, width: 4 | 8 = 4): Action {
  return { do: "read-register", offset, width };
}

/** What software does after a reset to get translation going, queue included. */
export function enable(): Action[] {
  return [
    write64(Register.rootTable, page.root * 4096),
    write32(Register.globalCommand, Command.setRoot),
    write64(Register.queueAddress, page.queue * 4096),
    write32(Register.globalCommand, Command.queue),
    write32(Register.globalCommand, Command.queue | Command.translation),
  ];
}
