/** An AMD-Vi driver as driver authors may read it: what the shared intents are made of on AMD-Vi. */
import type { DriverSetup, Routine } from "../interface.js";
import { DomainIds } from "../shared/domain-ids.js";
import type { InvalidationInterface } from "../shared/flusher.js";
import type { DriverParts } from "../shared/intent-driver.js";
import { Table } from "../shared/table.js";
import { TableMemory } from "../shared/table-memory.js";
import { bootFromReset } from "./boot.js";
import { CommandBuffer } from "./command-buffer.js";
import { DeviceTable } from "./device-table.js";
import type { Command, Encodings } from "./encodings.js";
import type { AmdViFaults } from "./faults.js";
import { AmdViFlusher } from "./flusher.js";
import { FIRST_LEVELS, GrowingTables } from "./growing-tables.js";

/** DomainIDs have 16 bits. */
const DOMAIN_IDS = 0x10000;

/** What is the same however commands are submitted. */
export interface AmdViParts extends DriverParts<GrowingTables, Command> {
  readonly flusher: AmdViFlusher;
  readonly devices: DeviceTable;
}

/** What intents need of a unit. */
export function intentPartsOf(
  { rootPage, rootPages }: Pick<DriverSetup, "rootPage" | "rootPages">,
  via: InvalidationInterface<Command>,
  encodings: Encodings,
  faults: AmdViFaults,
  start: (flusher: AmdViFlusher, devices: DeviceTable) => Routine,
): AmdViParts {
  const { platform } = encodings;
  const memory = new TableMemory(platform.storeVisibility.needsLineFlush && !faults.skipsLineFlush, faults);
  const flusher = new AmdViFlusher(via, encodings, faults);
  const devices = new DeviceTable(encodings, flusher, memory, faults, rootPage, rootPages);
  return {
    faults,
    memory,
    flusher,
    devices,
    domainIds: new DomainIds(DOMAIN_IDS),
    cachesNotPresent: platform.npCache,
    start: () => start(flusher, devices),
    newDomain: (domainId, topPage) =>
      new GrowingTables(
        domainId,
        new Table(topPage, FIRST_LEVELS),
        memory,
        encodings,
        flusher,
        faults,
        (domain) => devices.topChanged(domain),
      ),
  };
}

/** The parts of one driver. */
export function partsOf(
  setup: DriverSetup,
  encodings: Encodings,
  faults: AmdViFaults,
): DriverParts<GrowingTables, Command> {
  const { queuePage, statusPage } = setup;
  const commands = new CommandBuffer(encodings, faults, queuePage, statusPage);
  return intentPartsOf(setup, commands, encodings, faults, (flusher, devices) =>
    setup.start === "reset" ? bootFromReset(setup, encodings, flusher, devices) : commands.takeOver(),
  );
}
