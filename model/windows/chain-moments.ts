/**
 * When the entries of a chain can have been read: each since the fence of the cache that kept it, as of the moment the
 * entry below it was read. Taking the earliest moment each time is complete, because fences only grow.
 */
import { OPEN } from "../words/memory.js";
import { Cache, type CacheTags, type Fence, type InvalidationLog } from "./invalidation-log.js";
import { type ChainShape, Link, type Unit } from "./unit.js";
import type { FaultRule, Translation } from "./walk.js";
import type { WindowReader } from "./window-reader.js";

/** The windows of the links of a chain, or of its part down to the device entry, and the tags of its entries. */
export interface Chain {
  readonly since: ArrayLike<number>;
  readonly until: ArrayLike<number>;
  /** Steps from which on flushing the write buffer ends the windows (VT-d 6.8). */
  readonly buffered: ArrayLike<number>;
  /** Levels of the tables that the links are in. */
  readonly level: ArrayLike<number>;
  /** The function whose device entry the chain begins with. */
  readonly requester: number;
  /** Zero for a device entry that faults (VT-d 6.1). */
  readonly domainId: number;
}

/** The chain a reader has just read, with what the walk found. */
export class ReadChain implements Chain {
  readonly since: ArrayLike<number>;
  readonly until: ArrayLike<number>;
  readonly buffered: ArrayLike<number>;
  readonly level: ArrayLike<number>;
  requester = 0;
  domainId = 0;
  /** The device entry passed its checks. */
  passed = false;
  passThrough = false;
  /** Pages that the translation covers; 0 where no entry of a table gives it a size. */
  pages = 0;
  /** Rights that the device entry gives. */
  deviceAccess = 0;

  constructor(readonly reader: WindowReader) {
    this.since = reader.since;
    this.until = reader.until;
    this.buffered = reader.buffered;
    this.level = reader.level;
  }

  /** Position of the last entry that was read. */
  get last(): number {
    return this.reader.length - 1;
  }

  /** Takes up what a walk found for a function. */
  found(unit: Unit, requester: number, passed: boolean, found: Translation<FaultRule>): void {
    this.requester = requester;
    this.passed = passed;
    this.domainId = passed ? found.domainId : 0;
    this.passThrough = passed && found.passThrough;
    this.deviceAccess = found.deviceAccess;
    if (this.last < unit.shape.firstTable || this.passThrough) this.pages = 0;
    else this.pages = found.pages || unit.entries.span(this.level[this.last]!);
  }
}

/** A chain that ends with a device entry that passed its checks: what requests and fills use a domain id with. */
export interface DeviceWindow extends Chain {
  /** First page that its tables do not reach; 0 when it has none. */
  readonly walkLimit: number;
  readonly suppresses: boolean;
  /** The rights that it gives. */
  readonly deviceAccess: number;
}

/** Device entries with the same rights, and the same habit of suppressing faults; null where either makes no difference. */
export interface DeviceVariant {
  readonly access: number | null;
  readonly suppresses: boolean | null;
}

export const ANY_DEVICE: DeviceVariant = { access: null, suppresses: null };

/** The device entry is one of those. */
export function isOfVariant(
  device: Pick<DeviceWindow, "suppresses" | "deviceAccess">,
  { access, suppresses }: DeviceVariant,
): boolean {
  return (
    (access === null || device.deviceAccess === access) &&
    (suppresses === null || device.suppresses === suppresses)
  );
}

export const NOTHING_KNOWN: readonly number[] = [];

/** No entry was read before it, or one above it, held its value. */
export function latestSince(chain: Pick<Chain, "since">, link: number): number {
  let latest = 0;
  for (let index = Link.pointer; index <= link; index++) latest = Math.max(latest, chain.since[index]!);
  return latest;
}

/**
 * True when a walk at moment `at` may find the value of a link in memory, given that an invalidation submitted at step
 * `fence` was executed before: it has flushed the write buffer first (VT-d 6.8).
 */
export function isReadable(chain: Chain, link: number, at: number, fence: number): boolean {
  return at < chain.until[link]! && fence < chain.buffered[link]!;
}

export class ChainMoments {
  private readonly shape: ChainShape;
  private readonly tags: CacheTags = { requester: 0, domainId: 0, page: 0, pages: 0 };
  /** Fences are asked for one link after the other, so a handful of result objects serves every request. */
  private readonly fences: Fence[];
  private now = 0;
  private page = 0;
  private known = NOTHING_KNOWN;
  /** What was in the write buffer at this step is known to have left it by step {@link now}. */
  private flushed = 0;

  /** @param devices every device entry that some function of the platform may use */
  constructor(
    private readonly unit: Unit,
    private readonly log: InvalidationLog,
    private readonly devices: () => readonly DeviceWindow[],
  ) {
    this.shape = unit.shape;
    const links = unit.shape.firstTable + unit.shape.levels + 1;
    this.fences = Array.from({ length: links }, () => ({ step: 0, done: [] }));
  }

