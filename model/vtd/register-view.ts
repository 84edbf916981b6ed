/** Registers as software can know them: what each read may show, given what was written and seen so far (VT-d 11.4). */
import { type FindingKind, OutsideModel } from "../finding.js";
import type { Invalidation, InvalidationLog } from "../windows/invalidation-log.js";
import type { Complaint, Seen } from "../windows/oracle.js";
import type { SteeringRegisters } from "../windows/steering.js";
import type { PhysicalMemory } from "../words/memory.js";
import type { Coverage } from "../words/rule.js";
import { registerRules } from "./behaviour-rules.js";
import { CompletionView } from "./completion-view.js";
import type { FaultLogView } from "./fault-view.js";
import type { InvalidationTarget } from "./invalidations.js";
import type { Platform } from "./profile.js";
import { ProtectedMemoryView, tellingBits } from "./protected-memory.js";
import { type QueueView, queueRules } from "./queue-view.js";
import { contextCommand, type InvalidationCommand, iotlbCommand } from "./register-commands.js";
import {
  EventBit,
  FaultStatusBit,
  GLOBAL_LEVEL_BITS,
  GlobalBit,
  Offset,
  plainRegisters,
  RegisterFile,
} from "./registers.js";

/** A command of CCMD or IOTLB that is under way. */
interface Command {
  readonly requested: number;
  /** Null when the unit does not carry it out. */
  readonly invalidation: Invalidation | null;
  /** Software has seen ICC or IVT clear. */
  done: boolean;
}

export class RegisterView {
  private readonly file: RegisterFile;
  private readonly plain: Uint8Array;
  private readonly protectedMemory: ProtectedMemoryView;
  private readonly completion: CompletionView;
  private levels = 0;
  private rootSet = false;
  /** Step at which GCMD.WBF was written; 0 once it is known to be done. */
  private bufferFlushCommanded = 0;
  /** QIE was changed, and QIES not seen to follow yet. */
  private queueChanging = false;
  private context: Command | null = null;
  private iotlb: Command | null = null;
  private queueErrorSeen = false;

  constructor(
    private readonly platform: Platform,
    private readonly memory: PhysicalMemory,
    private readonly steering: SteeringRegisters,
    private readonly log: InvalidationLog<InvalidationTarget>,
    private readonly queue: QueueView,
    private readonly faults: FaultLogView,
    private readonly coverage: Coverage,
  ) {
    this.file = new RegisterFile(platform);
    this.plain = plainRegisters(platform, this.file);
    this.protectedMemory = new ProtectedMemoryView(platform, this.file, steering.protection, coverage);
    this.completion = new CompletionView(queue, coverage);
  }

  /** As after a reset, or translating with the queue at `queuePage` enabled. */
  reset(translating: boolean, rootPage: number, queuePage: number): void {
    this.file.reset();
    this.levels = translating ? (GlobalBit.translationEnable | GlobalBit.queuedInvalidationEnable) >>> 0 : 0;
    if (translating && !this.platform.queuedInvalidation) this.levels = GlobalBit.translationEnable;
    this.rootSet = translating;
    this.bufferFlushCommanded = 0;
    this.queueChanging = false;
    this.context = null;
    this.iotlb = null;
    this.completion.reset();
    this.queueErrorSeen = false;
    if (!translating) return;
    setAddress(this.file, Offset.RTADDR, rootPage);
    setAddress(this.file, Offset.IQA, queuePage);
  }

  /** Software writes 4 or 8 bytes; a 64-bit register takes its low half first (11.2). */
  write(offset: number, width: number, low: number, high: number, step: number): void {
    this.writeHalf(offset, low, step);
    if (width === 8) this.writeHalf(offset + 4, high, step);
  }

  private writeHalf(offset: number, value: number, step: number): void {
    this.file.write(offset, value);
    const iotlb = this.platform.iotlbRegisterOffset + 8;
    if (offset === Offset.GCMD) this.command(value, step);
    else if (offset === Offset.CCMD + 4 && value >>> 31) this.invalidateContext(step);
    else if (offset === iotlb + 4 && value >>> 31) this.invalidateIotlb(step);
    else if (offset === Offset.IQT) this.moveTail(value, step);
    else if (offset === Offset.IQA || offset === Offset.IQA + 4) this.moveQueue();
    else if (offset === Offset.FSTS) this.clearStatus(value, step);
    else if (offset === Offset.ICS) this.completion.clear(value, step);
    else if (this.faults.covers(offset)) this.faults.write(offset, value);
    else this.protectedMemory.written(offset, step);
  }

