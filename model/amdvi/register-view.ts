/** Registers as software can know them: what each read may show, given what was written and seen so far (AMD-Vi 3.4). */
import { OutsideModel } from "../finding.js";
import type { Complaint, Seen } from "../windows/oracle.js";
import type { SteeringRegisters } from "../windows/steering.js";
import type { RegisterFile } from "../words/register-file.js";
import type { Coverage } from "../words/rule.js";
import { commandRules, eventRules, registerRules } from "./behaviour-rules.js";
import type { CommandView } from "./command-view.js";
import type { EventView } from "./event-view.js";
import type { AmdViPlatform } from "./profile.js";
import { ControlBit, Offset, registerFileOf, resetRegisters, StatusBit } from "./registers.js";
import type { WaitView } from "./wait-view.js";

/** Head and tail registers: bits 18:4. */
const POINTER_MASK = 0x7fff0;
/** DualEventLogEn, DevTblSegEn, MarcEn, vCmdEn and vIommuEn in the high half of Control. */
const OUTSIDE_CONTROL_HIGH = 0x30011f;
/** PPRLogEn and GALogEn. */
const OTHER_LOGS = ControlBit.PPRLogEn | (1 << 28);
const PLAIN: ReadonlySet<number> = new Set([
  Offset.DevTabBase,
  Offset.CmdBase,
  Offset.EvtBase,
  Offset.Control,
  Offset.ExclBase,
  Offset.ExclLimit,
  Offset.EFR,
  Offset.EFR2,
  Offset.CmdTail,
  Offset.EvtHead,
]);

const CHANGING_UPPER: ReadonlySet<number> = new Set([
  Offset.CmdHead + 4,
  Offset.EvtTail + 4,
  Offset.Status + 4,
]);

export class RegisterView {
  private readonly file: RegisterFile;

  constructor(
    private readonly platform: AmdViPlatform,
    private readonly steering: SteeringRegisters,
    private readonly commands: CommandView,
    private readonly events: EventView,
    private readonly waits: WaitView,
    private readonly coverage: Coverage,
  ) {
    this.file = registerFileOf(platform);
  }

  /** As after a reset, or translating with these structures in use. */
  reset(translating: boolean, pointer: number, commandPage: number, eventPage: number): void {
    const { file } = this;
    resetRegisters(this.platform, file);
    this.platform.exclusion.reset();
    if (!translating) return;
    setAddress(file, Offset.DevTabBase, Math.floor(pointer / 512), 0);
    file.set(Offset.DevTabBase, file.read(Offset.DevTabBase) | (pointer % 512));
    // ComLen and EventLen 8: 256 entries.
    setAddress(file, Offset.CmdBase, commandPage, 8);
    setAddress(file, Offset.EvtBase, eventPage, 8);
    file.set(Offset.Control, ControlBit.IommuEn | ControlBit.EventLogEn | ControlBit.CmdBufEn);
  }

  /** Software writes 4 or 8 bytes; the 8 bytes of a register take effect at once. */
  write(offset: number, width: number, low: number, high: number, step: number): void {
    const before = this.control;
    const beforeHigh = this.file.read(Offset.Control + 4);
    this.file.write(offset, low);
    if (width === 8) this.file.write(offset + 4, high);
    switch (offset - (offset % 8)) {
      case Offset.DevTabBase:
        this.moveDeviceTable(step);
        break;
      case Offset.CmdBase:
        this.moveCommandBuffer();
        break;
      case Offset.EvtBase:
        this.moveEventLog();
        break;
      case Offset.Control:
        this.writeControl(before, beforeHigh, step);
        break;
      case Offset.ExclBase:
      case Offset.ExclLimit:
        this.moveExclusionRange();
        break;
      case Offset.CmdHead:
        this.moveCommandHead();
        break;
      case Offset.CmdTail:
        this.commands.moveTail(this.pointer(Offset.CmdTail), step);
        break;
      case Offset.EvtHead:
        this.events.writeHead(this.pointer(Offset.EvtHead));
        break;
      case Offset.EvtTail:
        this.events.writeTail(this.pointer(Offset.EvtTail));
        break;
      case Offset.Status:
        if (offset === Offset.Status) this.clearStatus(low, step);
    }
  }

  private get control(): number {
    return this.file.read(Offset.Control);
  }

  private get enabled(): boolean {
    return (this.control & ControlBit.IommuEn) !== 0;
  }

  private pointer(offset: number): number {
    return (this.file.read(offset) & POINTER_MASK) >>> 4;
  }

