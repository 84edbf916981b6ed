/** What the adapter must know of an IOMMU of QEMU's; everything else is the same whatever the architecture. */
import type { Action, Word } from "../../../model/trace.js";
import type { HostPage } from "../../../model/words/address.js";
import { ImplementationError, type RunSetup } from "../interface.js";
import type { Machine } from "./machine.js";
import type { Blueprint } from "./options.js";
import type { PrivatePages } from "./private-pages.js";
import type { Block, Registers } from "./register-image.js";
import type { Arrival } from "./start.js";

/** What a run left behind keeps this process from another one; a new process does not know of it. */
export class StartStateError extends ImplementationError {}

/** One kind of IOMMU. */
export interface UnitKind {
  /** The device that is one, as `-device` takes it. */
  readonly device: string;
  /** The profiles it can be in a version of QEMU. */
  profilesOf(version: string): readonly string[];
  /** The properties of the device that make it such a profile; undefined when nothing does. */
  propertiesOf(profile: string, version: string): string | undefined;
  /** Where q35 places its registers. */
  readonly address: number;
  /** The registers the adapter looks at. */
  readonly registers: readonly Block[];
  /** Those of them that decide how to go on after a run. */
  readonly state: Block;
  /** Whether these are the registers of such a unit. */
  answers(registers: Registers): boolean;
  /** What every page of its root or device table holds when a run starts with translation on. */
  readonly emptyRoot: Uint32Array<ArrayBuffer>;
  /** What the pages of the adapter hold that only this kind of unit needs. */
  privateContents(pages: PrivatePages, machine: Blueprint): ReadonlyMap<HostPage, Uint8Array>;
  /** The one in a machine. */
  unitOf(machine: Machine): Unit;
}

/** The IOMMU of a running machine. */
export interface Unit {
  /** What it says of itself, by the names of the registers. */
  identity(): Readonly<Record<string, Word>>;
  /**
   * Brings it to where a run starts, whatever the run before has left behind, and checks that it is there. The pages
   * of the table that a run starts with are written already.
   * @throws StartStateError when it does not get there
   */
  bringTo(setup: RunSetup): void;
  /** Queues the same where one exchange may do; nothing where it takes more. */
  queueStart(setup: RunSetup): Arrival | undefined;
  /** Takes note of a register write of a run. */
  noteWrite(action: Action & { do: "write-register" }): void;
  /**
   * Queues what lets devices reach the adapter's pages once a run is over; true when they reach them through tables
   * of ours.
   */
  giveWay(): boolean;
  /** Queues what lets devices reach memory as it is, whatever it costs. */
  switchOff(): void;
}
