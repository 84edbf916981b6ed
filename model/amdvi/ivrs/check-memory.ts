/** What is wrong with the memory that IVMDs describe (AMD-Vi 5.2.2.2). */
import type { TableFinding } from "../../acpi/firmware-table.js";
import { showRequester } from "../../words/address.js";
import type { Rule } from "../../words/rule.js";
import type { Placed } from "./claims.js";
import { common, idSet } from "./device-ids.js";
import { type Ivmd, IvmdType } from "./layouts.js";
import { idsOfMemory } from "./platform-in.js";
import * as rules from "./rules.js";
import { type DescribedUnit, type Description, nameOf } from "./units.js";

type Wrong = (rule: Rule, offset: number, message: string) => void;
type Memory = Placed<Ivmd>;

const hex = (value: number | bigint) => `0x${value.toString(16)}`;

/** What is wrong with memory, by itself and for the units. */
export function memoryFindings({ table, units, memory }: Description): TableFinding[] {
  const found: TableFinding[] = [];
  const wrong: Wrong = (rule, offset, message) => found.push({ rule, offset, message });
  for (const [index, one] of memory.entries()) {
    checkFlags(one, wrong);
    checkExtent(one, table?.values.paSize || 52, wrong);
    checkDevices(one, units, wrong);
    checkOverlap(one, memory.slice(0, index), wrong);
  }
  for (const unit of units) checkExclusions(unit, memory, wrong);
  return found;
}

function checkFlags({ structure, offset }: Memory, wrong: Wrong): void {
  const { unity, exclusion, ir, iw } = structure.values;
  const what = showMemory(structure);
  if (unity === 1 && exclusion === 1) wrong(rules.memoryFlags, offset, `${what} is mapped and excluded`);
  if (unity === 0 && exclusion === 0)
    wrong(rules.memoryFlags, offset, `${what} is neither mapped nor excluded`);
  if (unity === 1 && ir === 0 && iw === 0)
    wrong(rules.memoryFlags, offset, `${what} is mapped without rights`);
  if (unity === 0 && ir + iw > 0) wrong(rules.memoryFlags, offset, `${what} is not mapped, but has rights`);
}

function checkExtent({ structure, offset }: Memory, paSize: number, wrong: Wrong): void {
  const { start, bytes } = structure.values;
  const what = showMemory(structure);
  if (start % 4096n !== 0n || bytes % 4096n !== 0n)
    wrong(rules.memoryAlignment, offset, `${what} is not whole pages`);
  if (bytes === 0n) wrong(rules.memoryLength, offset, `${what} is empty`);
  if (start + bytes > 1n << BigInt(paSize))
    wrong(rules.memoryLength, offset, `${what} goes beyond addresses of ${paSize} bits`);
}

function checkDevices({ structure, offset }: Memory, units: readonly DescribedUnit[], wrong: Wrong): void {
  const { type, deviceId, lastDeviceId, segment } = structure.values;
  const what = showMemory(structure);
  const range = `${showRequester(deviceId)} to ${showRequester(lastDeviceId)}`;
  if (type === IvmdType.range && lastDeviceId < deviceId)
    wrong(rules.memoryDevices, offset, `${what} is for the devices ${range}`);
  if (type !== IvmdType.range && lastDeviceId !== 0)
    wrong(rules.memoryDevices, offset, `${what} is for no range, but has a last device`);
  if (type === IvmdType.all && deviceId !== 0)
    wrong(rules.memoryDevices, offset, `${what} is for all devices, but names one`);
  const owned = idSet(units.filter((one) => one.segment === segment).flatMap((one) => one.ids));
  if (common(idsOfMemory(structure), owned).length === 0)
    wrong(rules.memoryUnit, offset, `no unit has a device that ${what} is for`);
}

/** The same memory may be given to further devices; for one device it must not overlap. */
function checkOverlap({ structure, offset }: Memory, before: readonly Memory[], wrong: Wrong): void {
  const { start, bytes, segment } = structure.values;
  const other = before.find(({ structure: { values }, structure: one }) => {
    const apart = values.start + values.bytes <= start || start + bytes <= values.start;
    return (
      !apart && values.segment === segment && common(idsOfMemory(one), idsOfMemory(structure)).length > 0
    );
  });
  if (other)
    wrong(
      rules.memoryOverlap,
      offset,
      `${showMemory(structure)} overlaps ${showMemory(other.structure)} for the same device`,
    );
}

/** A unit has one pair of exclusion registers. */
function checkExclusions(unit: DescribedUnit, memory: readonly Memory[], wrong: Wrong): void {
  const excluded = memory.filter(
    ({ structure }) =>
      structure.values.exclusion === 1 &&
      structure.values.segment === unit.segment &&
      common(idsOfMemory(structure), unit.ids).length > 0,
  );
  const [first] = excluded;
  const other = excluded.find(({ structure }) => showMemory(structure) !== showMemory(first!.structure));
  if (first && other)
    wrong(
      rules.oneExclusion,
      other.offset,
      `${nameOf(unit)} would have to exclude ${showMemory(first.structure)} and ${showMemory(other.structure)}`,
    );
}

function showMemory({ values }: Ivmd): string {
  return `memory at ${hex(values.start)} of ${hex(values.bytes)} bytes`;
}
