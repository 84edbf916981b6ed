/** The registers of an AMD-Vi unit: what is written takes effect at once (AMD-Vi 3.4). */
import type { AmdViPlatform } from "../../../../model/amdvi/profile.js";
import {
  ControlBit,
  Offset,
  registerFileOf,
  resetRegisters,
  StatusBit,
} from "../../../../model/amdvi/registers.js";
import type { RegisterFile } from "../../../../model/words/register-file.js";
import type { RunSetup } from "../../interface.js";
import type { Ring } from "../ring.js";
import type { ReferenceCommandBuffer } from "./command-buffer.js";
import type { AmdViDeviation } from "./deviations.js";
import type { ReferenceEventLog } from "./event-log.js";
import type { AmdViTranslator } from "./translator.js";

/** Heads and tails: bits 18:4 count entries of 16 bytes. */
const POINTER_MASK = 0x7fff0;
/** ComLen and EventLen 8: 256 entries. */
const LENGTH_OF_PAGE = 8 << 24;

export class ReferenceRegisters {
  private readonly file: RegisterFile;
  private waitCompleted = false;

  constructor(
    private readonly platform: AmdViPlatform,
    private readonly translator: AmdViTranslator,
    private readonly commands: ReferenceCommandBuffer,
    private readonly events: ReferenceEventLog,
    private readonly deviation: AmdViDeviation | null,
  ) {
    this.file = registerFileOf(platform);
  }

  reset({ start, rootPage, rootPages, queuePage, logPage }: RunSetup): void {
    resetRegisters(this.platform, this.file);
    this.platform.exclusion.reset();
    this.waitCompleted = false;
    if (start === "reset") return;
    this.writeAddress(Offset.DevTabBase, rootPage, rootPages - 1, 0);
    this.writeAddress(Offset.CmdBase, queuePage, 0, LENGTH_OF_PAGE);
    this.writeAddress(Offset.EvtBase, logPage ?? 0, 0, LENGTH_OF_PAGE);
    this.write(Offset.Control, ControlBit.IommuEn | ControlBit.EventLogEn | ControlBit.CmdBufEn);
  }

  private writeAddress(offset: number, page: number, low: number, high: number): void {
    this.write(offset, ((page << 12) | low) >>> 0);
    this.write(offset + 4, Math.floor(page / 0x100000) | high);
  }

  /** 2.4.1: a COMPLETION_WAIT with i = 1; only the message depends on ComWaitIntEn. */
  signalWait(): void {
    const gated = this.deviation?.gatesWaitStatus && (this.control & ControlBit.ComWaitIntEn) === 0;
    if (!gated) this.waitCompleted = true;
  }

  /** 32 bits as software reads them. */
  readHalf(offset: number): number {
    if (offset === Offset.Status) return this.status();
    if (offset === Offset.CmdHead) return this.commands.ring.head << 4;
    if (offset === Offset.EvtTail) return this.events.ring.tail << 4;
    return this.file.read(offset);
  }

  private status(): number {
    const { events, commands } = this;
    const bit = (is: boolean, mask: number) => (is ? mask : 0);
    return (
      bit(events.overflow, StatusBit.EventOverflow) |
      bit(events.interrupt, StatusBit.EventLogInt) |
      bit(this.waitCompleted, StatusBit.ComWaitInt) |
      bit(events.running, StatusBit.EventLogRun) |
      bit(commands.enabled && !commands.halted, StatusBit.CmdBufRun)
    );
  }

  /** Software writes 32 bits. */
  write(offset: number, value: number): void {
    const ran = (this.control & ControlBit.CmdBufEn) !== 0;
    this.file.write(offset, value);
    const register = offset - (offset % 8);
    if (register === Offset.DevTabBase) this.moveDeviceTable();
    else if (register === Offset.CmdBase) this.moveRing(this.commands.ring, register, Offset.CmdTail);
    else if (register === Offset.EvtBase) this.moveRing(this.events.ring, register, Offset.EvtHead);
    else if (register === Offset.Control) this.controls(ran);
    else if (register === Offset.ExclBase || register === Offset.ExclLimit) this.moveExclusionRange();
    else if (register === Offset.CmdHead)
      this.commands.ring.head = this.indexIn(this.commands.ring, register);
    else if (register === Offset.CmdTail)
      this.commands.ring.tail = this.indexIn(this.commands.ring, register);
    else if (register === Offset.EvtHead) this.events.ring.head = this.indexIn(this.events.ring, register);
    else if (register === Offset.EvtTail) this.events.ring.tail = this.indexIn(this.events.ring, register);
    else if (offset === Offset.Status) this.clearStatus(value);
  }

  private get control(): number {
    return this.file.read(Offset.Control);
  }

  private pageAt(offset: number): number {
    return (this.file.read(offset) >>> 12) + (this.file.read(offset + 4) & 0xfffff) * 0x100000;
  }

  private indexIn(ring: Ring, pointer: number): number {
    return ((this.file.read(pointer) & POINTER_MASK) >>> 4) % ring.length;
  }

  private moveDeviceTable(): void {
    const size = this.file.read(Offset.DevTabBase) & 0x1ff;
    this.translator.deviceTable = this.pageAt(Offset.DevTabBase) * 512 + size;
  }

  /**
   * The base of a ring was written; the pointer of software starts anew too. Choice of this unit: a reserved length counts
   * as the smallest.
   */
  private moveRing(ring: Ring, base: number, pointer: number): void {
    this.file.set(pointer, 0);
    ring.moveTo(this.pageAt(base), 2 ** Math.max(8, (this.file.read(base + 4) >>> 24) & 0xf));
  }

  private controls(ran: boolean): void {
    const { control, translator, commands, events } = this;
    const has = (bit: number) => (control & bit) !== 0;
    translator.enabled = has(ControlBit.IommuEn);
    commands.enabled = has(ControlBit.IommuEn) && has(ControlBit.CmdBufEn);
    // 2.4: CmdBufEn 0 ends the halt at an illegal command.
    if (ran && !has(ControlBit.CmdBufEn)) commands.halted = false;
    events.control(has(ControlBit.EventLogEn), has(ControlBit.EventIntEn));
  }

  private moveExclusionRange(): void {
    const { exclusion } = this.platform;
    const base = this.file.read(Offset.ExclBase);
    exclusion.enabled = (base & 1) !== 0;
    exclusion.allowsAll = (base & 2) !== 0;
    exclusion.basePage = this.pageAt(Offset.ExclBase);
    exclusion.limitPage = this.pageAt(Offset.ExclLimit);
  }

  private clearStatus(value: number): void {
    if (value & StatusBit.EventOverflow) this.events.overflow = false;
    if (value & StatusBit.EventLogInt) this.events.interrupt = false;
    if (value & StatusBit.ComWaitInt) this.waitCompleted = false;
  }
}
