/** One unit with its memory: what is the same whatever the architecture. */
import type { Profile } from "../../../model/profile.js";
import { type Action, type Observation, type Request, writeTag } from "../../../model/trace.js";
import type { Chance } from "../../../model/words/chance.js";
import { empty } from "../../../model/words/lists.js";
import type { InitialContents, PhysicalMemory, StoreVisibility } from "../../../model/words/memory.js";
import type { RunSetup } from "../interface.js";
import { PostedWrites } from "./posted-writes.js";
import { StoreBuffer } from "./store-buffer.js";
import { drawTemperament, type Temperament } from "./temperament.js";

const NOTHING: Observation = { low: 0, high: 0 };
const SEEN: Observation = { low: 1, high: 0 };
/** Ticks after which software stops waiting: far more than any command needs. */
const PATIENCE = 10_000;

const MOST_BETS = 16;

type Poll = Extract<Action, { do: "poll-register" | "poll-memory" }>;

/** What a core works on. */
export interface Surroundings {
  readonly memory: PhysicalMemory;
  readonly stores: StoreBuffer;
  readonly posted: PostedWrites;
  readonly chance: Chance;
}

/** What a prefetcher takes for a request to come. */
export interface Bet {
  readonly requester: number;
  readonly page: number;
}

/** The part of a unit that is its architecture's own. */
export interface Core {
  readonly storeVisibility: StoreVisibility;
  /** Requests are translated. */
  readonly enabled: boolean;
  /** What memory holds when the run starts; the same object for the same start. */
  startContents(setup: RunSetup): InitialContents;
  reset(setup: RunSetup, temperament: Temperament): void;
  /** Requests that a prefetcher may bet on before it has seen any. */
  expected(setup: RunSetup): readonly Bet[];
  /** Every command under way goes on by one step; false when none is. */
  step(): boolean;
  /** 32 bits as software reads them. */
  readHalf(offset: number): number;
  /** Software writes 4 or 8 bytes. */
  write(offset: number, width: 4 | 8, low: number, high: number): void;
  /** Fetches what a request would need, and keeps it. */
  prefetch(requester: number, page: number): void;
  /** Drops something it keeps. */
  evictOne(): void;
  /** Decides a request and records what there is to record: a page number or an `Effect`. */
  request(request: Request): number;
  /** The domain id that the last request was translated under. */
  readonly domainId: number;
}

export class Unit {
  private readonly stores: StoreBuffer;
  private readonly posted: PostedWrites;
  private readonly core: Core;
  private dataPageList: readonly number[] = [];
  private dataPages = new Set<number>();
  private temperament!: Temperament;
  /** Requests seen so far, most of all. */
  private readonly bets: Bet[] = [];

  constructor(
    private readonly profile: Profile,
    private readonly chance: Chance,
    /** Of the unit that was reset last, where several share it. */
    private readonly memory: PhysicalMemory,
    createCore: (surroundings: Surroundings) => Core,
  ) {
    this.stores = new StoreBuffer(this.memory, chance);
    this.posted = new PostedWrites(this.memory);
    this.core = createCore({ memory: this.memory, stores: this.stores, posted: this.posted, chance });
  }

  reset(setup: RunSetup): void {
    this.temperament = drawTemperament(this.chance);
    if (setup.dataPages !== this.dataPageList) {
      this.dataPageList = setup.dataPages;
      this.dataPages = new Set(setup.dataPages);
    }
    const { core, profile } = this;
    this.memory.reset(core.storeVisibility, core.startContents(setup), profile.memoryPages);
    this.stores.reset(this.core.storeVisibility);
    this.posted.clear();
    this.core.reset(setup, this.temperament);
    empty(this.bets);
    for (const one of this.core.expected(setup)) this.bets.push(one);
  }

  perform(action: Action): Observation {
    this.tick();
    switch (action.do) {
      case "store":
        // Device accesses snoop the CPU's caches; only table walks may not (VT-d 3.10).
        if (this.dataPages.has(action.page))
          this.memory.fill(action.page, action.word, action.low, action.high);
        else this.stores.store(action.page, action.word, action.low, action.high);
        return NOTHING;
      case "flush-line":
        this.stores.flushLine(action.page, action.line);
        return NOTHING;
      case "write-register":
        this.core.write(action.offset, action.width, action.low, action.high);
        return NOTHING;
      case "read-register":
        return this.readRegister(action.offset, action.width);
      case "read-memory":
        return this.load(action.page, action.word);
      case "poll-register":
      case "poll-memory":
        return this.wait(action);
      case "request":
        return { low: this.request(action.request, action.slot), high: 0 };
    }
  }

  private readRegister(offset: number, width: 4 | 8): Observation {
    return { low: this.core.readHalf(offset), high: width === 8 ? this.core.readHalf(offset + 4) : 0 };
  }

  /** A CPU load finds the CPU's own stores. */
  private load(page: number, word: number): Observation {
    this.stores.writeBack(page);
    const frame = this.memory.frameOf(page);
    return { low: this.memory.low(frame, word), high: this.memory.high(frame, word) };
  }

  private wait(poll: Poll): Observation {
    for (let ticks = 0; ticks < PATIENCE; ticks++) {
      if (this.shows(poll)) return SEEN;
      if (!this.tick() && !this.core.step()) break;
    }
    return this.shows(poll) ? SEEN : NOTHING;
  }

  private shows(poll: Poll): boolean {
    if (poll.do === "poll-register")
      return ((this.core.readHalf(poll.offset) ^ poll.value) & poll.mask) === 0;
    this.stores.writeBack(poll.page);
    return this.memory.low(this.memory.frameOf(poll.page), poll.word) === poll.value;
  }

  /** What the unit does by itself between two actions. True when it did something that software may wait for. */
  private tick(): boolean {
    const { chance, temperament } = this;
    const bits = chance.bits();
    let moved = false;
    if ((bits & 255) < temperament.progress) {
      moved = this.core.step();
      this.stores.drainSome();
    }
    if (((bits >>> 8) & 255) < temperament.prefetch) this.prefetch();
    if (((bits >>> 16) & 255) < temperament.evict) this.core.evictOne();
    if (bits >>> 24 < temperament.commit && this.posted.count > 0) this.posted.commit(1);
    return moved;
  }

  private prefetch(): void {
    if (this.bets.length === 0 || !this.core.enabled) return;
    const { requester } = this.bets[this.chance.below(this.bets.length)]!;
    const { page } = this.bets[this.chance.below(this.bets.length)]!;
    this.core.prefetch(requester, page);
  }

  private request(request: Request, slot: number): number {
    if (this.bets.length < MOST_BETS) this.bets.push({ requester: request.requester, page: request.page });
    const effect = this.core.request(request);
    if (effect < 0 || request.type === "read") return effect;
    const { requester, page: iova, offset, length } = request;
    const { domainId } = this.core;
    this.posted.add({ requester, iova, domainId, page: effect, offset, length, tag: writeTag(slot) });
    // A table is written at once: what a walk reads of a write under way is nobody's guarantee.
    if (request.type === "atomic" || !this.dataPages.has(effect)) this.posted.commit();
    return effect;
  }

  readData(page: number, offset: number): number {
    if (this.posted.count > 0) this.posted.commit();
    const frame = this.memory.frameOf(page);
    return offset & 4 ? this.memory.high(frame, offset >>> 3) : this.memory.low(frame, offset >>> 3);
  }
}
