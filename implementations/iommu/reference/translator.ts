/** Translation with caches: the model's walk over a reader that may answer from what it kept. */
import type { Request } from "../../../model/trace.js";
import { faultRules } from "../../../model/vtd/rules.js";
import {
  decide,
  decideBeforeWalk,
  lookUpContext,
  Structure,
  type TableReader,
  Translation,
  translate,
  type WalkPlatform,
} from "../../../model/vtd/walk.js";
import type { Chance } from "../../../model/words/chance.js";
import type { PhysicalMemory } from "../../../model/words/memory.js";
import type { Caches, ContextEntry, IotlbEntry } from "./caches.js";
import type { Deviation } from "./deviations.js";
import type { Temperament } from "./temperament.js";

const bySourceId = (entry: IotlbEntry, id: number) => entry.sourceId === id;
const byDomainId = (entry: IotlbEntry, id: number) => entry.domainId === id;

export class CachingTranslator implements TableReader {
  low = 0;
  high = 0;
  low2 = 0;
  high2 = 0;
  enabled = false;
  rootPage = 0;
  readonly translation = new Translation();

  private temperament!: Temperament;
  private requester = 0;
  private level = 0;
  private cachedContext: ContextEntry | undefined;
  /** The context entry itself was read, not only the way to it. */
  private contextRead = false;

  constructor(
    private readonly platform: WalkPlatform,
    private readonly memory: PhysicalMemory,
    private readonly caches: Caches,
    private readonly chance: Chance,
    private readonly deviation: Deviation | null,
  ) {}

  reset(temperament: Temperament, enabled: boolean, rootPage: number): void {
    this.temperament = temperament;
    this.enabled = enabled;
    this.rootPage = rootPage;
  }

  /** Decides a request; effect and rule are left in {@link translation}. */
  request(request: Request): void {
    const { translation } = this;
    if (decideBeforeWalk(request, this.translationEnabled(), translation)) return;
    this.map(request.requester, request.page);
    decide(this.platform, request, translation);
    if (translation.alternative && this.chance.happens(128)) translation.rule = translation.alternative;
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
    if (bySource && this.hit(page, bySourceId, requester)) return;
    if (!lookUpContext(this.platform, this, requester, page, translation)) {
      // 6.1: with Caching Mode a context entry that faults may be kept too, under domain id 0.
      if (this.platform.cachingMode && this.contextRead && translation.fault !== faultRules.contextFetch)
        this.keepContext(0);
      return;
    }
    if (translation.optionalFault && !this.cachedContext && this.chance.happens(128)) {
      translation.fault = translation.optionalFault;
      return;
    }
    this.keepContext(translation.domainId);
    const { domainId, faultProcessingDisabled } = translation;
    if (!bySource && this.hit(page, byDomainId, domainId)) {
      // 7.1.1: the context entry that was looked up for this request decides, not the one the entry was filled under.
      translation.faultProcessingDisabled = faultProcessingDisabled;
      return;
    }
    translate(this.platform, this, translation);
    if (translation.fault) return;
    const keepsNotPresent = this.platform.cachingMode || this.deviation?.cachesNotPresent;
    if (!translation.notPresent || (translation.level === 1 && keepsNotPresent))
      caches.addIotlb(requester, translation);
  }

  /** Answers from the IOTLB, if an entry matches and the unit feels like using it. */
  private hit(page: number, matches: (entry: IotlbEntry, id: number) => boolean, id: number): boolean {
    const { iotlb } = this.caches;
    if (iotlb.length === 0 || !this.chance.happens(this.temperament.useCache)) return false;
    const start = this.chance.below(iotlb.length);
    for (let offset = 0; offset < iotlb.length; offset++) {
      const entry = iotlb[(start + offset) % iotlb.length]!;
      if (page < entry.firstPage || page >= entry.firstPage + entry.pageCount || !matches(entry, id))
        continue;
      this.answerFrom(entry, page);
      return true;
    }
    return false;
  }

  private answerFrom(entry: IotlbEntry, page: number): void {
    const { translation } = this;
    translation.start(page);
    translation.page = entry.page + (page - entry.firstPage);
    translation.readable = entry.readable;
    translation.writable = entry.writable;
    translation.notPresent = entry.notPresent;
    translation.domainId = entry.domainId;
    translation.faultProcessingDisabled = entry.faultProcessingDisabled;
  }

  translationEnabled(): boolean {
    return this.enabled;
  }

  rootTable(): number {
    return this.rootPage;
  }

  read(structure: Structure, page: number, word: number): boolean {
    if (structure === Structure.root) this.cachedContext = this.pickContext();
    this.contextRead = structure !== Structure.root;
    const cached = this.cachedContext;
    if (cached && structure !== Structure.secondStage) {
      // A context-cache hit needs no root entry: any present one will do.
      if (structure === Structure.root) this.answer(1, 0, 0, 0);
      else this.answer(cached.low, cached.high, cached.low2, cached.high2);
      return true;
    }
    const { memory } = this;
    const frame = memory.frameOf(page);
    if (frame < 0) return false;
    const low = memory.low(frame, word);
    const high = memory.high(frame, word);
    if (structure === Structure.secondStage) {
      this.low = this.deviation?.entryLow ? this.deviation.entryLow(low, this.level) : low;
      this.high = high;
    } else {
      this.answer(low, high, memory.low(frame, word + 1), memory.high(frame, word + 1));
    }
    return true;
  }

  private answer(low: number, high: number, low2: number, high2: number): void {
    this.low = low;
    this.high = high;
    this.low2 = low2;
    this.high2 = high2;
  }

  private pickContext(): ContextEntry | undefined {
    const { context } = this.caches;
    if (context.length === 0 || !this.chance.happens(this.temperament.useCache)) return undefined;
    const start = this.chance.below(context.length);
    for (let offset = 0; offset < context.length; offset++) {
      const entry = context[(start + offset) % context.length]!;
      if (entry.sourceId === this.requester) return entry;
    }
    return undefined;
  }

  private keepContext(domainId: number): void {
    if (this.cachedContext) return;
    const { low, high, low2, high2, requester } = this;
    this.caches.addContext({ sourceId: requester, domainId, low, high, low2, high2 });
  }

  /** A paging-structure cache may let the walk begin further down. */
  startLevel(walk: Translation): void {
    this.level = walk.level;
    const { pagingStructure } = this.caches;
    if (pagingStructure.length === 0 || !this.chance.happens(this.temperament.useCache)) return;
    const start = this.chance.below(pagingStructure.length);
    for (let offset = 0; offset < pagingStructure.length; offset++) {
      const entry = pagingStructure[(start + offset) % pagingStructure.length]!;
      const pages = 512 ** (entry.level - 1);
      if (entry.domainId !== walk.domainId || walk.input - (walk.input % pages) !== entry.firstPage) continue;
      if (entry.level > walk.firstLevel) continue;
      walk.level = entry.level - 1;
      walk.table = entry.table;
      walk.readable = entry.readable;
      walk.writable = entry.writable;
      this.level = walk.level;
      return;
    }
  }

  tableReached(walk: Translation): void {
    this.level = walk.level;
    this.caches.addPagingStructure(walk);
  }
}
