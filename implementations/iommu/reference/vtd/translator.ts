/** Translation with caches: the model's walk over a reader that may answer from what it kept. */
import { Effect, type Request } from "../../../../model/trace.js";
import type { InvalidationTarget } from "../../../../model/vtd/invalidations.js";
import { faultRules, type VtdFaultRule } from "../../../../model/vtd/rules.js";
import { PAGES_BY_LEVEL } from "../../../../model/vtd/tables.js";
import {
  decide,
  decideBeforeWalk,
  lookUpContext,
  translate,
  type WalkPlatform,
} from "../../../../model/vtd/walk.js";
import { type Pages, pagesWithin } from "../../../../model/windows/unit.js";
import { Structure } from "../../../../model/windows/walk.js";
import type { Chance } from "../../../../model/words/chance.js";
import type { PhysicalMemory } from "../../../../model/words/memory.js";
import type { Caches, Extent, Mapping } from "../caches.js";
import { CachingReader } from "../caching-reader.js";
import type { Temperament } from "../temperament.js";
import type { VtdDeviation } from "./deviations.js";

const UNSIZED: Extent = { pages: 0 };
/** By level of the entry that was found last. */
const EXTENTS: readonly Extent[] = [...PAGES_BY_LEVEL].map((pages) => ({ pages }));

export class CachingTranslator extends CachingReader<VtdFaultRule, InvalidationTarget> {
  rootPage = 0;
  /** Memory that requests are kept out of. */
  protectedPages: readonly Pages[] = [];
  /** The context entry itself was read, not only the way to it. */
  private contextRead = false;
  private readonly isOfRequester = (entry: Mapping) => entry.requester === this.requester;
  private readonly isOfDomain = (entry: Mapping) => entry.domainId === this.translation.domainId;

  constructor(
    private readonly platform: WalkPlatform,
    memory: PhysicalMemory,
    caches: Caches<InvalidationTarget>,
    chance: Chance,
    private readonly deviation: VtdDeviation | null,
  ) {
    super(memory, caches, chance, deviation?.entry);
  }

  reset(temperament: Temperament, enabled: boolean, rootPage: number): void {
    this.start(temperament, enabled);
    this.rootPage = rootPage;
    this.protectedPages = [];
  }

  /** Decides a request; effect and rule are left in {@link translation}. */
  request(request: Request): void {
    const { translation } = this;
    if (decideBeforeWalk(request, this.translationEnabled(), translation)) {
      translation.passThrough = true;
    } else {
      this.map(request.requester, request.page);
      decide(this.platform, request, translation);
      if (translation.alternative && this.chance.happens(128)) translation.rule = translation.alternative;
    }
    if (this.protectedPages.length > 0 && !translation.rule) this.keepOut();
  }

  /** 11.4.8.1: a request that would be served is blocked, without a fault, when it is for protected memory. */
  private keepOut(): void {
    const { translation, platform, deviation } = this;
    const { effect, page, passThrough } = translation;
    if (pagesWithin(this.protectedPages, page) === 0 || effect === Effect.interrupt) return;
    if (deviation?.leavesProtectedOpen) return;
    const isSure = effect >= 0 && (passThrough || platform.protectsTranslated);
    if (isSure || this.chance.happens(128)) translation.effect = Effect.blocked;
  }

  /** Fetches what a request would need, and keeps it. */
  prefetch(requester: number, page: number): void {
    this.map(requester, page);
  }

  private map(requester: number, page: number): void {
    const { translation, caches } = this;
    const { iotlbLookup } = this.platform.profile;
    this.requester = requester;
    const bySource = iotlbLookup === "source-id" || (iotlbLookup === "either" && this.chance.happens(128));
    if (bySource && this.isKept(page, this.isOfRequester)) return;
    if (!lookUpContext(this.platform, this, requester, page, translation)) {
      // 6.1: with Caching Mode a context entry that faults may be kept too, under domain id 0.
      if (this.platform.cachingMode && this.contextRead && translation.fault !== faultRules.contextFetch)
        this.keepDevice(0);
      return;
    }
    if (translation.optionalFault && !this.cachedDevice && this.chance.happens(128)) {
      translation.fault = translation.optionalFault;
      return;
    }
    this.keepDevice(translation.domainId);
    const { suppresses } = translation;
    if (!bySource && this.isKept(page, this.isOfDomain)) {
      // 7.1.1: the context entry that was looked up for this request decides, not the one the entry was filled under.
      translation.suppresses = suppresses;
      return;
    }
    translate(this.platform, this, translation);
    if (translation.fault) return;
    const keepsNotPresent = this.platform.cachingMode || this.deviation?.cachesNotPresent;
    if (!translation.notPresent || (translation.level === 1 && keepsNotPresent))
      caches.addMapping(
        requester,
        translation,
        translation.passThrough ? UNSIZED : EXTENTS[translation.level]!,
      );
  }

  private isKept(page: number, fits: (entry: Mapping) => boolean): boolean {
    const entry = this.hit(page, fits);
    if (!entry) return false;
    // Only what passed through has no entry that gives it a size.
    this.translation.passThrough = entry.mappedPages === 0;
    return true;
  }

  tablePointer(): number {
    return this.rootPage;
  }

  read(structure: Structure, page: number, word: number): boolean {
    if (structure === Structure.table) return this.readEntry(page, word);
    if (structure === Structure.upper) this.cachedDevice = this.pickDevice();
    this.contextRead = structure !== Structure.upper;
    const cached = this.cachedDevice;
    if (!cached) return this.readPair(page, word);
    // A context-cache hit needs no root entry: any present one will do.
    if (structure === Structure.upper) this.answer(1, 0, 0, 0);
    else this.answer(cached.low, cached.high, cached.low2, cached.high2);
    return true;
  }
}
