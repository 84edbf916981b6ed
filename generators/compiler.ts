/** What compiling scenarios takes on every architecture: tables, requests, and who refers to what. */
import type { ArchitectureId, Profile } from "../model/profile.js";
import type { RunStart } from "../model/run-start.js";
import type { Action, Request, Word } from "../model/trace.js";
import { dataPages, PAGE_SIZES, PAGES_OF_SIZE, placesOf, tablePages } from "./places.js";
import type { Place, Software, Tables } from "./software.js";
import type { CommonStep, CommonStepOf, Device, Header, MapStep, TableEntryName } from "./steps.js";

/** A run ready to be executed: how to set up the implementation, what to do, and which step each action is of. */
export interface CompiledRun {
  readonly setup: RunStart & { readonly profile: Profile; readonly timing: number };
  readonly actions: readonly Action[];
  /** For each action the index of its step in the scenario; -1 for what precedes the first. */
  readonly stepOf: readonly number[];
}

/** What all scenarios have. */
export interface Compilable<Step> extends Header {
  readonly architecture: ArchitectureId;
  readonly steps: readonly Step[];
}

export interface Domain extends Tables {
  readonly name: string;
  readonly id: number;
}

/** What attaching a device to a domain is about: the device's entry, and the page of the domain's top table. */
interface Attachment {
  readonly at: Place;
  readonly top: number;
  readonly domain: Domain;
}

/** A run of pages that one entry maps. */
export interface Leaf {
  /** Level of the tables that the entry is in. */
  readonly level: number;
  /** Entries of that level that say the same. */
  readonly slots: number;
  readonly pages: number;
  readonly page: number;
  readonly readable: number;
  readonly writable: number;
}

const READABLE = { r: 1, w: 0, rw: 1, none: 0 } as const;
const WRITABLE = { r: 0, w: 1, rw: 1, none: 0 } as const;

/** The bits that say what is allowed. */
export function rightsOf(access: keyof typeof READABLE): { readable: 0 | 1; writable: 0 | 1 } {
  return { readable: READABLE[access], writable: WRITABLE[access] };
}

const ONES: Word = { low: 0xffffffff, high: 0xffffffff };
const NOT_PRESENT: Word = { low: 0, high: 0 };
/** Slots start here: offset 0 of a page is what the second half of a crossing request writes. */
const FIRST_SLOT = 1;
/** A request that crosses a page has its first half here. */
const LAST_DWORD = 4092;

type Mapping = MapStep & { readonly skip?: number };
/** A step that all have, with the entries that the architecture has. */
type SharedStep<Entry> =
  | Exclude<CommonStep, { do: "corrupt" }>
  | Mapping
  | (Omit<CommonStepOf<"corrupt">, "entry"> & { readonly entry: Entry });

/** Compiles one scenario after the other; keeps its buffers. */
export abstract class Compiler<
  Step extends { readonly do: string },
  Scenario extends Compilable<Step>,
  Entry,
