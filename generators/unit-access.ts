/** How software of every architecture tells a unit what to do: registers, and a ring of commands with status words. */
import type { Action, Word } from "../model/trace.js";
import type { Places } from "./places.js";

/** Entries of a page of commands, 128 bits each. */
const ENTRIES = 256;
const STATUS_WORDS = 512;

export abstract class UnitAccess {
  protected actions: Action[] = [];
  private tail = 0;
  /** Waits so far: each has a status word and a value of its own, so that each is told from all others. */
  protected waits = 0;

  /** @param tailOffset the register that holds the tail of the ring */
  constructor(
    private readonly places: Places,
    private readonly tailOffset: number,
  ) {}

  /** Starts with an empty ring. */
  protected begin(actions: Action[]): void {
    this.actions = actions;
    this.tail = 0;
    this.waits = 0;
  }

  /** The ring goes on at that entry. */
  protected moveTo(index: number): void {
    this.tail = index;
  }

  protected register(offset: number, width: 4 | 8, low: number, high: number): void {
    this.actions.push({ do: "write-register", offset, width, low: low >>> 0, high: high >>> 0 });
  }

  protected read(offset: number, width: 4 | 8): void {
    this.actions.push({ do: "read-register", offset, width });
  }

  protected poll(offset: number, mask: number, value: number): void {
    this.actions.push({ do: "poll-register", offset, mask, value });
  }

  /** Puts a command into the ring; returns its index there. */
  protected submit(command: readonly Word[]): number {
    const index = this.tail;
    this.storeCommand(index, command);
    this.tail = (index + 1) % ENTRIES;
    this.writeTail();
    return index;
  }

  protected writeTail(): void {
    this.register(this.tailOffset, 8, this.tail << 4, 0);
  }

  protected storeCommand(index: number, [first, second]: readonly Word[]): void {
    const page = this.places.queuePage;
    const word = index * 2;
    this.actions.push({ do: "store", page, word, low: first!.low, high: first!.high });
    this.actions.push({ do: "store", page, word: word + 1, low: second!.low, high: second!.high });
  }

  /** The 64-bit word of memory, counted from address zero, that the last wait shows its completion in. */
  protected get statusWord(): number {
    return this.places.statusPage * STATUS_WORDS + (this.waits % STATUS_WORDS);
  }

  /** Software looks at it until it holds the number of the wait. */
  protected pollStatusWord(): void {
    const { waits } = this;
    const word = waits % STATUS_WORDS;
    this.actions.push({ do: "poll-memory", page: this.places.statusPage, word, value: waits });
  }
}
