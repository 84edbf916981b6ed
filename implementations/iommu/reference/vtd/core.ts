/** A VT-d unit in legacy mode. */
import type { Profile } from "../../../../model/profile.js";
import { type Request, taggedPages } from "../../../../model/trace.js";
import { FaultLog, faultRecordOf } from "../../../../model/vtd/fault-log.js";
import { drains, type InvalidationTarget } from "../../../../model/vtd/invalidations.js";
import { vtdProfile } from "../../../../model/vtd/profile.js";
import type { VtdFaultRule } from "../../../../model/vtd/rules.js";
import { type WalkPlatform, walkPlatformOf } from "../../../../model/vtd/walk.js";
import { NO_DOMAIN } from "../../../../model/windows/walk.js";
import type { InitialContents, StoreVisibility } from "../../../../model/words/memory.js";
import type { RunSetup } from "../../interface.js";
import { Caches } from "../caches.js";
import type { Temperament } from "../temperament.js";
import type { Bet, Core, Surroundings } from "../unit.js";
import type { VtdDeviation } from "./deviations.js";
import { ReferenceQueue } from "./queue.js";
import { ReferenceRegisters, type RegisterEffects } from "./registers.js";
import { removalRules } from "./removal.js";
import { CachingTranslator } from "./translator.js";

export class VtdCore implements Core {
  private readonly platform: WalkPlatform;
  private readonly caches: Caches<InvalidationTarget>;
  private readonly translator: CachingTranslator;
  private readonly queue: ReferenceQueue;
  private readonly registers: ReferenceRegisters;
  private readonly faults: FaultLog;
  private temperament!: Temperament;

  constructor(
    profile: Profile,
    private readonly surroundings: Surroundings,
    private readonly deviation: VtdDeviation | null,
  ) {
    const { memory, stores, chance } = surroundings;
    const platform = walkPlatformOf(vtdProfile(profile));
    this.platform = deviation?.platform ? deviation.platform(platform) : platform;
    this.caches = new Caches(chance, { ...removalRules, ...deviation?.removal });
    this.translator = new CachingTranslator(this.platform, memory, this.caches, chance, deviation);
    this.faults = new FaultLog(platform.faultRecords);
    const effects: RegisterEffects = {
      snoop: (page) => stores.snoop(page),
      invalidate: (target, drainsWrites) => this.invalidate(target, drainsWrites),
      drainAll: () => surroundings.posted.commit(),
      waitCompleted: (interrupt) => this.registers.waitCompleted(interrupt),
    };
    this.queue = new ReferenceQueue(platform, memory, chance, effects, deviation);
    this.registers = new ReferenceRegisters(
      platform,
      this.translator,
      this.queue,
      stores,
      effects,
      deviation,
    );
  }

  get storeVisibility(): StoreVisibility {
    return this.platform.storeVisibility;
  }

  get enabled(): boolean {
    return this.translator.enabled;
  }

  get domainId(): number {
    return this.enabled ? this.translator.translation.domainId : NO_DOMAIN;
  }

  startContents({ dataPages }: RunSetup): InitialContents {
    return taggedPages(dataPages);
  }

  reset(setup: RunSetup, temperament: Temperament): void {
    const translating = setup.start === "translating";
    this.temperament = temperament;
    this.caches.clear();
    this.faults.reset();
    this.translator.reset(temperament, translating, translating ? setup.rootPage : 0);
    this.queue.reset(translating && this.platform.queuedInvalidation, setup.queuePage);
    this.registers.reset(translating, setup.rootPage, setup.queuePage, this.faults);
  }

  /** Entries for a function that has made no request are present or not cached: they can wait for its first one. */
  expected(): readonly Bet[] {
    return [];
  }

  step(): boolean {
    const moved = this.registers.step();
    return this.queue.step() || moved;
  }

  readHalf(offset: number): number {
    return this.registers.readHalf(offset);
  }

  write(offset: number, width: 4 | 8, low: number, high: number): void {
    this.registers.write(offset, width, low, high);
  }

  prefetch(requester: number, page: number): void {
    this.translator.prefetch(requester, page);
  }

  evictOne(): void {
    this.caches.evictOne();
  }

  request(request: Request): number {
    this.translator.request(request);
    const { effect, rule, suppresses } = this.translator.translation;
    if (rule) {
      const disabled = rule.suppressible && suppresses && !this.deviation?.ignoresFaultProcessingDisable;
      if (!disabled) this.recordFault(request, rule);
    }
    return effect;
  }

  private recordFault(request: Request, rule: VtdFaultRule): void {
    const plain = faultRecordOf(this.platform, request, rule);
    const fault = this.deviation?.record ? this.deviation.record(plain) : plain;
    const collapse = this.surroundings.chance.happens(this.temperament.collapse);
    const outcome = this.faults.record(fault, collapse);
    if (outcome === "overflow" && this.deviation?.overflowOverwritesFirst) this.faults.overwrite(0, fault);
  }

  private invalidate(target: InvalidationTarget, drainsWrites: boolean): void {
    // 6.8: a pre-condition of every invalidation.
    this.surroundings.stores.flushBuffer();
    this.caches.invalidate(target);
    if (drainsWrites && !this.deviation?.drainsNothing) this.drain(target);
  }

  /** 6.5.4: more may be drained than has to be; writes stay in order. */
  private drain(target: InvalidationTarget): void {
    const { posted, chance } = this.surroundings;
    if (posted.count === 0) return;
    posted.require(({ iova, domainId }) => drains(target, domainId, iova, 1));
    if (chance.happens(128)) posted.commit();
    else posted.drain();
  }
}
