/**
 * The executable specification as a judge: it takes what software and devices did and saw, action by action, and says
 * whether a conforming AMD-Vi unit may have shown that.
 */
import { type Finding, OutsideModel } from "../finding.js";
import type { RunStart } from "../run-start.js";
import type { Action, Observation, Request, Word } from "../trace.js";
import type { Outcome } from "../windows/admissible.js";
import { type Complaint, type Seen, WindowsOracle } from "../windows/oracle.js";
import type { InitialContents, PhysicalMemory } from "../words/memory.js";
import type { Rule } from "../words/rule.js";
import { amdViRules, invalidationRules, servedRules } from "./behaviour-rules.js";
import { CommandView } from "./command-view.js";
import { DeviceEntryWindows } from "./device-entries.js";
import { EventView } from "./event-view.js";
import { illegalCommandEvent } from "./events.js";
import { type InvalidationTarget, sparesTables } from "./invalidations.js";
import type { AmdViPlatform } from "./profile.js";
import { RegisterView } from "./register-view.js";
import type { AmdViFaultRule } from "./rules.js";
import { startContents } from "./start-contents.js";
import { AmdViUnit } from "./unit.js";
import { WaitView } from "./wait-view.js";
import { pageOf } from "./walk.js";

/** Event flags as the specification orders them, for messages. */
const FLAGS = ["present", "permission", "reserved"] as const;

export class AmdViOracle extends WindowsOracle<InvalidationTarget, AmdViFaultRule> {
  readonly commands: CommandView;
  readonly events: EventView;
  private readonly waits: WaitView;
  private readonly registers: RegisterView;
  /** Pages of the event log that an entry has been made to point to. */
  private readonly logTables = new Set<number>();
  /** Step of the action that is being taken. */
  private step = 0;

  constructor(platform: AmdViPlatform, shared?: PhysicalMemory) {
    // A zero-length read is served alike wherever it goes.
    const served = { ...servedRules, interruptRead: servedRules.zeroLengthRead };
    super(new AmdViUnit(platform), amdViRules, served, shared);
    const { admissible, coverage, log, memory, steering } = this;
    this.events = new EventView(new DeviceEntryWindows(memory, steering, log, admissible), coverage);
    this.commands = new CommandView(platform, memory, log, coverage, (command) => {
      const [first, second] = illegalCommandEvent(command);
      this.events.illegalCommand([first!, second!]);
    });
    this.waits = new WaitView(this.commands, memory, coverage);
    this.registers = new RegisterView(platform, steering, this.commands, this.events, this.waits, coverage);
  }

  protected override startContents(setup: RunStart): InitialContents {
    return startContents(setup);
  }

  protected resetViews(setup: RunStart): void {
    const translating = setup.start === "translating";
    const eventPage = setup.logPage ?? 0;
    this.commands.reset(translating, setup.queuePage);
    this.events.reset(translating, eventPage);
    this.waits.reset();
    this.logTables.clear();
    this.registers.reset(translating, this.startPointer(setup), setup.queuePage, eventPage);
  }

  /** Base and Size of DevTabBase: 2.2.2.1. */
  protected startPointer({ start, rootPage, rootPages }: RunStart): number {
    return start === "translating" ? rootPage * 512 + rootPages - 1 : 0;
  }

  override perform(action: Action, seen: Observation, index: number): Finding | null {
    this.step = index + 1;
    if (action.do === "store") this.noteStore(action.page, action.word, action);
    if (action.do === "request") this.refuseTablesInLog(action.request);
    return super.perform(action, seen, index);
  }

  /** Hardware writes the event log at moments that are not told: what a walk finds there is not known. */
  private refuseTablesInLog(request: Request): void {
    for (const page of this.logTables)
      if (this.admissible.readsFrom(request, page, this.step))
        throw new OutsideModel("a page of the event log is used as a table");
  }

  private noteStore(page: number, word: number, { low, high }: Word): void {
    const target = pageOf(low, high);
    if ((low & 1) !== 0 && this.isLog(target)) this.logTables.add(target);
    if (this.commands.covers(page)) this.commands.store(page, word, this.events.halted);
    if (this.events.mayHold(page)) this.events.store(page, word, { low, high });
  }

  protected writeRegister(offset: number, width: number, low: number, high: number, step: number): void {
    this.registers.write(offset, width, low, high, step);
  }

  protected sawRegister(seen: Seen, step: number): Complaint {
    return this.registers.saw(seen, step);
  }

  protected missedRegister(seen: Seen): Complaint {
    return this.registers.missed(seen);
  }

  protected sawMemory(page: number, word: number, seen: Word, step: number): Complaint {
    const frame = this.memory.frameOf(page);
    if (frame < 0) return null;
    const stored = { low: this.memory.low(frame, word), high: this.memory.high(frame, word) };
    if (this.isLog(page)) return this.events.sawWord(page, word, seen, stored);
    this.waits.read(page, word, seen, stored, step);
    return null;
  }

  protected polledMemory(page: number, word: number, value: number, shown: boolean, step: number): Complaint {
    return this.isLog(page) ? null : this.waits.polled(page, word, value, shown, step);
  }

  private isLog(page: number): boolean {
    return this.events.covers(page) || this.events.mayHold(page);
  }

  protected isFetchedWhenSubmitted(page: number): boolean {
    return this.commands.covers(page);
  }

  protected decided(request: Request, matching: readonly Outcome<AmdViFaultRule>[]): void {
    if (request.type === "write" || request.type === "atomic")
      for (const page of new Set(matching.map((one) => one.effect)))
        this.noteWrite(page, request.offset >>> 3);
    this.events.outcome(request, matching, this.step);
  }

  /** A device wrote to a page, if it is not an effect of another kind. */
  private noteWrite(page: number, word: number): void {
    if (this.commands.covers(page)) this.commands.store(page, word, this.events.halted);
    if (this.events.mayHold(page)) this.events.spoil(page, word);
  }

  protected describeFault(rule: AmdViFaultRule): string {
    const flags = FLAGS.filter((one) => rule[one] === 1).map((one) => one.toUpperCase());
    return `event ${rule.event}h${flags.map((one) => ` ${one}`).join("")} (${rule.id})`;
  }

  forgetCommands(): void {
    this.commands.forget();
  }

  protected rulesOf(target: InvalidationTarget): readonly Rule[] {
    const { all, deviceTableEntry, directories, pages } = invalidationRules;
    if (target.command === "invalidate-iommu-all") return [all];
    if (target.command === "invalidate-devtab-entry") return [deviceTableEntry];
    return sparesTables(target) ? [pages] : [pages, directories];
  }
}
