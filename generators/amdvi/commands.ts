/** What software writes to registers and to the command buffer, and what it waits for (AMD-Vi 2.4, 2.5, 3.4). */
import { encodeCommand, Opcode, rangeAddress } from "../../model/amdvi/commands.js";
import type { AmdViPlatform } from "../../model/amdvi/profile.js";
import { ControlBit, Offset, StatusBit } from "../../model/amdvi/registers.js";
import type { Action, Word } from "../../model/trace.js";
import { amdViPlaces } from "../places.js";
import { UnitAccess } from "../unit-access.js";
import type { AmdViScenario, AmdViStep } from "./scenario.js";

type Exclusion = AmdViScenario["exclusion"];
type Sign = Extract<AmdViStep, { do: "wait" }>["sign"];
type CommandError = Extract<AmdViStep, { do: "command-error" }>["error"];

const { queuePage, logPage } = amdViPlaces;
/** ComLen and EventLen of 256 entries, in the high half. */
const LENGTH = 8 << 24;
/** Entries of the event log that software looks at, at most. */
const MOST_EVENTS_READ = 24;

const ZERO: Word = { low: 0, high: 0 };
const BAD_OPCODE: readonly Word[] = [{ low: 0, high: 0xf0000000 }, ZERO];
/** INVALIDATE_DEVTAB_ENTRY with a reserved bit. */
const BAD_BIT: readonly Word[] = [{ low: 0x10000, high: 0x20000000 }, ZERO];

/** The registers that tell what the unit is and what it was told. */
const REGISTERS = [
  Offset.DevTabBase,
  Offset.CmdBase,
  Offset.EvtBase,
  Offset.Control,
  Offset.ExclBase,
  Offset.ExclLimit,
  Offset.EFR,
  Offset.CmdHead,
  Offset.CmdTail,
  Offset.EvtHead,
];

export class Commands extends UnitAccess {
  private platform!: AmdViPlatform;
  /** The low half of Control, as last written. */
  private control = 0;
  private hasTable = false;
  /** Requests before the log was last started, and illegal commands since. */
  private requestsBefore = 0;
  private illegal = 0;

  constructor() {
    super(amdViPlaces, Offset.CmdTail);
  }

  /** Starts with the unit as it is after a reset, its buffers set up; or translating. */
  reset(actions: Action[], platform: AmdViPlatform, translating: boolean, exclusion: Exclusion): void {
    this.begin(actions);
    this.platform = platform;
    this.control = 0;
    this.hasTable = translating;
    this.requestsBefore = 0;
    this.illegal = 0;
    if (translating) this.control = ControlBit.IommuEn | ControlBit.EventLogEn | ControlBit.CmdBufEn;
    else this.fromReset(exclusion);
  }

  private fromReset(exclusion: Exclusion): void {
    this.write(Offset.CmdBase, queuePage << 12, LENGTH);
    this.write(Offset.EvtBase, logPage << 12, LENGTH);
    if (exclusion) {
      const { base, limit, allow } = exclusion;
      this.pageRegister(Offset.ExclLimit, limit, 0);
      this.pageRegister(Offset.ExclBase, base, allow ? 3 : 1);
    }
    this.setControl(ControlBit.EventLogEn | ControlBit.CmdBufEn, true);
  }

  private write(offset: number, low: number, high: number): void {
    this.register(offset, 8, low, high);
  }

  private pageRegister(offset: number, page: number, bits: number): void {
    this.write(offset, ((page % 0x100000) << 12) | bits, Math.floor(page / 0x100000));
  }

  private setControl(bits: number, on: boolean): void {
    this.control = on ? this.control | bits : this.control & ~bits;
    this.write(Offset.Control, this.control, 0);
  }

  /** Commands are carried out. */
  get runs(): boolean {
    const both = ControlBit.IommuEn | ControlBit.CmdBufEn;
    return (this.control & both) === both;
  }

  invalidateDevice(deviceId: number): void {
    this.submit(encodeCommand(Opcode.invalidateDevtabEntry, { DeviceID: deviceId }));
  }

  /** @param order logarithm of the number of pages */
  invalidatePages(domainId: number, iova: number, order: number, tables: boolean): void {
    const { Address, S } = rangeOf(iova, order);
    const PDE = tables ? 1 : 0;
    this.submit(encodeCommand(Opcode.invalidateIommuPages, { DomainID: domainId, Address, S, PDE }));
  }

  invalidateAll(): void {
    this.submit(encodeCommand(Opcode.invalidateIommuAll));
  }

  invalidateInterruptTable(deviceId: number): void {
    this.submit(encodeCommand(Opcode.invalidateInterruptTable, { DeviceID: deviceId }));
  }

  prefetch(deviceId: number, iova: number, order: number): void {
    const { Address, S } = rangeOf(iova, order);
    this.submit(encodeCommand(Opcode.prefetchIommuPages, { DeviceID: deviceId, PFCount: 1, Address, S }));
  }

