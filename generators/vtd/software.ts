/** Root, context and second-stage tables as the software of a scenario builds them. */
import type { Word } from "../../model/trace.js";
import { rootEntryLayout, secondStageLayout } from "../../model/vtd/tables.js";
import { encoderOf } from "../../model/words/layout.js";
import { vtdPlaces } from "../places.js";
import { type Place, Software, type TableFormat } from "../software.js";

const PRESENT_ROOT = encoderOf(rootEntryLayout, ["P", "CTP"]);
/** Encoders of entries that point to a table, by level. */
const TABLE_ENTRIES = [2, 3, 4, 5].map((level) =>
  encoderOf(secondStageLayout(level, false), ["R", "W", "ADDR"]),
);

/** An entry of `level` that points to a table and allows everything. */
export function tableEntry(level: number, page: number): Word {
  return TABLE_ENTRIES[level - 2]!({ R: 1, W: 1, ADDR: page })[0]!;
}

/** An entry is present with a right to read or to write; levels are never left out. */
const secondStage: TableFormat = {
  link: (level, _, page) => tableEntry(level, page),
  linked: (level, low) => ((low & 3) === 0 ? 0 : level - 1),
};

export class VtdSoftware extends Software {
  constructor() {
    super(vtdPlaces, secondStage);
  }

  /** Where the root entry of a bus is. */
  rootEntryAt(requester: number): Place {
    return { page: this.places.roots[this.root]!, word: (requester >>> 8) * 2 };
  }

  /** Where the context entry of a function is; builds the root entry when there is none. Null when out of pages. */
  contextEntryAt(requester: number): Place | null {
    const page = this.tableOf(contextTableName(this.root, requester >>> 8));
    if (page === null) return null;
    const at = this.rootEntryAt(requester);
    if (this.lowAt(at.page, at.word) === 0) {
      this.storePair(at.page, at.word, PRESENT_ROOT({ P: 1, CTP: page }));
    }
    return { page, word: (requester & 0xff) * 2 };
  }
}

function contextTableName(root: number, bus: number): number {
  return (root * 256 + bus) * 1024;
}
