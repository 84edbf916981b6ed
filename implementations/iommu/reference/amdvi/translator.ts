/** Translation with caches: the model's walk over a reader that may answer from what it kept. */
import type { InvalidationTarget } from "../../../../model/amdvi/invalidations.js";
import type { AmdViPlatform } from "../../../../model/amdvi/profile.js";
import { type AmdViFaultRule, faultRules } from "../../../../model/amdvi/rules.js";
import { inHyperTransportRanges, inInterruptRange } from "../../../../model/amdvi/special-ranges.js";
import { defaultPages, deviceTableEntryLayout } from "../../../../model/amdvi/tables.js";
import { decide, decideBeforeWalk, lookUpDevice, translate } from "../../../../model/amdvi/walk.js";
import { OutsideModel } from "../../../../model/finding.js";
import { Effect, type Request } from "../../../../model/trace.js";
import { Cache } from "../../../../model/windows/invalidation-log.js";
import { NO_DOMAIN, Structure } from "../../../../model/windows/walk.js";
import type { Chance } from "../../../../model/words/chance.js";
import { fieldMask } from "../../../../model/words/layout.js";
import type { PhysicalMemory } from "../../../../model/words/memory.js";
import type { Caches, Mapping } from "../caches.js";
import { CachingReader } from "../caching-reader.js";
import type { Temperament } from "../temperament.js";
import type { AmdViDeviation } from "./deviations.js";
import { HalfReads } from "./half-reads.js";

/** SE in the high half of a device table entry's second word. */
const SE_HIGH = fieldMask(deviceTableEntryLayout, "SE")[1]!.high;

/** Failures without an entry of a page table that could be kept. */
const unread: ReadonlySet<AmdViFaultRule> = new Set([faultRules.addressBeyondWidth, faultRules.tableFetch]);

export class AmdViTranslator extends CachingReader<AmdViFaultRule, InvalidationTarget> {
  /** DevTabBase: 512 times the page of the device table, plus Size. */
  deviceTable = 0;
  /** SE of the device table entry that was looked at; false when none was. */
  suppressesFurther = false;
  /** The device table entry was read. */
  private deviceRead = false;
  private readonly halfReads: HalfReads | null;

  constructor(
    private readonly platform: AmdViPlatform,
    memory: PhysicalMemory,
    caches: Caches<InvalidationTarget>,
    chance: Chance,
    private readonly deviation: AmdViDeviation | null,
  ) {
    super(memory, caches, chance, deviation?.entry);
    this.halfReads = platform.deviceTableFetch === 64 ? new HalfReads(chance) : null;
  }

  reset(temperament: Temperament): void {
    this.start(temperament, false);
    this.deviceTable = 0;
    this.halfReads?.clear();
  }

  /** Decides a request; effect and rule are left in {@link translation}. */
  request(request: Request): void {
    const { platform, translation } = this;
    try {
      if (decideBeforeWalk(platform, request, this.enabled, translation)) return;
      this.map(request.requester, request.page);
      decide(platform, request, translation);
      if (translation.alternative && this.chance.happens(128)) translation.rule = translation.alternative;
    } catch (error) {
      // What happens is not described: anything will do.
      if (!(error instanceof OutsideModel)) throw error;
      translation.effect = Effect.blocked;
      translation.rule = null;
    }
  }

  /** Fetches what a request would need, and keeps it. */
  prefetch(requester: number, page: number): void {
    try {
      this.map(requester, page);
    } catch (error) {
      if (!(error instanceof OutsideModel)) throw error;
    }
  }

  /** A device table entry is read anew for this device, however much of it had been read. */
  forgetHalfReads(target: InvalidationTarget): void {
    if (target.command === "invalidate-iommu-pages") return;
    const all = target.command === "invalidate-iommu-all";
    this.halfReads?.forget((requester) => all || requester === target.deviceId);
  }

