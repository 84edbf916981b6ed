/**
 * The reference IOMMU: an operational VT-d unit in legacy mode with finite caches, prefetch, eviction, an asynchronous
 * queue, delayed completion and posted writes, all drawn from a seed. It must show only admissible outcomes and, over
 * many seeds, all of them.
 */
import type { Profile } from "../../../model/profile.js";
import {
  type Action,
  type Observation,
  pageTag,
  type Request,
  type RequestType,
  writeTag,
} from "../../../model/trace.js";
import { FaultLog, faultRecordOf } from "../../../model/vtd/fault-log.js";
import { drains, type InvalidationTarget, NO_DOMAIN } from "../../../model/vtd/invalidation-log.js";
import { vtdProfile } from "../../../model/vtd/profile.js";
import { type WalkPlatform, walkPlatformOf } from "../../../model/vtd/walk.js";
import { Chance } from "../../../model/words/chance.js";
import { COHERENT, PhysicalMemory } from "../../../model/words/memory.js";
import type { Iommu, RunSetup } from "../interface.js";
import { Caches, requiredRemoval } from "./caches.js";
import type { Deviation } from "./deviations.js";
import { type QueueEffects, ReferenceQueue } from "./queue.js";
import { ReferenceRegisters } from "./registers.js";
import { StoreBuffer } from "./store-buffer.js";
import { drawTemperament, type Temperament } from "./temperament.js";
import { CachingTranslator } from "./translator.js";

const NOTHING: Observation = { low: 0, high: 0 };
const SEEN: Observation = { low: 1, high: 0 };
/** Ticks after which software stops waiting: far more than any command needs. */
const PATIENCE = 10_000;

type Poll = Extract<Action, { do: "poll-register" | "poll-memory" }>;

interface PostedWrite {
  /** What it was translated from, and under which domain id. */
  readonly iova: number;
  readonly domainId: number;
  readonly page: number;
  readonly offset: number;
  readonly length: number;
  readonly tag: number;
}

export class ReferenceIommu implements Iommu {
  readonly name: string;
  readonly drawsTiming = true;
  readonly requestTypes: ReadonlySet<RequestType> = new Set(["read", "write", "atomic", "zero-length-read"]);

  private readonly chance = new Chance();
  /** Building a unit costs more than many runs: one is kept for each profile. */
  private readonly units = new Map<Profile, Unit>();
  private unit: Unit | undefined;

  constructor(private readonly deviation: Deviation | null = null) {
    this.name = deviation ? `reference with ${deviation.id}` : "reference";
  }

  reset(setup: RunSetup): void {
    let unit = this.units.get(setup.profile);
    if (!unit) {
      unit = new Unit(setup, this.chance, this.deviation);
      this.units.set(setup.profile, unit);
    }
    this.unit = unit;
    this.chance.seed(setup.timing);
    unit.reset(setup);
  }

  execute(actions: readonly Action[]): Observation[] {
    const unit = this.unit!;
    const observations = new Array<Observation>(actions.length);
    for (let index = 0; index < actions.length; index++) observations[index] = unit.perform(actions[index]!);
    return observations;
  }

  readData(page: number, offset: number): number {
    return this.unit!.readData(page, offset);
  }

  close(): void {
    this.units.clear();
    this.unit = undefined;
  }
}

/** One unit with its memory. */
class Unit {
  readonly platform: WalkPlatform;
  private readonly memory: PhysicalMemory;
  private readonly stores: StoreBuffer;
  private readonly caches: Caches;
  private readonly translator: CachingTranslator;
  private readonly queue: ReferenceQueue;
  private readonly registers: ReferenceRegisters;
  private readonly posted: PostedWrite[] = [];
  private dataPageList: readonly number[] = [];
  private dataPages = new Set<number>();
  private readonly faults: FaultLog;
  private temperament!: Temperament;
  /** Requests seen so far: what a prefetcher would bet on. */
  private readonly seen: { requester: number; page: number }[] = [];

  constructor(
    setup: RunSetup,
    private readonly chance: Chance,
    private readonly deviation: Deviation | null,
  ) {
    const platform = walkPlatformOf(vtdProfile(setup.profile));
    this.platform = deviation?.platform ? deviation.platform(platform) : platform;
    this.memory = new PhysicalMemory(setup.profile.memoryPages, COHERENT, pageTag);
    this.stores = new StoreBuffer(this.memory, chance);
    this.caches = new Caches(chance, { ...requiredRemoval, ...deviation?.removal });
    this.translator = new CachingTranslator(this.platform, this.memory, this.caches, chance, deviation);
    this.faults = new FaultLog(platform.faultRecords);
    const effects: QueueEffects = {
      snoop: (page) => this.stores.snoop(page),
      invalidate: (target, drains) => this.invalidate(target, drains),
      waitCompleted: (interrupt) => this.registers.waitCompleted(interrupt),
    };
    this.queue = new ReferenceQueue(platform, this.memory, chance, effects, deviation);
    this.registers = new ReferenceRegisters(
      platform,
      this.translator,
      this.queue,
      this.stores,
      effects,
      deviation,
    );
  }

  reset(setup: RunSetup): void {
    const translating = setup.start === "translating";
    this.temperament = drawTemperament(this.chance);
    if (setup.dataPages !== this.dataPageList) {
      this.dataPageList = setup.dataPages;
      this.dataPages = new Set(setup.dataPages);
    }
    this.memory.reset(this.platform.storeVisibility, this.dataPages);
    this.stores.reset(this.platform.storeVisibility);
    this.caches.clear();
    this.posted.length = 0;
    this.seen.length = 0;
    this.faults.reset();
    this.translator.reset(this.temperament, translating, setup.rootPage);
    this.queue.reset(translating && this.platform.queuedInvalidation, setup.queuePage);
    this.registers.reset(translating, setup.rootPage, setup.queuePage, this.faults);
  }