  /** 11.4.4.1: level bits take the value written, one-shot bits act when they are 1. */
  private command(value: number, step: number): void {
    if (this.file.read(Offset.RTADDR) & 0xc00)
      throw new OutsideModel("a translation table mode other than legacy");
    const changed = (this.levels ^ value) & GLOBAL_LEVEL_BITS;
    this.levels = (value & GLOBAL_LEVEL_BITS) >>> 0;
    if (changed & GlobalBit.translationEnable) {
      this.steering.enabled.commanded(value >>> 31, step);
      this.coverage.hit(registerRules.translationEnable);
      if (value >>> 31 === 0) this.faults.translationMayBeDisabled();
    }
    if (changed & GlobalBit.queuedInvalidationEnable) {
      this.coverage.hit(registerRules.queueEnable);
      this.queueChanging = true;
      this.queue.enable((value & GlobalBit.queuedInvalidationEnable) !== 0, step);
    }
    if (value & GlobalBit.setRootTablePointer) {
      this.coverage.hit(registerRules.setRootPointer);
      this.rootSet = true;
      this.steering.tablePointer.commanded(addressOf(this.file, Offset.RTADDR), step);
      // 6.6: with CAP.ESRTPS the operation also empties every cache.
      if (this.platform.setRootInvalidates) this.log.submit({ cache: "all" }, step, false, 0, false);
    }
    if (value & GlobalBit.writeBufferFlush && this.platform.writeBufferFlushRequired) {
      this.coverage.hit(registerRules.writeBufferFlush);
      this.bufferFlushCommanded = step;
    }
  }

  private invalidateContext(step: number): void {
    this.context = this.start(contextCommand(this.platform, this.file), step);
  }

  private invalidateIotlb(step: number): void {
    this.iotlb = this.start(iotlbCommand(this.platform, this.file), step);
  }

  /** 6.5.1: register invalidations are for a disabled queue. */
  private start({ requested, target, drainsWrites }: InvalidationCommand, step: number): Command {
    if (target && this.levels & GlobalBit.queuedInvalidationEnable) {
      throw new OutsideModel("a register invalidation while the queue is enabled (6.5.1)");
    }
    return {
      requested,
      invalidation: target && this.log.submit(target, step, false, 0, drainsWrites),
      done: false,
    };
  }

  private moveTail(value: number, step: number): void {
    this.queue.tail = (value >>> 4) & 0x7fff;
    this.queue.submit(step);
  }

  private moveQueue(): void {
    const value = this.file.read(Offset.IQA);
    if (value & 0x800) throw new OutsideModel("256-bit descriptors");
    this.queue.queuePage = addressOf(this.file, Offset.IQA);
    this.queue.entries = 2 ** ((value & 7) + 8);
  }

  private clearStatus(value: number, step: number): void {
    if (value & FaultStatusBit.overflow) this.faults.clearOverflow();
    if (value & FaultStatusBit.queueError) {
      this.queueErrorSeen = false;
      this.queue.clearError(step);
    }
  }

  /** Software read this; null when it may show that, else what is wrong. */
  saw(seen: Seen, step: number): Complaint {
    const { offset, value, mask } = seen;
    const iotlb = this.platform.iotlbRegisterOffset + 8;
    if (offset === Offset.GSTS) return this.sawGlobalStatus(value, mask, step);
    if (offset === Offset.CCMD + 4) return this.sawCommand("context", value, mask, step);
    if (offset === iotlb + 4) return this.sawCommand("iotlb", value, mask, step);
    if (offset === Offset.FSTS) return this.sawFaultStatus(value, mask);
    if (offset === Offset.FECTL) return this.sawFaultEvent(value, mask);
    if (offset === Offset.IECTL) return this.sawCompletionEvent(value, mask, step);
    if (offset === Offset.IQH) return this.sawHead(value);
    if (offset === Offset.ICS) return this.completion.saw(value, mask, step);
    if (offset === Offset.IQERCD) return this.sawQueueError(value);
    if (offset === Offset.PMEN) return this.protectedMemory.saw(value, mask, step);
    if (this.faults.covers(offset)) return this.faults.sawRecord(offset, value, mask);
    return this.sawPlain(offset, value, mask);
  }

