/** What software writes to registers and to the invalidation queue, and what it waits for (VT-d 6.5, 11.4). */
import type { Action, Word } from "../../model/trace.js";
import {
  contextDescriptor,
  DescriptorType,
  Granularity,
  iotlbDescriptor,
  waitDescriptor,
} from "../../model/vtd/descriptors.js";
import type { Platform } from "../../model/vtd/profile.js";
import { ProtectedMemoryBit } from "../../model/vtd/protected-memory.js";
import { FaultStatusBit, GlobalBit, Offset } from "../../model/vtd/registers.js";
import { encoderOf } from "../../model/words/layout.js";
import { vtdPlaces } from "../places.js";
import { UnitAccess } from "../unit-access.js";
import type { InvalidationTargetOf, VtdStep } from "./scenario.js";

type ContextTarget = Extract<InvalidationTargetOf, { cache: "context" }>;
type IotlbTarget = Extract<InvalidationTargetOf, { cache: "iotlb" }>;
type Sign = Extract<VtdStep, { do: "wait" }>["sign"];
type QueueErrorKind = Extract<VtdStep, { do: "queue-error" }>["error"];

const SIGNS = {
  status: { status: true, interrupt: false },
  interrupt: { status: false, interrupt: true },
  both: { status: true, interrupt: true },
  none: { status: false, interrupt: false },
} as const;

const GRANULARITIES = {
  global: Granularity.global,
  domain: Granularity.domain,
  device: Granularity.selective,
  page: Granularity.selective,
} as const;

const encodeContext = encoderOf(contextDescriptor, ["Type", "G", "DID", "SID", "FM"]);
const encodeIotlb = encoderOf(iotlbDescriptor, ["Type", "G", "DW", "DR", "DID", "AM", "IH", "ADDR"]);
const encodeWait = encoderOf(waitDescriptor, ["Type", "IF", "SW", "FN", "Data", "Address"]);

const ZERO: Word = { low: 0, high: 0 };
/** What makes a descriptor illegal on every unit, or on one without a feature; then for those that have it. */
const BAD_DESCRIPTORS: Readonly<Record<QueueErrorKind, Word>> = {
  type: { low: 0xf, high: 0 },
  reserved: { low: 0x111, high: 0 },
  granularity: { low: 1, high: 0 },
  // Table 26: types 6 and above are for scalable mode.
  scalable: { low: 7, high: 0 },
  "device-tlb": { low: DescriptorType.deviceTlb, high: 0 },
  "interrupt-entry": { low: 0x100 | DescriptorType.interruptEntry, high: 0 },
  "page-request-drain": { low: 0x80 | DescriptorType.wait, high: 0 },
};

/** ICC of CCMD_REG, IVT of IOTLB_REG: in the upper half of either. */
const COMMAND = 0x80000000;
const ICS_IWC = 1;
const FRCD_F = 0x80000000;

export class Commands extends UnitAccess {
  private platform!: Platform;
  private usesQueue = false;
  /** Bits of GCMD that keep their level, as last written. */
  private levels = 0;
  private rootSet = false;
  /** EPM as last written. */
  private protects = false;

  /** @param readsBack software reads the address of the queue again before it enables it */
  constructor(private readonly readsBack = true) {
    super(vtdPlaces, Offset.IQT);
  }

  /** Starts with the unit as it is after a reset, or translating with the queue enabled where there is one. */
  reset(actions: Action[], platform: Platform, usesQueue: boolean, translating: boolean): void {
    this.begin(actions);
    this.platform = platform;
    this.usesQueue = usesQueue;
    this.levels = 0;
    this.rootSet = translating;
    this.protects = false;
    if (translating) this.fromTranslating();
    else if (usesQueue) this.enableQueue();
  }

  private enableQueue(): void {
    this.register(Offset.IQA, 8, vtdPlaces.queuePage << 12, 0);
    if (this.readsBack) this.read(Offset.IQA, 8);
    this.global(GlobalBit.queuedInvalidationEnable, true);
  }

  private fromTranslating(): void {
    this.levels = GlobalBit.translationEnable;
    if (!this.platform.queuedInvalidation) return;
    this.levels |= GlobalBit.queuedInvalidationEnable;
    if (this.usesQueue) return;
    // 6.5.2: the queue is switched off when its last descriptor was a wait.
    this.wait("status", false);
    this.global(GlobalBit.queuedInvalidationEnable, false);
    this.poll(Offset.GSTS, GlobalBit.queuedInvalidationEnable, 0);
  }

  /** 6.8: write buffers are flushed where the platform asks for it. */
  flushWriteBuffer(): void {
    if (!this.platform.writeBufferFlushRequired) return;
    this.global(GlobalBit.writeBufferFlush, true);
    this.poll(Offset.GSTS, GlobalBit.writeBufferFlush, 0);
  }

