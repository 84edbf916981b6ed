/** The values that a register has held, with the steps between which each may have been in force. */
import { empty } from "../words/lists.js";
import { OPEN } from "../words/memory.js";

/** The values a register has held. Its windows overlap while a command is under way. */
export class RegisterWindow {
  count = 0;
  /** The first step at which some value other than 0 was in force; {@link OPEN} when none was. */
  firstNonZero = OPEN;
  readonly value: number[] = [];
  readonly since: number[] = [];
  readonly until: number[] = [];

  /** As after a reset: one value, in force from the beginning. */
  reset(value: number): void {
    this.count = 0;
    this.firstNonZero = OPEN;
    empty(this.value);
    empty(this.since);
    empty(this.until);
    this.add(value, 0);
  }

  /** A command that changes the value was written at step `step`. */
  commanded(value: number, step: number): void {
    this.add(value, step);
  }

  /** Software saw at step `step` that the last command is done. */
  observed(step: number): void {
    for (let index = 0; index < this.count - 1; index++) {
      if (this.until[index]! > step) this.until[index] = step;
    }
  }

  /** The value the last command asked for. */
  get latest(): number {
    return this.value[this.count - 1]!;
  }

  /** True when a command that changes the value was written at step `step`. */
  isCommandedAt(step: number): boolean {
    return this.count > 1 && this.since[this.count - 1] === step;
  }

  /** True when step `step` is the one from which on older values cannot be in force. */
  isSettledAt(step: number): boolean {
    return this.count > 1 && this.until[this.count - 2] === step;
  }

  /** True when an older value may still be in force at step `step`. */
  isPending(step: number): boolean {
    return this.count > 1 && this.until[this.count - 2]! > step;
  }

  /** Index of the value that last followed on 0, as far as software has seen at step `now` that it did; else 0. */
  switchedOn(now: number): number {
    for (let index = this.count - 1; index > 0; index--)
      if (this.value[index] !== 0 && this.value[index - 1] === 0 && this.until[index - 1]! <= now)
        return index;
    return 0;
  }

  /** The steps at which a value was in force no more; {@link OPEN} where it may be still. */
  ends(value: number): number[] {
    return this.until.filter((_, index) => this.value[index] === value);
  }

  /** Forgets the oldest values, up to the first that could still be in force at step `endedBy`. */
  forget(endedBy: number): void {
    const kept = this.until.findIndex((until) => until > endedBy);
    for (const list of [this.value, this.since, this.until]) list.splice(0, kept);
    this.count -= kept;
  }

  private add(value: number, since: number): void {
    if (value !== 0) this.firstNonZero = Math.min(this.firstNonZero, since);
    this.value[this.count] = value;
    this.since[this.count] = since;
    this.until[this.count] = OPEN;
    this.count++;
  }
}