  /** Software gave up waiting for this; null when it had no right to expect it, else what is wrong. */
  missed({ offset, value, mask }: Seen): Complaint {
    const iotlb = this.platform.iotlbRegisterOffset + 8;
    const expected =
      (offset === Offset.GSTS && ((this.statusBits() ^ value) & mask) === 0) ||
      ((offset === Offset.CCMD + 4 || offset === iotlb + 4) && value === 0) ||
      (offset === Offset.PMEN && ((this.protectedMemory.settled ^ value) & mask) === 0) ||
      (offset === Offset.FSTS && value === FaultStatusBit.queueError && this.queue.bad !== null) ||
      (offset === Offset.ICS && this.queue.pendingInterrupts().length > 0 && this.queue.bad === null);
    if (!expected) return null;
    return complaint(
      "completion",
      registerRules.values.id,
      `register ${hex(offset)} never showed ${hex(value)} under mask ${hex(mask)}`,
    );
  }

  /** GSTS once every command is done. */
  private statusBits(): number {
    return (this.levels | (this.rootSet ? GlobalBit.setRootTablePointer : 0)) >>> 0;
  }

  private sawGlobalStatus(value: number, mask: number, step: number): Complaint {
    const { enabled, tablePointer } = this.steering;
    const shows = (bit: number) => (value & bit) !== 0;
    const differs = ((value ^ this.statusBits()) & mask) >>> 0;
    if (mask & GlobalBit.translationEnable) {
      if (!(differs & GlobalBit.translationEnable)) {
        enabled.observed(step);
        if (enabled.latest === 0) this.faults.translationDisabled();
      } else if (!enabled.isPending(step)) {
        return impossible("GSTS", GlobalBit.translationEnable, value);
      }
    }
    if (mask & GlobalBit.setRootTablePointer) {
      if (!(differs & GlobalBit.setRootTablePointer)) this.rootPointerLatched(step);
      else if (!tablePointer.isPending(step)) return impossible("GSTS", GlobalBit.setRootTablePointer, value);
    }
    if (mask & GlobalBit.queuedInvalidationEnable) {
      if (!(differs & GlobalBit.queuedInvalidationEnable)) this.queueChanging = false;
      else if (!this.queueChanging) return impossible("GSTS", GlobalBit.queuedInvalidationEnable, value);
    }
    if (mask & GlobalBit.writeBufferFlush) {
      if (!shows(GlobalBit.writeBufferFlush) && this.bufferFlushCommanded) {
        this.memory.flushBuffer(this.bufferFlushCommanded, step);
        this.bufferFlushCommanded = 0;
      } else if (shows(GlobalBit.writeBufferFlush) && !this.bufferFlushCommanded) {
        return impossible("GSTS", GlobalBit.writeBufferFlush, value);
      }
    }
    return null;
  }

  private rootPointerLatched(step: number): void {
    this.steering.tablePointer.observed(step);
    for (const entry of this.log.entries) {
      if (entry.target.cache === "all" && entry.observed > step) this.executed(entry, step);
    }
  }

  private sawCommand(which: "context" | "iotlb", value: number, mask: number, step: number): Complaint {
    if ((mask & 0x80000000) === 0) return null;
    const command = this[which];
    const rule = which === "context" ? registerRules.contextCommand : registerRules.iotlbCommand;
    if (value >>> 31) {
      return command && !command.done
        ? null
        : complaint("register", rule.id, "a command is shown that was not given");
    }
    if (!command) return null;
    if (!command.done) this.commandDone(command, step);
    const actual = which === "context" ? (value >>> 27) & 3 : (value >>> 25) & 3;
    const actualMask = which === "context" ? 0x18000000 : 0x06000000;
    if ((mask & actualMask) !== actualMask) return null;
    this.coverage.hit(command.invalidation ? rule : registerRules.unsupportedCommand);
    const allowed = command.invalidation ? actual >= 1 && actual <= command.requested : actual === 0;
    if (allowed) return null;
    return complaint(
      "register",
      rule.id,
      `granularity ${actual} is reported for a request of granularity ${command.requested}`,
    );
  }

  private commandDone(command: Command, step: number): void {
    command.done = true;
    if (command.invalidation) this.executed(command.invalidation, step);
  }

  /** 6.8: whatever the invalidation, the write buffer was flushed first. */
  private executed(invalidation: Invalidation, step: number): void {
    invalidation.observed = step;
    this.memory.flushBuffer(invalidation.submitted, step);
  }