  /** Submits an invalidation; `complete` tells whether one through registers is waited for. */
  invalidate(target: InvalidationTargetOf, domainId: number, requester: number, complete: boolean): void {
    if (target.cache === "context") {
      if (this.usesQueue) this.submitContext(target, domainId, requester);
      else this.contextCommand(target, domainId, requester, complete);
    } else if (this.usesQueue) this.submitIotlb(target, domainId);
    else this.iotlbCommand(target, domainId, complete);
  }

  private submitContext(target: ContextTarget, domainId: number, requester: number): void {
    const FM = target.granularity === "device" ? target.functionMask : 0;
    const G = GRANULARITIES[target.granularity];
    this.submit(encodeContext({ Type: DescriptorType.context, G, DID: domainId, SID: requester, FM }));
  }

  private submitIotlb(target: IotlbTarget, domainId: number): void {
    const drain = target.drain ? 1 : 0;
    const paged = target.granularity === "page";
    this.submit(
      encodeIotlb({
        Type: DescriptorType.iotlb,
        G: GRANULARITIES[target.granularity],
        DW: drain,
        DR: drain,
        DID: domainId,
        AM: paged ? target.mask : 0,
        IH: paged && target.leafOnly ? 1 : 0,
        ADDR: paged ? target.iova : 0,
      }),
    );
  }

  /** A wait descriptor, and the wait for its sign if there is one. */
  wait(sign: Sign, fence: boolean): void {
    const { status, interrupt } = SIGNS[sign];
    if (interrupt) this.register(Offset.ICS, 4, ICS_IWC, 0);
    this.submit(this.nextWait(sign, fence));
    if (status) this.pollStatusWord();
    if (interrupt) this.poll(Offset.ICS, ICS_IWC, ICS_IWC);
  }

  private nextWait(sign: Sign, fence: boolean): Word[] {
    this.waits++;
    return encodeWait({
      Type: DescriptorType.wait,
      IF: SIGNS[sign].interrupt ? 1 : 0,
      SW: SIGNS[sign].status ? 1 : 0,
      FN: fence ? 1 : 0,
      Data: this.waits,
      Address: this.statusWord * 2,
    });
  }

  /**
   * An illegal descriptor; software sees the error, puts a wait in its place and goes on.
   * @param rewriteTail the tail is written again after the error was cleared
   */
  queueError(kind: QueueErrorKind, rewriteTail: boolean): void {
    const at = this.submit([BAD_DESCRIPTORS[this.isBad(kind) ? kind : "type"], ZERO]);
    this.poll(Offset.FSTS, FaultStatusBit.queueError, FaultStatusBit.queueError);
    this.read(Offset.IQERCD, 8);
    this.read(Offset.IQH, 8);
    this.storeCommand(at, this.nextWait("status", false));
    this.register(Offset.FSTS, 4, FaultStatusBit.queueError, 0);
    if (rewriteTail) this.writeTail();
    this.pollStatusWord();
  }

  /** A unit that has the feature takes such a descriptor. */
  private isBad(kind: QueueErrorKind): boolean {
    if (kind === "device-tlb") return !this.platform.deviceTlb;
    return kind !== "page-request-drain" || !this.platform.pageRequestDrain;
  }

  private contextCommand(
    target: ContextTarget,
    domainId: number,
    requester: number,
    complete: boolean,
  ): void {
    const mask = target.granularity === "device" ? target.functionMask : 0;
    const high = COMMAND | (GRANULARITIES[target.granularity] << 29) | mask;
    this.settle(Offset.CCMD + 4);
    this.register(Offset.CCMD, 8, (requester << 16) | domainId, high);
    if (!complete) return;
    this.settle(Offset.CCMD + 4);
    this.read(Offset.CCMD, 8);
  }

  private iotlbCommand(target: IotlbTarget, domainId: number, complete: boolean): void {
    const iva = this.platform.iotlbRegisterOffset;
    this.settle(Offset.CCMD + 4);
    this.settle(iva + 12);
    if (target.granularity === "page") {
      const low = (target.iova % 0x100000) * 4096 + (target.leafOnly ? 0x40 : 0) + target.mask;
      this.register(iva, 8, low, Math.floor(target.iova / 0x100000));
    }
    const drain = target.drain ? 0x30000 : 0;
    this.register(iva + 8, 8, 0, COMMAND | (GRANULARITIES[target.granularity] << 28) | drain | domainId);
    if (!complete) return;
    this.settle(iva + 12);
    this.read(iva + 8, 8);
  }

  /** 6.9: one command at a time; software sees the last one done before it gives the next. */
  private settle(offset: number): void {
    this.poll(offset, COMMAND, 0);
  }

  private global(bit: number, on: boolean): void {
    const level = (GlobalBit.translationEnable | GlobalBit.queuedInvalidationEnable) & bit;
    this.levels = on ? this.levels | level : this.levels & ~level;
    this.register(Offset.GCMD, 4, on ? this.levels | bit : this.levels, 0);
  }

