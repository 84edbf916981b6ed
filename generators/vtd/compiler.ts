/** From the steps of a VT-d scenario to the actions of a run. */
import type { Profile } from "../../model/profile.js";
import type { Word } from "../../model/trace.js";
import { type Platform, platformOf } from "../../model/vtd/profile.js";
import { profileNamed } from "../../model/vtd/profiles.js";
import { contextEntryLayout, secondStageLayout, TranslationType } from "../../model/vtd/tables.js";
import { encoderOf } from "../../model/words/layout.js";
import { Compiler, type Leaf } from "../compiler.js";
import { absentPage, vtdPlaces } from "../places.js";
import { remembered } from "../remembered.js";
import type { Place } from "../software.js";
import { Commands } from "./commands.js";
import type { EntryName, InvalidationTargetOf, VtdScenario, VtdStep } from "./scenario.js";
import { VtdSoftware } from "./software.js";

const platformNamed = remembered((id: string): Platform => platformOf(profileNamed(id)));

type StepOf<Kind extends VtdStep["do"]> = Extract<VtdStep, { do: Kind }>;

const TYPES = {
  translated: TranslationType.untranslatedOnly,
  all: TranslationType.all,
  "pass-through": TranslationType.passThrough,
} as const;

const encodeContext = encoderOf(contextEntryLayout, ["P", "FPD", "TT", "SSPTPTR", "AW", "DID"]);
const encodePage = encoderOf(secondStageLayout(1, true), ["R", "W", "ADDR"]);
const SUPERPAGE_FIELDS = ["R", "W", "PS", "ADDR"] as const;
/** Encoders of entries that map a page, by level. */
const SUPERPAGES = [2, 3].map((level) => encoderOf(secondStageLayout(level, true), SUPERPAGE_FIELDS));

export class VtdCompiler extends Compiler<VtdStep, VtdScenario, EntryName> {
  protected readonly software = new VtdSoftware();
  private readonly commands = new Commands();
  private usesQueue = false;

  protected begin(scenario: VtdScenario): Profile {
    const platform = platformNamed(scenario.profile);
    const usesQueue = scenario.invalidation === "queue" && platform.queuedInvalidation;
    this.software.reset(platform.storeVisibility.needsLineFlush);
    this.commands.reset(this.software.actions, platform, usesQueue, scenario.start === "translating");
    this.usesQueue = usesQueue;
    return platform.profile;
  }

  protected step(step: VtdStep): void {
    const { commands, usesQueue } = this;
    switch (step.do) {
      case "attach":
        this.attach(step);
        break;
      case "invalidate":
        this.invalidate(step.target, step.complete);
        break;
      case "wait":
        if (usesQueue) commands.wait(step.sign, step.fence);
        break;
      case "queue-error":
        if (usesQueue) commands.queueError(step.error, step.rewriteTail);
        break;
      case "set-root":
        this.setRoot(step.root, step.complete);
        break;
      case "translation":
        commands.translation(step.enable, step.complete);
        break;
      case "protect-memory":
        commands.protectMemory(step.region, step.page, step.blocks, step.complete);
        commands.readProtectedMemory();
        break;
      case "release-memory":
        commands.releaseMemory(step.complete);
        break;
      case "read-faults":
        commands.readFaults(step.clear);
        break;
      default:
        this.commonStep(step);
    }
  }

  private attach(step: StepOf<"attach">): void {
    const found = this.attachment(step);
    if (!found) return;
    const { at, top, domain } = found;
    const entry = encodeContext({
      P: 1,
      FPD: step.faultProcessingDisable ? 1 : 0,
      TT: TYPES[step.type],
      SSPTPTR: top,
      AW: domain.levels - 2,
      DID: domain.id,
    });
    this.software.storePair(at.page, at.word, entry);
    this.writeBack(step.writeBack);
  }

  protected deviceEntryAt(requester: number): Place | null {
    return this.software.contextEntryAt(requester);
  }

  /** The present bit is cleared. */
  protected detached({ low, high }: Word): Word {
    return { low: (low & ~1) >>> 0, high };
  }

  protected leafEntry({ level, page, readable: R, writable: W }: Leaf): Word {
    if (level === 1) return encodePage({ R, W, ADDR: page })[0]!;
    return SUPERPAGES[level - 2]!({ R, W, PS: 1, ADDR: Math.floor(page / 512 ** (level - 1)) })[0]!;
  }

  protected entryNamed(entry: EntryName): Place | null {
    if (entry.structure === "table") return this.tableEntryAt(entry);
    const requester = this.requesterOf(entry.device);
    if (requester === undefined) return null;
    const context = this.software.contextEntryAt(requester);
    return entry.structure === "context" ? context : this.software.rootEntryAt(requester);
  }

  protected override afterWriteBack(): void {
    this.commands.flushWriteBuffer();
  }

  protected readRegisters(): void {
    this.commands.readRegisters();
  }

  private invalidate(target: InvalidationTargetOf, complete: boolean): void {
    const domain = "domain" in target ? this.domainNamed(target.domain) : undefined;
    if ("domain" in target && !domain) return;
    const requester = "device" in target ? this.requesterOf(target.device) : 0;
    if (requester === undefined) return;
    this.commands.invalidate(target, domain?.id ?? 0, requester, complete);
  }

  /** Where there is no memory software has no tables either: it goes on with those it had. */
  private setRoot(root: number, complete: boolean): void {
    const page = vtdPlaces.roots[root];
    if (page !== undefined) this.software.root = root;
    this.commands.setRoot(page ?? absentPage, complete);
  }
}
