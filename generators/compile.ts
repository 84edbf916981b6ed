/** From the steps of a scenario to the actions of a run: memory accesses, register accesses and requests. */
import type { Profile } from "../model/profile.js";
import type { RunStart } from "../model/run-start.js";
import type { Action, Request, Word } from "../model/trace.js";
import { type Platform, platformOf } from "../model/vtd/profile.js";
import { profileNamed } from "../model/vtd/profiles.js";
import { contextEntryLayout, secondStageLayout, TranslationType } from "../model/vtd/tables.js";
import { encoderOf } from "../model/words/layout.js";
import { Commands } from "./commands.js";
import {
  absentPage,
  dataPages,
  LEVEL_OF_SIZE,
  queuePage,
  rootPages,
  spareTables,
  tablePages,
} from "./places.js";
import type { EntryName, InvalidationTargetOf, Scenario, Step } from "./scenario.js";
import { type Place, Software, type Tables, tableEntry } from "./software.js";

/** A run ready to be executed: how to set up the implementation, what to do, and which step each action is of. */
export interface CompiledRun {
  readonly setup: RunStart & { readonly profile: Profile; readonly timing: number };
  readonly actions: readonly Action[];
  /** For each action the index of its step in the scenario; -1 for what precedes the first. */
  readonly stepOf: readonly number[];
}

const platforms = new Map<string, Platform>();

function platformNamed(id: string): Platform {
  let platform = platforms.get(id);
  if (!platform) {
    platform = platformOf(profileNamed(id));
    platforms.set(id, platform);
  }
  return platform;
}

/** The actions of a scenario. A step whose referent does not exist is skipped. */
export function compileScenario(scenario: Scenario): CompiledRun {
  compiler.run(scenario);
  return {
    setup: {
      profile: compiler.platform.profile,
      start: scenario.start,
      requesters: scenario.devices.map((one) => one.requester),
      dataPages,
      tablePages,
      timing: scenario.timing,
      rootPage: rootPages[0]!,
      rootPages: 1,
      queuePage,
      logPage: null,
    },
    actions: compiler.software.actions,
    stepOf: compiler.stepOf,
  };
}

type StepOf<Kind extends Step["do"]> = Extract<Step, { do: Kind }>;
type Mapping = StepOf<"map">;

interface Domain extends Tables {
  readonly name: string;
  readonly id: number;
}

const READABLE = { r: 1, w: 0, rw: 1 } as const;
const WRITABLE = { r: 0, w: 1, rw: 1 } as const;
const TYPES = {
  translated: TranslationType.untranslatedOnly,
  all: TranslationType.all,
  "pass-through": TranslationType.passThrough,
} as const;

const encodeContext = encoderOf(contextEntryLayout, ["P", "FPD", "TT", "SSPTPTR", "AW", "DID"]);
const encodePage = encoderOf(secondStageLayout(1, true), ["R", "W", "ADDR"]);
const SUPERPAGE_FIELDS = ["R", "W", "PS", "ADDR"] as const;
const encode2M = encoderOf(secondStageLayout(2, true), SUPERPAGE_FIELDS);
const encode1G = encoderOf(secondStageLayout(3, true), SUPERPAGE_FIELDS);

/** The entry that maps a page with these rights. */
function leafEntry({ size, page }: Mapping, access: Mapping["access"]): Word {
  const R = READABLE[access];
  const W = WRITABLE[access];
  if (size === "4K") return encodePage({ R, W, ADDR: page })[0]!;
  if (size === "2M") return encode2M({ R, W, PS: 1, ADDR: Math.floor(page / 512) })[0]!;
  return encode1G({ R, W, PS: 1, ADDR: Math.floor(page / 0x40000) })[0]!;
}

const NOT_PRESENT: Word = { low: 0, high: 0 };
/** Slots start here: offset 0 of a page is what the second half of a crossing request writes. */
const FIRST_SLOT = 1;
/** A request that crosses a page has its first half here. */
const LAST_DWORD = 4092;

/** Compiles one scenario after the other; keeps its buffers. */
class Compiler {
  readonly software = new Software();
  stepOf: number[] = [];
  platform!: Platform;
  private readonly commands = new Commands();
  private devices: Scenario["devices"] = [];
  private domains: Domain[] = [];
  private readonly mappings = new Map<string, Mapping>();
  /** 64-bit words of a page that requests write to. */
  private readonly wordsWritten = new Set<number>();
  private usesQueue = false;
  private slot = FIRST_SLOT;

  run(scenario: Scenario): void {
    this.begin(scenario);
    this.attribute(-1);
    scenario.steps.forEach((step, index) => {
      this.step(step);
      this.attribute(index);
    });
  }

  private begin(scenario: Scenario): void {
    const platform = platformNamed(scenario.profile);
    const usesQueue = scenario.invalidation === "queue" && platform.queuedInvalidation;
    this.platform = platform;
    this.stepOf = [];
    this.devices = scenario.devices;
    this.domains = scenario.domains.map(({ name, id, levels }, index) => ({ name, id, levels, index }));
    this.mappings.clear();
    this.wordsWritten.clear();
    this.slot = FIRST_SLOT;
    this.software.reset(platform.storeVisibility.needsLineFlush);
    this.commands.reset(this.software.actions, platform, usesQueue, scenario.start === "translating");
    this.usesQueue = usesQueue;
  }

  private attribute(step: number): void {
    const { stepOf, software } = this;
    while (stepOf.length < software.actions.length) stepOf.push(step);
  }

  private requesterOf(device: string): number | undefined {
    return this.devices.find((one) => one.name === device)?.requester;
  }

  private domainNamed(name: string): Domain | undefined {
    return this.domains.find((one) => one.name === name);
  }

