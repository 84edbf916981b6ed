/** A VT-d driver in legacy mode as driver authors may read it: what the shared intents are made of on VT-d. */

import type { HostPage } from "../../../model/words/address.js";
import type { DriverSetup, Routine } from "../interface.js";
import { DomainIds } from "../shared/domain-ids.js";
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

/** A unit, and both ways of having something invalidated by it. */
export function interfacesOf(
  { queuePage, statusPage, invalidation }: Pick<DriverSetup, "queuePage" | "statusPage" | "invalidation">,
  encodings: Encodings,
  faults: DriverFaults,
) {
  const drain = faults.drainsNothing ? 0 : 1;
  const unit = new Unit(encodings, faults);
  const queue = new InvalidationQueue(unit, queuePage, statusPage, drain);
  const usesQueue = invalidation === "queue";
  return { unit, queue, usesQueue, via: usesQueue ? queue : new InvalidationRegisters(unit, drain) };
}

/** What intents need of a unit. Every domain has tables of the largest level that the unit supports. */
export function intentPartsOf(
  unit: Unit,
  flusher: VtdFlusher,
  rootPage: HostPage,
  start: () => Routine,
): DriverParts<PageTables, Invalidation> {
  const { platform, encodings, faults } = unit;
  return {
    faults,
    memory: unit,
    flusher,
    devices: new ContextTables(unit, flusher, rootPage),
    domainIds: new DomainIds(2 ** platform.domainIdBits),
    cachesNotPresent: platform.cachingMode,
    start,
    newDomain: (domainId, topPage) =>
      new PageTables(domainId, new Table(topPage, platform.largestLevels), unit, encodings, flusher),
  };
}

/** The parts of one driver. */
export function partsOf(
  setup: DriverSetup,
  encodings: Encodings,
  faults: DriverFaults,
): DriverParts<PageTables, Invalidation> {
  const { rootPage } = setup;
  const { unit, queue, usesQueue, via } = interfacesOf(setup, encodings, faults);
  const flusher = new VtdFlusher(unit, via);
  return intentPartsOf(unit, flusher, rootPage, () =>
    setup.start === "reset"
      ? bootFromReset(unit, flusher, usesQueue ? queue : null, rootPage)
      : takeOver(unit, queue, usesQueue),
  );
}
