/** The bus numbers and requester ids of a segment that are taken. */
import type { RequesterId } from "../../model/words/address.js";

export class BusNumbering {
  private next = 0;
  private readonly taken = new Set<RequesterId>();
  /** The bus with the physical function, of buses that hold nothing but virtual functions. */
  private readonly spilled = new Map<number, number>();

  constructor(private readonly last: number) {}

  /** No bus can be opened any more. */
  get isExhausted(): boolean {
    return this.next > this.last;
  }

  /** Takes the next bus. */
  open(): number {
    this.next += 1;
    return this.next - 1;
  }

  /** Leaves room for some buses. Returns the last bus that was taken. */
  leave(buses: number): number {
    this.next = Math.max(this.next, Math.min(this.next + buses, this.last + 1));
    return this.next - 1;
  }

  claim(ids: readonly RequesterId[]): void {
    for (const id of ids) this.taken.add(id);
  }

  /** Are all function numbers of the device free? */
  isFree(bus: number, device: number): boolean {
    const first = (bus << 8) | (device << 3);
    return ![0, 1, 2, 3, 4, 5, 6, 7].some((fn) => this.taken.has(first | fn));
  }

  /** Takes these ids for virtual functions of a function on the bus. Does nothing and returns false where it cannot. */
  claimVirtual(bus: number, ids: readonly RequesterId[]): boolean {
    const fits = (id: RequesterId) => {
      const own = id >>> 8 === bus || id >>> 8 >= this.next || this.spilled.get(id >>> 8) === bus;
      return own && id >>> 8 >= bus && id >>> 8 <= this.last && !this.taken.has(id);
    };
    if (!ids.every(fits)) return false;
    this.claim(ids);
    for (const id of ids) while (this.next <= id >>> 8) this.spilled.set(this.open(), bus);
    return true;
  }
}