  /** 6.9: the next global command waits for the one before. */
  private settleGlobal(): void {
    const levels = GlobalBit.translationEnable | GlobalBit.queuedInvalidationEnable;
    const root = this.rootSet ? GlobalBit.setRootTablePointer : 0;
    this.poll(Offset.GSTS, (levels | root) >>> 0, ((this.levels & levels) | root) >>> 0);
  }

  setRoot(page: number, complete: boolean): void {
    this.settleGlobal();
    this.register(Offset.RTADDR, 8, page << 12, page >>> 20);
    this.global(GlobalBit.setRootTablePointer, true);
    this.rootSet = true;
    if (complete) this.poll(Offset.GSTS, GlobalBit.setRootTablePointer, GlobalBit.setRootTablePointer);
  }

  /** Without a root table translation is not enabled. */
  translation(enable: boolean, complete: boolean): void {
    if (enable && !this.rootSet) return;
    const bit = GlobalBit.translationEnable;
    this.settleGlobal();
    this.global(bit, enable);
    if (complete) this.poll(Offset.GSTS, bit, enable ? bit : 0);
  }

  /** 11.4.8: the blocks from that of `page` on, by the registers of one region; the other one is disabled. */
  protectMemory(region: "low" | "high", page: number, blocks: number, complete: boolean): void {
    const { protectsLow, protectsHigh, protectedMemoryAlignment } = this.platform;
    if (this.protects || !(region === "low" ? protectsLow : protectsHigh)) return;
    const pages = 2 ** (protectedMemoryAlignment - 12);
    const first = blocks === 0 ? pages : page - (page % pages);
    const last = blocks === 0 ? 0 : first + blocks * pages - 1;
    this.settleProtection();
    for (const one of ["low", "high"] as const) {
      const [from, to] = one === region ? [first, last] : [pages, 0];
      this.range(one, from, to);
    }
    this.enableProtection(true, complete);
  }

  releaseMemory(complete: boolean): void {
    if (!this.protects) return;
    this.settleProtection();
    this.enableProtection(false, complete);
  }

  /** Base and limit; in a limit the bits that are not there are written as ones. */
  private range(region: "low" | "high", first: number, last: number): void {
    const low = region === "low";
    const [base, limit] = low ? [Offset.PLMBASE, Offset.PLMLIMIT] : [Offset.PHMBASE, Offset.PHMLIMIT];
    const width = low ? 4 : 8;
    const upper = (page: number) => (low ? 0 : Math.floor(page / 0x100000));
    this.register(base, width, first << 12, upper(first));
    this.register(limit, width, (last << 12) | 0xfff, upper(last));
  }

  /** Reads what is protected, and whether it is. */
  readProtectedMemory(): void {
    this.read(Offset.PMEN, 4);
    for (const offset of [Offset.PLMBASE, Offset.PLMLIMIT]) this.read(offset, 4);
    for (const offset of [Offset.PHMBASE, Offset.PHMLIMIT]) this.read(offset, 8);
  }

  private enableProtection(on: boolean, complete: boolean): void {
    this.protects = on;
    this.register(Offset.PMEN, 4, on ? ProtectedMemoryBit.enable : 0, 0);
    if (complete) this.settleProtection();
  }

  /** 11.4.8.1: EPM is changed when PRS has followed it. */
  private settleProtection(): void {
    const { status } = ProtectedMemoryBit;
    this.poll(Offset.PMEN, status, this.protects ? status : 0);
  }

  /** Reads the fault registers, and frees them if `clear`. */
  readFaults(clear: boolean): void {
    const { faultRecords, faultRecordOffset } = this.platform;
    this.read(Offset.FSTS, 4);
    for (let index = 0; index < faultRecords; index++) {
      this.read(faultRecordOffset + 16 * index, 8);
      this.read(faultRecordOffset + 16 * index + 8, 8);
    }
    if (!clear) return;
    for (let index = 0; index < faultRecords; index++) {
      this.register(faultRecordOffset + 16 * index + 12, 4, FRCD_F, 0);
    }
    this.read(Offset.FECTL, 4);
    this.register(Offset.FSTS, 4, FaultStatusBit.overflow, 0);
  }

  /** Reads the registers that tell what the unit is and what it was told. */
  readRegisters(): void {
    this.read(Offset.VER, 4);
    this.read(Offset.GSTS, 4);
    this.read(Offset.CAP, 8);
    this.read(Offset.ECAP, 8);
    this.read(Offset.RTADDR, 8);
    this.read(Offset.FECTL, 4);
    if (!this.usesQueue) return;
    for (const offset of [Offset.IQH, Offset.IQA]) this.read(offset, 8);
    for (const offset of [Offset.ICS, Offset.IECTL]) this.read(offset, 4);
  }
}