  /** COMPLETION_WAIT, and the wait for its sign if there is one. */
  wait(sign: Sign, flush: boolean): void {
    if (sign === "interrupt") {
      this.write(Offset.Status, StatusBit.ComWaitInt, 0);
      this.read(Offset.Status, 8);
    }
    this.submit(this.nextWait(sign, flush));
    if (sign === "store") this.pollStatusWord();
    if (sign === "interrupt") this.poll(Offset.Status, StatusBit.ComWaitInt, StatusBit.ComWaitInt);
  }

  private nextWait(sign: Sign, flush: boolean): Word[] {
    this.waits++;
    const stores = sign === "store";
    return encodeCommand(Opcode.completionWait, {
      s: stores ? 1 : 0,
      i: sign === "interrupt" ? 1 : 0,
      f: flush ? 1 : 0,
      StoreAddress: stores ? this.statusWord : 0,
      StoreDataLow: stores ? this.waits : 0,
    });
  }

  /** An illegal command; software sees the buffer stop, puts a wait in its place and starts the buffer again. */
  commandError(error: CommandError): void {
    this.illegal++;
    const at = this.submit(this.illegalCommand(error));
    this.poll(Offset.Status, StatusBit.CmdBufRun, 0);
    this.read(Offset.Status, 8);
    this.read(Offset.CmdHead, 8);
    this.setControl(ControlBit.CmdBufEn, false);
    this.storeCommand(at, this.nextWait("store", false));
    this.setControl(ControlBit.CmdBufEn, true);
    this.pollStatusWord();
  }

  /** 2.4: a write of CmdBase takes head and tail back to 0; software may have them start elsewhere. */
  restart(at: number): void {
    this.wait("store", false);
    this.setControl(ControlBit.CmdBufEn, false);
    this.write(Offset.CmdBase, queuePage << 12, LENGTH);
    for (const offset of [Offset.CmdHead, Offset.CmdTail]) this.read(offset, 8);
    for (const offset of [Offset.CmdHead, Offset.CmdTail]) this.write(offset, at << 4, 0);
    this.moveTo(at);
    this.setControl(ControlBit.CmdBufEn, true);
  }

  /** Where no feature is missing, the opcode is one that has none. */
  private illegalCommand(error: CommandError): readonly Word[] {
    const { invalidateAll, remoteIotlbs, prefetch, virtualIommu } = this.platform;
    if (error === "reserved") return BAD_BIT;
    if (error === "opcode") return BAD_OPCODE;
    if (!invalidateAll) return encodeCommand(Opcode.invalidateIommuAll);
    if (!remoteIotlbs) return encodeCommand(Opcode.invalidateIotlbPages);
    if (!prefetch) return encodeCommand(Opcode.prefetchIommuPages);
    return virtualIommu ? BAD_OPCODE : encodeCommand(Opcode.resetVmmio);
  }

  /** Points the unit at a device table of that many pages. */
  setDeviceTable(page: number, pages: number): void {
    this.pageRegister(Offset.DevTabBase, page, pages - 1);
    this.hasTable = true;
  }

  /** Without a device table translation is not enabled; it is disabled when every command has been carried out. */
  translation(enable: boolean): void {
    if (enable && !this.hasTable) return;
    if (!enable && this.runs) this.wait("store", false);
    this.setControl(ControlBit.IommuEn, enable);
  }

  /**
   * Reads as many entries of the log as there may be, and starts it anew if `clear`.
   * @param requests so far
   */
  readEvents(clear: boolean, requests: number): void {
    this.read(Offset.Status, 8);
    this.read(Offset.EvtTail, 8);
    // Every request and every illegal command since the log was started may have left an event.
    const events = requests - this.requestsBefore + this.illegal;
    const words = 2 * Math.min(events, MOST_EVENTS_READ);
    for (let word = 0; word < words; word++) this.actions.push({ do: "read-memory", page: logPage, word });
    if (clear) this.restartLog(requests);
  }

  /** Head and tail are zero again; what the entries hold stays. */
  private restartLog(requests: number): void {
    this.setControl(ControlBit.EventLogEn, false);
    this.write(Offset.EvtBase, logPage << 12, LENGTH);
    this.write(Offset.Status, StatusBit.EventOverflow | StatusBit.EventLogInt, 0);
    this.setControl(ControlBit.EventLogEn, true);
    this.requestsBefore = requests;
    this.illegal = 0;
  }

  /** Starts the log anew with room for `free` events: it is full when the tail is one entry before the head. */
  fillEventLog(free: number, requests: number): void {
    this.restartLog(requests);
    this.write(Offset.EvtHead, (free + 1) << 4, 0);
  }

  logEvents(enable: boolean, interrupt: boolean): void {
    this.setControl(ControlBit.EventIntEn, interrupt);
    this.setControl(ControlBit.EventLogEn, enable);
  }

  readRegisters(): void {
    for (const offset of REGISTERS) this.read(offset, 8);
  }
}

/** The smallest range that a power of two of pages around an address makes. */
function rangeOf(iova: number, order: number): { Address: number; S: 0 | 1 } {
  const pages = 2 ** order;
  return rangeAddress(iova - (iova % pages), pages);
}
