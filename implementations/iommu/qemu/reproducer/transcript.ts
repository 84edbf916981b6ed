/**
 * From a run that was made on QEMU to the lines that make it again on one that was just started, up to what decides.
 * Everything goes by qtest commands: what a device was kept from or let do is looked for in memory, after a write at
 * once, after a read when translation is off at the end, so that the device can show what it fetched.
 */
import {
  type Action,
  Effect,
  type Observation,
  pageTag,
  type Request,
  type Word,
  writeTag,
} from "../../../../model/trace.js";
import {
  type HostPage,
  type RequesterId,
  showAddress,
  showRequester,
} from "../../../../model/words/address.js";
import type { RunSetup } from "../../interface.js";
import { amdViKind, REMAPPING } from "../amdvi/unit.js";
import { SLOT_BYTES } from "../edu.js";
import { PAGE_BYTES } from "../memory.js";
import { type Blueprint, blueprintOf, boardOptions, unitWith } from "../options.js";
import { assignBars, type Bars } from "../pci.js";
import { configureLines, offLines, startLines } from "./bring-up.js";
import { pageInWords, RegisterNames } from "./comments.js";
import {
  exactly,
  type Line,
  type Look,
  type MachineOptions,
  NOWHERE,
  type Pattern,
  TRANSFER,
  wordOf,
} from "./lines.js";

/** A run and what it showed, no longer than it takes to show what is wrong. */
export interface RecordedRun {
  readonly setup: RunSetup;
  readonly actions: readonly Action[];
  readonly observations: readonly Observation[];
  /** For each action the index of its step; -1 for what precedes the first. */
  readonly stepOf: readonly number[];
  /** The steps in words. */
  readonly steps: readonly string[];
}

/** What decides: an action, or 32 bits of memory when all is done, or whether QEMU survives. */
export type Decisive =
  | { readonly by: "action"; readonly index: number }
  | { readonly by: "memory"; readonly page: HostPage; readonly offset: number }
  | { readonly by: "survival" };

type RequestAction = Action & { do: "request" };

/** A read that was made, and what it brings if it has the effect that it had. */
interface Fetched {
  readonly action: number;
  readonly request: Request;
  readonly expected: Pattern;
}

/** The buffer of an `edu` device; what reads fetch goes to its upper half. */
const BUFFER = 0x40000;
const FETCHED = BUFFER + 0x800;
const LOW_HALF: Word = { low: 0xffffffff, high: 0 };
const IN_WORDS: Readonly<Record<number, string>> = {
  [Effect.blocked]: "it is blocked",
  [Effect.nowhere]: "it has no effect",
  [Effect.interrupt]: "it goes to the interrupt unit",
  [Effect.done]: "it completes without touching memory",
};

/** Writes the lines of one run. */
export class Transcriber {
  readonly machine: MachineOptions;
  readonly #blueprint: Blueprint;
  readonly #bars: Bars;
  readonly #names: RegisterNames;
  readonly #spare: HostPage;
  /** What data pages and tables hold, 32 bits each, by `page * 1024 + half`. */
  readonly #contents = new Map<number, number>();
  /** Reads of each device that were made. */
  readonly #fetched = new Map<RequesterId, Fetched[]>();

