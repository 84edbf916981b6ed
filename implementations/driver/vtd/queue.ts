/** The invalidation queue (VT-d 6.5.2). It is always snooped (3.10). */
import type { Word } from "../../../model/trace.js";
import {
  contextDescriptor,
  DescriptorType,
  iotlbDescriptor,
  waitDescriptor,
} from "../../../model/vtd/descriptors.js";
import { GlobalBit, Offset } from "../../../model/vtd/registers.js";
import type { HostPage } from "../../../model/words/address.js";
import { encoderOf } from "../../../model/words/layout.js";
import type { Routine } from "../interface.js";
import { Ring, type Status } from "../shared/ring.js";
import { register } from "../shared/steps.js";
import type { Invalidation } from "./invalidation.js";
import type { Unit } from "./unit.js";

/** A status word is 8 bytes: two of the DWORDs that a wait descriptor counts in. */
const DWORDS_OF_WORD = 2;
const DWORDS_OF_PAGE = 1024;

const encodeContext = encoderOf(contextDescriptor, ["Type", "G", "DID", "SID"]);
const encodeIotlb = encoderOf(iotlbDescriptor, ["Type", "G", "DW", "DR", "DID", "AM", "IH", "ADDR"]);
const encodeWait = encoderOf(waitDescriptor, ["Type", "SW", "Data", "Address"]);

export class InvalidationQueue extends Ring<Invalidation> {
  /** @param drain 1 when reads and writes under way are to be drained (6.5.4) */
  constructor(
    private readonly unit: Unit,
    page: HostPage,
    statusPage: HostPage,
    private readonly drain: 0 | 1,
  ) {
    super(page, statusPage, Offset.IQT);
  }

  /** Sets up an empty queue and enables it. */
  *enable(): Routine {
    const { unit, page } = this;
    yield register(Offset.IQT, 8, 0, 0);
    yield register(Offset.IQA, 8, (page << 12) >>> 0, Math.floor(page / 0x100000));
    yield unit.switchLevel(GlobalBit.queuedInvalidationEnable, true);
    yield* unit.sees(GlobalBit.queuedInvalidationEnable, true);
  }

  /** Goes on where a queue that is enabled already stands. */
  *takeOver(): Routine {
    const { low } = yield { do: "read-register", offset: Offset.IQT, width: 8 };
    this.tail = low >>> 4;
  }

  /** 6.5.2: a queue is switched off when it is empty and its last descriptor was a wait. */
  *disable(): Routine {
    const { unit } = this;
    yield* this.submit([]);
    yield* this.wait();
    yield unit.switchLevel(GlobalBit.queuedInvalidationEnable, false);
    yield* unit.sees(GlobalBit.queuedInvalidationEnable, false);
  }

  protected waitEntry({ page, word, value }: Status): readonly Word[] {
    const Address = page * DWORDS_OF_PAGE + word * DWORDS_OF_WORD;
    return encodeWait({ Type: DescriptorType.wait, SW: 1, Data: value, Address });
  }

  protected entryOf(one: Invalidation): readonly Word[] {
    if (one.cache === "context")
      return encodeContext({
        Type: DescriptorType.context,
        G: one.granularity,
        DID: one.domainId,
        SID: one.requester,
      });
    return encodeIotlb({
      Type: DescriptorType.iotlb,
      G: one.granularity,
      DW: this.drain,
      DR: this.drain,
      DID: one.domainId,
      AM: one.mask,
      IH: one.leafOnly ? 1 : 0,
      ADDR: one.page,
    });
  }
}
