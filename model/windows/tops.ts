/**
 * What the device entries, and the entries above them, have said in any value they have held: which tables requests begin
 * with, and under which domain ids.
 */
import { OPEN, type PhysicalMemory } from "../words/memory.js";
import { latestSince } from "./chain-moments.js";
import type { SteeringRegisters } from "./steering.js";
import { Link, type Unit } from "./unit.js";
import { Translation } from "./walk.js";
import { WindowReader } from "./window-reader.js";

/** The device entry of a requester while it said one thing. */
export interface DeviceState {
  readonly requester: number;
  /** First step by which pointer and entries have all held these values; first at which one of them did not. */
  readonly since: number;
  readonly until: number;
}

/** Where walks under a domain id begin. */
export interface Top {
  readonly domainId: number;
  readonly passThrough: boolean;
  /** Page of the first table, and the number of levels. */
  readonly table: number;
  readonly levels: number;
  /** The device entries that say so. */
  readonly devices: readonly DeviceState[];
  /** From the first of them to the last. */
  readonly since: number;
  readonly until: number;
}

interface OpenTop extends Top {
  devices: DeviceState[];
  since: number;
  until: number;
}

const NONE: readonly never[] = [];
const NO_TABLE = -1;

/** Is shown a value with its window. */
export type ValueVisitor = (low: number, high: number, since: number, until: number) => void;

/** Visits every value that a word holds or has held, the newest first. */
export function eachValue(memory: PhysicalMemory, page: number, word: number, visit: ValueVisitor): void {
  const frame = memory.frameOf(page);
  if (frame < 0) return;
  let version = memory.newestVersion(frame, word);
  if (version === 0) visit(memory.low(frame, word), memory.high(frame, word), 0, OPEN);
  for (; version !== 0; version = memory.olderVersion(version))
    visit(memory.lowOf(version), memory.highOf(version), memory.sinceOf(version), memory.untilOf(version));
}

export class Tops {
  private known = false;
  private readonly reader: WindowReader;
  private readonly translation = new Translation();
  /** Pages that have held device entries or entries above them. */
  private readonly upperPages = new Set<number>();
  /** By first word of such an entry (`page * 512 + word`): the requesters whose walks have read it. */
  private readonly readers = new Map<number, number[]>();
  /** By requester: the pages of its entries as they are now, from the pointer down. */
  private readonly path = new Map<number, number[]>();
  private readonly tops: OpenTop[] = [];
  private readonly byTable = new Map<number, Top[]>();
  private readonly byDomain = new Map<number, Top[]>();
  private readonly domainsByRequester = new Map<number, number[]>();
  private readonly requestersByDomain = new Map<number, number[]>();

  constructor(
    private readonly unit: Unit,
    memory: PhysicalMemory,
    steering: SteeringRegisters,
    private readonly requesters: readonly number[],
  ) {
    this.reader = new WindowReader(unit, memory, steering);
  }

  /** A device entry, an entry above one, the pointer or one of their windows was changed. */
  changed(): void {
    this.known = false;
  }

  /** True when the page has held device entries or entries above them. */
  isUpper(page: number): boolean {
    this.read();
    return this.upperPages.has(page);
  }

  /** Takes in what was changed. */
  refresh(): void {
    this.read();
  }

  /** As {@link isUpper} when changes were taken in last. Values that are forgotten make no page an upper one. */
  wasUpper(page: number): boolean {
    return this.upperPages.has(page);
  }

  /** The pages that have held device entries or entries above them. */
  get uppers(): ReadonlySet<number> {
    this.read();
    return this.upperPages;
  }

  /** The requesters whose walks have read an entry that the word is part of. */
  readBy(page: number, word: number): number[] {
    this.read();
    const key = page * 512 + word;
    return [...(this.readers.get(key) ?? NONE), ...(this.readers.get(key - 1) ?? NONE)];
  }

  /** Pages below `page` that walks of a requester read device entries from now. */
  below(page: number, requester: number): readonly number[] {
    this.read();
    const path: readonly number[] = this.path.get(requester) ?? NONE;
    const at = path.indexOf(page);
    return at < 0 ? NONE : path.slice(at + 1);
  }

