/**
 * QEMU's `edu` device as a DMA engine. It copies between memory and its own buffer of 4 KiB, some virtual time
 * after its command register is written. The lower half of the buffer holds, for every slot, the bytes a write
 * with that slot brings; the upper half receives what reads fetch, in their order. A place is taken once until all are
 * forgotten, so that a read that brings nothing shows zeros.
 */
import { writeTag } from "../../../model/trace.js";
import { BreakdownError } from "../../process/waiting.js";
import { digits64, type Qtest, type Reply } from "./qtest.js";

/** Slots a device has bytes for. */
export const SLOTS = 256;
/** Reads before a device must forget. QEMU before 8 aborts when a transfer touches the last byte of the buffer. */
const PLACES = 255;
/** From so many places taken on, a device had better forget them before the next run. */
const CROWDED = 64;
/** Bytes per slot and per place. */
export const SLOT_BYTES = 8;

const BUFFER = 0x40000;
const FETCHED = BUFFER + SLOTS * SLOT_BYTES;
const SOURCE_REGISTER = 0x80;
const COMMAND_REGISTER = 0x98;
const IDENTITY = 0x010000ed;
const RUN = 1;
const TO_MEMORY = 2;
/** The engine waits for 100 ms of virtual time. */
const TRANSFER_NS = 100_000_000;
const POLL_LIMIT_MS = 10_000;

/** The 32-bit value at the start of what {@link Edu.showFetched} writes: a sign of life. */
export const SHOWN_MARK = writeTag(SLOTS - 1);

/** An address as two halves: devices reach all 64 bits. */
export interface BusAddress {
  readonly low: number;
  readonly high: number;
}

/** How the time passes that a transfer takes. */
export type Clock = "stepped" | "polled";

/** Contents of the lower half of the buffer. */
export function tagImage(): Uint8Array {
  const tags = new Uint32Array((SLOTS * SLOT_BYTES) / 4);
  for (let at = 0; at < tags.length; at++) tags[at] = writeTag(at >>> 1);
  return new Uint8Array(tags.buffer);
}

/** One device. Transfers are queued; with a polled clock they are also exchanged, and waited for. */
export class Edu {
  /** Places taken since they were last forgotten. */
  #taken = 0;

  constructor(
    private readonly qtest: Qtest,
    private readonly bar: number,
    private readonly clock: Clock,
  ) {}

  /** Asks for the identification register. */
  identify(): Reply {
    return this.qtest.read32(this.bar);
  }

  /** Whether the answer to {@link identify} is that of this device. */
  isEdu(identity: number): boolean {
    return identity === IDENTITY;
  }

  /** Loads the tags from memory. */
  loadTags(from: BusAddress): void {
    this.#fetch(from, BUFFER, SLOTS * SLOT_BYTES);
  }

  /**
   * A DMA read of a run. Returns the place of what it brings.
   * @throws RangeError when no place is left
   */
  read(from: BusAddress, length: number): number {
    if (this.#taken === PLACES)
      throw new RangeError(`QEMU's devices take ${PLACES - CROWDED} reads in a run`);
    const place = this.#taken++;
    this.#fetch(from, FETCHED + place * SLOT_BYTES, length);
    return place;
  }

  /** A DMA write of a run. */
  write(to: BusAddress, slot: number, length: number): void {
    this.#deliver(BUFFER + slot * SLOT_BYTES, to, length);
  }

  /** Writes to memory the mark, in as many bytes as a place has, and what the places taken hold. */
  showFetched(to: BusAddress): void {
    this.#deliver(FETCHED - SLOT_BYTES, to, (this.#taken + 1) * SLOT_BYTES);
  }

  /** Whether the places may not be enough for another run. */
  get isCrowded(): boolean {
    return this.#taken > CROWDED;
  }

  /** Overwrites the places taken with zeros from memory. */
  forgetFetched(zeros: BusAddress): void {
    this.#fetch(zeros, FETCHED, this.#taken * SLOT_BYTES);
    this.#taken = 0;
  }

  #fetch(from: BusAddress, buffer: number, length: number): void {
    this.#run(from, { low: buffer, high: 0 }, length, RUN);
  }

  #deliver(buffer: number, to: BusAddress, length: number): void {
    this.#run({ low: buffer, high: 0 }, to, length, RUN | TO_MEMORY);
  }

  #run(source: BusAddress, target: BusAddress, length: number, command: number): void {
    // Source, target, count and command are neighbours: one qtest command sets all four.
    const digits =
      digits64(source.low, source.high) +
      digits64(target.low, target.high) +
      digits64(length, 0) +
      digits64(command, 0);
    this.qtest.writeDigits(this.bar + SOURCE_REGISTER, digits);
    if (this.clock === "stepped") this.qtest.step(TRANSFER_NS);
    else this.#poll();
  }

  /** The engine is done after a few turns of QEMU's main loop. */
  #poll(): void {
    const started = performance.now();
    for (;;) {
      const reply = this.qtest.read32Later(this.bar + COMMAND_REGISTER);
      this.qtest.exchange();
      if ((this.qtest.low(reply) & RUN) === 0) return;
      if (performance.now() - started > POLL_LIMIT_MS)
        throw new BreakdownError("silent", "its DMA never finishes");
    }
  }
}
