/** Memory that requests are kept out of by its address, whatever tables say (VT-d 11.4.8). */
import { empty } from "../words/lists.js";
import { RegisterWindow } from "./register-window.js";
import { type Pages, pagesWithin } from "./unit.js";

const NONE: readonly Pages[] = [];
const NO_STEPS: readonly number[] = [];

export class Protection {
  /** Which of the {@link sets} is in force; 0 for none. */
  private readonly inForce = new RegisterWindow();
  private readonly sets: (readonly Pages[])[] = [];
  /** Every run of pages that a command has named. */
  pages: readonly Pages[] = NONE;

  /** As after a reset: nothing is protected. */
  reset(): void {
    this.inForce.reset(0);
    empty(this.sets);
    this.sets.push(NONE);
    this.pages = NONE;
  }

  /** A command was written at step `step` that protects these pages, or none and is off. */
  commanded(pages: readonly Pages[] | null, step: number): void {
    if (pages) {
      this.sets.push(pages);
      this.pages = [...this.pages, ...pages];
    }
    this.inForce.commanded(pages ? this.sets.length - 1 : 0, step);
  }

  /** Software saw at step `step` that the last command is done. */
  observed(step: number): void {
    this.inForce.observed(step);
  }

  /** Nothing has been protected as far as is remembered. */
  get isUnused(): boolean {
    return this.inForce.count === 1 && this.inForce.latest === 0;
  }

  /** Protection was commanded last, be it in force yet or not. */
  get isOn(): boolean {
    return this.inForce.latest !== 0;
  }

  /** True when a command was written at step `step`. */
  isCommandedAt(step: number): boolean {
    return this.inForce.isCommandedAt(step);
  }

  /** True when an older command may still be in force at step `step`. */
  isPending(step: number): boolean {
    return this.inForce.isPending(step);
  }

  /** The page may be one of those protected, or not one of them, at step `now`. */
  mayProtect(page: number, protects: boolean, now: number): boolean {
    const { count, since, until, value } = this.inForce;
    for (let index = 0; index < count; index++) {
      if (since[index]! > now || until[index]! <= now) continue;
      if (pagesWithin(this.sets[value[index]!]!, page) > 0 === protects) return true;
    }
    return false;
  }

  /**
   * The step at which the page was commanded to be protected, or to be so no more, as long as that may not be in force at
   * step `now`; 0 when nothing is under way.
   */
  changingSince(page: number, now: number): number {
    const pending = !this.isUnused && this.isPending(now);
    const changes = pending && this.mayProtect(page, true, now) && this.mayProtect(page, false, now);
    return changes ? this.inForce.since[this.inForce.count - 1]! : 0;
  }

  /** The first page behind `page` from which on other memory may be protected than before. */
  edgeBehind(page: number): number {
    let edge = Number.POSITIVE_INFINITY;
    for (const { first, last } of this.pages)
      for (const one of [first, last + 1]) if (one > page && one < edge) edge = one;
    return edge;
  }

  /** The step at which protection was commanded that was seen in force last by step `now`; 0 when none was. */
  onSince(now: number): number {
    const on = this.inForce.switchedOn(now);
    return on > 0 ? this.inForce.since[on]! : 0;
  }

  /** The step from which on the oldest that is remembered was not in force any more; `OPEN` when it may be now. */
  get firstEnd(): number {
    return this.inForce.until[0]!;
  }

  /** The steps at which what was in force before was so no more. */
  ends(): readonly number[] {
    return this.isUnused ? NO_STEPS : this.inForce.until;
  }

  /** Forgets what was not in force any more at step `step`. */
  forget(step: number): void {
    this.inForce.forget(step);
  }
}
