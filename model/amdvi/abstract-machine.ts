/**
 * The abstract IOMMU of AMD-Vi: a machine that may do anything legal (AMD-Vi 2.2, 2.4). What some run of it shows is
 * admissible, and nothing else is. It says what the windows rule computes, by trying every run, and is meant for tiny
 * configurations only.
 */
import { Effect, type Request } from "../trace.js";
import { Exploration, type MachineState } from "../windows/abstract-exploration.js";
import { Translation } from "../windows/walk.js";
import { VisibleMemory } from "../words/visible-memory.js";
import {
  type Device,
  type DeviceEntry,
  type DirectoryEntry,
  deviceOf,
  type Entry,
  type Found,
  identity,
  isFaulty,
  nameOf,
  removes,
  type Start,
  type TlbEntry,
  tableEntryOf,
} from "./abstract-entries.js";
import type { InvalidationTarget } from "./invalidations.js";
import type { AmdViPlatform } from "./profile.js";
import { type AmdViFaultRule, faultRules } from "./rules.js";
import { deviceTableEntryAt } from "./tables.js";
import { decide, decideBeforeWalk, tableIndex } from "./walk.js";

/** An invalidation command; those of a later group wait for a COMPLETION_WAIT with f = 1. */
export interface Submitted {
  readonly target: InvalidationTarget;
  readonly fenceGroup: number;
}

/** There is no write buffer: whatever was written back has left it. */
const UNBUFFERED = Number.POSITIVE_INFINITY;

type State = MachineState<Entry, Submitted>;

/** What becomes of a request, and why. */
export interface Shown {
  readonly effect: number;
  readonly rule: AmdViFaultRule | null;
  readonly recorded: boolean;
}

export class AbstractMachine extends Exploration<Entry, Submitted, State> {
  private readonly memory: VisibleMemory;
  private wasEnabled: boolean;
  private shown = new Map<string, Shown>();
  private request!: Request;

  /**
   * @param functions the functions of the platform, each of which may make requests at any moment
   * @param pages the pages that requests may ask for
   */
  constructor(
    private readonly platform: AmdViPlatform,
    pageCount: number,
    private readonly functions: readonly number[],
    private readonly pages: readonly number[],
    private pointer: { page: number; pages: number },
    private enabled: boolean,
  ) {
    super({ kept: new Set(), complete: false, pending: [] });
    this.memory = new VisibleMemory(pageCount, platform.storeVisibility);
    this.wasEnabled = enabled;
  }

  /** Sets up memory before the first step. */
  set(page: number, word: number, low: number, high: number): void {
    this.memory.set(page, word, low, high);
  }

  store(page: number, word: number, low: number, high: number): void {
    this.explore();
    this.memory.store(page, word, low, high);
    this.memoryChanged();
  }

  flushLine(page: number, line: number): void {
    this.explore();
    this.memory.flushLine(page, line);
    this.memoryChanged();
  }

  /** With IommuEn = 0 tables are not read, until it was set once: what comes then is not told apart from before. */
  setEnabled(enabled: boolean): void {
    this.explore();
    this.enabled = enabled;
    this.wasEnabled ||= enabled;
    this.memoryChanged();
  }

  setPointer(page: number, pages: number): void {
    this.explore();
    this.pointer = { page, pages };
    this.memoryChanged();
  }

  submit(...commands: Submitted[]): Submitted[] {
    this.explore();
    return commands.map((one) => this.give({ ...one }));
  }

  /** 2.4.1: commands execute in any order, but for a COMPLETION_WAIT with f = 1 between them. */
  protected mayExecute(command: Submitted, pending: readonly Submitted[]): boolean {
    return pending
      .slice(0, pending.indexOf(command))
      .every((earlier) => earlier.fenceGroup >= command.fenceGroup);
  }

  protected execute(state: State, command: Submitted): State {
    const pending = state.pending.filter((one) => one !== command);
    const kept = [...state.kept].filter((entry) => !removes(command.target, entry));
    return { pending, kept: new Set(kept), complete: false };
  }

  protected nameOf(entry: Entry): string {
    return nameOf(entry);
  }