  private map(requester: number, page: number): void {
    const { platform, translation } = this;
    const { iotlbLookup } = platform.profile;
    this.requester = requester;
    this.suppressesFurther = false;
    const byDevice = iotlbLookup === "device-id" || (iotlbLookup === "either" && this.chance.happens(128));
    if (byDevice && this.mayBeMapped(page) && this.hitByDevice(requester, page)) return;
    this.deviceRead = false;
    this.cachedDevice = this.pickDevice();
    const passed = lookUpDevice(platform, this, requester, page, translation);
    if (this.deviceRead) {
      this.suppressesFurther = (this.high2 & SE_HIGH) !== 0;
      this.keepDevice(translation.domainId);
    }
    if (!passed) return;
    if (translation.optionalFault && this.chance.happens(128)) {
      translation.fault = translation.optionalFault;
      return;
    }
    if (translation.domainId !== NO_DOMAIN && this.hitByDomain(page, !byDevice)) return;
    this.walkTables();
    if (translation.domainId !== NO_DOMAIN) this.keepMapping();
  }

  private hitByDevice(requester: number, page: number): boolean {
    const fits = (entry: Mapping) => entry.requester === requester && entry.cache === Cache.iotlb;
    return this.hit(page, fits) !== undefined;
  }

  /**
   * Answers by what is kept for the domain of the device: page directory entries that lead nowhere and, if the I/O TLB is
   * found that way, its entries.
   */
  private hitByDomain(page: number, inIotlb: boolean): boolean {
    const { domainId, suppresses, deviceAccess, passThrough, firstLevel } = this.translation;
    const inTables = !passThrough && page < this.platform.inputPageLimit[firstLevel]!;
    const entry = this.hit(
      page,
      (one) => one.domainId === domainId && (one.cache === Cache.iotlb ? inIotlb : inTables),
    );
    if (!entry) return false;
    // SA concerns the device whose request it is, not the one the entry was filled for.
    this.translation.suppresses = suppresses;
    if (entry.cache === Cache.table) this.translation.deviceAccess = deviceAccess;
    return true;
  }

  private walkTables(): void {
    const { translation } = this;
    translate(this.platform, this, translation);
    while (this.deviation?.goesOn?.(translation, this)) translate(this.platform, this, translation);
  }

  /** Choice of this unit: the special ranges and the exclusion range are no business of the I/O TLB. */
  private mayBeMapped(page: number): boolean {
    const { platform } = this;
    const special = inInterruptRange(page) || inHyperTransportRanges(platform, page);
    return !special && !platform.exclusion.excludes(page, true);
  }

  private keepMapping(): void {
    const { translation, requester, caches } = this;
    const { fault, notPresent, passThrough, pages, level } = translation;
    const slot = defaultPages(level);
    if (!fault && !notPresent) {
      // The other slots of a size-coded page have entries of their own.
      caches.addMapping(requester, translation, { pages, kept: passThrough ? 1 : slot });
    } else if (this.platform.npCache || this.deviation?.cachesNotPresent) {
      const entryRead = notPresent || !unread.has(fault!);
      const cache = level > 1 ? Cache.table : Cache.iotlb;
      if (entryRead) caches.addMapping(requester, translation, { pages: slot, kept: 1, cache });
    }
  }

  /** A cached entry is found whatever the size of the device table. */
  tablePointer(): number {
    const anySize = this.cachedDevice !== undefined || this.deviation?.ignoresTableSize;
    return anySize ? this.deviceTable - (this.deviceTable % 512) + 511 : this.deviceTable;
  }

  read(structure: Structure, page: number, word: number): boolean {
    if (structure === Structure.table) return this.readEntry(page, word);
    const cached = this.cachedDevice;
    if (cached) this.answer(cached.low, cached.high, cached.low2, cached.high2);
    else if (!this.readPair(page, word)) return false;
    else this.halfReads?.complete(this.requester, page, word, this);
    this.deviceRead = true;
    this.deviation?.device?.(this);
    return true;
  }
}
