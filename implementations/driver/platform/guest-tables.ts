/** The processor's second-stage tables of a guest. No unit reads them, and processors snoop. */
import type { HostPage } from "../../../model/words/address.js";
import type { DriverMapping, Routine } from "../interface.js";
import { Change } from "../shared/change.js";
import { PageTables } from "../shared/page-tables.js";
import type { Steps } from "../shared/steps.js";
import { Table } from "../shared/table.js";
import { TableMemory } from "../shared/table-memory.js";
import { GUEST_LEVELS, type PlatformParts } from "./unit.js";

const memory = new TableMemory(false, {});
/** Processors keep nothing of what is not there, and this model of them nothing at all. */
const processors = { sparesLargePages: false, *flushPages(): Routine {} };

export class GuestTables {
  private constructor(private readonly tables: PageTables) {}

  /** Empty tables in a page of their own. */
  static *create({ guestEntries }: PlatformParts): Steps<GuestTables> {
    const page = yield* memory.allocateTable();
    yield* memory.clearTable(page);
    return new GuestTables(
      new PageTables(0, new Table(page, GUEST_LEVELS), memory, guestEntries, processors),
    );
  }

  get topPage(): HostPage {
    return this.tables.topPage;
  }

  map(mapping: DriverMapping): Routine {
    return this.tables.map(mapping);
  }

  *unmap(mapping: DriverMapping): Routine {
    const unlinked: HostPage[] = [];
    yield* this.tables.unmap(mapping, new Change(0, mapping.iova, mapping.pages, unlinked));
    for (const page of unlinked) yield { do: "free-table", page };
  }
}
