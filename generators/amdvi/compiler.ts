/** From the steps of an AMD-Vi scenario to the actions of a run. */
import type { AmdViPlatform } from "../../model/amdvi/profile.js";
import { deviceTableEntryLayout, largePageAddress, NextLevel, pteLayout } from "../../model/amdvi/tables.js";
import type { Profile } from "../../model/profile.js";
import type { Word } from "../../model/trace.js";
import { encoderOf } from "../../model/words/layout.js";
import { Compiler, type Leaf, rightsOf } from "../compiler.js";
import { absentPage, amdViPlaces } from "../places.js";
import type { Place } from "../software.js";
import { Commands } from "./commands.js";
import { amdViPlatform } from "./facts.js";
import type { AmdViScenario, AmdViStep, CommandTarget, EntryName } from "./scenario.js";
import { AmdViSoftware } from "./software.js";

type StepOf<Kind extends AmdViStep["do"]> = Extract<AmdViStep, { do: Kind }>;

const DEVICE_FIELDS = ["V", "TV", "Mode", "HostPTRoot", "IR", "IW", "DomainID", "SE", "SA", "EX"] as const;
const encodeDevice = encoderOf(deviceTableEntryLayout, DEVICE_FIELDS);
const encodeLeaf = encoderOf(pteLayout, ["PR", "NextLevel", "IR", "IW", "Address"]);
const V = 1;
const TV = 2;
/** Logarithm of the pages of the whole address space. */
const EVERYTHING = 52;

export class AmdViCompiler extends Compiler<AmdViStep, AmdViScenario, EntryName> {
  protected readonly software = new AmdViSoftware();
  private readonly commands = new Commands();
  private platform!: AmdViPlatform;

  protected begin(scenario: AmdViScenario): Profile {
    const platform = amdViPlatform(scenario.profile);
    const translating = scenario.start === "translating";
    this.platform = platform;
    this.software.reset(platform.storeVisibility.needsLineFlush);
    if (translating) this.software.startTranslating(scenario.devices);
    this.commands.reset(this.software.actions, platform, translating, scenario.exclusion);
    return platform.profile;
  }

  protected step(step: AmdViStep): void {
    const { commands } = this;
    switch (step.do) {
      case "attach":
        this.attach(step);
        break;
      // While the buffer does not run, software has nobody to tell.
      case "invalidate":
        if (commands.runs) this.invalidate(step.target);
        break;
      case "wait":
        if (commands.runs) commands.wait(step.sign, step.flush);
        break;
      case "command-error":
        if (commands.runs) commands.commandError(step.error);
        break;
      case "restart-commands":
        if (commands.runs) commands.restart(step.at);
        break;
      case "set-device-table":
        this.setDeviceTable(step);
        break;
      case "translation":
        commands.translation(step.enable);
        break;
      case "read-events":
        commands.readEvents(step.clear, this.requests);
        break;
      case "fill-event-log":
        commands.fillEventLog(step.free, this.requests);
        break;
      case "log-events":
        commands.logEvents(step.enable, step.interrupt);
        break;
      default:
        this.commonStep(step);
    }
  }

  private attach(step: StepOf<"attach">): void {
    const found = this.attachment(step);
    if (!found) return;
    const { at, top, domain } = found;
    const { readable, writable } = rightsOf(step.access);
    const translated = step.type === "translated";
    const entry = encodeDevice({
      V: step.type === "untranslated" ? 0 : 1,
      TV: translated || step.type === "identity" ? 1 : 0,
      Mode: translated ? domain.levels : 0,
      HostPTRoot: translated ? top : 0,
      IR: readable,
      IW: writable,
      DomainID: domain.id,
      SE: step.suppress === "repeated" ? 1 : 0,
      SA: step.suppress === "all" ? 1 : 0,
      EX: step.exclusion ? 1 : 0,
    });
    this.software.storePair(at.page, at.word, entry);
    this.writeBack(step.writeBack);
  }

  protected deviceEntryAt(requester: number): Place | null {
    return this.software.deviceEntryAt(requester);
  }

  /** V = 1 and TV = 0: nothing gets through. */
  protected detached({ low, high }: Word): Word {
    return { low: ((low & ~TV) | V) >>> 0, high };
  }

  protected leafEntry({ slots, pages, page, readable: IR, writable: IW }: Leaf): Word {
    const first = page - (page % pages);
    const coded = slots > 1;
    const Address = coded ? largePageAddress(first, pages) : first;
    return encodeLeaf({
      PR: 1,
      NextLevel: coded ? NextLevel.sizeCoded : NextLevel.leaf,
      IR,
      IW,
      Address,
    })[0]!;
  }

  protected entryNamed(entry: EntryName): Place | null {
    if (entry.structure === "table") return this.tableEntryAt(entry);
    const requester = this.requesterOf(entry.device);
    return requester === undefined ? null : this.software.deviceEntryAt(requester);
  }

  protected readRegisters(): void {
    this.commands.readRegisters();
  }

  private invalidate(target: CommandTarget): void {
    if (target.command === "all") this.invalidateAll();
    else if (target.command === "pages") this.invalidatePages(target);
    else this.commandOfDevice(target);
  }

  private invalidatePages(target: Extract<CommandTarget, { command: "pages" }>): void {
    const domain = this.domainNamed(target.domain);
    if (domain) this.commands.invalidatePages(domain.id, target.iova, target.order, target.tables);
  }

  private commandOfDevice(target: Extract<CommandTarget, { device: string }>): void {
    const { commands } = this;
    const requester = this.requesterOf(target.device);
    if (requester === undefined) return;
    if (target.command === "device") commands.invalidateDevice(requester);
    else if (target.command === "interrupt-table") commands.invalidateInterruptTable(requester);
    else if (this.platform.prefetch) commands.prefetch(requester, target.iova, target.order);
  }

  /** Where the unit has no command for it: what everything is made of. */
  private invalidateAll(): void {
    const { commands } = this;
    if (this.platform.invalidateAll) {
      commands.invalidateAll();
      return;
    }
    for (const { requester } of this.devices) commands.invalidateDevice(requester);
    for (const { id } of this.domains) commands.invalidatePages(id, 0, EVERYTHING, true);
  }

  /** Where there is no memory software has no tables either: it goes on with those it had. */
  private setDeviceTable({ table, pages }: StepOf<"set-device-table">): void {
    if (table !== "absent") this.software.root = table === "A" ? 0 : 1;
    const page = table === "absent" ? absentPage : amdViPlaces.roots[this.software.root]!;
    this.commands.setDeviceTable(page, pages);
  }
}
