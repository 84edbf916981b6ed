/** What the notation for traces leaves to an architecture: its entries, its invalidations and the steps that only it has. */
import type { Profile } from "../../model/profile.js";
import type { Action, Word } from "../../model/trace.js";
import type { Places } from "../places.js";
import type { Place } from "../software.js";
import type { Line } from "./notation-line.js";
import type { Run } from "./notation-words.js";

/** A table of page tables, and its level. */
export interface Table {
  readonly page: number;
  readonly level: number;
}

/** How entries of page tables look. */
export interface PageTableFormat {
  /** An entry of `level` that maps a page, with `Right` bits; null for a level whose entries map no pages. */
  leaf(level: number, page: number, rights: number): Word | null;
  /** An entry of `level` that points to a table of the level `next` and allows everything. */
  link(level: number, next: number, page: number): Word;
  /** The table that an entry of `level` points to; null when it maps pages. Only asked of entries that are present. */
  linked(level: number, entry: Word): Table | null;
  isPresent(entry: Word): boolean;
  /** The one entry that maps the pages in every slot, where the rest of the line asks for that. */
  takeLargePage(line: Line, level: number, run: Run, rights: number): Word | null;
  /** The level of the table that an entry of `level` is to point to. */
  takeNextLevel(line: Line, level: number): number;
}

/** A domain as device entries name it. */
export interface NamedDomain {
  readonly id: number;
  readonly levels: number;
  /** The page of its top table; the domain gets one when it is first asked for. */
  top(): number;
}

/** What steps and entries know by name. */
export interface TraceNames {
  domainId(name: string): number;
  domain(name: string): NamedDomain;
  requester(name: string, line: Line): number;
}

/** A 128-bit entry, as its two words. */
export type DeviceEntry = readonly [Word, Word];

/** The table that device entries are in, as the CPU sees it. */
export interface DeviceTables {
  wordAt(at: Place): Word;
  store(at: Place, value: Word): void;
  allocate(): number;
}

/** The entry that says what a device is translated by: its words, its place, and what is written behind its device. */
export interface DeviceEntryFormat {
  /** First word of the lines that store it. */
  readonly keyword: string;
  /** Where the entry of a requester is; null where the table has none. Builds what leads to it where that is missing. */
  placeOf(requester: number, tables: DeviceTables): Place | null;
  /** What the rest of a line says. */
  take(line: Line, names: TraceNames): DeviceEntry;
  /** The entry is looked at as a whole: such an entry gets its first word last, any other first. */
  isInUse(first: Word): boolean;
}

/** What the first steps and those of the dialect are made with. */
export interface StepContext {
  readonly profile: Profile;
  readonly usesQueue: boolean;
  readonly translating: boolean;
  /** Takes what software does. */
  readonly actions: Action[];
  readonly names: TraceNames;
}

/** What to do with the rest of a line, by its first word. */
export type Verbs = Readonly<Record<string, (line: Line) => void>>;

export interface Dialect {
  readonly places: Places;
  readonly pageTables: PageTableFormat;
  readonly deviceEntries: DeviceEntryFormat;
  /** Pages of tables that are there before the first step. */
  readonly firstTables: readonly number[];
  /** How software may invalidate on a platform; the first is what it does unless the header says otherwise. */
  interfacesOf(profile: Profile): readonly ("queue" | "registers")[];
  /** How many levels tables of a domain may have; the first is what they have unless the header says otherwise. */
  levelsOf(profile: Profile): readonly number[];
  /** Brings about the state that the steps start from, and gives the steps of its own. */
  begin(context: StepContext): Verbs;
}
