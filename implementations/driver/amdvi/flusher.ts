/** What the driver has invalidated for a change (AMD-Vi 2.4). */
import type { IovaPage, RequesterId } from "../../../model/words/address.js";
import { Flusher, type InvalidationInterface } from "../shared/flusher.js";
import type { Command, Encodings } from "./encodings.js";
import type { AmdViFaults } from "./faults.js";

export class AmdViFlusher extends Flusher<Command> {
  /** 2.4.3: every entry goes that overlaps the range, whatever its size. */
  readonly sparesLargePages = false;

  constructor(
    via: InvalidationInterface<Command>,
    private readonly encodings: Encodings,
    protected override readonly faults: AmdViFaults,
  ) {
    super(via, faults);
  }

  /** 2.4.2: found by DeviceID, whatever the entry says. */
  forDevice(_: number, requester: RequesterId): Command {
    return this.encodings.invalidateDevice(requester);
  }

  forDomain(domainId: number): Command {
    return this.encodings.invalidateDomain(domainId);
  }

  /** No entry of a device is left when its domain goes. */
  forDevicesOf(): readonly Command[] {
    return [];
  }

  protected forRange(domainId: number, iova: IovaPage, mask: number, leafOnly: boolean): Command {
    return this.encodings.invalidateRange(domainId, iova, mask, leafOnly);
  }

  /** 2.4.1: commands are executed in any order but for a COMPLETION_WAIT with f = 1 between them. */
  protected inOrder(stages: readonly (readonly Command[])[]): readonly Command[] {
    const filled = stages.filter((stage) => stage.length > 0);
    if (this.faults.skipsBarrier) return filled.flat();
    return filled.flatMap((stage, index) => (index === 0 ? stage : [this.encodings.barrier, ...stage]));
  }
}