> {
  protected abstract readonly software: Software;
  private stepOf: number[] = [];
  protected devices: readonly Device[] = [];
  protected domains: readonly Domain[] = [];
  private readonly mappings = new Map<string, Mapping>();
  /** 64-bit words of a page that requests write to. */
  private readonly wordsWritten = new Set<number>();
  private slot = FIRST_SLOT;

  /** The actions of a scenario. */
  run(scenario: Scenario): CompiledRun {
    this.stepOf = [];
    this.devices = scenario.devices;
    this.domains = scenario.domains.map(({ name, id, levels }, index) => ({ name, id, levels, index }));
    this.mappings.clear();
    if (this.wordsWritten.size > 0) this.wordsWritten.clear();
    this.slot = FIRST_SLOT;
    const profile = this.begin(scenario);
    this.attribute(-1);
    scenario.steps.forEach((step, index) => {
      this.step(step);
      this.attribute(index);
    });
    const { roots, rootPages, queuePage, logPage } = placesOf(scenario.architecture);
    return {
      setup: {
        profile,
        start: scenario.start,
        requesters: scenario.devices.map((one) => one.requester),
        dataPages,
        tablePages,
        timing: scenario.timing,
        rootPage: roots[0]!,
        rootPages,
        queuePage,
        logPage,
      },
      actions: this.software.actions,
      stepOf: this.stepOf,
    };
  }

  /** Software brings itself to where the steps begin; returns the platform that it is on. */
  protected abstract begin(scenario: Scenario): Profile;
  /** Carries out a step of the architecture's own, or gives it to {@link commonStep}. */
  protected abstract step(step: Step): void;
  /** The entry that maps a page; all entries of a page that takes several are the same. */
  protected abstract leafEntry(leaf: Leaf): Word;
  /** Where the entry is that a device's requests begin with; null when out of pages, or when there is none. */
  protected abstract deviceEntryAt(requester: number): Place | null;
  /** Where an entry is; null when there is none. */
  protected abstract entryNamed(entry: Entry): Place | null;
  protected abstract readRegisters(): void;
  /** After lines were written back: what else makes stores visible. */
  protected afterWriteBack(): void {}

  private attribute(step: number): void {
    const { stepOf } = this;
    for (let left = this.software.actions.length - stepOf.length; left > 0; left--) stepOf.push(step);
  }

  protected requesterOf(device: string): number | undefined {
    for (const one of this.devices) if (one.name === device) return one.requester;
    return undefined;
  }

  protected domainNamed(name: string): Domain | undefined {
    for (const one of this.domains) if (one.name === name) return one;
    return undefined;
  }

  /** A step that is the same on every architecture. */
  protected commonStep(step: SharedStep<Entry>): void {
    switch (step.do) {
      case "map":
        this.map(step);
        break;
      case "corrupt":
        this.corrupt(this.entryNamed(step.entry), step.bit, step.value, step.writeBack);
        break;
      case "fill-with-ones":
        this.fillWithOnes(step);
        break;
      case "detach":
        this.detach(step);
        break;
      case "unmap":
        this.unmap(step);
        break;
      case "protect":
        this.protect(step);
        break;
      case "retable":
        this.retable(step);
        break;
      case "write-back":
        this.writeBack(true);
        break;
      case "read-registers":
        this.readRegisters();
        break;
      case "reuse":
        this.reuse(step.page);
        break;
      case "dma":
        this.dma(step);
        break;
    }
  }

  /** Where the entry of a device is, and what it can lead to; null when one of them is not there. */
  protected attachment(step: { readonly device: string; readonly domain: string }): Attachment | null {
    const requester = this.requesterOf(step.device);
    const domain = this.domainNamed(step.domain);
    if (requester === undefined || !domain) return null;
    const at = this.deviceEntryAt(requester);
    const top = this.software.topTable(domain);
    return at === null || top === null ? null : { at, top, domain };
  }

  /** What is left of a device's entry when the device is detached. */
  protected abstract detached(entry: Word): Word;

  private detach(step: CommonStepOf<"detach">): void {
    const requester = this.requesterOf(step.device);
    if (requester === undefined) return;
    const at = this.deviceEntryAt(requester);
    if (at === null) return;
    this.software.store(at.page, at.word, this.detached(this.software.wordAt(at.page, at.word)));
    this.writeBack(step.writeBack);
  }

  private map(step: Mapping): void {
    const domain = this.domainNamed(step.domain);
    if (!domain) return;
    const leaf = leafOf(step, step.access);
    const at = this.software.entryAt(domain, step.iova, leaf.level, true, step.skip);
    if (at === null) return;
    this.mappings.set(step.mapping, step);
    this.storeLeaf(at, leaf, this.leafEntry(leaf));
    this.writeBack(step.writeBack);
  }

  private unmap(step: CommonStepOf<"unmap">): void {
    const mapping = this.mappings.get(step.mapping);
    if (mapping) this.changeLeaf(mapping, leafOf(mapping, "none"), NOT_PRESENT, step.writeBack);
  }

  private protect(step: CommonStepOf<"protect">): void {
    const mapping = this.mappings.get(step.mapping);
    if (!mapping) return;
    const leaf = leafOf(mapping, step.access);
    this.changeLeaf(mapping, leaf, this.leafEntry(leaf), step.writeBack);
  }

  private changeLeaf(mapping: Mapping, leaf: Leaf, value: Word, writeBack: boolean): void {
    const domain = this.domainNamed(mapping.domain);
    if (!domain) return;
    const at = this.software.entryAt(domain, mapping.iova, leaf.level, false);
    if (at === null) return;
    this.storeLeaf(at, leaf, value);
    this.writeBack(writeBack);
  }

  /** Requests so far. */
  protected get requests(): number {
    return this.slot - FIRST_SLOT;
  }

  private storeLeaf({ page, word }: Place, { slots }: Leaf, value: Word): void {
    const first = word - (word % slots);
    for (let slot = 0; slot < slots; slot++) this.software.store(page, first + slot, value);
  }

  private retable(step: CommonStepOf<"retable">): void {
    const domain = this.domainNamed(step.domain);
    if (!domain) return;
    const at = this.software.entryAt(domain, step.iova, step.level, true);
    if (at === null) return;
    this.software.moveTable(at, domain, step.level, step.iova, step.spare);
    this.writeBack(step.writeBack);
  }

  /** Where the entry of a table is; builds the tables above it. */
  protected tableEntryAt(entry: TableEntryName): Place | null {
    const domain = this.domainNamed(entry.domain);
    return domain ? this.software.entryAt(domain, entry.iova, entry.level, true) : null;
  }

  private fillWithOnes({ entry, writeBack }: CommonStepOf<"fill-with-ones">): void {
    const at = this.tableEntryAt(entry);
    if (at === null) return;
    this.software.store(at.page, at.word, ONES);
    this.writeBack(writeBack);
  }

  /** Gives a bit of the words from `at` on a value. */
  private corrupt(at: Place | null, bit: number, set: number, writeBack: boolean): void {
    if (at === null) return;
    const word = at.word + (bit >>> 6);
    const { low, high } = this.software.wordAt(at.page, word);
    const change = (half: number) => (set ? half | (1 << bit) : half & ~(1 << bit)) >>> 0;
    const value = bit & 32 ? { low, high: change(high) } : { low: change(low), high };
    this.software.store(at.page, word, value);
    this.writeBack(writeBack);
  }

  protected writeBack(wanted: boolean): void {
    if (!wanted) return;
    this.software.writeBack();
    this.afterWriteBack();
  }

  private reuse(page: number): void {
    if (!dataPages.includes(page)) return;
    const value = (0xe0000000 | this.slot) >>> 0;
    for (const word of this.wordsWritten) {
      this.software.actions.push({ do: "store", page, word, low: value, high: value });
    }
  }

  private dma(step: CommonStepOf<"dma">): void {
    const { iova, type, length } = step;
    const requester = this.requesterOf(step.device);
    if (requester === undefined) return;
    if (type === "zero-length-read") {
      this.request(requester, iova, 0, 0, type);
    } else if (step.crossing && length === 8) {
      this.request(requester, iova, LAST_DWORD, 4, type);
      this.request(requester, iova + 1, 0, 4, type);
    } else {
      this.request(requester, iova, (this.slot * 8) % 4096, length, type);
    }
  }

  private request(
    requester: number,
    page: number,
    offset: number,
    length: number,
    type: Request["type"],
  ): void {
    const request = { requester, page, offset, length, type };
    if (type === "write" || type === "atomic") this.wordsWritten.add(offset >>> 3);
    this.software.actions.push({ do: "request", request, slot: this.slot });
    this.slot++;
  }
}

/** By size of a mapping: the lowest level where one entry, or several that say the same, map that many pages. */
const EXTENTS = new Map(
  PAGE_SIZES.map((size) => {
    const pages = PAGES_OF_SIZE[size];
    let level = 1;
    while (pages >= 512 ** level) level++;
    return [size, { level, slots: pages / 512 ** (level - 1), pages }] as const;
  }),
);

function leafOf({ size, page }: MapStep, access: keyof typeof READABLE): Leaf {
  const { level, slots, pages } = EXTENTS.get(size)!;
  return { level, slots, pages, page, readable: READABLE[access], writable: WRITABLE[access] };
}