  /** The tops whose first table is that page. */
  at(table: number): readonly Top[] {
    this.read();
    return this.byTable.get(table) ?? NONE;
  }

  /** The tops of a domain id. */
  of(domainId: number): readonly Top[] {
    this.read();
    return this.byDomain.get(domainId) ?? NONE;
  }

  /** The tops that translate nothing. */
  get passingThrough(): readonly Top[] {
    this.read();
    return this.tops.filter((top) => top.passThrough);
  }

  /** The domain ids that device entries of a requester have named. */
  domainsOf(requester: number): readonly number[] {
    this.read();
    return this.domainsByRequester.get(requester) ?? NONE;
  }

  /** The requesters whose device entries have named the domain id: they share caches. */
  sharing(domainId: number): readonly number[] {
    this.read();
    return this.requestersByDomain.get(domainId) ?? NONE;
  }

  private read(): void {
    if (this.known) return;
    this.known = true;
    this.tops.length = 0;
    const { byTable, byDomain, domainsByRequester, requestersByDomain, upperPages, readers, path } = this;
    for (const one of [byTable, byDomain, domainsByRequester, requestersByDomain, upperPages, readers, path])
      one.clear();
    for (const requester of this.requesters) this.readRequester(requester);
    for (const top of this.tops) {
      append(this.byDomain, top.domainId, top);
      if (!top.passThrough) append(this.byTable, top.table, top);
    }
  }

  private readRequester(requester: number): void {
    const { reader, translation, unit } = this;
    // Every value counts, so any step after the last one will do.
    reader.begin(OPEN - 1);
    do {
      reader.translationEnabled();
      const passed = unit.lookUpDevice(reader, requester, unit.ordinaryPage, translation);
      this.notePages(requester);
      if (passed && this.isPossible()) this.add(requester);
    } while (reader.next(Link.pointer));
  }

  private notePages(requester: number): void {
    const { reader, upperPages } = this;
    const { device } = this.unit.shape;
    const path: number[] = [];
    for (let link: number = Link.firstEntry; link <= Math.min(reader.length - 1, device); link++) {
      const page = reader.page[link]!;
      path.push(page);
      upperPages.add(page);
      appendNew(this.readers, page * 512 + reader.word[link]!, requester);
    }
    // The first combination is that of the newest values.
    if (!this.path.has(requester)) this.path.set(requester, path);
  }

  /** The values that were read can have met in a cache: what is above the device entry is of a moment of one part of it. */
  private isPossible(): boolean {
    const { since, until } = this.reader;
    const { device, lastDevice } = this.unit.shape;
    const from = latestSince(this.reader, device - 1);
    let first = OPEN;
    for (let part = device; part <= lastDevice; part++) {
      const earliest = Math.max(from, since[part]!);
      if (earliest >= until[part]!) return false;
      first = Math.min(first, earliest);
    }
    for (let upper: number = Link.pointer; upper < device; upper++) if (first >= until[upper]!) return false;
    return true;
  }

  private add(requester: number): void {
    const { domainId, passThrough, level, table: first } = this.translation;
    const { lastDevice } = this.unit.shape;
    const since = latestSince(this.reader, lastDevice);
    let until = OPEN;
    for (let link: number = Link.pointer; link <= lastDevice; link++)
      until = Math.min(until, this.reader.until[link]!);
    const table = passThrough ? NO_TABLE : first;
    const levels = passThrough ? 0 : level;
    let top = this.tops.find(
      (one) => one.domainId === domainId && one.table === table && one.levels === levels,
    );
    if (!top) {
      top = { domainId, passThrough, table, levels, devices: [], since, until };
      this.tops.push(top);
    }
    top.devices.push({ requester, since, until });
    top.since = Math.min(top.since, since);
    top.until = Math.max(top.until, until);
    appendNew(this.domainsByRequester, requester, domainId);
    appendNew(this.requestersByDomain, domainId, requester);
  }
}

function append<A>(lists: Map<number, A[]>, key: number, value: A): void {
  const list = lists.get(key);
  if (list) list.push(value);
  else lists.set(key, [value]);
}

function appendNew(lists: Map<number, number[]>, key: number, value: number): void {
  if (!lists.get(key)?.includes(value)) append(lists, key, value);
}
