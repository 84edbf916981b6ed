/** Hand-made runs for tests: a device table, two-level tables, and what software does and sees, judged by the oracle. */
import type { Finding } from "../finding.js";
import type { StartState } from "../run-start.js";
import { type Action, Effect, type RequestType, type Word } from "../trace.js";
import { encode } from "../words/layout.js";
import { encodeCommand, Opcode, rangeAddress } from "./commands.js";
import { AmdViOracle } from "./oracle.js";
import type { AmdViProfile } from "./profile.js";
import { platformOf } from "./profile.js";
import { profileNamed } from "./profiles.js";
import { Offset } from "./registers.js";
import { deviceTableEntryLayout, pdeLayout, pteLayout } from "./tables.js";

export const [DEVICE_TABLE, OTHER_TABLE, L2, L1, OTHER_L1, COMMANDS, STATUS, LOG] = [
  1, 2, 4, 5, 6, 8, 9, 10,
] as const;
export const [OLD, NEW] = [0x10, 0x11] as const;
/** 00:04.0 and 00:05.0. */
export const [A, B] = [0x20, 0x28] as const;

/** A device table entry with these fields besides V and TV; two levels from {@link L2}, both rights, domain 5. */
export const deviceEntry = (values: Readonly<Record<string, number>> = {}): Word[] =>
  encode(deviceTableEntryLayout, {
    V: 1,
    TV: 1,
    Mode: 2,
    HostPTRoot: L2,
    IR: 1,
    IW: 1,
    DomainID: 5,
    ...values,
  });
export const pde = (page: number, values: Readonly<Record<string, number>> = {}): Word =>
  encode(pdeLayout, { PR: 1, NextLevel: 1, Address: page, IR: 1, IW: 1, ...values })[0]!;
export const pte = (page: number, values: Readonly<Record<string, number>> = {}): Word =>
  encode(pteLayout, { PR: 1, Address: page, IR: 1, IW: 1, ...values })[0]!;
export const NOTHING: Word = { low: 0, high: 0 };

export const devtabEntry = (DeviceID: number) => encodeCommand(Opcode.invalidateDevtabEntry, { DeviceID });
export const iommuPages = (first: number, count: number, values: Readonly<Record<string, number>> = {}) =>
  encodeCommand(Opcode.invalidateIommuPages, { DomainID: 5, ...rangeAddress(first, count), ...values });
export const iommuAll = encodeCommand(Opcode.invalidateIommuAll);
/** Stores `data` to word `word` of the status page. */
export const waitStore = (word: number, data: number, values: Readonly<Record<string, number>> = {}) =>
  encodeCommand(Opcode.completionWait, {
    s: 1,
    StoreAddress: STATUS * 512 + word,
    StoreDataLow: data,
    ...values,
  });
export const waitInterrupt = (values: Readonly<Record<string, number>> = {}) =>
  encodeCommand(Opcode.completionWait, { i: 1, ...values });
export const ILLEGAL: Word[] = [{ low: 0, high: 0xf0000000 }, NOTHING];

/** One run. What shows something gives the kind of finding it led to, or null. */
export class Run {
  readonly oracle: AmdViOracle;
  private index = 0;
  private tail = 0;

  /** Both functions in domain 5; page 0 mapped read-write to OLD. */
  constructor(profile: string | AmdViProfile = "zen1", start: StartState = "translating") {
    this.oracle = new AmdViOracle(platformOf(typeof profile === "string" ? profileNamed(profile) : profile));
    this.oracle.reset({
      start,
      requesters: [A, B],
      dataPages: [OLD, NEW],
      tablePages: [DEVICE_TABLE, OTHER_TABLE, L2, L1, OTHER_L1, COMMANDS, STATUS, LOG],
      rootPage: DEVICE_TABLE,
      rootPages: 1,
      queuePage: COMMANDS,
      logPage: LOG,
    });
    this.holds(L2, 0, pde(L1)).holds(L1, 0, pte(OLD));
    for (const device of [A, B]) this.holdsEntry(device, deviceEntry());
  }