  /** Choice: a new device table is in use from the write on; cached entries of the old one stay. */
  private moveDeviceTable(step: number): void {
    const { file, steering } = this;
    const pointer = addressOf(file, Offset.DevTabBase) * 512 + (file.read(Offset.DevTabBase) & 0x1ff);
    this.coverage.hit(registerRules.deviceTableBase);
    if (pointer === steering.tablePointer.latest) return;
    steering.tablePointer.commanded(pointer, step);
    steering.tablePointer.observed(step);
  }

  private moveCommandBuffer(): void {
    this.refuseWhileFetching("CmdBase");
    this.file.set(Offset.CmdHead, 0);
    this.file.set(Offset.CmdTail, 0);
    this.commands.moveTo(addressOf(this.file, Offset.CmdBase), this.lengthAt(Offset.CmdBase));
  }

  private moveCommandHead(): void {
    this.refuseWhileFetching("CmdHead");
    this.commands.moveHead(this.pointer(Offset.CmdHead));
  }

  /** 2.4: CmdBase and CmdHead are for a buffer that does not run. */
  private refuseWhileFetching(register: string): void {
    if (this.control & ControlBit.CmdBufEn && !this.events.halted)
      throw new OutsideModel(`${register} is written while CmdBufRun may be 1 (2.4)`);
  }

  private moveEventLog(): void {
    this.file.set(Offset.EvtHead, 0);
    this.events.writeBase(addressOf(this.file, Offset.EvtBase), this.lengthAt(Offset.EvtBase));
  }

  /** Entries of a ring, from bits 59:56 of its base register. */
  private lengthAt(offset: number): number {
    return 2 ** ((this.file.read(offset + 4) >>> 24) & 0xf);
  }

  private moveExclusionRange(): void {
    if (this.enabled) throw new OutsideModel("the exclusion range is changed while IommuEn is 1");
    const { exclusion } = this.platform;
    const base = this.file.read(Offset.ExclBase);
    exclusion.enabled = (base & 1) !== 0;
    exclusion.allowsAll = (base & 2) !== 0;
    exclusion.basePage = addressOf(this.file, Offset.ExclBase);
    exclusion.limitPage = addressOf(this.file, Offset.ExclLimit);
  }

  /** Choice: every bit of Control is in force from the write on. */
  private writeControl(before: number, beforeHigh: number, step: number): void {
    if (this.file.read(Offset.Control + 4) & OUTSIDE_CONTROL_HIGH & ~beforeHigh)
      throw new OutsideModel("device table segments, a second event log, MARC or virtual IOMMUs");
    const now = this.control;
    const fetches = ControlBit.IommuEn | ControlBit.CmdBufEn;
    const ran = (before & fetches) === fetches;
    const runs = (now & fetches) === fetches;
    if (ran && !runs) {
      this.events.commands(false);
      this.commands.stop();
    }
    if (before & ~now & ControlBit.CmdBufEn) this.endHalt();
    this.controlEvents(now);
    if ((before ^ now) & ControlBit.IommuEn) this.switchTranslation(now & ControlBit.IommuEn, step);
    if (runs && !ran) this.startCommands(step);
  }

  private endHalt(): void {
    this.events.commandsRestartable();
    this.commands.forgetIllegal();
  }

  private controlEvents(now: number): void {
    const on = (now & ControlBit.EventLogEn) !== 0;
    if (on && this.lengthAt(Offset.EvtBase) < 256)
      throw new OutsideModel("an event log with a reserved EventLen");
    this.events.control(on, (now & ControlBit.EventIntEn) !== 0);
  }

  private switchTranslation(on: number, step: number): void {
    this.coverage.hit(registerRules.iommuEnable);
    this.steering.enabled.commanded(on, step);
    this.steering.enabled.observed(step);
  }

  private startCommands(step: number): void {
    if (this.lengthAt(Offset.CmdBase) < 256)
      throw new OutsideModel("a command buffer with a reserved ComLen");
    this.coverage.hit(registerRules.commandBuffer);
    this.events.commands(true);
    this.commands.start(step);
  }

  private clearStatus(value: number, step: number): void {
    if (value & (StatusBit.EventOverflow | StatusBit.EventLogInt)) {
      this.coverage.hit(eventRules.clear);
      this.events.clearStatus(value);
    }
    if (value & StatusBit.ComWaitInt) this.waits.clearInterrupt(step);
  }

