/** The event log of an AMD-Vi unit: a ring in memory that hardware fills and software empties (AMD-Vi 2.5). */
import type { Word } from "../../../../model/trace.js";
import { Ring } from "../ring.js";
import type { Surroundings } from "../unit.js";
import type { AmdViDeviation } from "./deviations.js";

export class ReferenceEventLog {
  readonly ring = new Ring();
  overflow = false;
  /** EventLogRun. */
  running = false;
  /** EventLogInt. */
  interrupt = false;
  /** EventIntEn. */
  signals = false;
  private enabled = false;
  /** Writes the last event, where a faulty variant has not yet. */
  private writeLate: (() => void) | null = null;

  constructor(
    private readonly surroundings: Surroundings,
    private readonly deviation: AmdViDeviation | null,
  ) {}

  reset(): void {
    this.ring.moveTo(0);
    this.overflow = false;
    this.running = false;
    this.interrupt = false;
    this.signals = false;
    this.enabled = false;
    this.writeLate = null;
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
    const { ring } = this;
    const next = ring.after(ring.tail);
    if (next === ring.head) {
      this.overflow = true;
      this.running = false;
      if (this.deviation?.overflowOverwritesFirst) this.write(ring.head, event);
      return;
    }
    this.writeLate?.();
    this.writeLate = null;
    const at = ring.tail;
    if (this.deviation?.writesEventsLate) this.writeLate = () => this.write(at, event);
    else this.write(at, event);
    ring.tail = next;
  }

  /** Choice of this unit: with EventIntEn = 0 EventLogInt may stay clear. */
  private signal(): void {
    if (this.signals || this.surroundings.chance.happens(128)) this.interrupt = true;
  }

  private write(index: number, event: readonly Word[]): void {
    const { memory, stores } = this.surroundings;
    const { page, word } = this.ring.placeOf(index);
    if (memory.frameOf(page) < 0) return;
    stores.writeBack(page);
    for (let at = 0; at < event.length; at++) memory.fill(page, word + at, event[at]!.low, event[at]!.high);
  }
}
