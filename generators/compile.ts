/** From the steps of a scenario to the actions of a run: memory accesses, register accesses and requests. */
import type { Action, Request, Word } from "../model/trace.js";
import {
  contextDescriptor,
  DescriptorType,
  encodeDescriptor,
  Granularity,
  iotlbDescriptor,
  waitDescriptor,
} from "../model/vtd/descriptors.js";
import type { PlatformProfile } from "../model/vtd/profile.js";
import { type Platform, platformOf } from "../model/vtd/profile.js";
import { profileNamed } from "../model/vtd/profiles.js";
import { GlobalBit, Offset } from "../model/vtd/registers.js";
import { contextEntryLayout, secondStageLayout, TranslationType } from "../model/vtd/tables.js";
import { encode } from "../model/words/layout.js";
import {
  absentPage,
  dataPages,
  LEVEL_OF_SIZE,
  queuePage,
  rootPages,
  spareTables,
  statusPage,
  tablePages,
} from "./places.js";
import type { EntryName, InvalidationTargetOf, Scenario, Step } from "./scenario.js";
import { Software } from "./software.js";

/** A run ready to be executed: how to set up the implementation, what to do, and which step each action is of. */
export interface CompiledRun {
  readonly setup: {
    readonly profile: PlatformProfile;
    readonly start: "reset" | "translating";
    readonly requesters: readonly number[];
    readonly dataPages: readonly number[];
    readonly tablePages: readonly number[];
    readonly timing: number;
    readonly rootPage: number;
    readonly queuePage: number;
  };
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
  const compiler = new Compiler(scenario);
  compiler.run();
  return {
    setup: {
      profile: compiler.platform.profile,
      start: scenario.start,
      requesters: scenario.devices.map((one) => one.requester),
      dataPages,
      tablePages,
      timing: scenario.timing,
      rootPage: rootPages[0]!,
      queuePage,
    },
    actions: compiler.software.actions,
    stepOf: compiler.stepOf,
  };
}

type Domain = Scenario["domains"][number];
type Mapping = Extract<Step, { do: "map" }>;
type DmaStep = Extract<Step, { do: "dma" }>;

const ACCESS_BITS = { r: { R: 1, W: 0 }, w: { R: 0, W: 1 }, rw: { R: 1, W: 1 } } as const;
const TYPES = {
  translated: TranslationType.untranslatedOnly,
  all: TranslationType.all,
  "pass-through": TranslationType.passThrough,
} as const;
const GRANULARITIES = {
  global: Granularity.global,
  domain: Granularity.domain,
  device: Granularity.selective,
  page: Granularity.selective,
} as const;
/** Slots start here: offset 0 of a page is what the second half of a crossing request writes. */
const FIRST_SLOT = 1;
/** A request that crosses a page has its first half here. */
const LAST_DWORD = 4092;

class Compiler {
  readonly software: Software;
  readonly stepOf: number[] = [];
  readonly platform: Platform;
  private readonly devices: ReadonlyMap<string, number>;
  private readonly domains: ReadonlyMap<string, Domain>;
  private readonly mappings = new Map<string, Mapping>();
  private readonly offsetsWritten: number[] = [];
  private levels = 0;
  private tail = 0;
  private waits = 0;
  private slot = FIRST_SLOT;

  constructor(private readonly scenario: Scenario) {
    this.platform = platformNamed(scenario.profile);
    this.software = new Software(this.platform.storeVisibility.needsLineFlush);
    this.devices = new Map(scenario.devices.map((one) => [one.name, one.requester]));
    this.domains = new Map(scenario.domains.map((one) => [one.name, one]));
  }

  run(): void {
    this.begin();
    this.attribute(-1);
    this.scenario.steps.forEach((step, index) => {
      this.step(step);
      this.attribute(index);
    });
  }

  private attribute(step: number): void {
    while (this.stepOf.length < this.software.actions.length) this.stepOf.push(step);
  }

  private get usesQueue(): boolean {
    return this.scenario.invalidation === "queue" && this.platform.queuedInvalidation;
  }

