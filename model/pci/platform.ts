/**
 * A machine as its firmware knows it: the PCI topology, which remapping unit translates for what, and memory that devices
 * use before there is an operating system. Firmware tables (DMAR, IVRS) are this in bytes.
 */
import type { HostPage, RequesterId } from "../words/address.js";
import type { Topology } from "./topology.js";

/** A remapping unit: a DRHD of a DMAR, an IVHD of an IVRS. */
export interface RemappingUnit {
  readonly name: string;
  readonly segment: number;
  /** Page of its registers. */
  readonly registers: HostPage;
  /**
   * What it translates for: functions by name, a bridge with everything below it; or what no other unit of its segment
   * covers. Virtual functions go with their physical function.
   */
  readonly covers: "rest" | readonly string[];
  /** AMD-Vi: the PCI function that the unit is itself; null on VT-d. */
  readonly itself: RequesterId | null;
}

/** Memory that firmware has devices use: an RMRR of a DMAR, an IVMD of an IVRS. */
export interface ReservedRegion {
  /** Functions by name that must reach it, whatever domain they are in. */
  readonly functions: readonly string[];
  readonly page: HostPage;
  readonly pages: number;
  /** `exclusion` (AMD-Vi): the unit is to let accesses pass untranslated, which needs no rights. RMRRs are `unity`, `rw`. */
  readonly kind: "unity" | "exclusion";
  readonly access: "r" | "w" | "rw";
}

/** An I/O APIC or HPET: its interrupts carry a requester id that only the firmware table tells. */
export interface InterruptSource {
  readonly kind: "io-apic" | "hpet";
  readonly id: number;
  readonly segment: number;
  readonly requester: RequesterId;
}

export interface FirmwarePlatform {
  readonly topology: Topology;
  /** Physical address bits. */
  readonly hostAddressWidth: number;
  readonly interruptRemapping: boolean;
  /** Firmware promises that until hand-over devices use reserved regions only (DMA_CTRL_PLATFORM_OPT_IN, IVinfo bit 1). */
  readonly optIn: boolean;
  readonly units: readonly RemappingUnit[];
  readonly reserved: readonly ReservedRegion[];
  readonly interruptSources: readonly InterruptSource[];
  /** Root ports by name below which devices may use ATS (ATSR; on AMD-Vi all others have AtsDisabled). */
  readonly atsPorts: readonly string[];
}