  /** What memory holds from the start. */
  holds(page: number, word: number, { low, high }: Word): this {
    this.oracle.memory.fill(page, word, low, high);
    return this;
  }
  holdsEntry(device: number, words: readonly Word[]): this {
    words.forEach((one, at) => {
      this.holds(DEVICE_TABLE, device * 4 + at, one);
    });
    return this;
  }

  finding(action: Action, low = 0, high = 0): Finding | null {
    return this.oracle.perform(action, { low, high }, this.index++);
  }
  private act(action: Action, low = 0, high = 0): string | null {
    return this.finding(action, low, high)?.kind ?? null;
  }
  store(page: number, word: number, { low, high }: Word): this {
    this.act({ do: "store", page, word, low, high });
    return this;
  }
  storeEntry(device: number, words: readonly Word[]): this {
    words.forEach((one, at) => {
      this.store(DEVICE_TABLE, device * 4 + at, one);
    });
    return this;
  }
  write(offset: number, low: number, high = 0): this {
    this.act({ do: "write-register", offset, width: 8, low: low >>> 0, high: high >>> 0 });
    return this;
  }
  write32(offset: number, low: number): this {
    this.act({ do: "write-register", offset, width: 4, low: low >>> 0, high: 0 });
    return this;
  }
  reads(offset: number, low: number, high = 0): string | null {
    return this.act({ do: "read-register", offset, width: 8 }, low, high);
  }
  polls(offset: number, mask: number, value: number, seen = true): string | null {
    return this.act({ do: "poll-register", offset, mask, value }, Number(seen));
  }
  readsMemory(page: number, word: number, { low, high }: Word): string | null {
    return this.act({ do: "read-memory", page, word }, low, high);
  }
  /** Software reads an entry of the event log. */
  readsEvent(index: number, [first, second]: readonly Word[]): string | null {
    return this.readsMemory(LOG, index * 2, first!) ?? this.readsMemory(LOG, index * 2 + 1, second!);
  }
  pollsMemory(word: number, value: number, seen = true): string | null {
    return this.act({ do: "poll-memory", page: STATUS, word, value }, Number(seen));
  }

  /** Puts commands behind the others, without moving the tail. */
  put(...commands: (readonly Word[])[]): this {
    for (const words of commands) {
      words.forEach((one, at) => {
        this.store(COMMANDS, this.tail * 2 + at, one);
      });
      this.tail = (this.tail + 1) % 256;
    }
    return this;
  }
  submit(...commands: (readonly Word[])[]): this {
    return this.put(...commands).write(Offset.CmdTail, this.tail << 4);
  }
  /** Starts again at the first entry of the command buffer. */
  rewind(): this {
    this.tail = 0;
    return this;
  }
  /** Submits commands and a wait behind them, and sees its store. */
  flush(...commands: (readonly Word[])[]): this {
    const data = this.index + 1;
    this.submit(...commands, waitStore(500, data));
    const found = this.pollsMemory(500, data);
    if (found) throw new Error(`the wait led to ${found}`);
    return this;
  }

  /** What a request of page `page` may lead to now: where, or the rule that blocks it. */
  may(type: RequestType, page = 0, requester: number = A): string[] {
    const request = { requester, page, offset: 0, length: type === "zero-length-read" ? 0 : 8, type };
    const shown = this.oracle.outcomesOf(request, this.index).map(({ effect, rule, recorded }) => {
      if (rule) return `${rule.id.slice("amdvi.".length)}${recorded ? "" : " unrecorded"}`;
      return effect === OLD ? "old" : effect === NEW ? "new" : `page ${effect.toString(16)}`;
    });
    return shown.sort();
  }
  request(
    type: RequestType,
    effect: number = Effect.blocked,
    page = 0,
    requester: number = A,
  ): string | null {
    return this.requestFinding(type, effect, page, requester)?.kind ?? null;
  }
  requestFinding(
    type: RequestType,
    effect: number = Effect.blocked,
    page = 0,
    requester: number = A,
  ): Finding | null {
    const request = { requester, page, offset: 8, length: type === "zero-length-read" ? 0 : 8, type };
    return this.finding({ do: "request", request, slot: this.index }, effect);
  }
}
