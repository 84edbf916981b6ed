/** What a walk reads in a unit with caches: entries of memory, or what was kept of earlier walks. */
import {
  type FaultRule,
  type Structure,
  type TableReader,
  Translation,
} from "../../../model/windows/walk.js";
import type { Chance } from "../../../model/words/chance.js";
import type { PhysicalMemory } from "../../../model/words/memory.js";
import { type Caches, type DeviceEntry, type Mapping, PAGES_OF_TABLE, type TableEntry } from "./caches.js";
import type { Temperament } from "./temperament.js";

/** Changes the halves of an entry in a table of `level` as the walk reads it: a faulty variant. */
export type EntryChange = (entry: { low: number; high: number }, level: number) => void;

const UNUSED = -1;

export abstract class CachingReader<Fault extends FaultRule, Target> implements TableReader {
  low = 0;
  high = 0;
  low2 = 0;
  high2 = 0;
  enabled = false;
  readonly translation = new Translation<Fault>();

  protected requester = 0;
  /** The entry of the device in use was cached. */
  protected cachedDevice: DeviceEntry | undefined;
  private temperament!: Temperament;
  /** Level of the table that is read next. */
  private level = 0;

  constructor(
    protected readonly memory: PhysicalMemory,
    protected readonly caches: Caches<Target>,
    protected readonly chance: Chance,
    private readonly changeEntry: EntryChange | undefined,
  ) {}

  protected start(temperament: Temperament, enabled: boolean): void {
    this.temperament = temperament;
    this.enabled = enabled;
  }

  translationEnabled(): boolean {
    return this.enabled;
  }

  abstract tablePointer(): number;
  abstract read(structure: Structure, page: number, word: number): boolean;

  /** Reads 64 bits of a table from memory; false when there is none. */
  protected readEntry(page: number, word: number): boolean {
    const { memory } = this;
    const frame = memory.frameOf(page);
    if (frame < 0) return false;
    this.low = memory.low(frame, word);
    this.high = memory.high(frame, word);
    this.changeEntry?.(this, this.level);
    return true;
  }

  /** Reads 128 bits from memory; false when there is none. */
  protected readPair(page: number, word: number): boolean {
    const { memory } = this;
    const frame = memory.frameOf(page);
    if (frame < 0) return false;
    this.answer(
      memory.low(frame, word),
      memory.high(frame, word),
      memory.low(frame, word + 1),
      memory.high(frame, word + 1),
    );
    return true;
  }

  protected answer(low: number, high: number, low2: number, high2: number): void {
    this.low = low;
    this.high = high;
    this.low2 = low2;
    this.high2 = high2;
  }

  /** Index of the entry to look at first, then one after the other; {@link UNUSED} when the unit does not feel like it. */
  private lookFrom(list: readonly unknown[]): number {
    if (list.length === 0 || !this.chance.happens(this.temperament.useCache)) return UNUSED;
    return this.chance.below(list.length);
  }

  /** The cached entry of the device, if there is one and the unit feels like using it. */
  protected pickDevice(): DeviceEntry | undefined {
    const { devices } = this.caches;
    const start = this.lookFrom(devices);
    for (let offset = 0; start !== UNUSED && offset < devices.length; offset++) {
      const entry = devices[(start + offset) % devices.length]!;
      if (entry.requester === this.requester) return entry;
    }
    return undefined;
  }

  /** The same of cached mappings of a page. */
  private pickMapping(page: number, fits: (entry: Mapping) => boolean): Mapping | undefined {
    const { mappings } = this.caches;
    const start = this.lookFrom(mappings);
    for (let offset = 0; start !== UNUSED && offset < mappings.length; offset++) {
      const entry = mappings[(start + offset) % mappings.length]!;
      const isFor = page >= entry.firstPage && page < entry.firstPage + entry.pageCount;
      if (isFor && fits(entry)) return entry;
    }
    return undefined;
  }

  /** The same of tables that a walk may begin with. */
  private pickTable(walk: Translation): TableEntry | undefined {
    const { tables } = this.caches;
    const start = this.lookFrom(tables);
    for (let offset = 0; start !== UNUSED && offset < tables.length; offset++) {
      const entry = tables[(start + offset) % tables.length]!;
      if (leadsTo(entry, walk)) return entry;
    }
    return undefined;
  }

  /** Keeps the entry of the device that was read last, unless it came from the cache. */
  protected keepDevice(domainId: number): void {
    if (this.cachedDevice) return;
    const { low, high, low2, high2, requester } = this;
    this.caches.addDevice({ requester, domainId, low, high, low2, high2 });
  }

  /** Answers from a cached mapping, if one fits and the unit feels like using it. */
  protected hit(page: number, fits: (entry: Mapping) => boolean): Mapping | undefined {
    const entry = this.pickMapping(page, fits);
    if (!entry) return undefined;
    const { translation } = this;
    translation.start(page);
    translation.page = entry.page + (page - entry.firstPage);
    translation.readable = entry.readable;
    translation.writable = entry.writable;
    translation.deviceAccess = entry.deviceAccess;
    translation.notPresent = entry.notPresent;
    translation.fault = entry.fault as Fault | null;
    translation.domainId = entry.domainId;
    translation.suppresses = entry.suppresses;
    return entry;
  }

  /** A table that was reached before may let the walk begin further down. */
  startLevel(walk: Translation): void {
    this.level = walk.level;
    const entry = this.pickTable(walk);
    if (!entry) return;
    walk.level = entry.level;
    walk.table = entry.table;
    walk.readable = entry.readable;
    walk.writable = entry.writable;
    this.level = walk.level;
  }

  tableReached(walk: Translation): void {
    this.caches.addTable(walk, this.level);
    this.level = walk.level;
  }
}

function leadsTo({ domainId, level, firstPage }: TableEntry, walk: Translation): boolean {
  if (domainId !== walk.domainId || level >= walk.level) return false;
  return walk.input - (walk.input % PAGES_OF_TABLE[level]!) === firstPage;
}