  /** Sets up the invalidation interface that the scenario uses. */
  private begin(): void {
    if (this.scenario.start === "reset") {
      if (!this.usesQueue) return;
      this.register(Offset.IQA, 8, { low: queuePage << 12, high: 0 });
      this.globalCommand(GlobalBit.queuedInvalidationEnable, true);
      return;
    }
    this.levels = GlobalBit.translationEnable;
    if (!this.platform.queuedInvalidation) return;
    this.levels |= GlobalBit.queuedInvalidationEnable;
    if (this.usesQueue) return;
    // 6.5.2: the queue is switched off when its last descriptor was a wait.
    this.wait("status", false);
    this.globalCommand(GlobalBit.queuedInvalidationEnable, false);
    this.poll(Offset.GSTS, GlobalBit.queuedInvalidationEnable, 0);
  }

  private step(step: Step): void {
    switch (step.do) {
      case "attach":
        return this.attach(step);
      case "detach":
        return this.detach(step);
      case "map":
        return this.map(step);
      case "unmap":
        return this.changeLeaf(step.mapping, { low: 0, high: 0 }, step.writeBack);
      case "protect":
        return this.protect(step);
      case "retable":
        return this.retable(step);
      case "corrupt":
        return this.corrupt(step);
      case "write-back":
        return this.writeBack(true);
      case "invalidate":
        return this.invalidate(step.target, step.complete);
      case "wait":
        return this.usesQueue ? this.wait(step.sign, step.fence) : undefined;
      case "queue-error":
        return this.usesQueue ? this.queueError(step.error, step.rewriteTail) : undefined;
      case "set-root":
        return this.setRoot(step.root, step.complete);
      case "translation":
        return this.translation(step.enable, step.complete);
      case "read-faults":
        return this.readFaults(step.clear);
      case "read-registers":
        return this.readRegisters();
      case "reuse":
        return this.reuse(step.page);
      case "dma":
        return this.dma(step);
    }
  }

  private attach(step: Extract<Step, { do: "attach" }>): void {
    const requester = this.devices.get(step.device);
    const domain = this.domains.get(step.domain);
    if (requester === undefined || !domain) return;
    const at = this.software.contextEntryAt(requester);
    const top = this.software.topTable(domain.name, domain.levels);
    if (at === null || top === null) return;
    const entry = encode(contextEntryLayout, {
      P: 1,
      FPD: Number(step.faultProcessingDisable),
      TT: TYPES[step.type],
      SSPTPTR: top,
      AW: domain.levels - 2,
      DID: domain.id,
    });
    this.software.storePair(at.page, at.word, entry);
    this.writeBack(step.writeBack);
  }

  private detach(step: Extract<Step, { do: "detach" }>): void {
    const requester = this.devices.get(step.device);
    if (requester === undefined) return;
    const at = this.software.contextEntryAt(requester);
    if (at === null) return;
    const { low, high } = this.software.wordAt(at.page, at.word);
    this.software.store(at.page, at.word, { low: (low & ~1) >>> 0, high });
    this.writeBack(step.writeBack);
  }

  private map(step: Mapping): void {
    const domain = this.domains.get(step.domain);
    const level = LEVEL_OF_SIZE[step.size];
    if (!domain || level > domain.levels) return;
    const at = this.software.entryAt(domain.name, domain.levels, step.iova, level, true);
    if (at === null) return;
    this.mappings.set(step.mapping, step);
    this.software.store(at.page, at.word, this.leaf(step, step.access));
    this.writeBack(step.writeBack);
  }

  private leaf(mapping: Mapping, access: keyof typeof ACCESS_BITS): Word {
    const level = LEVEL_OF_SIZE[mapping.size];
    const size = level === 1 ? {} : { PS: 1 };
    const shift = level === 1 ? 1 : 512 ** (level - 1);
    const address = Math.floor(mapping.page / shift);
    const [entry] = encode(secondStageLayout(level, true), {
      ...ACCESS_BITS[access],
      ...size,
      ADDR: address,
    });
    return entry!;
  }