  private sawFaultStatus(value: number, mask: number): Complaint {
    const error = FaultStatusBit.queueError;
    if (mask & error) {
      if ((value & error) !== 0 && !this.queue.bad && !this.queueErrorSeen) {
        return complaint("completion", queueRules.stop.id, "FSTS.IQE is set although no descriptor is bad");
      }
      if ((value & error) !== 0) this.queueErrorSeen = true;
      else if (this.queueErrorSeen)
        return complaint("completion", queueRules.stop.id, "FSTS.IQE went away by itself");
    }
    return this.faults.sawStatus(value, mask);
  }

  /** Choice: a status of FSTS and IP are seen together. While IM is 0 messages are sent, and IP comes and goes by itself. */
  private sawFaultEvent(value: number, mask: number): Complaint {
    if (!this.showsMask(Offset.FECTL, value, mask)) return this.sawPlain(Offset.FECTL, value, EventBit.mask);
    if ((mask & EventBit.pending) === 0 || (value & EventBit.mask) === 0) return null;
    this.coverage.hit(registerRules.faultEvent);
    const pending = (value & EventBit.pending) !== 0;
    if (this.queueErrorSeen) {
      if (pending) return null;
      return complaint("register", registerRules.faultEvent.id, "FECTL.IP is 0 while FSTS.IQE is set");
    }
    return this.queue.bad ? null : this.faults.sawEvent(pending);
  }

  /** Choice: IWC and IP are seen together. */
  private sawCompletionEvent(value: number, mask: number, step: number): Complaint {
    if (!this.showsMask(Offset.IECTL, value, mask)) return this.sawPlain(Offset.IECTL, value, EventBit.mask);
    if ((mask & EventBit.pending) === 0 || (value & EventBit.mask) === 0) return null;
    this.coverage.hit(registerRules.completionEvent);
    return this.completion.saw(value & EventBit.pending ? 1 : 0, 1, step);
  }

  private showsMask(offset: number, value: number, mask: number): boolean {
    return ((value ^ this.file.read(offset)) & mask & EventBit.mask) === 0;
  }

  private sawHead(value: number): Complaint {
    const head = (value >>> 4) & 0x7fff;
    this.coverage.hit(queueRules.head);
    if (this.queueErrorSeen && this.queue.bad && head !== this.queue.bad.index) {
      return complaint(
        "completion",
        queueRules.stop.id,
        `the head is at ${head}, the bad descriptor at ${this.queue.bad.index}`,
      );
    }
    if (this.queue.sawHead(head)) return null;
    return complaint("completion", queueRules.head.id, `the head is at ${head}, where no descriptor waits`);
  }

  /** A wait is known to be complete by other means than its interrupt. */
  waitCompleted(interrupt: boolean, submitted: number): void {
    if (interrupt) this.completion.known(submitted);
  }

  private sawQueueError(value: number): Complaint {
    const { bad } = this.queue;
    const code = value & 0xf;
    // 11.4.9.9: code 0 means that the unit does not report what is wrong.
    if (!bad || !this.queueErrorSeen || code === 0 || bad.codes.includes(code)) return null;
    return complaint("completion", bad.rule.id, `IQEI is ${code}; ${bad.codes.join(" or ")} expected`);
  }

  private sawPlain(offset: number, value: number, mask: number): Complaint {
    if (this.plain[offset / 4] !== 1) return null;
    const differs = ((value ^ this.file.read(offset)) & mask & tellingBits(this.platform, offset)) >>> 0;
    this.coverage.hit(registerRules.values);
    if (differs === 0) return null;
    const message = `register ${hex(offset)} reads ${hex(value)}, which must be ${hex(this.file.read(offset))}`;
    return complaint("register", registerRules.values.id, message);
  }
}

function complaint(kind: FindingKind, rule: string, message: string): NonNullable<Complaint> {
  return { kind, rules: [rule], message };
}

function impossible(register: string, bit: number, value: number): NonNullable<Complaint> {
  const message = `${register} reads ${hex(value)}: bit ${31 - Math.clz32(bit)} cannot be so`;
  return complaint("register", registerRules.values.id, message);
}

function addressOf(file: RegisterFile, offset: number): number {
  return (file.read(offset) >>> 12) + file.read(offset + 4) * 0x100000;
}

function setAddress(file: RegisterFile, offset: number, page: number): void {
  file.set(offset, (page << 12) >>> 0);
  file.set(offset + 4, Math.floor(page / 0x100000));
}

function hex(value: number): string {
  return `0x${(value >>> 0).toString(16)}`;
}
