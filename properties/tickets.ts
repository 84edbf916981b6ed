/** Intents that a driver has been asked to carry out, and has not answered yet. */
import { DriverError } from "../implementations/driver/machine.js";

/** What follows from the answers that an intent may get. */
export interface OpenTicket {
  readonly settled: () => void;
  /** Where it may be refused. */
  readonly refused?: () => void;
  /** Where something may be lent for it. */
  readonly lent?: (iova: number) => void;
}

export class Tickets {
  private readonly pending = new Map<number, OpenTicket>();
  private last = 0;

  /** A new ticket. */
  issue(ticket: OpenTicket): number {
    this.pending.set(++this.last, ticket);
    return this.last;
  }

  /** The driver says that the work of a ticket has taken full effect. */
  settle(ticket: number): void {
    this.close(ticket, "settles").settled();
  }

  /** The driver says that it does not carry the intent out. */
  refuse(ticket: number): void {
    const { refused } = this.close(ticket, "refuses");
    if (!refused)
      throw new DriverError(`the driver refuses ticket ${ticket}, which is not that of an assign`);
    refused();
  }

  /** The driver says where a page that is lent can be accessed. */
  lent(ticket: number, iova: number): void {
    const lent = this.pending.get(ticket)?.lent;
    if (!lent) throw new DriverError(`the driver lends for ticket ${ticket}, which is not that of a lend`);
    lent(iova);
  }

  /** True while the driver owes an answer to a ticket. */
  isOpen(ticket: number): boolean {
    return this.pending.has(ticket);
  }

  /** Number of the ticket that was issued last. */
  get issued(): number {
    return this.last;
  }

  get open(): number {
    return this.pending.size;
  }

  private close(ticket: number, verb: string): OpenTicket {
    const pending = this.pending.get(ticket);
    if (!pending) throw new DriverError(`the driver ${verb} ticket ${ticket}, which is not open`);
    this.pending.delete(ticket);
    return pending;
  }
}