  private changeLeaf(name: string, value: Word, writeBack: boolean): void {
    const mapping = this.mappings.get(name);
    const domain = mapping && this.domains.get(mapping.domain);
    if (!domain) return;
    const level = LEVEL_OF_SIZE[mapping.size];
    const at = this.software.entryAt(domain.name, domain.levels, mapping.iova, level, false);
    if (at === null) return;
    this.software.store(at.page, at.word, value);
    this.writeBack(writeBack);
  }

  private protect(step: Extract<Step, { do: "protect" }>): void {
    const mapping = this.mappings.get(step.mapping);
    if (mapping) this.changeLeaf(step.mapping, this.leaf(mapping, step.access), step.writeBack);
  }

  private retable(step: Extract<Step, { do: "retable" }>): void {
    const domain = this.domains.get(step.domain);
    if (!domain || step.level > domain.levels) return;
    const at = this.software.entryAt(domain.name, domain.levels, step.iova, step.level, true);
    if (at === null) return;
    const table = spareTables[step.spare]!;
    const [entry] = encode(secondStageLayout(step.level, false), { R: 1, W: 1, ADDR: table });
    this.software.store(at.page, at.word, entry!);
    this.software.moveTable(domain.name, step.level - 1, step.iova, table);
    this.writeBack(step.writeBack);
  }

