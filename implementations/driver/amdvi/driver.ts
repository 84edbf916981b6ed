/** An AMD-Vi driver as driver authors may read it: what the shared intents are made of on AMD-Vi. */
import type { DriverSetup } from "../interface.js";
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

/** The parts of one driver. */
export function partsOf(
  setup: DriverSetup,
  encodings: Encodings,
  faults: AmdViFaults,
): DriverParts<GrowingTables, Command> {
  const { queuePage, statusPage, rootPage, rootPages, start } = setup;
  const { platform } = encodings;
  const memory = new TableMemory(platform.storeVisibility.needsLineFlush && !faults.skipsLineFlush, faults);
  const commands = new CommandBuffer(encodings, faults, queuePage, statusPage);
  const flusher = new AmdViFlusher(commands, encodings, faults);
  const devices = new DeviceTable(encodings, flusher, memory, faults, rootPage, rootPages);
  return {
    faults,
    memory,
    flusher,
    devices,
    domainIds: DOMAIN_IDS,
    cachesNotPresent: platform.npCache,
    start: () =>
      start === "reset" ? bootFromReset(setup, encodings, flusher, devices) : commands.takeOver(),
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
