/** What is wrong with the devices that units claim, over all units of a table (AMD-Vi 5.2.2.1). */
import type { TableFinding } from "../../acpi/firmware-table.js";
import type { StructureOf } from "../../acpi/structure.js";
import { showRequester } from "../../words/address.js";
import type { Rule } from "../../words/rule.js";
import { common } from "./device-ids.js";
import { type hidLayout, ivhd40Layout, UidFormat, Variety } from "./layouts.js";
import * as rules from "./rules.js";
import { type DescribedUnit, nameOf, unitWith } from "./units.js";

type Wrong = (rule: Rule, offset: number, message: string) => void;

/** What is wrong with claims, aliases, special devices and ACPI devices. */
export function deviceFindings(units: readonly DescribedUnit[]): TableFinding[] {
  const found: TableFinding[] = [];
  const wrong: Wrong = (rule, offset, message) => found.push({ rule, offset, message });
  checkOverlaps(units, wrong);
  for (const unit of units) checkAliases(unit, units, wrong);
  checkSpecials(units, wrong);
  for (const unit of units) checkAcpiDevices(unit, wrong);
  return found;
}

function checkOverlaps(units: readonly DescribedUnit[], wrong: Wrong): void {
  for (const [index, unit] of units.entries())
    for (const other of units.slice(0, index)) {
      if (other.segment !== unit.segment) continue;
      const [both] = common(unit.ids, other.ids);
      if (!both) continue;
      const { first, last } = both;
      const devices =
        first === last ? showRequester(first) : `${showRequester(first)} to ${showRequester(last)}`;
      wrong(rules.overlap, unit.ivhd.offset, `${nameOf(unit)} and ${nameOf(other)} both have ${devices}`);
    }
}

function checkAliases(unit: DescribedUnit, units: readonly DescribedUnit[], wrong: Wrong): void {
  for (const { offset, first, alias } of unit.ivhd.entries.claims) {
    if (alias === null) continue;
    const owner = unitWith(units, unit.segment, alias);
    if (owner !== null && owner !== unit)
      wrong(
        rules.alias,
        offset,
        `${showRequester(first)} has the alias ${showRequester(alias)}, which belongs to ${nameOf(owner)}`,
      );
  }
}

function checkSpecials(units: readonly DescribedUnit[], wrong: Wrong): void {
  const seen = new Set<string>();
  for (const unit of units)
    for (const { offset, structure } of unit.ivhd.entries.specials) {
      const { variety, handle, deviceId } = structure.values;
      const kind = { [Variety.ioApic]: "I/O APIC", [Variety.hpet]: "HPET" }[variety];
      if (kind === undefined) {
        wrong(rules.variety, offset, `a special device of variety ${variety}`);
        continue;
      }
      if (seen.has(`${kind} ${handle}`)) wrong(rules.handle, offset, `${kind} ${handle} is there already`);
      seen.add(`${kind} ${handle}`);
      const owner = unitWith(units, unit.segment, deviceId);
      if (owner !== null && owner !== unit)
        wrong(
          rules.specialUnit,
          offset,
          `${kind} ${handle} of ${nameOf(unit)} has the id ${showRequester(deviceId)} of ${nameOf(owner)}`,
        );
    }
}

function checkAcpiDevices(unit: DescribedUnit, wrong: Wrong): void {
  for (const ivhd of unit.ivhds)
    for (const { offset, structure } of ivhd.entries.acpiDevices) {
      if (ivhd.structure.layout !== ivhd40Layout)
        wrong(rules.acpiType, offset, `an ACPI device in ${ivhd.structure.layout.name}`);
      if (!isHid(structure.values.hid)) wrong(rules.acpiHid, offset, "an ACPI device without a hardware id");
      const needs = uidNeeds(structure);
      if (needs !== null) wrong(rules.acpiUid, offset, needs);
    }
}

/** Letters and digits, padded with zeros. */
function isHid(hid: string): boolean {
  return /^[\x21-\x7e]+\0*$/.test(hid);
}

/** What is wrong with a unique id; null if nothing is. */
function uidNeeds({ values, rest }: StructureOf<typeof hidLayout>): string | null {
  const { uidFormat } = values;
  if (uidFormat === UidFormat.none) return rest.length === 0 ? null : "a unique id of no format";
  if (uidFormat === UidFormat.integer) return rest.length === 8 ? null : `an integer of ${rest.length} bytes`;
  if (uidFormat === UidFormat.string) return rest.length > 0 ? null : "a unique id of no characters";
  return `a unique id of format ${uidFormat}`;
}