  private corrupt(step: Extract<Step, { do: "corrupt" }>): void {
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

  private entryNamed(entry: EntryName): { page: number; word: number } | null {
    if (entry.structure === "table") {
      const domain = this.domains.get(entry.domain);
      return domain ? this.software.entryAt(domain.name, domain.levels, entry.iova, entry.level, true) : null;
    }
    const requester = this.devices.get(entry.device);
    if (requester === undefined) return null;
    const context = this.software.contextEntryAt(requester);
    return entry.structure === "context" ? context : this.software.rootEntryAt(requester);
  }

  private writeBack(wanted: boolean): void {
    if (!wanted) return;
    this.software.writeBack();
    if (!this.platform.writeBufferFlushRequired) return;
    this.globalCommand(GlobalBit.writeBufferFlush, true);
    this.poll(Offset.GSTS, GlobalBit.writeBufferFlush, 0);
  }

  private invalidate(target: InvalidationTargetOf, complete: boolean): void {
    const domain = "domain" in target ? this.domains.get(target.domain) : undefined;
    if ("domain" in target && !domain) return;
    const requester = "device" in target ? this.devices.get(target.device) : 0;
    if (requester === undefined) return;
    const id = domain?.id ?? 0;
    if (this.usesQueue) this.submitTarget(target, id, requester);
    else if (target.cache === "context") this.contextCommand(target, id, requester, complete);
    else this.iotlbCommand(target, id, complete);
  }

  private submitTarget(target: InvalidationTargetOf, domainId: number, requester: number): void {
    const granularity = GRANULARITIES[target.granularity];
    if (target.cache === "context") {
      const FM = target.granularity === "device" ? target.functionMask : 0;
      const fields = { Type: DescriptorType.context, G: granularity, DID: domainId, SID: requester, FM };
      return this.submit(encodeDescriptor(contextDescriptor, fields));
    }
    const drain = Number(target.drain);
    const pages =
      target.granularity === "page"
        ? { AM: target.mask, IH: Number(target.leafOnly), ADDR: target.iova }
        : {};
    const fields = {
      Type: DescriptorType.iotlb,
      G: granularity,
      DW: drain,
      DR: drain,
      DID: domainId,
      ...pages,
    };
    this.submit(encodeDescriptor(iotlbDescriptor, fields));
  }

  private submit([first, second]: readonly [Word, Word]): void {
    const word = this.tail * 2;
    this.software.actions.push({ do: "store", page: queuePage, word, low: first.low, high: first.high });
    this.software.actions.push({
      do: "store",
      page: queuePage,
      word: word + 1,
      low: second.low,
      high: second.high,
    });
    this.tail = (this.tail + 1) % 256;
    this.register(Offset.IQT, 8, { low: this.tail << 4, high: 0 });
  }

  private wait(sign: "status" | "interrupt" | "none", fence: boolean): void {
    if (sign === "interrupt") this.register(Offset.ICS, 4, { low: 1, high: 0 });
    this.submit(this.waitWords(sign, fence));
    if (sign === "status") {
      const value = this.waits;
      this.software.actions.push({ do: "poll-memory", page: statusPage, word: value % 512, value });
    }
    if (sign === "interrupt") this.poll(Offset.ICS, 1, 1);
  }

  /** Every wait has a status word and a status value of its own, so that each is told from all others. */
  private waitWords(sign: "status" | "interrupt" | "none", fence: boolean): [Word, Word] {
    this.waits++;
    return encodeDescriptor(waitDescriptor, {
      Type: DescriptorType.wait,
      IF: Number(sign === "interrupt"),
      SW: Number(sign === "status"),
      FN: Number(fence),
      Data: this.waits,
      Address: statusPage * 1024 + (this.waits % 512) * 2,
    });
  }

  private queueError(kind: "type" | "reserved" | "granularity", rewriteTail: boolean): void {
    const at = this.tail;
    const bad: Word = {
      type: { low: 0xf, high: 0 },
      reserved: { low: 0x111, high: 0 },
      granularity: { low: 1, high: 0 },
    }[kind];
    this.submit([bad, { low: 0, high: 0 }]);
    this.poll(Offset.FSTS, 0x10, 0x10);
    this.software.actions.push({ do: "read-register", offset: Offset.IQERCD, width: 8 });
    this.software.actions.push({ do: "read-register", offset: Offset.IQH, width: 8 });
    const [first, second] = this.waitWords("status", false);
    const value = this.waits;
    this.software.actions.push({
      do: "store",
      page: queuePage,
      word: at * 2,
      low: first.low,
      high: first.high,
    });
    this.software.actions.push({
      do: "store",
      page: queuePage,
      word: at * 2 + 1,
      low: second.low,
      high: second.high,
    });
    this.register(Offset.FSTS, 4, { low: 0x10, high: 0 });
    if (rewriteTail) this.register(Offset.IQT, 8, { low: this.tail << 4, high: 0 });
    this.software.actions.push({ do: "poll-memory", page: statusPage, word: value % 512, value });
  }

  private contextCommand(
    target: Extract<InvalidationTargetOf, { cache: "context" }>,
    domainId: number,
    requester: number,
    complete: boolean,
  ): void {
    const mask = target.granularity === "device" ? target.functionMask : 0;
    const granularity = GRANULARITIES[target.granularity];
    const high = (0x80000000 | (granularity << 29) | mask) >>> 0;
    this.settle(Offset.CCMD + 4);
    this.register(Offset.CCMD, 8, { low: ((requester << 16) | domainId) >>> 0, high });
    if (complete) this.poll(Offset.CCMD + 4, 0x80000000, 0);
  }

  private iotlbCommand(
    target: Extract<InvalidationTargetOf, { cache: "iotlb" }>,
    domainId: number,
    complete: boolean,
  ): void {
    const iva = this.platform.iotlbRegisterOffset;
    this.settle(Offset.CCMD + 4);
    this.settle(iva + 12);
    if (target.granularity === "page") {
      const low = ((target.iova % 0x100000) * 4096 + (target.leafOnly ? 0x40 : 0) + target.mask) >>> 0;
      this.register(iva, 8, { low, high: Math.floor(target.iova / 0x100000) });
    }
    const drain = target.drain ? 0x30000 : 0;
    const high = (0x80000000 | (GRANULARITIES[target.granularity] << 28) | drain | domainId) >>> 0;
    this.register(iva + 8, 8, { low: 0, high });
    if (complete) this.poll(iva + 12, 0x80000000, 0);
  }

  /** 6.9: one command at a time; software sees the last one done before it gives the next. */
  private settle(offset: number): void {
    this.poll(offset, 0x80000000, 0);
  }

  private globalCommand(bit: number, on: boolean): void {
    const level = (GlobalBit.translationEnable | GlobalBit.queuedInvalidationEnable) & bit;
    this.levels = on ? this.levels | level : this.levels & ~level;
    const value = (on ? this.levels | bit : this.levels) >>> 0;
    this.register(Offset.GCMD, 4, { low: value, high: 0 });
  }

  private setRoot(root: number, complete: boolean): void {
    const page = rootPages[root] ?? absentPage;
    // Where there is no memory software has no tables either: it goes on with those it had.
    if (page !== absentPage) this.software.root = root;
    this.settleGlobal();
    this.register(Offset.RTADDR, 8, { low: (page << 12) >>> 0, high: page >>> 20 });
    this.globalCommand(GlobalBit.setRootTablePointer, true);
    this.rootSet = true;
    if (complete) this.poll(Offset.GSTS, GlobalBit.setRootTablePointer, GlobalBit.setRootTablePointer);
  }

  private rootSet = false;

  /** 6.9: the next global command waits for the one before. */
  private settleGlobal(): void {
    const levels = (this.levels & (GlobalBit.translationEnable | GlobalBit.queuedInvalidationEnable)) >>> 0;
    const root = this.rootSet || this.scenario.start === "translating" ? GlobalBit.setRootTablePointer : 0;
    const mask = (GlobalBit.translationEnable | GlobalBit.queuedInvalidationEnable | root) >>> 0;
    this.poll(Offset.GSTS, mask, (levels | root) >>> 0);
  }

  private translation(enable: boolean, complete: boolean): void {
    if (enable && this.scenario.start === "reset" && !this.rootSet) return;
    this.settleGlobal();
    this.globalCommand(GlobalBit.translationEnable, enable);
    const bit = GlobalBit.translationEnable;
    if (complete) this.poll(Offset.GSTS, bit, enable ? bit : 0);
  }

  private readFaults(clear: boolean): void {
    const { actions } = this.software;
    actions.push({ do: "read-register", offset: Offset.FSTS, width: 4 });
    for (let index = 0; index < this.platform.faultRecords; index++) {
      const offset = this.platform.faultRecordOffset + 16 * index;
      actions.push({ do: "read-register", offset, width: 8 });
      actions.push({ do: "read-register", offset: offset + 8, width: 8 });
    }
    if (!clear) return;
    for (let index = 0; index < this.platform.faultRecords; index++) {
      this.register(this.platform.faultRecordOffset + 16 * index + 12, 4, { low: 0x80000000, high: 0 });
    }
    this.register(Offset.FSTS, 4, { low: 1, high: 0 });
  }

  private readRegisters(): void {
    const { actions } = this.software;
    for (const offset of [Offset.VER, Offset.GSTS]) actions.push({ do: "read-register", offset, width: 4 });
    for (const offset of [Offset.CAP, Offset.ECAP, Offset.RTADDR])
      actions.push({ do: "read-register", offset, width: 8 });
    if (this.usesQueue) actions.push({ do: "read-register", offset: Offset.IQH, width: 8 });
  }

  private reuse(page: number): void {
    if (!dataPages.includes(page)) return;
    for (const offset of new Set(this.offsetsWritten.map((one) => one >>> 3))) {
      const value = (0xe0000000 | this.slot) >>> 0;
      this.software.actions.push({ do: "store", page, word: offset, low: value, high: value });
    }
  }

  private dma(step: DmaStep): void {
    const requester = this.devices.get(step.device);
    if (requester === undefined) return;
    if (step.type === "zero-length-read") return this.request(requester, step.iova, 0, 0, step.type);
    if (step.crossing && step.length === 8) {
      this.request(requester, step.iova, LAST_DWORD, 4, step.type);
      return this.request(requester, step.iova + 1, 0, 4, step.type);
    }
    this.request(requester, step.iova, (this.slot * 8) % 4096, step.length, step.type);
  }

  private request(
    requester: number,
    page: number,
    offset: number,
    length: number,
    type: Request["type"],
  ): void {
    const request = { requester, page, offset, length, type };
    if (type === "write" || type === "atomic") this.offsetsWritten.push(offset);
    this.software.actions.push({ do: "request", request, slot: this.slot });
    this.slot++;
  }

  private register(offset: number, width: 4 | 8, value: Word): void {
    this.software.actions.push({
      do: "write-register",
      offset,
      width,
      low: value.low >>> 0,
      high: value.high >>> 0,
    });
  }

  private poll(offset: number, mask: number, value: number): void {
    this.software.actions.push({ do: "poll-register", offset, mask, value });
  }
}
