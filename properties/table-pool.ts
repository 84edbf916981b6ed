/** The pages that a house gives its driver for tables. */
import { DriverError } from "../implementations/driver/machine.js";
import type { OwnershipEvent } from "../model/isolation/events.js";

export class TablePool {
  private readonly fresh: number[];
  private readonly used = new Set<number>();
  private freed: number[] = [];

  constructor(
    pages: readonly number[],
    private readonly say: (event: OwnershipEvent) => void,
  ) {
    this.fresh = [...pages].reverse();
  }

  /** A page for a table, one that was freed before those never used; null when there is none. */
  allocate(): number | null {
    const page = this.freed.pop() ?? this.fresh.pop();
    if (page === undefined) return null;
    this.used.add(page);
    this.say({ event: "allocate-table", page });
    return page;
  }

  /** @throws DriverError when the page holds no table */
  free(page: number): void {
    if (!this.used.delete(page))
      throw new DriverError(`the driver frees page 0x${page.toString(16)}, which is none of its tables`);
    this.freed.push(page);
    this.say({ event: "free-table", page });
  }

  /** Takes the page that was freed last out of the pool; null when there is none. */
  takeFreed(): number | null {
    return this.freed.pop() ?? null;
  }

  /** Pages that are tables now. */
  get inUse(): readonly number[] {
    return [...this.used];
  }
}
