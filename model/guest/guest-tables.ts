/**
 * The tables by which a processor translates the addresses of a guest: its second stage. Walked as memory holds them now;
 * what a processor caches of them is not modelled.
 */
import type { ArchitectureId } from "../profile.js";
import type { HostPage, IovaPage } from "../words/address.js";
import type { PhysicalMemory } from "../words/memory.js";
import { extendedPageTables } from "./ept.js";
import { nestedPageTables } from "./nested.js";

/** What a guest finds at one of its pages. */
export interface GuestPage {
  readonly page: HostPage;
  /** `Right` bits. */
  readonly access: number;
}

export interface GuestTables {
  /** Levels of tables; the first one is that of the page a walk begins in. */
  readonly levels: number;
  /** What the guest finds at `guestPage`; null where an access leaves the guest. */
  walk(memory: PhysicalMemory, root: HostPage, guestPage: IovaPage): GuestPage | null;
}

const TABLES: Readonly<Record<ArchitectureId, GuestTables>> = {
  vtd: extendedPageTables,
  amdvi: nestedPageTables,
};

/** The guest tables of the processors that come with an architecture's IOMMU. */
export function guestTablesOf(architecture: ArchitectureId): GuestTables {
  return TABLES[architecture];
}
