/** An AMD-Vi unit: host translation without PASID. */
import type { Command } from "../../../../model/amdvi/commands.js";
import {
  EventCode,
  encodeEvent,
  eventOf,
  illegalCommandEvent,
  type Place,
} from "../../../../model/amdvi/events.js";
import { drains, type InvalidationTarget, targetOf } from "../../../../model/amdvi/invalidations.js";
import { type AmdViPlatform, amdViProfile, platformOf } from "../../../../model/amdvi/profile.js";
import { type AmdViFaultRule, faultRules } from "../../../../model/amdvi/rules.js";
import { startContents } from "../../../../model/amdvi/start-contents.js";
import { deviceTableEntryAt } from "../../../../model/amdvi/tables.js";
import { tableIndex } from "../../../../model/amdvi/walk.js";
import type { Profile } from "../../../../model/profile.js";
import type { Request, Word } from "../../../../model/trace.js";
import type { InitialContents, StoreVisibility } from "../../../../model/words/memory.js";
import type { RunSetup } from "../../interface.js";
import { Caches } from "../caches.js";
import type { Temperament } from "../temperament.js";
import type { Bet, Core, Surroundings } from "../unit.js";
import { ReferenceCommandBuffer } from "./command-buffer.js";
import type { AmdViDeviation } from "./deviations.js";
import { ReferenceEventLog } from "./event-log.js";
import { ReferenceRegisters } from "./registers.js";
import { removalRules } from "./removal.js";
import { AmdViTranslator } from "./translator.js";

/** RW in the high half of an event's first word. */
const RW_HIGH = 0x200000;
/** 2.5.7 Type: nothing answered. */
const MASTER_ABORT = 1;

type CompletionWait = Extract<Command, { command: "completion-wait" }>;

export class AmdViCore implements Core {
  private readonly platform: AmdViPlatform;
  private readonly caches: Caches<InvalidationTarget>;
  private readonly translator: AmdViTranslator;
  private readonly commands: ReferenceCommandBuffer;
  private readonly events: ReferenceEventLog;
  private readonly registers: ReferenceRegisters;
  /** Devices with SE = 1 that had an I/O page fault since their entry was invalidated. */
  private readonly reported = new Set<number>();
  private temperament!: Temperament;