  /** Prepares for a request for `page` at step `now`, by when the invalidations `known` are known to be done. */
  begin(now: number, page: number, known: readonly number[]): void {
    this.now = now;
    this.page = page;
    this.known = known;
    this.flushed = this.log.flushedBy(known);
  }

  /** Position of the last link above the entry that `link` belongs to. */
  above(link: number): number {
    const { device, lastDevice } = this.shape;
    return link > lastDevice ? link - 1 : Math.min(link, device) - 1;
  }

  /** True when the entry `link` can be in use at moment `at`, given the invalidations `known` to be done by then. */
  inUse(chain: Chain, link: number, at: number, known: readonly number[]): boolean {
    if (at === this.now && this.allReadableNow(chain, link)) return true;
    let below = at;
    let done = known;
    let flushed = this.flushed;
    for (let index = link; index >= this.shape.firstTable; index--) {
      const fence = this.fenceOf(chain, index, Cache.table, below, done);
      const earliest = Math.max(fence.step, latestSince(chain, index));
      below = index > this.shape.firstTable ? this.walkedFrom(chain, earliest, fence.done) : earliest;
      done = fence.done;
      flushed = fence.step;
      if (!isReadable(chain, index, below, flushed)) return false;
    }
    if (link < this.shape.device)
      return this.upperReadable(chain, below, flushed) && !this.pointerSwitched(chain, done);
    const fence = this.fenceOf(chain, this.shape.device, Cache.device, below, done);
    return this.deviceReadable(chain, fence.step) && !this.pointerSwitched(chain, fence.done);
  }

  /**
   * Every part of the device entry can have been read since a fence. Choice: where its parts are fetched one by one, any
   * time may pass in between, and neither has to be the first.
   */
  private deviceReadable(chain: Chain, fence: number): boolean {
    const { device, lastDevice } = this.shape;
    const from = Math.max(fence, latestSince(chain, device - 1));
    for (let part = device; part <= lastDevice; part++) {
      const at = Math.max(from, chain.since[part]!);
      if (!isReadable(chain, part, at, fence) || !this.upperReadable(chain, at, fence)) return false;
    }
    return true;
  }

  /** Choice: no cache of its own keeps what is above the device entry, so that is of the moment the device entry is of. */
  private upperReadable(chain: Chain, at: number, fence: number): boolean {
    for (let upper = this.shape.device - 1; upper >= Link.pointer; upper--)
      if (!isReadable(chain, upper, at, fence)) return false;
    return true;
  }

  /** The fence of the IOTLB for the result of a chain, which covers `pages` pages. */
  iotlbFence(chain: Chain, pages: number): Fence {
    this.tags.pages = pages;
    return this.fenceFor(chain, this.fences.length - 1, Cache.iotlb, this.now, this.known);
  }

  /**
   * The earliest moment from `from` on at which an entry below the first table can be read: some function walks under
   * the chain's domain id then. {@link OPEN} when none ever does.
   */
  walkedFrom(chain: Chain, from: number, known: readonly number[]): number {
    if (this.inUse(chain, this.shape.lastDevice, from, known)) return from;
    return this.usedFrom(this.devices(), chain.domainId, from, known);
  }

  /** The earliest moment from `from` on at which one of these device entries walks for the page under that domain id. */
  usedFrom(
    devices: readonly DeviceWindow[],
    domainId: number,
    from: number,
    known: readonly number[],
    variant = ANY_DEVICE,
  ): number {
    let earliest = OPEN;
    const { lastDevice } = this.shape;
    for (const device of devices) {
      if (device.domainId !== domainId || this.page >= device.walkLimit) continue;
      if (!isOfVariant(device, variant)) continue;
      const moment = Math.max(from, latestSince(device, lastDevice));
      if (moment < earliest && this.inUse(device, lastDevice, moment, known)) earliest = moment;
    }
    return earliest;
  }

  /** True when a walk at step `now` may find the value of the link in memory. */
  readableNow(chain: Chain, link: number): boolean {
    return chain.until[link]! > this.now && chain.buffered[link]! > this.flushed;
  }

  private allReadableNow(chain: Chain, link: number): boolean {
    for (let index = Link.pointer; index <= link; index++) if (!this.readableNow(chain, index)) return false;
    return true;
  }

  private fenceOf(chain: Chain, link: number, cache: Cache, at: number, known: readonly number[]): Fence {
    if (cache === Cache.table) this.tags.pages = this.unit.entries.span(chain.level[link]!);
    return this.fenceFor(chain, link, cache, at, known);
  }

  private fenceFor(chain: Chain, slot: number, cache: Cache, at: number, known: readonly number[]): Fence {
    const { tags } = this;
    tags.requester = chain.requester;
    tags.domainId = chain.domainId;
    tags.page = this.page;
    const fence = this.fences[slot]!;
    this.log.fence(cache, tags, at, known, fence);
    return fence;
  }

  private pointerSwitched(chain: Chain, done: readonly number[]): boolean {
    const { rules, entries } = this.log;
    for (const index of done) {
      const { target, submitted } = entries[index]!;
      if (submitted > chain.since[Link.pointer]! && rules.switchesPointer(target)) return true;
    }
    return false;
  }
}
