/** What the platform profiles of every architecture have in common. */

/** The architectures of the suite. */
export type ArchitectureId = "vtd" | "amdvi";

/** A platform as data: what its registers read and where it departs from the common reading. */
export interface Profile {
  readonly architecture: ArchitectureId;
  /** No two platforms of the suite have the same, whatever their architectures. */
  readonly id: string;
  readonly description: string;
  /** Where the register values come from. */
  readonly source: string;
  /** Physical address bits of the machine. */
  readonly hostAddressWidth: number;
  /** Pages of memory from address zero; an access beyond them is an error. */
  readonly memoryPages: number;
}
