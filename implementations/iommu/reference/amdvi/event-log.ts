/** The event log of an AMD-Vi unit: a ring in memory that hardware fills and software empties (AMD-Vi 2.5). */
import type { Word } from "../../../../model/trace.js";
import type { Surroundings } from "../unit.js";
import type { AmdViDeviation } from "./deviations.js";

/** Entries of 128 bits in a page. */
const ENTRIES_OF_PAGE = 256;

export class ReferenceEventLog {
  page = 0;
  length = ENTRIES_OF_PAGE;
  /** Indices of the entry that software reads next, and of the one that hardware writes next. */
  head = 0;
  tail = 0;
  overflow = false;
  /** EventLogRun. */
  running = false;
  /** EventLogInt. */
  interrupt = false;
  /** EventIntEn. */
  signals = false;
  private enabled = false;

  constructor(
    private readonly surroundings: Surroundings,
    private readonly deviation: AmdViDeviation | null,
  ) {}

  reset(): void {
    this.moveTo(0, ENTRIES_OF_PAGE);
    this.overflow = false;
    this.running = false;
    this.interrupt = false;
    this.signals = false;
    this.enabled = false;
  }

  /** EvtBase was written. */
  moveTo(page: number, length: number): void {
    this.page = page;
    this.length = length;
    this.head = 0;
    this.tail = 0;
  }

  /** EventLogEn and EventIntEn were written. */
  control(enabled: boolean, signals: boolean): void {
    if (enabled !== this.enabled) this.running = enabled && !this.overflow;
    this.enabled = enabled;
    this.signals = signals;
  }

  /** 2.5: an event that finds no room is lost, and with it every later one until software starts the log again. */
  log(event: readonly Word[]): void {
    if (!this.running) return;
    this.signal();
    const next = (this.tail + 1) % this.length;
    if (next === this.head) {
      this.overflow = true;
      this.running = false;
      if (this.deviation?.overflowOverwritesFirst) this.write(this.head, event);
      return;
    }
    this.write(this.tail, event);
    this.tail = next;
  }

  /** Choice of this unit: with EventIntEn = 0 EventLogInt may stay clear. */
  private signal(): void {
    if (this.signals || this.surroundings.chance.happens(128)) this.interrupt = true;
  }

  private write(index: number, event: readonly Word[]): void {
    const { memory, stores } = this.surroundings;
    const page = this.page + Math.floor(index / ENTRIES_OF_PAGE);
    if (memory.frameOf(page) < 0) return;
    stores.writeBack(page);
    const word = (index % ENTRIES_OF_PAGE) * 2;
    event.forEach(({ low, high }, at) => {
      memory.fill(page, word + at, low, high);
    });
  }
}
