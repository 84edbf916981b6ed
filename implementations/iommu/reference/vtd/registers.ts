/** The registers of the reference IOMMU: commands take effect some time after they are written (VT-d 11.4). */
import type { FaultLog } from "../../../../model/vtd/fault-log.js";
import { ProtectedMemoryBit, protectedPages } from "../../../../model/vtd/protected-memory.js";
import {
  contextCommand,
  type InvalidationCommand,
  iotlbCommand,
} from "../../../../model/vtd/register-commands.js";
import {
  EventBit,
  FaultStatusBit,
  GLOBAL_LEVEL_BITS,
  GlobalBit,
  Offset,
  RegisterFile,
} from "../../../../model/vtd/registers.js";
import type { WalkPlatform } from "../../../../model/vtd/walk.js";
import type { StoreBuffer } from "../store-buffer.js";
import type { VtdDeviation } from "./deviations.js";
import type { QueueEffects, ReferenceQueue } from "./queue.js";
import type { CachingTranslator } from "./translator.js";

const COMMAND_PENDING = 0x80000000;

/** What commands in registers do to the rest of the unit. */
export interface RegisterEffects extends QueueEffects {
  /** Every write under way reaches memory. */
  drainAll(): void;
}

export class ReferenceRegisters {
  private readonly file: RegisterFile;
  /** Commands under way, oldest first; each runs to its end when its turn comes. */
  private readonly underWay: (() => void)[] = [];
  private faults!: FaultLog;
  private status = 0;
  /** EPM as it was written last. */
  private protects = 0;

  constructor(
    private readonly platform: WalkPlatform,
    private readonly translator: CachingTranslator,
    private readonly queue: ReferenceQueue,
    private readonly stores: StoreBuffer,
    private readonly effects: RegisterEffects,
    private readonly deviation: VtdDeviation | null,
  ) {
    this.file = new RegisterFile(platform);
  }

  reset(translating: boolean, rootPage: number, queuePage: number, faults: FaultLog): void {
    this.file.reset();
    this.underWay.length = 0;
    this.faults = faults;
    this.status = 0;
    this.protects = 0;
    if (!translating) return;
    this.status = (GlobalBit.translationEnable | GlobalBit.setRootTablePointer) >>> 0;
    if (this.platform.queuedInvalidation) this.status |= GlobalBit.queuedInvalidationEnable;
    this.file.set(Offset.RTADDR, (rootPage << 12) >>> 0);
    this.file.set(Offset.RTADDR + 4, Math.floor(rootPage / 0x100000));
    this.file.set(Offset.IQA, (queuePage << 12) >>> 0);
    this.file.set(Offset.IQA + 4, Math.floor(queuePage / 0x100000));
  }

  /** The oldest command goes to its end; false when none is under way. */
  step(): boolean {
    const command = this.underWay.shift();
    command?.();
    return command !== undefined;
  }

  waitCompleted(interrupt: boolean): void {
    if (interrupt) this.file.set(Offset.ICS, 1);
  }

  /** 32 bits as software reads them. */
  readHalf(offset: number): number {
    const { platform, queue, faults } = this;
    if (offset === Offset.GSTS) return this.status >>> 0;
    if (offset === Offset.FSTS) return this.faultStatus();
    if (offset === Offset.FECTL) return this.eventControl(offset, this.faultStatus() !== 0);
    if (offset === Offset.IECTL) return this.eventControl(offset, this.file.read(Offset.ICS) !== 0);
    if (offset === Offset.IQH) return queue.ring.head << 4;
    if (offset === Offset.IQERCD) return queue.error?.code ?? 0;
    const record = offset - platform.faultRecordOffset;
    if (record >= 0 && record < 16 * platform.faultRecords) {
      return faults.part(Math.floor(record / 16), (record % 16) / 4);
    }
    return this.file.read(offset);
  }

  private faultStatus(): number {
    return this.faults.statusBits() | (this.queue.error ? FaultStatusBit.queueError : 0);
  }

  /** 11.4.7.2, 11.4.9.5: a message is sent at once, or held pending while it is masked. */
  private eventControl(offset: number, pending: boolean): number {
    const control = this.file.read(offset);
    return (pending && control & EventBit.mask ? control | EventBit.pending : control) >>> 0;
  }

  /** Software writes 4 or 8 bytes, the low half first (11.2). */
  write(offset: number, width: number, low: number, high: number): void {
    this.writeHalf(offset, low);
    if (width === 8) this.writeHalf(offset + 4, high);
  }

