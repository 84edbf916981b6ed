/** What whoever gets a freed table page may fill it with: entries that allow everything. */
import { pteLayout } from "../model/amdvi/tables.js";
import type { ArchitectureId } from "../model/profile.js";
import type { Word } from "../model/trace.js";
import { secondStageLayout } from "../model/vtd/tables.js";
import { encoderOf } from "../model/words/layout.js";

/** Entries that lead to pages of one's choice. */
export interface PlantedEntries {
  /** One of the lowest level, to a page. */
  leaf(page: number): Word;
  /** One of the level above, to the 512 pages that `page` is the first of. */
  superpage(page: number): Word;
}

const vtdLeaf = encoderOf(secondStageLayout(1, true), ["R", "W", "ADDR"]);
const vtdSuperpage = encoderOf(secondStageLayout(2, true), ["R", "W", "PS", "ADDR"]);
const amdViLeaf = encoderOf(pteLayout, ["PR", "IR", "IW", "Address"]);
/** NextLevel 0 maps a page of the level that the entry is found at. */
const amdViEntry = (page: number): Word => amdViLeaf({ PR: 1, IR: 1, IW: 1, Address: page })[0]!;

const PLANTED: Readonly<Record<ArchitectureId, PlantedEntries>> = {
  vtd: {
    leaf: (page) => vtdLeaf({ R: 1, W: 1, ADDR: page })[0]!,
    superpage: (page) => vtdSuperpage({ R: 1, W: 1, PS: 1, ADDR: page / 512 })[0]!,
  },
  amdvi: { leaf: amdViEntry, superpage: amdViEntry },
};

/** The entries of an architecture. */
export function plantedEntries(architecture: ArchitectureId): PlantedEntries {
  return PLANTED[architecture];
}