  /** Software read this; null when it may show that, else what is wrong. */
  saw(seen: Seen, step: number): Complaint {
    const { offset, value, mask } = seen;
    if (offset === Offset.Status) return this.sawStatus(value, mask, step);
    if (offset === Offset.CmdHead) return this.sawCommandHead(value, mask);
    if (offset === Offset.EvtTail) return this.events.sawTail(value, mask);
    if (!isPlain(offset)) return null;
    this.coverage.hit(registerRules.values);
    const held = this.file.read(offset);
    if (((value ^ held) & mask) === 0) return null;
    return wrong(
      registerRules.values.id,
      `register ${hex(offset)} reads ${hex(value)}, which must be ${hex(held)}`,
    );
  }

  /** Software gave up waiting for this; null when it had no right to expect it, else what is wrong. */
  missed(seen: Seen): Complaint {
    if (!this.comesTo(seen)) return null;
    const { offset, value, mask } = seen;
    const message = `register ${hex(offset)} never showed ${hex(value)} under mask ${hex(mask)}`;
    return { kind: "completion", rules: [registerRules.status.id], message };
  }

  private comesTo({ offset, value, mask }: Seen): boolean {
    if (offset === Offset.Status) return this.statusComesTo(value, mask);
    if (offset === Offset.CmdHead) return this.commands.comesTo(value >>> 4);
    if (offset === Offset.EvtTail) return this.events.tailComesTo(value, mask);
    return isPlain(offset) && ((this.file.read(offset) ^ value) & mask) === 0;
  }

  private statusComesTo(value: number, mask: number): boolean {
    const certain = this.certainStatus();
    if (mask & ~certain & ~StatusBit.ComWaitInt) return false;
    return this.events.comesTo(value, mask & certain) && this.awaitsInterrupt(value, mask);
  }

  /** ComWaitInt is not awaited, or must come to be as awaited. */
  private awaitsInterrupt(value: number, mask: number): boolean {
    return (mask & StatusBit.ComWaitInt) === 0 || this.waits.comesTo((value & StatusBit.ComWaitInt) !== 0);
  }

  /**
   * The bits of Status that follow from what happened. Choice: while IommuEn is 0 EventLogRun and CmdBufRun may follow
   * EventLogEn and CmdBufEn or be 0.
   */
  private certainStatus(): number {
    const { control, enabled } = this;
    let certain = StatusBit.EventOverflow | StatusBit.EventLogInt;
    if (enabled || !(control & ControlBit.EventLogEn)) certain |= StatusBit.EventLogRun;
    if (enabled || !(control & ControlBit.CmdBufEn)) certain |= StatusBit.CmdBufRun;
    return certain;
  }

  private sawStatus(value: number, mask: number, step: number): Complaint {
    this.coverage.hit(registerRules.status);
    // Logs of page requests and guest interrupts are not modelled; while they are off their bits are 0.
    const others = (this.control & OTHER_LOGS) === 0 ? mask & ~0x1f : 0;
    if (value & others)
      return wrong(registerRules.status.id, `Status reads ${hex(value)}: bits of logs that are off are set`);
    const complaint = this.events.sawStatus(value, mask & this.certainStatus());
    if (complaint || (mask & StatusBit.ComWaitInt) === 0) return complaint;
    return this.waits.sawInterrupt((value & StatusBit.ComWaitInt) !== 0, step);
  }

  private sawCommandHead(value: number, mask: number): Complaint {
    if (value & mask & ~POINTER_MASK)
      return wrong(registerRules.values.id, `the command head reads ${hex(value)}: reserved bits are set`);
    if ((mask & POINTER_MASK) !== POINTER_MASK) return null;
    const index = (value & POINTER_MASK) >>> 4;
    if (this.commands.sawHead(index, this.events.halted)) return null;
    const message = `the command head is at ${index}, where no command waits`;
    return { kind: "completion", rules: [commandRules.head.id], message };
  }
}

/** True for registers that read what they were given, and for the upper halves of those that hardware changes. */
function isPlain(offset: number): boolean {
  return PLAIN.has(offset - (offset % 8)) || CHANGING_UPPER.has(offset);
}

function wrong(rule: string, message: string): NonNullable<Complaint> {
  return { kind: "register", rules: [rule], message };
}

function addressOf(file: RegisterFile, offset: number): number {
  return (file.read(offset) >>> 12) + (file.read(offset + 4) & 0xfffff) * 0x100000;
}

/** @param length log2 of the number of entries of a ring, in bits 59:56 */
function setAddress(file: RegisterFile, offset: number, page: number, length: number): void {
  file.set(offset, (page << 12) >>> 0);
  file.set(offset + 4, (Math.floor(page / 0x100000) | (length << 24)) >>> 0);
}

function hex(value: number): string {
  return `0x${(value >>> 0).toString(16)}`;
}
