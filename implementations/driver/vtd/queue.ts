/** The invalidation queue (VT-d 6.5.2): a ring of 256 descriptors, and status words that waits write to. */
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
import type { Invalidation, InvalidationInterface } from "./invalidation.js";
import { expectSeen } from "./steps.js";
import { register, type Unit } from "./unit.js";

const ENTRIES = 256;
/** Head and tail that meet mean an empty queue, so one entry stays free; another is for the wait. */
const MOST_UNDER_WAY = ENTRIES - 2;
const STATUS_WORDS = 512;
/** A status word is 8 bytes: two of the DWORDs that a wait descriptor counts in. */
const DWORDS_OF_WORD = 2;
const DWORDS_OF_PAGE = 1024;

const encodeContext = encoderOf(contextDescriptor, ["Type", "G", "DID", "SID"]);
const encodeIotlb = encoderOf(iotlbDescriptor, ["Type", "G", "DW", "DR", "DID", "AM", "IH", "ADDR"]);
const encodeWait = encoderOf(waitDescriptor, ["Type", "SW", "Data", "Address"]);

export class InvalidationQueue implements InvalidationInterface {
  private tail = 0;
  private underWay = 0;
  /** Waits so far. Each has a status value of its own, so that none is taken for another's. */
  private waits = 0;

  /** @param drain 1 when reads and writes under way are to be drained (6.5.4) */
  constructor(
    private readonly unit: Unit,
    private readonly page: HostPage,
    private readonly statusPage: HostPage,
    private readonly drain: 0 | 1,
  ) {}

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

  *submit(invalidations: readonly Invalidation[]): Routine {
    for (const one of invalidations) {
      if (this.underWay >= MOST_UNDER_WAY) {
        yield* this.submitWait();
        yield* this.wait();
      }
      yield* this.put(this.descriptorOf(one));
    }
    yield* this.submitWait();
  }

  *wait(): Routine {
    const { waits: value, statusPage: page } = this;
    expectSeen(
      yield { do: "poll-memory", page, word: value % STATUS_WORDS, value },
      "the status of an invalidation wait",
    );
    this.underWay = 0;
  }

  private *submitWait(): Routine {
    this.waits++;
    const word = this.waits % STATUS_WORDS;
    const Address = this.statusPage * DWORDS_OF_PAGE + word * DWORDS_OF_WORD;
    yield* this.put(encodeWait({ Type: DescriptorType.wait, SW: 1, Data: this.waits, Address }));
    yield register(Offset.IQT, 8, this.tail << 4, 0);
  }

  /** The queue is always snooped (3.10): its descriptors need no write-back. */
  private *put([first, second]: readonly Word[]): Routine {
    const { tail, page } = this;
    yield { do: "store", page, word: tail * 2, low: first!.low, high: first!.high };
    yield { do: "store", page, word: tail * 2 + 1, low: second!.low, high: second!.high };
    this.tail = (tail + 1) % ENTRIES;
    this.underWay++;
  }

  private descriptorOf(one: Invalidation): readonly Word[] {
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
