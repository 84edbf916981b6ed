/** Host page tables of one domain, which get another level when an address needs it (AMD-Vi 2.2.3). */
import type { HostPage } from "../../../model/words/address.js";
import type { DriverMapping, Routine } from "../interface.js";
import { PageTables } from "../shared/page-tables.js";
import { ENTRIES, Table } from "../shared/table.js";
import type { TableMemory } from "../shared/table-memory.js";
import type { Encodings } from "./encodings.js";
import type { AmdViFaults } from "./faults.js";
import type { AmdViFlusher } from "./flusher.js";

/** Levels of a new domain: addresses below 1 GiB. */
export const FIRST_LEVELS = 2;

export class GrowingTables extends PageTables {
  /** @param topChanged has device table entries lead to another top table of the domain */
  constructor(
    domainId: number,
    top: Table,
    memory: TableMemory,
    encodings: Encodings,
    flusher: AmdViFlusher,
    private readonly faults: AmdViFaults,
    private readonly topChanged: (domain: GrowingTables) => Routine,
  ) {
    super(domainId, top, memory, encodings, flusher);
  }

  get levels(): number {
    return this.top.level;
  }

  override *map(mapping: DriverMapping): Routine {
    const last = mapping.iova + mapping.pages - (this.faults.growsOnePageLate ? 2 : 1);
    while (last >= ENTRIES ** this.levels && !this.faults.neverGrows) yield* this.grow();
    yield* super.map(mapping);
  }

  /** The former top tables are among them: they stay below the first entry of the next one until something is unmapped there. */
  override get pagesWhenEmpty(): readonly HostPage[] {
    const pages: HostPage[] = [];
    for (let table = this.top.entries.get(0); table instanceof Table; table = table.entries.get(0))
      pages.push(table.page);
    return [this.topPage, ...pages];
  }

  /** A table above the top one, which says the same until something is mapped beyond what the former one reached. */
  private *grow(): Routine {
    const { memory } = this;
    const former = this.top;
    const top = new Table(yield* memory.allocateTable(), former.level + 1);
    yield* memory.clearTable(top.page);
    yield* this.link(top, 0, former);
    this.top = top;
    yield* this.topChanged(this);
  }
}