  perform(action: Action): Observation {
    this.tick();
    switch (action.do) {
      case "store":
        // Device accesses snoop the CPU's caches; only table walks may not (3.10).
        if (this.dataPages.has(action.page))
          this.memory.fill(action.page, action.word, action.low, action.high);
        else this.stores.store(action.page, action.word, action.low, action.high);
        return NOTHING;
      case "flush-line":
        this.stores.flushLine(action.page, action.line);
        return NOTHING;
      case "write-register":
        this.registers.write(action.offset, action.width, action.low, action.high);
        return NOTHING;
      case "read-register":
        return this.registers.read(action.offset, action.width);
      case "read-memory":
        return this.load(action.page, action.word);
      case "poll-register":
      case "poll-memory":
        return this.wait(action);
      case "request":
        return { low: this.request(action.request, action.slot), high: 0 };
    }
  }

  private load(page: number, word: number): Observation {
    const frame = this.memory.frameOf(page);
    return { low: this.memory.low(frame, word), high: this.memory.high(frame, word) };
  }

  private wait(poll: Poll): Observation {
    for (let ticks = 0; ticks < PATIENCE; ticks++) {
      if (this.shows(poll)) return SEEN;
      if (!this.tick() && this.settled()) break;
    }
    return this.shows(poll) ? SEEN : NOTHING;
  }

  private shows(poll: Poll): boolean {
    if (poll.do === "poll-register") {
      return ((this.registers.readHalf(poll.offset) ^ poll.value) & poll.mask) === 0;
    }
    return this.memory.low(this.memory.frameOf(poll.page), poll.word) === poll.value;
  }

  /** Everything under way goes on by one step; false when nothing is. */
  private settled(): boolean {
    const moved = this.registers.step();
    return !this.queue.step() && !moved;
  }

  /** What the unit does by itself between two actions. True when it did something that software may wait for. */
  private tick(): boolean {
    const { chance, temperament } = this;
    const bits = chance.bits();
    let moved = false;
    if ((bits & 255) < temperament.progress) {
      moved = this.registers.step();
      moved = this.queue.step() || moved;
      this.stores.drainSome();
    }
    if (((bits >>> 8) & 255) < temperament.prefetch) this.prefetch();
    if (((bits >>> 16) & 255) < temperament.evict) this.caches.evictOne();
    if (bits >>> 24 < temperament.commit && this.posted.length > 0) this.commit(this.posted.shift()!);
    return moved;
  }

  private prefetch(): void {
    if (this.seen.length === 0 || !this.translator.enabled) return;
    const { requester } = this.seen[this.chance.below(this.seen.length)]!;
    const { page } = this.seen[this.chance.below(this.seen.length)]!;
    this.translator.prefetch(requester, page);
  }

  private request(request: Request, slot: number): number {
    if (this.seen.length < 16) this.seen.push({ requester: request.requester, page: request.page });
    const { translator } = this;
    translator.request(request);
    const { effect, rule, faultProcessingDisabled } = translator.translation;
    if (rule) {
      const disabled =
        rule.qualified && faultProcessingDisabled && !this.deviation?.ignoresFaultProcessingDisable;
      if (!disabled) this.recordFault(request, rule);
    }
    if (effect < 0 || request.type === "read") return effect;
    const domainId = translator.enabled ? translator.translation.domainId : NO_DOMAIN;
    const { page: iova, offset, length } = request;
    this.posted.push({ iova, domainId, page: effect, offset, length, tag: writeTag(slot) });
    // A table is written at once: what a walk reads of a write under way is nobody's guarantee.
    if (request.type === "atomic" || !this.dataPages.has(effect)) this.commitAll();
    return effect;
  }

  private recordFault(request: Request, rule: Parameters<typeof faultRecordOf>[2]): void {
    const plain = faultRecordOf(this.platform, request, rule);
    const fault = this.deviation?.record ? this.deviation.record(plain) : plain;
    const collapse = this.chance.happens(this.temperament.collapse);
    const outcome = this.faults.record(fault, collapse);
    if (outcome === "overflow" && this.deviation?.overflowOverwritesFirst) this.faults.overwrite(0, fault);
  }

  private invalidate(target: InvalidationTarget, drainsWrites: boolean): void {
    // 6.8: a pre-condition of every invalidation.
    this.stores.flushBuffer();
    this.caches.invalidate(target);
    if (drainsWrites && !this.deviation?.drainsNothing) this.drain(target);
  }

  /** 6.5.4: more may be drained than has to be; writes stay in order. */
  private drain(target: InvalidationTarget): void {
    if (this.posted.length === 0) return;
    const last = this.chance.happens(128)
      ? this.posted.length - 1
      : this.posted.findLastIndex(({ iova, domainId }) => drains(target, domainId, iova, 1));
    for (const one of this.posted.splice(0, last + 1)) this.commit(one);
  }

  private commitAll(): void {
    for (const one of this.posted) this.commit(one);
    this.posted.length = 0;
  }

  private commit({ page, offset, length, tag }: PostedWrite): void {
    if (page >= this.memory.pageCount) return;
    const word = offset >>> 3;
    const frame = this.memory.frameOf(page);
    const upper = (offset & 4) !== 0;
    const low = upper ? this.memory.low(frame, word) : tag;
    const high = upper || length === 8 ? tag : this.memory.high(frame, word);
    this.memory.fill(page, word, low, high);
  }

  readData(page: number, offset: number): number {
    this.commitAll();
    const frame = this.memory.frameOf(page);
    return offset & 4 ? this.memory.high(frame, offset >>> 3) : this.memory.low(frame, offset >>> 3);
  }
}
