/**
 * The command buffer as software can know it (AMD-Vi 2.4): which commands were submitted, which are known to be complete,
 * and where an illegal one stopped it.
 */
import { OutsideModel } from "../finding.js";
import type { Word } from "../trace.js";
import type { Invalidation, InvalidationLog } from "../windows/invalidation-log.js";
import type { PhysicalMemory } from "../words/memory.js";
import type { Coverage } from "../words/rule.js";
import { commandRules } from "./behaviour-rules.js";
import { type Command, parseCommand } from "./commands.js";
import { type InvalidationTarget, targetOf } from "./invalidations.js";
import type { AmdViPlatform } from "./profile.js";

type CompletionWait = Extract<Command, { command: "completion-wait" }>;

/** One submitted command. */
export interface Item {
  /** Position in the ring. */
  readonly index: number;
  /** Step from which on it was hardware's. */
  readonly submitted: number;
  readonly invalidation: Invalidation<InvalidationTarget> | null;
  readonly wait: CompletionWait | null;
  done: boolean;
  /** The buffer was moved before it was known to be fetched: it may never execute. */
  abandoned: boolean;
}

/** The command that stops the buffer until CmdBufEn is written 0. */
export interface IllegalCommand {
  readonly index: number;
  /** Page and byte offset of the command. */
  readonly page: number;
  readonly offset: number;
}

const COMMANDS_OF_PAGE = 256;
/** Page of a buffer that was never put anywhere. */
const NOWHERE = Number.NEGATIVE_INFINITY;

export class CommandView {
  readonly items: Item[] = [];
  /** CmdBufEn and IommuEn are 1. */
  running = false;
  illegal: IllegalCommand | null = null;
  page = NOWHERE;
  length = COMMANDS_OF_PAGE;
  tail = 0;
  /** Ring position of the next command to be looked at. */
  private next = 0;
  /** Commands before this position of {@link items} are known to have been fetched. */
  private fetched = 0;
  private fenceGroup = 0;
  /** A command that may not have been fetched yet was overwritten: where fetching goes on decides what is executed. */
  private overwritten = false;

  constructor(
    private readonly platform: AmdViPlatform,
    private readonly memory: PhysicalMemory,
    private readonly log: InvalidationLog<InvalidationTarget>,
    private readonly coverage: Coverage,
    /** Is told of an illegal command when hardware may come to it. */
    private readonly onIllegal: (command: IllegalCommand) => void,
  ) {}

  /** As after a reset, or running with the buffer at `page`. */
  reset(running: boolean, page: number): void {
    this.items.length = 0;
    this.running = running;
    this.illegal = null;
    this.page = running ? page : NOWHERE;
    this.length = COMMANDS_OF_PAGE;
    this.tail = 0;
    this.next = 0;
    this.fetched = 0;
    this.fenceGroup = 0;
    this.overwritten = false;
  }

  /** CmdBufEn and IommuEn have both become 1. */
  start(step: number): void {
    if (this.overwritten) throw new OutsideModel("a command is overwritten and may have been fetched before");
    this.running = true;
    this.submit(step);
  }

  /** One of them has become 0: nothing is fetched. */
  stop(): void {
    this.running = false;
  }

  /** CmdBufEn was written 0: fetching can go on where an illegal command had stopped it. */
  forgetIllegal(): void {
    if (this.illegal) this.coverage.hit(commandRules.restart);
    this.illegal = null;
  }

  /** CmdBase was written: head and tail are zero. */
  moveTo(page: number, length: number): void {
    this.page = page;
    this.length = length;
    this.tail = 0;
    this.moveHead(0);
  }

  /** CmdHead was written while the buffer does not run. */
  moveHead(index: number): void {
    for (const item of this.items.slice(this.fetched)) item.abandoned = true;
    this.fetched = this.items.length;
    this.next = index;
    this.overwritten = false;
  }

  /** CmdTail was written: while the buffer runs, commands up to it are hardware's from now on. */
  moveTail(index: number, step: number): void {
    if (index >= this.length)
      throw new OutsideModel("a command buffer tail beyond the end of the buffer (2.4)");
    this.tail = index;
    this.submit(step);
  }

  /** True when the page is one of the buffer. */
  covers(page: number): boolean {
    return page >= this.page && page < this.page + this.length / COMMANDS_OF_PAGE;
  }

