/** Which devices of which domains make requests under which requester id: several may share one. */
import type { OwnershipEvent } from "../../model/isolation/events.js";
import type { RequesterId } from "../../model/words/address.js";

/** A requester id with a domain that a device under it belongs to. */
export interface Held {
  readonly requester: RequesterId;
  readonly domain: string;
}

export class RequesterHolders {
  /** How many devices. */
  private readonly counts = new Map<string, number>();

  constructor(private readonly say: (event: OwnershipEvent) => void) {}

  /** A device under the id comes to the domain. */
  enter(held: Held): void {
    const count = this.countOf(held);
    this.counts.set(keyOf(held), count + 1);
    if (count === 0) this.say({ event: "assign", ...held });
  }

  /** A device gives the domain up; the id may still have it through another one. */
  leave(held: Held): void {
    if (this.countOf(held) === 1) this.say({ event: "leave", ...held });
  }

  /** Software takes it that the device has nothing of the domain any more. */
  left(held: Held): void {
    const count = this.countOf(held) - 1;
    if (count > 0) this.counts.set(keyOf(held), count);
    else if (this.counts.delete(keyOf(held))) this.say({ event: "unassign", ...held });
  }

  /** There is no device under the id. */
  drop(held: Held): void {
    this.counts.delete(keyOf(held));
  }

  private countOf(held: Held): number {
    return this.counts.get(keyOf(held)) ?? 0;
  }
}

function keyOf({ requester, domain }: Held): string {
  return `${requester} ${domain}`;
}