  protected restOf(): string {
    return "";
  }

  protected restDominates(): boolean {
    return true;
  }

  protected filled(state: State): State {
    if (!this.wasEnabled) return { ...state, complete: true };
    const kept = new Set(state.kept);
    const full = { ...state, kept, complete: true };
    let size: number;
    do {
      size = kept.size;
      for (const deviceId of this.functions) {
        for (const entry of this.deviceEntriesNow(deviceId) ?? []) kept.add(entry);
        for (const input of this.pages)
          for (const device of this.devices(full, deviceId, input))
            if (!device.fault) this.fillBelow(full, kept, device, input);
      }
    } while (kept.size > size);
    return full;
  }

  /** What the words of a device table entry may read as now; nothing when it is not there to be read. */
  private deviceEntriesNow(deviceId: number): DeviceEntry[] | null {
    const at = deviceTableEntryAt(deviceId);
    if (at.page >= this.pointer.pages) return null;
    const page = this.pointer.page + at.page;
    return this.reading(`device ${page} ${deviceId}`, () => {
      const split = this.platform.deviceTableFetch === 64;
      const read = (part: 0 | 1) => this.memory.read(page, at.word + part, split ? 1 : 2, UNBUFFERED);
      const first = read(0);
      if (!first) return null;
      const entries = (values: number[][], part: 0 | 1) =>
        values.map((value) => this.intern<DeviceEntry>({ cache: "device", deviceId, page, part, value }));
      return split ? [...entries(first, 0), ...entries(read(1)!, 1)] : entries(first, 0);
    });
  }

  /** What the kept words of a device table entry say together. */
  private devices({ kept }: State, deviceId: number, input: number): Device[] {
    const ofPart = (part: 0 | 1) =>
      [...kept].filter(
        (one): one is DeviceEntry => one.cache === "device" && one.deviceId === deviceId && one.part === part,
      );
    const values =
      this.platform.deviceTableFetch === 64
        ? ofPart(0).flatMap((one) =>
            ofPart(1)
              .filter((other) => other.page === one.page)
              .map((other) => [...one.value, ...other.value]),
          )
        : ofPart(0).map((one) => one.value);
    return values.flatMap((value) => {
      const device = deviceOf(this.platform, deviceId, input, value);
      const refused = device.optionalFault && { ...device, fault: device.optionalFault };
      return refused ? [device, refused] : [device];
    });
  }

  private fillBelow(state: State, kept: Set<Entry>, device: Device, input: number): void {
    if (device.passThrough) {
      // What is forwarded without a domain is kept under none.
      if (device.domainId >= 0) kept.add(this.intern(this.tlbEntry(device, input, identity(input))));
      return;
    }
    if (input >= this.platform.inputPageLimit[device.levels]!) return;
    for (const start of starts(state, device, input))
      for (const found of this.tableNow(start, input) ?? []) this.keep(kept, device, input, start, found);
  }

  /** What is not present, or faults, is kept only where NpCache says so. */
  private keep(kept: Set<Entry>, device: Device, input: number, start: Start, found: Found): void {
    const { domainId } = device;
    const result = found.end === "page" || (found.end !== "table" && start.level === 1);
    const entry: DirectoryEntry | TlbEntry = result
      ? this.tlbEntry(device, input, found)
      : { cache: "directory", domainId, input, ...found };
    if (this.platform.npCache || !isFaulty(entry)) kept.add(this.intern(entry));
  }

  private tlbEntry(
    { deviceId, domainId, access, suppresses }: Device,
    input: number,
    found: Found,
  ): TlbEntry {
    return { cache: "tlb", deviceId, domainId, input, access, suppresses, ...found };
  }

  private tableNow(start: Start, input: number): Found[] | undefined {
    const values = this.memory.read(start.table, tableIndex(input, start.level), 1, UNBUFFERED);
    return values?.map((value) => tableEntryOf(this.platform, start, input, value));
  }

  /** Every outcome that some run shows for the request, if it is answered now. */
  outcomes(request: Request): Shown[] {
    this.explore();
    this.shown = new Map();
    this.request = request;
    const translation = new Translation<AmdViFaultRule>();
    if (decideBeforeWalk(this.platform, request, this.enabled, translation)) {
      this.show(translation, false);
    } else {
      for (const state of this.states) this.answer(state);
    }
    return [...this.shown.values()];
  }