  /**
   * @param functions those that the machine has
   * @throws ImplementationError when QEMU cannot be this platform or have these functions
   */
  constructor(
    private readonly run: RecordedRun,
    functions: readonly RequesterId[],
    version: string,
  ) {
    this.#blueprint = blueprintOf({ ...run.setup, requesters: functions }, version);
    this.#bars = assignBars(this.#blueprint.requesters);
    this.#names = new RegisterNames(run.setup.profile);
    this.#spare = this.#blueprint.memoryPages - 1;
    const megabytes = (this.#blueprint.memoryPages * PAGE_BYTES) / 2 ** 20;
    const { kind } = this.#blueprint;
    const takesFurther = kind === amdViKind;
    this.machine = {
      board: ["-m", `${megabytes}M`, ...boardOptions(this.#blueprint)],
      unit: takesFurther ? kind.device : unitWith(this.#blueprint),
      further: takesFurther ? REMAPPING : null,
    };
  }

  /**
   * All of it.
   * @param reached pages where the request that decides may take effect, beside data pages
   */
  lines(decisive: Decisive, reached: readonly HostPage[]): Line[] {
    const { setup, actions, steps, stepOf } = this.run;
    const lines: Line[] = [];
    const configuring = configureLines(this.#blueprint, this.#bars);
    if (configuring.length > 0) lines.push({ do: "heading", text: "What firmware would do" }, ...configuring);
    lines.push(...this.#preparation(decisive));
    lines.push(...startLines(setup, this.#blueprint, this.#spare));
    let step: number | undefined;
    actions.forEach((action, index) => {
      if (stepOf[index] !== step) {
        step = stepOf[index]!;
        lines.push({
          do: "heading",
          text: step < 0 ? "Before the first step" : `Step ${step + 1}: ${steps[step]}`,
        });
      }
      if (decisive.by === "survival" && index === actions.length - 1)
        lines.push({ do: "expect-loss", comment: "QEMU is not expected to survive this" });
      const decides = decisive.by === "action" && decisive.index === index;
      lines.push(...this.#linesOf(action, index, decides, reached));
    });
    lines.push(...this.#ending(decisive));
    return lines;
  }

  /** What looking for the effect of a request gives when it has this effect. */
  patternOf({ request }: RequestAction, effect: number): Pattern {
    const words = IN_WORDS[effect] ?? `it reaches page ${showAddress(effect)}`;
    if (request.type === "read") {
      const value = effect < 0 ? 0 : this.#content(effect, request.offset);
      return { mask: LOW_HALF, value: wordOf(value), words };
    }
    const isMemory = effect >= 0 && effect < this.#blueprint.memoryPages;
    return exactly(isMemory ? wordOf(effect * PAGE_BYTES) : NOWHERE, words);
  }

  /** What is looked at by an action that decides, in words. */
  subjectOf(action: Action): string {
    switch (action.do) {
      case "read-register":
      case "poll-register":
        return this.#names.nameOf(action.offset);
      case "read-memory":
      case "poll-memory":
        return `the word at ${showAddress(action.page, 8 * action.word)} (${pageInWords(this.run.setup, action.page)})`;
      case "request":
        return requestInWords(action.request);
      default:
        return action.do;
    }
  }

  /** The bytes that devices will write go into their buffers, and what they may read into memory. */
  #preparation(decisive: Decisive): Line[] {
    const { actions, setup } = this.run;
    const requests = actions.filter((one): one is RequestAction => one.do === "request");
    const lines: Line[] = [];
    const offsets = new Set(
      requests.filter((one) => one.request.type === "read").map((one) => one.request.offset),
    );
    if (decisive.by === "memory") offsets.add(decisive.offset);
    if (offsets.size > 0)
      lines.push({
        do: "heading",
        text: "Every page that devices may reach holds a value of its own where they read",
      });
    for (const offset of offsets) {
      for (const page of setup.dataPages) {
        const value = wordOf(pageTag(page, offset));
        lines.push({ do: "write", width: 4, address: page * PAGE_BYTES + offset, value, comment: "" });
      }
    }
    const writes = requests.filter((one) => one.request.type !== "read");
    if (writes.length > 0)
      lines.push({
        do: "heading",
        text: "Every request that writes has a value of its own: the device fetches it now",
      });
    for (const { request, slot } of writes) {
      const tag = writeTag(slot);
      const address = this.#spare * PAGE_BYTES;
      lines.push({ do: "write", width: 8, address, value: { low: tag, high: tag }, comment: "" });
      lines.push(this.#fetch(request.requester, wordOf(address), slotAddress(slot), SLOT_BYTES, ""));
    }
    return lines;
  }

  #linesOf(action: Action, index: number, decides: boolean, reached: readonly HostPage[]): Line[] {
    const { setup } = this.run;
    switch (action.do) {
      case "store": {
        this.#store(action.page, 2 * action.word, action.low);
        this.#store(action.page, 2 * action.word + 1, action.high);
        const address = action.page * PAGE_BYTES + 8 * action.word;
        const comment = `${pageInWords(setup, action.page)}, word ${action.word}`;
        return [{ do: "write", width: 8, address, value: { low: action.low, high: action.high }, comment }];
      }
      case "flush-line":
        return [];
      case "write-register": {
        const { offset, width, low } = action;
        const value = { low, high: width === 8 ? action.high : 0 };
        const comment = this.#names.describe(offset, value);
        return [{ do: "write", width, address: this.#register(offset), value, comment }];
      }
      case "request":
        return this.#request(action, index, decides, reached);
      default:
        return [this.#lookOf(action, index, decides)];
    }
  }

  #lookOf(
    action: Exclude<Action, { do: "store" | "flush-line" | "write-register" | "request" }>,
    index: number,
    decides: boolean,
  ): Line {
    const polls = action.do === "poll-register" || action.do === "poll-memory";
    const width = polls || (action.do === "read-register" && action.width === 4) ? 4 : 8;
    const isRegister = action.do === "read-register" || action.do === "poll-register";
    const address = isRegister ? this.#register(action.offset) : action.page * PAGE_BYTES + 8 * action.word;
    const look: Look = { at: "memory", address, width };
    const subject = this.subjectOf(action);
    if (!polls) {
      if (decides) return { do: "decide", look, comment: subject };
      const expected = exactly(this.run.observations[index]!);
      return { do: "check", look, expected, unless: false, comment: subject };
    }
    const mask = { low: action.do === "poll-register" ? action.mask >>> 0 : 0xffffffff, high: 0 };
    const expected = { mask, value: { low: action.value >>> 0, high: 0 }, words: "" };
    const comment = `${subject}: waiting for 0x${(action.value >>> 0).toString(16)}${mask.low === 0xffffffff ? "" : ` under mask 0x${mask.low.toString(16)}`}`;
    if (decides) return { do: "decide", look, comment };
    return { do: "check", look, expected, unless: this.run.observations[index]!.low === 0, comment };
  }

  #request(action: RequestAction, index: number, decides: boolean, reached: readonly HostPage[]): Line[] {
    const { request, slot } = action;
    const { requester, page, offset, length } = request;
    const bus = busAddress(page, offset);
    const comment = requestInWords(request);
    const effect = this.run.observations[index]!.low;
    if (request.type === "read") {
      const reads = this.#fetched.get(requester) ?? [];
      this.#fetched.set(requester, [
        ...reads,
        { action: index, request, expected: this.patternOf(action, effect) },
      ]);
      return [this.#fetch(requester, bus, FETCHED + SLOT_BYTES * reads.length, length, comment)];
    }
    if (effect >= 0) {
      for (let half = 0; half < length / 4; half++) this.#store(effect, offset / 4 + half, writeTag(slot));
    }
    const look: Look = {
      at: "pages",
      pages: this.#pagesToLookIn(effect, reached),
      offset,
      tag: writeTag(slot),
    };
    const where = "the page that the write has reached";
    return [
      this.#deliver(requester, slotAddress(slot), bus, length, comment),
      decides
        ? { do: "decide", look, comment: where }
        : { do: "check", look, expected: this.patternOf(action, effect), unless: false, comment: where },
    ];
  }

  #pagesToLookIn(effect: number, reached: readonly HostPage[]): HostPage[] {
    const { actions, setup } = this.run;
    const stored = actions.flatMap((one) => (one.do === "store" ? [one.page] : []));
    const pages = new Set([...setup.dataPages, ...stored, ...reached, effect]);
    return [...pages].filter((one) => one >= 0 && one < this.#blueprint.memoryPages).sort((a, b) => a - b);
  }

  /** What is still to be seen when all is done. */
  #ending(decisive: Decisive): Line[] {
    const lines: Line[] = [];
    if (decisive.by === "survival") {
      const look: Look = { at: "memory", address: this.#register(0), width: 4 };
      return [{ do: "decide", look, comment: "does it still answer?" }];
    }
    if (decisive.by === "memory") {
      const address = decisive.page * PAGE_BYTES + decisive.offset;
      lines.push({ do: "decide", look: { at: "memory", address, width: 4 }, comment: "what memory holds" });
    }
    if (this.#fetched.size === 0) return lines;
    lines.push({ do: "heading", text: "Translation off: devices show what they have fetched" });
    lines.push(...offLines(this.run.setup));
    for (const [requester, reads] of this.#fetched) {
      lines.push(...reads.flatMap((read, place) => this.#show(requester, place, read, decisive)));
    }
    return lines;
  }

  #show(requester: RequesterId, place: number, read: Fetched, decisive: Decisive): Line[] {
    const address = this.#spare * PAGE_BYTES;
    const look: Look = { at: "memory", address, width: 4 };
    const comment = `what the ${requestInWords(read.request)} has brought`;
    const decides = decisive.by === "action" && decisive.index === read.action;
    return [
      this.#deliver(requester, FETCHED + SLOT_BYTES * place, wordOf(address), SLOT_BYTES, ""),
      decides
        ? { do: "decide", look, comment }
        : { do: "check", look, expected: read.expected, unless: false, comment },
    ];
  }

  #fetch(requester: RequesterId, from: Word, buffer: number, bytes: number, comment: string): Line {
    const command = TRANSFER.fetch;
    const device = this.#bars.get(requester)!;
    return { do: "transfer", device, source: from, target: wordOf(buffer), bytes, command, comment };
  }

  #deliver(requester: RequesterId, buffer: number, to: Word, bytes: number, comment: string): Line {
    const command = TRANSFER.deliver;
    const device = this.#bars.get(requester)!;
    return { do: "transfer", device, source: wordOf(buffer), target: to, bytes, command, comment };
  }

  #register(offset: number): number {
    return this.#blueprint.kind.address + offset;
  }

  #store(page: HostPage, half: number, value: number): void {
    this.#contents.set(page * 1024 + half, value);
  }

  #content(page: HostPage, offset: number): number {
    const initially = this.run.setup.dataPages.includes(page) ? pageTag(page, offset) : 0;
    return this.#contents.get(page * 1024 + offset / 4) ?? initially;
  }
}

/** `write of 4 bytes at 0x1000008 by 00:04.0`. */
function requestInWords({ type, length, page, offset, requester }: Request): string {
  return `${type} of ${length} bytes at ${showAddress(page, offset)} by ${showRequester(requester)}`;
}

function slotAddress(slot: number): number {
  return BUFFER + SLOT_BYTES * slot;
}

function busAddress(page: number, offset: number): Word {
  return { low: (((page & 0xfffff) << 12) | offset) >>> 0, high: Math.floor(page / 0x100000) };
}