  constructor(
    profile: Profile,
    private readonly surroundings: Surroundings,
    private readonly deviation: AmdViDeviation | null,
  ) {
    const { memory, chance } = surroundings;
    const platform = platformOf(amdViProfile(profile));
    this.platform = deviation?.platform ? deviation.platform(platform) : platform;
    this.caches = new Caches(chance, { ...removalRules, ...deviation?.removal });
    this.translator = new AmdViTranslator(this.platform, memory, this.caches, chance, deviation);
    const effects = {
      execute: (command: Command) => this.execute(command),
      illegal: (place: Place) => this.log(illegalCommandEvent(place)),
      unreadable: (place: Place) => this.logCommandError(place),
    };
    this.commands = new ReferenceCommandBuffer(this.platform, surroundings, effects, deviation);
    this.events = new ReferenceEventLog(surroundings, deviation);
    this.registers = new ReferenceRegisters(
      this.platform,
      this.translator,
      this.commands,
      this.events,
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
    return this.translator.translation.domainId;
  }

  reset(setup: RunSetup, temperament: Temperament): void {
    this.temperament = temperament;
    this.reported.clear();
    this.caches.clear();
    this.translator.reset(temperament);
    this.commands.reset();
    this.events.reset();
    this.registers.reset(setup);
  }

  startContents(setup: RunSetup): InitialContents {
    return startContents(setup);
  }

  /** Device table entries are kept whatever they say, so also before the first request of their device. */
  expected({ requesters }: RunSetup): readonly Bet[] {
    return requesters.map((requester) => ({ requester, page: 0 }));
  }

  step(): boolean {
    return this.commands.step();
  }

  readHalf(offset: number): number {
    return this.registers.readHalf(offset);
  }

  write(offset: number, width: 4 | 8, low: number, high: number): void {
    this.registers.write(offset, low);
    if (width === 8) this.registers.write(offset + 4, high);
  }

  prefetch(requester: number, page: number): void {
    this.translator.prefetch(requester, page);
  }

  evictOne(): void {
    this.caches.evictOne();
  }

  request(request: Request): number {
    this.translator.request(request);
    const { effect, rule } = this.translator.translation;
    if (rule && !(rule.suppressible && this.isSuppressed(request.requester))) this.logFault(request, rule);
    return effect;
  }

  /** 2.2.2: SA keeps every I/O page fault out of the log, SE may keep those out that follow the first. */
  private isSuppressed(requester: number): boolean {
    const { translator, deviation, reported } = this;
    if (translator.translation.suppresses && !deviation?.ignoresSuppressAll) return true;
    if (!translator.suppressesFurther) return false;
    if (deviation?.suppressesFirst) return true;
    const repeated = reported.has(requester);
    reported.add(requester);
    return repeated && this.surroundings.chance.happens(this.temperament.collapse);
  }

  private logFault(request: Request, rule: AmdViFaultRule): void {
    const { domainId } = this.translator.translation;
    const event = eventOf(rule, request, domainId, this.placeOf(rule, request));
    // 2.5.3: RW means something with PR = 1 only.
    const undefinedDirection = rule.event === EventCode.ioPageFault && rule.present === 0;
    if (undefinedDirection && this.surroundings.chance.happens(128)) {
      const [first, second] = event as [Word, Word];
      this.log([{ low: first.low, high: (first.high ^ RW_HIGH) >>> 0 }, second]);
    } else {
      this.log(event);
    }
  }

  /** What the address of the event names: an entry that could not be read, else what the request asked for. */
  private placeOf(rule: AmdViFaultRule, request: Request): Place {
    if (rule === faultRules.deviceFetch) {
      const { page, word } = deviceTableEntryAt(request.requester);
      return { page: Math.floor(this.translator.deviceTable / 512) + page, offset: word * 8 };
    }
    if (rule !== faultRules.tableFetch) return request;
    const { table, input, level } = this.translator.translation;
    return { page: table, offset: tableIndex(input, level) * 8 };
  }

  private logCommandError(place: Place): void {
    this.log(encodeEvent(EventCode.commandHardwareError, place, { Type: MASTER_ABORT }));
  }

  private log(event: readonly Word[]): void {
    this.events.log(this.deviation?.event ? this.deviation.event(event) : event);
  }

  private execute(command: Command): void {
    if (command.command === "completion-wait") this.complete(command);
    else if (command.command === "prefetch-iommu-pages") this.prefetch(command.deviceId, command.firstPage);
    const target = targetOf(command);
    if (target) this.invalidate(target);
  }

  private invalidate(target: InvalidationTarget): void {
    const { posted } = this.surroundings;
    this.caches.invalidate(target);
    this.translator.forgetHalfReads(target);
    if (target.command === "invalidate-iommu-all") this.reported.clear();
    else if (target.command === "invalidate-devtab-entry") this.reported.delete(target.deviceId);
    posted.require(({ requester, iova, domainId }) =>
      drains(target, { requester, domainId, page: iova, pages: 1 }),
    );
  }

  /** 2.4.1: what earlier invalidations drain has reached memory before the store; more may have. */
  private complete({ store, interrupt }: CompletionWait): void {
    const { memory, stores, posted, chance } = this.surroundings;
    if (!this.deviation?.drainsNothing) {
      if (chance.happens(64)) posted.commit();
      else posted.drain();
    }
    if (store && memory.frameOf(store.page) < 0) {
      this.commands.halted = true;
      this.logCommandError({ page: store.page, offset: store.word * 8 });
      return;
    }
    if (store) {
      stores.writeBack(store.page);
      memory.fill(store.page, store.word, store.data.low, store.data.high);
    }
    if (interrupt) this.registers.signalWait();
  }
}
