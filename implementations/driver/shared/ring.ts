/** A ring of 256 entries of 128 bits that a unit fetches from, and status words that its waits write to. */
import type { Word } from "../../../model/trace.js";
import type { HostPage } from "../../../model/words/address.js";
import type { Routine } from "../interface.js";
import type { InvalidationInterface } from "./flusher.js";
import { expectSeen, register } from "./steps.js";

const ENTRIES = 256;
/** Head and tail that meet mean an empty ring, so one entry stays free; another is for the wait. */
const MOST_UNDER_WAY = ENTRIES - 2;
const STATUS_WORDS = 512;

/** A status word, and the value by which it shows that a wait is over. */
export interface Status {
  readonly page: HostPage;
  readonly word: number;
  readonly value: number;
}

export abstract class Ring<Invalidation> implements InvalidationInterface<Invalidation> {
  /** Index of the entry that is written next. */
  protected tail = 0;
  private underWay = 0;
  /** Waits so far. */
  private waits = 0;

  /** @param tailOffset register with 16 times the index of the entry behind the last one */
  constructor(
    protected readonly page: HostPage,
    private readonly statusPage: HostPage,
    private readonly tailOffset: number,
  ) {}

  protected abstract entryOf(invalidation: Invalidation): readonly Word[];
  /** An entry that has the unit store a value when everything ahead of it is complete. */
  protected abstract waitEntry(status: Status): readonly Word[];

  *submit(invalidations: readonly Invalidation[]): Routine {
    for (const one of invalidations) {
      if (this.underWay >= MOST_UNDER_WAY) {
        yield* this.submitWait();
        yield* this.wait();
      }
      yield* this.put(this.entryOf(one));
    }
    yield* this.submitWait();
  }

  *wait(): Routine {
    this.checkSeen(yield { do: "poll-memory", ...this.statusOf(this.waits) });
    this.underWay = 0;
  }

  /** @throws Error when the unit never showed that a wait is over */
  protected checkSeen(answer: Word): void {
    expectSeen(answer, "the status of an invalidation wait");
  }

  /** Each wait has a status value of its own, so that none is taken for another's. */
  protected statusOf(wait: number): Status {
    return { page: this.statusPage, word: wait % STATUS_WORDS, value: wait };
  }

  private *submitWait(): Routine {
    this.waits++;
    yield* this.put(this.waitEntry(this.statusOf(this.waits)));
    yield register(this.tailOffset, 8, this.tail << 4, 0);
  }

  /** The ring is snooped: its entries need no write-back. */
  protected *put([first, second]: readonly Word[]): Routine {
    const { tail, page } = this;
    yield { do: "store", page, word: tail * 2, low: first!.low, high: first!.high };
    yield { do: "store", page, word: tail * 2 + 1, low: second!.low, high: second!.high };
    this.tail = (tail + 1) % ENTRIES;
    this.underWay++;
  }
}
