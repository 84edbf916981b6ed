/**
 * The vocabulary of table walks that every architecture shares: where entries come from, and what a walk found. The walk
 * itself is each architecture's own (`model/vtd/walk.ts`, `model/amdvi/walk.ts`).
 */
import type { Rule } from "../words/rule.js";

/**
 * What a walk reads:
 * - `upper`: an entry above the device entry, which no cache of its own keeps (VT-d root entry); 128 bits;
 * - `device`: the entry that says what a device's requests are translated by (VT-d context entry, AMD-Vi device table
 *   entry); its first 128 bits;
 * - `table`: an entry of the page tables; 64 bits.
 */
export const Structure = { upper: 0, device: 1, table: 2 } as const;
export type Structure = (typeof Structure)[keyof typeof Structure];

/** Where a walk gets its entries from. */
export interface TableReader {
  /** The entry that {@link read} fetched: its first 64 bits, and where it has 128 the second 64. */
  low: number;
  high: number;
  low2: number;
  high2: number;
  /** Translation is enabled for this request. */
  translationEnabled(): boolean;
  /**
   * The pointer that is in force to the first structure: VT-d the page of the root table, AMD-Vi 512 times the page of the
   * device table plus its size field.
   */
  tablePointer(): number;
  /** Fetches the entry at 64-bit word `word` of a page; false when memory answers with an error. */
  read(structure: Structure, page: number, word: number): boolean;
  /** The walk is about to start below the device entry: a paging-structure cache may move level and table down. */
  startLevel(walk: Translation): void;
  /** An entry that points to a further table has passed its checks. */
  tableReached(walk: Translation): void;
}

/** A check whose failure blocks the request. */
export interface FaultRule extends Rule {
  /** Faults like this are not recorded when the device entry in use says so (VT-d FPD, AMD-Vi SA). */
  readonly suppressible: boolean;
}

/** In place of a domain id: a request is not translated under any. */
export const NO_DOMAIN = -1;

/** What a walk found, and then what becomes of the request. One object serves many walks. */
export class Translation<Fault extends FaultRule = FaultRule> {
  /** The page being translated. */
  input = 0;
  /** The check that failed while walking, or null when the walk reached a page or an entry that is not present. */
  fault: Fault | null = null;
  /** The last entry read is not present. */
  notPresent = false;
  /** The page the walk reached. */
  page = 0;
  /** Pages that are mapped by the entry that leads to it, a power of two; 0 when no entry of a table does. */
  pages = 0;
  /** Rights that every entry of the tables gives. */
  readable = 1;
  writable = 1;
  /** Rights that the device entry gives: bit 0 to read, bit 1 to write. */
  deviceAccess = 3;
  /** The tag of what is cached below the device entry; {@link NO_DOMAIN} when nothing is. */
  domainId = 0;
  /** The device entry suppresses the recording of suppressible faults. */
  suppresses = false;
  /** No table is looked at: the input address is the output address. */
  passThrough = false;
  /** Number of levels of the tables; 0 until a device entry has passed its checks. */
  firstLevel = 0;
  /** Level of the entry being looked at, and the page of the table it is in. */
  level = 0;
  table = 0;

  /** Page number, or an `Effect`. */
  effect = 0;
  rule: Fault | null = null;
  /** A second fault that hardware may report instead, where the specification prescribes no order. */
  alternative: Fault | null = null;
  /** A check that hardware may or may not apply, where two sentences of the specification disagree, and that fails. */
  optionalFault: Fault | null = null;

  start(input: number): void {
    this.input = input;
    this.fault = null;
    this.notPresent = false;
    this.pages = 0;
    this.readable = 1;
    this.writable = 1;
    this.deviceAccess = 3;
    this.suppresses = false;
    this.passThrough = false;
    this.level = 0;
    this.firstLevel = 0;
    this.optionalFault = null;
  }
}
