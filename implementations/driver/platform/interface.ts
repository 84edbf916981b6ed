/**
 * Platform software under test: the firmware that leaves a machine behind, and the operating system's layer that takes it
 * over, reads the firmware table, programs every remapping unit, and decides which device may go to whom. Like a driver's
 * (`../interface.ts`), its routines yield one access at a time.
 */
import type { Topology } from "../../../model/pci/topology.js";
import type { Profile } from "../../../model/profile.js";
import type { HostPage, IovaPage, RequesterId } from "../../../model/words/address.js";
import type { Access, Answer, DriverMapping } from "../interface.js";

/** What platform software does, and what it says about its work. */
export type PlatformAccess =
  /** An access of a driver. Without {@link AtUnit} it may not be one that a unit answers. */
  | Access
  | AtUnit
  /** Says that an `assign` is not carried out: the device may not go to that domain. In place of `settled`. */
  | { readonly do: "refused"; readonly ticket: number }
  /** Says where a device is to access a page that was lent to it. Before `settled`. */
  | { readonly do: "lent"; readonly ticket: number; readonly iova: IovaPage }
  /** Says where the processor's second-stage tables of a guest begin: EPT on VT-d, nested page tables on AMD-Vi. */
  | { readonly do: "guest-tables"; readonly domain: string; readonly page: HostPage }
  /** Reports a fault that a unit recorded. `page` is the one that the request asked for. */
  | { readonly do: "report"; readonly requester: RequesterId; readonly page: IovaPage }
  /** Clears Bus Master Enable of a function: no request of it leaves the device any more. */
  | { readonly do: "disable-device"; readonly device: string };

/** An access that a unit answers: to its registers, or to memory that it writes. The unit is told by its register page. */
export interface AtUnit {
  readonly do: "at-unit";
  readonly registers: HostPage;
  readonly access: Extract<
    Access,
    { readonly do: "read-register" | "write-register" | "poll-register" | "poll-memory" | "read-memory" }
  >;
}

export type PlatformRoutine = Generator<PlatformAccess, void, Answer>;

/** Pages set aside for the structures of one unit: as `DriverSetup` has them. All zero at first. */
export interface UnitPlaces {
  readonly rootPage: HostPage;
  readonly rootPages: number;
  readonly queuePage: HostPage;
  readonly statusPage: HostPage;
  readonly logPage: HostPage | null;
}

/** How a machine is left behind at hand-over. */
export type LeftBehind =
  /** Every unit is as after a reset. */
  | "off"
  /** As after a reset, but for the protected memory registers, which cover {@link PlatformSetup.ownMemory}. VT-d only. */
  | "protected"
  /** Translation is on, and nothing is let through but reserved regions. */
  | "translating"
  /** Translation was on and is off again; the root pointer still leads to tables that let everything through. */
  | "stale";

/** What platform software may know about the machine. */
export interface PlatformSetup {
  /** Of every unit of the machine. */
  readonly profile: Profile;
  readonly invalidation: "queue" | "registers";
  /** The DMAR or IVRS. */
  readonly firmwareTable: Uint8Array;
  /** What enumeration shows at first. */
  readonly topology: Topology;
  /** One for each unit, in the order of the firmware table. Firmware, and every operating system in turn, has its own. */
  readonly places: readonly UnitPlaces[];
  /** Pages that devices behind no unit may use. */
  readonly bouncePages: readonly HostPage[];
  /** Where software's own memory is, tables and structures included: no device may reach it. */
  readonly ownMemory: { readonly page: HostPage; readonly pages: number };
  /** Faults of one device, reported since it was plugged in, from which on it is to be disabled. */
  readonly faultLimit: number;
}

/** A firmware. */
export interface Firmware {
  /** Leaves the machine behind like that. */
  leave(as: LeftBehind): PlatformRoutine;
}

/**
 * An operating system's platform layer. A device is a function by its name in the topology, virtual functions as
 * `nameOfVirtualFunction` has it. Calls come one after the other; what an intent takes away is gone when it has settled.
 */
export interface PlatformDriver {
  /**
   * Takes the machine over from whatever was there, be it firmware or an operating system before. Afterwards translation
   * is on in every unit, and devices reach their reserved regions and nothing else; at no moment did they reach more than
   * they did before, or lose a reserved region.
   */
  start(): PlatformRoutine;
  /** The device goes to the owner of the domain, or is refused. It has no domain so far. */
  assign(device: string, domain: string, ticket: number): PlatformRoutine;
  /** The device comes back; it reaches its reserved regions only. */
  release(device: string, ticket: number): PlatformRoutine;
  /**
   * Guest-physical pages (`iova`) of the domain's guest get host pages, for its processors and for its devices alike. Of
   * each domain the first call is preceded by `guest-tables`.
   */
  map(domain: string, mapping: DriverMapping, ticket: number): PlatformRoutine;
  /** The guest gives pages back (ballooning), or loses them. */
  unmap(domain: string, mapping: DriverMapping, ticket: number): PlatformRoutine;
  /** Guest-physical pages that are mapped get other host pages, with the same rights. */
  remap(domain: string, mapping: DriverMapping, ticket: number): PlatformRoutine;
  /** Lends a page to a device behind no unit: it is told where to access it (`lent`). */
  lend(device: string, page: HostPage, ticket: number): PlatformRoutine;
  /** Functions came: they, and virtual functions that were enabled, are in `topology` now. They have nothing. */
  plugged(topology: Topology, devices: readonly string[], ticket: number): PlatformRoutine;
  /** Functions went, whatever domain they had; they are not in `topology` any more. Others may get their ids. */
  unplugged(topology: Topology, devices: readonly string[], ticket: number): PlatformRoutine;
  /** Units say that they have recorded faults: reports all, and disables devices that fault too often. */
  handleFaults(): PlatformRoutine;
}

/** Software for the platforms of an architecture. */
export interface PlatformSoftware {
  createFirmware(setup: PlatformSetup): Firmware;
  createDriver(setup: PlatformSetup): PlatformDriver;
}
