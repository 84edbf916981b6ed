/** The I/O Virtualization Reporting Structure, as the suite sees a firmware table. */
import type {
  BusNumbers,
  FirmwareTable,
  FirmwareTables,
  ShownStructure,
  TableFinding,
} from "../../acpi/firmware-table.js";
import { shownStructure } from "../../acpi/show.js";
import { fragment, readTable } from "../../acpi/table.js";
import type { FirmwarePlatform } from "../../pci/platform.js";
import type { Topology } from "../../pci/topology.js";
import { bytesOf } from "./bytes-of.js";
import { SIGNATURE, tableFindings } from "./check-table.js";
import { findingsIn } from "./check-topology.js";
import { platformIn } from "./platform-in.js";
import { ivrsRules } from "./rules.js";
import { skeletonIn } from "./skeleton.js";
import { type Description, describe } from "./units.js";

class IvrsTable implements FirmwareTable {
  readonly findings: readonly TableFinding[];
  private readonly description: Description;

  constructor(private readonly bytes: Uint8Array) {
    this.description = describe(bytes);
    this.findings = tableFindings(this.description, bytes);
  }

  get structures(): readonly ShownStructure[] {
    return [shownStructure(this.description.table ?? readTable(fragment, this.bytes), 0)];
  }

  findingsIn(topology: Topology): readonly TableFinding[] {
    return findingsIn(this.description, topology);
  }

  platformIn(topology: Topology): FirmwarePlatform {
    return platformIn(this.description, topology);
  }

  skeleton(buses: readonly BusNumbers[]): Topology {
    return skeletonIn(this.description, buses);
  }
}

export const ivrsTables: FirmwareTables = {
  signature: SIGNATURE,
  rules: ivrsRules,
  read: (bytes) => new IvrsTable(bytes.slice()),
  bytesOf,
};
