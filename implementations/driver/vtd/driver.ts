/** A VT-d driver in legacy mode as driver authors may read it: what the shared intents are made of on VT-d. */
import type { DriverSetup } from "../interface.js";
import type { DriverParts } from "../shared/intent-driver.js";
import { PageTables } from "../shared/page-tables.js";
import { Table } from "../shared/table.js";
import { bootFromReset, takeOver } from "./boot.js";
import { ContextTables } from "./context-table.js";
import type { Encodings } from "./encodings.js";
import type { DriverFaults } from "./faults.js";
import { type Invalidation, VtdFlusher } from "./invalidation.js";
import { InvalidationRegisters } from "./invalidation-registers.js";
import { InvalidationQueue } from "./queue.js";
import { Unit } from "./unit.js";

/** The parts of one driver. Every domain has tables of the largest level that the unit supports. */
export function partsOf(
  { queuePage, statusPage, rootPage, invalidation, start }: DriverSetup,
  encodings: Encodings,
  faults: DriverFaults,
): DriverParts<PageTables, Invalidation> {
  const { platform } = encodings;
  const drain = faults.drainsNothing ? 0 : 1;
  const unit = new Unit(encodings, faults);
  const queue = new InvalidationQueue(unit, queuePage, statusPage, drain);
  const usesQueue = invalidation === "queue";
  const flusher = new VtdFlusher(unit, usesQueue ? queue : new InvalidationRegisters(unit, drain));
  return {
    faults,
    memory: unit,
    flusher,
    devices: new ContextTables(unit, flusher, rootPage),
    domainIds: 2 ** platform.domainIdBits,
    cachesNotPresent: platform.cachingMode,
    start: () =>
      start === "reset"
        ? bootFromReset(unit, flusher, usesQueue ? queue : null, rootPage)
        : takeOver(unit, queue, usesQueue),
    newDomain: (domainId, topPage) =>
      new PageTables(domainId, new Table(topPage, platform.largestLevels), unit, encodings, flusher),
  };
}