  private step(step: Step): void {
    const { commands, usesQueue } = this;
    switch (step.do) {
      case "attach":
        this.attach(step);
        break;
      case "detach":
        this.detach(step);
        break;
      case "map":
        this.map(step);
        break;
      case "unmap":
        this.unmap(step);
        break;
      case "protect":
        this.protect(step);
        break;
      case "retable":
        this.retable(step);
        break;
      case "corrupt":
        this.corrupt(step);
        break;
      case "write-back":
        this.writeBack(true);
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
      case "read-faults":
        commands.readFaults(step.clear);
        break;
      case "read-registers":
        commands.readRegisters();
        break;
      case "reuse":
        this.reuse(step.page);
        break;
      case "dma":
        this.dma(step);
        break;
    }
  }

  private attach(step: StepOf<"attach">): void {
    const requester = this.requesterOf(step.device);
    const domain = this.domainNamed(step.domain);
    if (requester === undefined || !domain) return;
    const at = this.software.contextEntryAt(requester);
    const top = this.software.topTable(domain);
    if (at === null || top === null) return;
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

  private detach(step: StepOf<"detach">): void {
    const requester = this.requesterOf(step.device);
    if (requester === undefined) return;
    const at = this.software.contextEntryAt(requester);
    if (at === null) return;
    const { low, high } = this.software.wordAt(at.page, at.word);
    this.software.store(at.page, at.word, { low: (low & ~1) >>> 0, high });
    this.writeBack(step.writeBack);
  }

  private map(step: Mapping): void {
    const domain = this.domainNamed(step.domain);
    if (!domain) return;
    const at = this.software.entryAt(domain, step.iova, LEVEL_OF_SIZE[step.size], true);
    if (at === null) return;
    this.mappings.set(step.mapping, step);
    this.software.store(at.page, at.word, leafEntry(step, step.access));
    this.writeBack(step.writeBack);
  }

  private unmap(step: StepOf<"unmap">): void {
    const mapping = this.mappings.get(step.mapping);
    if (mapping) this.changeLeaf(mapping, NOT_PRESENT, step.writeBack);
  }

  private protect(step: StepOf<"protect">): void {
    const mapping = this.mappings.get(step.mapping);
    if (mapping) this.changeLeaf(mapping, leafEntry(mapping, step.access), step.writeBack);
  }

  private changeLeaf(mapping: Mapping, value: Word, writeBack: boolean): void {
    const domain = this.domainNamed(mapping.domain);
    if (!domain) return;
    const at = this.software.entryAt(domain, mapping.iova, LEVEL_OF_SIZE[mapping.size], false);
    if (at === null) return;
    this.software.store(at.page, at.word, value);
    this.writeBack(writeBack);
  }

  private retable(step: StepOf<"retable">): void {
    const domain = this.domainNamed(step.domain);
    if (!domain) return;
    const at = this.software.entryAt(domain, step.iova, step.level, true);
    if (at === null) return;
    const table = spareTables[step.spare]!;
    this.software.store(at.page, at.word, tableEntry(step.level, table));
    this.software.moveTable(domain, step.level - 1, step.iova, table);
    this.writeBack(step.writeBack);
  }

  private corrupt(step: StepOf<"corrupt">): void {
    const at = this.entryNamed(step.entry);
    if (at === null) return;
    const word = at.word + (step.entry.structure === "table" ? 0 : step.bit >>> 6);
    const bit = step.bit & 63;
    const { low, high } = this.software.wordAt(at.page, word);
    const change = (half: number, mask: number) => (step.value ? half | mask : half & ~mask) >>> 0;
    const value =
      bit < 32 ? { low: change(low, 1 << bit), high } : { low, high: change(high, 1 << (bit - 32)) };
    this.software.store(at.page, word, value);
    this.writeBack(step.writeBack);
  }

  private entryNamed(entry: EntryName): Place | null {
    if (entry.structure === "table") {
      const domain = this.domainNamed(entry.domain);
      return domain ? this.software.entryAt(domain, entry.iova, entry.level, true) : null;
    }
    const requester = this.requesterOf(entry.device);
    if (requester === undefined) return null;
    const context = this.software.contextEntryAt(requester);
    return entry.structure === "context" ? context : this.software.rootEntryAt(requester);
  }

  private writeBack(wanted: boolean): void {
    if (!wanted) return;
    this.software.writeBack();
    this.commands.flushWriteBuffer();
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
    const page = rootPages[root];
    if (page !== undefined) this.software.root = root;
    this.commands.setRoot(page ?? absentPage, complete);
  }

  private reuse(page: number): void {
    if (!dataPages.includes(page)) return;
    const value = (0xe0000000 | this.slot) >>> 0;
    for (const word of this.wordsWritten) {
      this.software.actions.push({ do: "store", page, word, low: value, high: value });
    }
  }

  private dma(step: StepOf<"dma">): void {
    const { iova, type, length } = step;
    const requester = this.requesterOf(step.device);
    if (requester === undefined) return;
    if (type === "zero-length-read") {
      this.request(requester, iova, 0, 0, type);
    } else if (step.crossing && length === 8) {
      this.request(requester, iova, LAST_DWORD, 4, type);
      this.request(requester, iova + 1, 0, 4, type);
    } else {
      this.request(requester, iova, (this.slot * 8) % 4096, length, type);
    }
  }

  private request(
    requester: number,
    page: number,
    offset: number,
    length: number,
    type: Request["type"],
  ): void {
    const request = { requester, page, offset, length, type };
    if (type === "write" || type === "atomic") this.wordsWritten.add(offset >>> 3);
    this.software.actions.push({ do: "request", request, slot: this.slot });
    this.slot++;
  }
}

const compiler = new Compiler();
