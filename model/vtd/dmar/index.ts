/** The DMA Remapping Reporting table, as the suite sees a firmware table. */
import { commonFindings } from "../../acpi/checks.js";
import type {
  BusNumbers,
  FirmwareTable,
  FirmwareTables,
  ShownStructure,
  TableFinding,
} from "../../acpi/firmware-table.js";
import { shownStructure } from "../../acpi/show.js";
import { isA, type StructureOf } from "../../acpi/structure.js";
import { type fragment, readTable } from "../../acpi/table.js";
import type { FirmwarePlatform } from "../../pci/platform.js";
import type { Topology } from "../../pci/topology.js";
import { tableFindings } from "./check-table.js";
import { topologyFindings } from "./check-topology.js";
import { type Dmar, dmarLayout } from "./layouts.js";
import { DmarParts } from "./parts.js";
import { platformOf, skeletonIn } from "./platform.js";
import { dmar, dmarRules } from "./rules.js";
import { bytesOfPlatform } from "./write.js";

const SIGNATURE = "DMAR";

class DmarTable implements FirmwareTable {
  readonly findings: readonly TableFinding[];
  /** Null of bytes that are too few for a table. */
  private readonly parts: DmarParts | null;

  constructor(
    private readonly table: Dmar | StructureOf<typeof fragment>,
    bytes: Uint8Array,
  ) {
    this.parts = isA(table, dmarLayout) ? new DmarParts(table) : null;
    const common = commonFindings(table, bytes, SIGNATURE, dmar);
    this.findings = this.parts ? [...common, ...tableFindings(this.parts)] : common;
  }

  get structures(): readonly ShownStructure[] {
    return [shownStructure(this.table, 0)];
  }

  findingsIn(topology: Topology): readonly TableFinding[] {
    return this.parts ? topologyFindings(this.parts, topology) : [];
  }

  platformIn(topology: Topology): FirmwarePlatform {
    return this.parts ? platformOf(this.parts, topology) : nothingIn(topology);
  }

  skeleton(buses: readonly BusNumbers[]): Topology {
    return this.parts ? skeletonIn(this.parts, buses) : { segments: [] };
  }
}

/** The machine without a table: nothing translates. */
function nothingIn(topology: Topology): FirmwarePlatform {
  return {
    topology,
    hostAddressWidth: 0,
    interruptRemapping: false,
    optIn: false,
    units: [],
    reserved: [],
    interruptSources: [],
    atsPorts: [],
  };
}

export const dmarTables: FirmwareTables = {
  signature: SIGNATURE,
  rules: dmarRules,
  read: (bytes) => new DmarTable(readTable(dmarLayout, bytes), bytes),
  bytesOf: bytesOfPlatform,
};