  private writeHalf(offset: number, value: number): void {
    const { platform, file } = this;
    file.write(offset, value);
    const iotlb = platform.iotlbRegisterOffset + 8;
    const record = offset - platform.faultRecordOffset;
    if (offset === Offset.GCMD) this.command(value);
    else if (offset === Offset.CCMD + 4 && value >>> 31)
      this.start(contextCommand(platform, file), Offset.CCMD + 4, 27);
    else if (offset === iotlb + 4 && value >>> 31) this.start(iotlbCommand(platform, file), iotlb + 4, 25);
    else if (offset === Offset.IQT) this.queue.ring.tail = (value >>> 4) & 0x7fff;
    else if (offset === Offset.IQA || offset === Offset.IQA + 4) this.moveQueue();
    else if (offset === Offset.FSTS) this.clearStatus(value);
    else if (offset === Offset.ICS && value & 1) file.set(Offset.ICS, 0);
    else if (offset === Offset.PMEN) this.protect();
    else if (record >= 0 && record < 16 * platform.faultRecords && record % 16 === 12 && value >>> 31) {
      this.faults.clearRecord(Math.floor(record / 16));
    }
  }

  private command(value: number): void {
    const changed = ((this.status ^ value) & GLOBAL_LEVEL_BITS) >>> 0;
    const levels = (bit: number) => {
      this.status = ((this.status & ~bit) | (value & bit)) >>> 0;
    };
    if (changed & GlobalBit.queuedInvalidationEnable) {
      this.queue.enabled = (value & GlobalBit.queuedInvalidationEnable) !== 0;
      if (!this.queue.enabled) this.queue.ring.head = 0;
      this.underWay.push(() => levels(GlobalBit.queuedInvalidationEnable));
    }
    if (value & GlobalBit.setRootTablePointer) {
      this.status = (this.status & ~GlobalBit.setRootTablePointer) >>> 0;
      const page = (this.file.read(Offset.RTADDR) >>> 12) + this.file.read(Offset.RTADDR + 4) * 0x100000;
      this.underWay.push(() => this.latchRootPointer(page));
    }
    if (value & GlobalBit.writeBufferFlush && this.platform.writeBufferFlushRequired) {
      this.status |= GlobalBit.writeBufferFlush;
      this.underWay.push(() => {
        this.stores.flushBuffer();
        this.status = (this.status & ~GlobalBit.writeBufferFlush) >>> 0;
      });
    }
    if (changed & GlobalBit.translationEnable) {
      this.underWay.push(() => {
        levels(GlobalBit.translationEnable);
        this.translator.enabled = value >>> 31 === 1;
        if (!this.translator.enabled) this.faults.translationDisabled();
      });
    }
  }

  /** 11.4.8.1: the regions are in force, or are not any more, when PRS has followed EPM. */
  private protect(): void {
    const { file, platform, translator, deviation } = this;
    const enable = file.read(Offset.PMEN) & ProtectedMemoryBit.enable;
    if (enable === this.protects) return;
    this.protects = enable;
    const on = enable !== 0;
    const pages = on ? protectedPages(platform, file) : [];
    const report = () => file.set(Offset.PMEN, (enable | (on ? ProtectedMemoryBit.status : 0)) >>> 0);
    if (deviation?.showsProtectionEarly) report();
    this.underWay.push(() => {
      translator.protectedPages = pages;
      if (on && platform.drainsWrites) this.effects.drainAll();
      report();
    });
  }

  private latchRootPointer(page: number): void {
    this.translator.rootPage = page;
    if (this.platform.setRootInvalidates) this.effects.invalidate({ cache: "all" }, false);
    this.status = (this.status | GlobalBit.setRootTablePointer) >>> 0;
  }

  /**
   * An invalidation command: bit 31 of its upper half reads as 1 until it is done, then the actual granularity shows,
   * from bit `shift` of that half on.
   */
  private start(
    { requested, target, drainsWrites }: InvalidationCommand,
    offset: number,
    shift: number,
  ): void {
    const rest = this.file.read(offset) & ~(3 << shift) & ~COMMAND_PENDING;
    const report = () => this.file.set(offset, (rest | ((target ? requested : 0) << shift)) >>> 0);
    if (this.deviation?.completesCommandsEarly) report();
    this.underWay.push(() => {
      if (target) this.effects.invalidate(target, drainsWrites);
      report();
    });
  }

  private moveQueue(): void {
    const value = this.file.read(Offset.IQA);
    this.queue.ring.page = (value >>> 12) + this.file.read(Offset.IQA + 4) * 0x100000;
    this.queue.ring.length = 2 ** ((value & 7) + 8);
  }

  private clearStatus(value: number): void {
    if (value & FaultStatusBit.overflow) this.faults.clearOverflow();
    if (value & FaultStatusBit.queueError) this.queue.error = null;
  }
}