  /** Software stored a word to a page of the buffer. */
  store(page: number, word: number, halted: boolean): void {
    const index = (page - this.page) * COMMANDS_OF_PAGE + (word >>> 1);
    const pending = this.items.some((item, at) => at >= this.fetched && item.index === index);
    const illegal = this.illegal?.index === index && !halted;
    if (!pending && !illegal) return;
    if (this.running) throw new OutsideModel("a command is overwritten that may not have been fetched yet");
    this.overwritten = pending;
  }

  private submit(step: number): void {
    if (!this.running || this.illegal) return;
    while (this.next !== this.tail) {
      const item = this.take(this.next, step);
      if (!item) return;
      this.items.push(item);
      this.next = (this.next + 1) % this.length;
    }
  }

  private take(index: number, step: number): Item | null {
    const page = this.page + Math.floor(index / COMMANDS_OF_PAGE);
    const word = (index % COMMANDS_OF_PAGE) * 2;
    const parsed = parseCommand(this.platform, [this.word(page, word), this.word(page, word + 1)]);
    if ("illegal" in parsed) {
      this.coverage.hit(parsed.illegal);
      this.illegal = { index, page, offset: word * 8 };
      this.onIllegal(this.illegal);
      return null;
    }
    return this.itemOf(index, parsed, step);
  }

  private word(page: number, word: number): Word {
    const frame = this.memory.frameOf(page);
    if (frame < 0) throw new OutsideModel(`the command buffer at page 0x${page.toString(16)} is not memory`);
    return { low: this.memory.low(frame, word), high: this.memory.high(frame, word) };
  }

  private itemOf(index: number, command: Command, step: number): Item {
    const item = { index, submitted: step, invalidation: null, wait: null, done: false, abandoned: false };
    if (command.command === "completion-wait") {
      this.noteWait(command);
      return { ...item, wait: command };
    }
    const target = targetOf(command);
    if (!target) return item;
    return { ...item, invalidation: this.log.submit(target, step, true, this.fenceGroup) };
  }

  private noteWait({ flush, store }: CompletionWait): void {
    if (store && this.memory.frameOf(store.page) < 0)
      throw new OutsideModel(`a completion store to page 0x${store.page.toString(16)}, which is not memory`);
    if (!flush) return;
    this.fenceGroup++;
    this.coverage.hit(commandRules.flush);
  }

  /** The first wait not yet known to be complete that stores such a value there. */
  pendingStore(page: number, word: number, isStored: (data: Word) => boolean): Item | undefined {
    return this.items.find(({ wait, done }) => {
      const store = done ? null : wait?.store;
      return store && store.page === page && store.word === word && isStored(store.data);
    });
  }

  /** The waits with i = 1 not yet known to be complete, in the order in which they complete. */
  pendingInterrupts(): Item[] {
    return this.items.filter(({ wait, done }) => !done && wait?.interrupt);
  }

  /** True when hardware must come to the end of a command by itself. */
  isExpected(item: Item): boolean {
    return this.running && !this.illegal && !item.abandoned;
  }

  /** True when the head must come to stand there: everything is fetched then. */
  comesTo(index: number): boolean {
    return this.running && !this.illegal && index === this.next;
  }

  /**
   * 2.4.1: a wait completes after every earlier command has. Returns the waits that are known to be complete now and were
   * not before, in order.
   */
  complete(item: Item, step: number): Item[] {
    const last = this.items.indexOf(item);
    const waits: Item[] = [];
    this.coverage.hit(commandRules.order);
    for (const earlier of this.items.slice(0, last + 1)) {
      if (earlier.done || (earlier.abandoned && earlier !== item)) continue;
      earlier.done = true;
      if (earlier.wait) waits.push(earlier);
      if (earlier.invalidation) earlier.invalidation.observed = Math.min(earlier.invalidation.observed, step);
    }
    this.fetched = Math.max(this.fetched, last + 1);
    return waits;
  }

  /** Forgets the oldest commands as far as they are known to be done: what comes later changes nothing about them. */
  forget(): void {
    const undone = this.items.findIndex((item) => !item.done);
    const over = Math.min(undone < 0 ? this.items.length : undone, this.fetched);
    this.items.splice(0, over);
    this.fetched -= over;
  }

  /** Software read this head; false when the head cannot stand there. */
  sawHead(index: number, halted: boolean): boolean {
    this.coverage.hit(commandRules.head);
    if (!halted) {
      for (let at = this.fetched; at < this.items.length; at++) {
        if (this.items[at]!.index !== index) continue;
        this.fetched = at;
        return true;
      }
    }
    if (index !== this.next) return false;
    this.fetched = this.items.length;
    this.overwritten = false;
    return true;
  }
}
