/** Invalidations of a unit that does not look at a driver's tables yet. */
import type { Routine } from "../interface.js";
import type { InvalidationInterface } from "./flusher.js";

/** Lets nothing through at first: of entries that no unit looks at, nothing is cached. */
export class Gated<Invalidation> implements InvalidationInterface<Invalidation> {
  private isOpen = false;

  constructor(private readonly via: InvalidationInterface<Invalidation>) {}

  /** From now on the unit looks at the tables. */
  open(): void {
    this.isOpen = true;
  }

  *submit(invalidations: readonly Invalidation[]): Routine {
    if (this.isOpen) yield* this.via.submit(invalidations);
  }

  *wait(): Routine {
    if (this.isOpen) yield* this.via.wait();
  }
}
