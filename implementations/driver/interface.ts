/**
 * A driver under test: it receives intents and speaks only memory and register accesses. Every method is a routine (a
 * generator) that yields one access at a time and is given its answer, so that a run can be stopped between any two
 * accesses: that is how two CPUs are interleaved store by store.
 */
import type { Profile } from "../../model/profile.js";
import type { StartState } from "../../model/run-start.js";
import type { Action, Word } from "../../model/trace.js";
import type { HostPage, IovaPage, RequesterId } from "../../model/words/address.js";

/** What a driver does to the machine, and what it says about its own work. */
export type Access =
  /**
   * What software does to memory and registers, as `model/trace.ts` has it. `read-register` is answered with what was read
   * (`high` is 0 for a width of 4), a poll with `low` 1, or 0 when the awaited value never shows.
   */
  | Exclude<Action, { readonly do: "request" }>
  /** Stores zero to every word of a page. */
  | { readonly do: "clear-page"; readonly page: HostPage }
  /** A CPU load of an aligned 64-bit word. Answered with it. */
  | { readonly do: "load"; readonly page: HostPage; readonly word: number }
  /** Writes every line of a page back to memory. */
  | { readonly do: "flush-page"; readonly page: HostPage }
  /** Waits until no other CPU holds the lock, and takes it. */
  | { readonly do: "lock"; readonly lock: string }
  | { readonly do: "unlock"; readonly lock: string }
  /** Asks for a page to hold entries. Answered with its number in `low`; it holds what its last user left there. */
  | { readonly do: "allocate-table" }
  /** Gives a page of entries back: anybody may get it next. */
  | { readonly do: "free-table"; readonly page: HostPage }
  /** Resets a function: what it was told to do is forgotten. */
  | { readonly do: "reset-device"; readonly requester: RequesterId }
  /**
   * Says that an intent has taken full effect: what it gives works, what it takes away is gone for every device, and the
   * pages that were behind it may be reused.
   */
  | { readonly do: "settled"; readonly ticket: number };

/** The answer to an access: what was loaded, read or allocated, else zeros. */
export type Answer = Word;

/** A piece of driver code: yields accesses, is resumed with their answers. */
export type Routine = Generator<Access, void, Answer>;

/** What a driver may know about the machine before it starts. */
export interface DriverSetup {
  readonly profile: Profile;
  /** Whether it has to use the invalidation queue or the invalidation registers; the command buffer is a queue. */
  readonly invalidation: "queue" | "registers";
  /** `strict`: what an intent takes away is gone when the intent returns. `deferred`: at the next `sync` at latest. */
  readonly flushing: "strict" | "deferred";
  /**
   * Right after a platform reset, or translating with `rootPage` in force (VT-d: empty; AMD-Vi: every entry has V = 1 and
   * TV = 0) and, where there is one, the queue on.
   */
  readonly start: StartState;
  /** First page set aside for the root table (VT-d) or device table (AMD-Vi), and how many there are; after a reset zero. */
  readonly rootPage: HostPage;
  readonly rootPages: number;
  /** Pages set aside for the queue or command buffer (256 entries of 128 bits) and for status words; all zero. */
  readonly queuePage: HostPage;
  readonly statusPage: HostPage;
  /** The same for the event log (256 entries of 128 bits); null where faults are logged in registers. */
  readonly logPage: HostPage | null;
}

/** A device with every requester id its requests may carry. */
export interface DriverDevice {
  readonly name: string;
  readonly requesters: readonly RequesterId[];
}

/** A run of pages to be mapped. `pages` counts 4 KiB pages; rights are `Right` bits. */
export interface DriverMapping {
  readonly iova: IovaPage;
  readonly page: HostPage;
  readonly pages: number;
  readonly access: number;
}

/**
 * A driver. Domains are software's names; which domain id a domain has, and when the id is used again, is the driver's
 * business. Intents are well-formed: a mapping is unmapped once, an address is not mapped twice, a domain is destroyed
 * when nothing is mapped in it and no device attached; every address is one that the largest tables of the platform translate.
 * In deferred mode an address may be mapped again before what was there has settled.
 */
export interface Driver {
  readonly name: string;
  /** Takes the unit over: from reset up to enabled translation, or as it is when it translates already. */
  start(): Routine;
  /** Devices of the domain use its mappings from now on; a device that has another domain is switched over. */
  attach(device: DriverDevice, domain: string, ticket: number): Routine;
  /** The device reaches nothing any more. */
  detach(device: DriverDevice, ticket: number): Routine;
  map(domain: string, mapping: DriverMapping, ticket: number): Routine;
  /** Changes the rights of pages that are mapped. */
  protect(domain: string, mapping: DriverMapping, ticket: number): Routine;
  /** Removes pages, all or part of what was mapped at once. */
  unmap(domain: string, mapping: DriverMapping, ticket: number): Routine;
  /** The pages, mapped piece by piece with the same rights, are mapped by one larger entry where the platform has it. */
  merge(domain: string, mapping: DriverMapping, ticket: number): Routine;
  /** Everything that was put off is carried out; every ticket not settled yet is settled. */
  sync(): Routine;
  /** The domain is gone; its domain id may serve another one. */
  destroy(domain: string, ticket: number): Routine;
}

/** Makes a driver for one run. What a module given to `--driver` exports as `default`, or as `createDriver`. */
export type DriverFactory = (setup: DriverSetup) => Driver;
