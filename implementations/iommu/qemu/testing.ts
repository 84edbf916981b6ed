/** Looks at processes, and actions that every architecture has, for the tests of this folder. */
import { readdirSync, readFileSync } from "node:fs";
import type { Action, Request } from "../../../model/trace.js";
import { type RequesterId, requesterId } from "../../../model/words/address.js";
import { ImplementationError } from "../interface.js";
import { findQemu } from "./find.js";

/** The device of a hand-made run. */
export const device: RequesterId = requesterId(0, 4, 0);

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

/** A CPU store of a word below 2^53. */
export function store(at: number, word: number, value: number): Action {
  return { do: "store", page: at, word, low: value >>> 0, high: Math.floor(value / 0x100000000) };
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
