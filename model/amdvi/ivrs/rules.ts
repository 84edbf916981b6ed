/** What an IVRS must be (AMD-Vi 5.2.2), by itself and on a machine. */
import { commonRules } from "../../acpi/checks.js";
import type { Rule } from "../../words/rule.js";

const TABLE = "AMD-Vi 5.2.2";
const IVHD = "AMD-Vi 5.2.2.1";
const IVMD = "AMD-Vi 5.2.2.2";

function rule(id: string, statement: string, section: string): Rule {
  return { id: `ivrs.${id}`, statement, section };
}

export const common = commonRules("ivrs", TABLE, TABLE);

export const revision = rule(
  "table.revision",
  "the revision is 1, or 2 in a table that has IVHDs of type 40h",
  TABLE,
);
export const noUnit = rule("table.no-unit", "a table has an IVHD", TABLE);
export const sizes = rule(
  "ivinfo.sizes",
  "physical addresses have 1 to 52 bits, virtual ones at most 64",
  TABLE,
);

export const order = rule("ivhd.order", "IVHDs of one unit come in ascending order of their types", IVHD);
export const repeated = rule("ivhd.repeated", "a unit has one IVHD of each type", IVHD);
export const base = rule(
  "ivhd.base",
  "a unit has registers, at a multiple of 16 KiB that its bits for physical addresses reach",
  IVHD,
);
export const registers = rule("ivhd.registers", "no two units share registers", IVHD);
export const capability = rule(
  "ivhd.capability",
  "the capability is behind the header of configuration space, at a multiple of 4",
  IVHD,
);
export const sameRegisters = rule(
  "ivhd.same-registers",
  "IVHDs of one unit say the same of registers, capability and MSI numbers",
  IVHD,
);
export const sameFeatures = rule(
  "ivhd.same-features",
  "flags and features of a unit are those of its EFR image, in IVHDs of every type",
  IVHD,
);
export const sameDevices = rule(
  "ivhd.same-devices",
  "IVHDs of one unit have the same devices, but for ACPI devices",
  IVHD,
);

export const range = rule(
  "entry.range",
  "a range has a start, then at once its end, which is no lower than the start",
  IVHD,
);
export const overlap = rule("entry.overlap", "no two units have the same device", IVHD);
export const alias = rule("entry.alias", "an alias belongs to the unit that has the device", IVHD);

export const variety = rule("special.variety", "a special device is an I/O APIC or an HPET", IVHD);
export const handle = rule("special.handle", "no two special devices of a kind have the same handle", IVHD);
export const specialUnit = rule("special.unit", "the id of a special device is no other unit's", IVHD);

export const acpiType = rule("acpi.type", "ACPI devices are in IVHDs of type 40h", IVHD);
export const acpiHid = rule("acpi.hid", "an ACPI device has a hardware id, in printable characters", IVHD);
export const acpiUid = rule("acpi.uid", "a unique id has the length that its format needs", IVHD);

export const memoryFlags = rule(
  "ivmd.flags",
  "memory is either mapped to itself, with rights, or excluded, which has none",
  IVMD,
);
export const memoryAlignment = rule("ivmd.alignment", "memory is whole pages", IVMD);
export const memoryLength = rule("ivmd.length", "memory is not empty, and ends where addresses do", IVMD);
export const memoryDevices = rule(
  "ivmd.devices",
  "the last device of a range is no lower than the first; what the type does not use is zero",
  IVMD,
);
export const memoryOverlap = rule(
  "ivmd.overlap",
  "memory of a device does not overlap other memory of it",
  IVMD,
);
export const memoryUnit = rule("ivmd.unit", "memory is for devices that units have", IVMD);
export const oneExclusion = rule("ivmd.exclusion", "a unit can exclude one range of memory", IVMD);

export const absentSegment = rule("topology.segment", "a unit is in a segment that the machine has", IVHD);
export const absentFunction = rule(
  "topology.function",
  "an entry for one device is for a function that the machine has, or that can be plugged in",
  IVHD,
);
export const unclaimed = rule("topology.unclaimed", "every function belongs to a unit", IVHD);
export const requesterUnclaimed = rule(
  "topology.requester",
  "the unit of a function has every id that the function's requests may carry",
  IVHD,
);
export const aliasDisagrees = rule(
  "topology.alias",
  "the alias of a function is an id that its requests may carry",
  IVHD,
);
export const aliasMissing = rule(
  "topology.alias-missing",
  "a function whose requests carry the id of another has that as its alias",
  IVHD,
);
export const absentMemoryDevice = rule(
  "topology.ivmd",
  "memory is for functions that the machine has, or that can be plugged in",
  IVMD,
);

/** Every rule of the table. */
export const ivrsRules: readonly Rule[] = [
  ...Object.values(common),
  revision,
  noUnit,
  sizes,
  order,
  repeated,
  base,
  registers,
  capability,
  sameRegisters,
  sameFeatures,
  sameDevices,
  range,
  overlap,
  alias,
  variety,
  handle,
  specialUnit,
  acpiType,
  acpiHid,
  acpiUid,
  memoryFlags,
  memoryAlignment,
  memoryLength,
  memoryDevices,
  memoryOverlap,
  memoryUnit,
  oneExclusion,
  absentSegment,
  absentFunction,
  unclaimed,
  requesterUnclaimed,
  aliasDisagrees,
  aliasMissing,
  absentMemoryDevice,
];