  private answer(state: State): void {
    const { requester, page } = this.request;
    const outside = deviceTableEntryAt(requester).page >= this.pointer.pages;
    if (outside) this.fault(faultRules.deviceIdOutOfTable, 3, false);
    else if (!this.deviceEntriesNow(requester)) this.fault(faultRules.deviceFetch, 3, false);
    for (const device of this.devices(state, requester, page)) this.answerUnder(device, state);
    if (this.platform.profile.iotlbLookup === "domain-id") return;
    for (const entry of tlbEntries(state, page))
      if (entry.deviceId === requester) this.found(entry, entry.access, entry.suppresses);
  }

  /** Answers of a request whose device table entry says this. */
  private answerUnder(device: Device, state: State): void {
    const { platform, request } = this;
    const { fault, access, suppresses, domainId } = device;
    if (fault) {
      this.fault(fault, access, suppresses);
      return;
    }
    if (domainId >= 0 && platform.profile.iotlbLookup !== "device-id") {
      for (const entry of tlbEntries(state, request.page))
        if (entry.domainId === domainId) this.found(entry, entry.access, suppresses);
    }
    if (device.passThrough) this.found(identity(request.page), access, suppresses);
    else if (request.page >= platform.inputPageLimit[device.levels]!)
      this.fault(faultRules.addressBeyondWidth, access, suppresses);
    else this.answerByWalk(device, state);
  }

  private answerByWalk(device: Device, state: State): void {
    const { access, suppresses } = device;
    const { page } = this.request;
    for (const entry of directoryEntries(state, device.domainId, page))
      if (entry.end !== "table") this.found(entry, access, suppresses);
    for (const start of starts(state, device, page)) {
      const found = this.tableNow(start, page);
      if (!found) this.fault(faultRules.tableFetch, access, suppresses, start);
      for (const one of found ?? []) if (one.end !== "table") this.found(one, access, suppresses);
    }
  }

  private fault(
    rule: AmdViFaultRule,
    access: number,
    suppresses: boolean,
    rights = { readable: 1, writable: 1 },
  ): void {
    this.found({ ...identity(0), end: "fault", rule, ...rights }, access, suppresses);
  }

  private found(found: Found, access: number, suppresses: boolean): void {
    const translation = new Translation<AmdViFaultRule>();
    translation.start(this.request.page);
    translation.fault = found.end === "fault" ? found.rule : null;
    translation.notPresent = found.end === "not present";
    translation.page = found.page;
    translation.readable = found.readable;
    translation.writable = found.writable;
    decide(this.platform, this.request, translation, access);
    this.show(translation, suppresses);
  }

  private show({ effect, rule, alternative }: Translation<AmdViFaultRule>, suppresses: boolean): void {
    for (const one of alternative ? [rule, alternative] : [rule]) {
      const recorded = one !== null && !(one.suppressible && suppresses);
      const shownEffect = one ? Effect.blocked : effect;
      this.shown.set(`${shownEffect} ${one?.id} ${recorded}`, { effect: shownEffect, rule: one, recorded });
    }
  }
}

function tlbEntries({ kept }: State, input: number): TlbEntry[] {
  return [...kept].filter((one): one is TlbEntry => one.cache === "tlb" && one.input === input);
}

function directoryEntries({ kept }: State, domainId: number, input: number): DirectoryEntry[] {
  return [...kept].filter(
    (one): one is DirectoryEntry =>
      one.cache === "directory" && one.domainId === domainId && one.input === input,
  );
}

/** A walk begins at the table of its device table entry, or below any page directory entry of its domain. */
function starts(state: State, device: Device, input: number): Start[] {
  const first = { table: device.table, level: device.levels, readable: 1, writable: 1 };
  const further = directoryEntries(state, device.domainId, input)
    .filter(({ end }) => end === "table")
    .map(({ page, level, readable, writable }) => ({ table: page, level, readable, writable }));
  return [first, ...further];
}
