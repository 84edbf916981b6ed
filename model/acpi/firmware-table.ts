/** What the suite needs of the firmware tables of an architecture: DMAR for VT-d, IVRS for AMD-Vi. */
import type { FirmwarePlatform } from "../pci/platform.js";
import type { Topology } from "../pci/topology.js";
import type { Rule } from "../words/rule.js";

/** Something that is wrong with a table. */
export interface TableFinding {
  readonly rule: Rule;
  /** Byte in the table at which the structure begins that it is about. */
  readonly offset: number;
  readonly message: string;
}

/** A structure of a table as it is shown: its fields in their order, and the structures in it. */
export interface ShownStructure {
  /** As the specification calls it, such as `DRHD`. */
  readonly name: string;
  readonly offset: number;
  readonly fields: readonly { readonly name: string; readonly value: string }[];
  readonly parts: readonly ShownStructure[];
}

/** The buses that enumeration gave to a bridge, as configuration space shows them. */
export interface BusNumbers {
  readonly segment: number;
  readonly bus: number;
  readonly device: number;
  readonly function: number;
  readonly secondary: number;
  readonly subordinate: number;
}

/** A table that was read. Any bytes give one: what cannot be used is a finding. */
export interface FirmwareTable {
  /** What is wrong with the bytes and the structures by themselves. */
  readonly findings: readonly TableFinding[];
  readonly structures: readonly ShownStructure[];
  /** What is wrong with them on a machine with these functions. */
  findingsIn(topology: Topology): readonly TableFinding[];
  /** The machine that the table speaks of, with its functions as the topology names them; what leads nowhere is left out. */
  platformIn(topology: Topology): FirmwarePlatform;
  /**
   * The functions that the table names and the bridges on the way to them, as far as these bus numbers tell. Functions are
   * named by address, such as `0000:00:02.0`.
   */
  skeleton(buses: readonly BusNumbers[]): Topology;
}

/** The firmware tables of an architecture. */
export interface FirmwareTables {
  readonly signature: "DMAR" | "IVRS";
  /** Everything that findings may name. */
  readonly rules: readonly Rule[];
  read(bytes: Uint8Array): FirmwareTable;
  /** The table that a correct firmware hands over on that machine. */
  bytesOf(platform: FirmwarePlatform): Uint8Array;
}
