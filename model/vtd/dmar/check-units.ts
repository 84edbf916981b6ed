/** What is wrong with the remapping units of a DMAR (VT-d 8.3, 8.6). */
import type { TableFinding } from "../../acpi/firmware-table.js";
import type { Rule } from "../../words/rule.js";
import { type Dmar, type Drhd, drhdLayout, rhsaLayout } from "./layouts.js";
import { type DmarParts, finding, hex, type Placed } from "./parts.js";
import { dmar } from "./rules.js";

const ALL_ONES = 0xffff_ffff_ffff_ffffn;

/** A unit that is there: its registers answer at the address that firmware reports. */
export function hasRegisters({ values: { registerBase } }: Drhd): boolean {
  return registerBase !== 0n && registerBase !== ALL_ONES;
}

const endOf = ({ values: { registerBase, size } }: Drhd) => registerBase + (4096n << BigInt(size));

/** What is wrong with DRHDs and RHSAs, whatever machine the table is of. */
export function unitFindings(parts: DmarParts): TableFinding[] {
  const units = parts.of(drhdLayout);
  if (units.length === 0) return [finding(dmar.noUnit, { offset: 0 }, "there is no DRHD")];
  return [
    ...units.flatMap((unit) => registerFindings(unit, parts.table)),
    ...overlapFindings(units),
    ...includeAllFindings(units),
    ...affinityFindings(parts),
  ];
}

function registerFindings(unit: Placed<Drhd>, table: Dmar): TableFinding[] {
  const { registerBase, size } = unit.structure.values;
  const wrong = (rule: Rule, message: string) => [finding(rule, unit, message)];
  if (!hasRegisters(unit.structure))
    return wrong(dmar.registers, `no unit has its registers at ${hex(registerBase)}`);
  const width = BigInt(table.values.addressWidth) + 1n;
  const found: TableFinding[] = [];
  if (registerBase % (4096n << BigInt(size)) !== 0n)
    found.push(
      ...wrong(dmar.registerAlignment, `${2 ** size} pages of registers begin at ${hex(registerBase)}`),
    );
  if (endOf(unit.structure) > 1n << width)
    found.push(...wrong(dmar.addressWidth, `the registers at ${hex(registerBase)} are not below 2^${width}`));
  return found;
}

function overlapFindings(units: readonly Placed<Drhd>[]): TableFinding[] {
  const present = units.filter((one) => hasRegisters(one.structure));
  return present.flatMap((unit, index) => {
    const { registerBase } = unit.structure.values;
    const other = present
      .slice(0, index)
      .find(
        (one) =>
          one.structure.values.registerBase < endOf(unit.structure) && registerBase < endOf(one.structure),
      );
    return other
      ? [
          finding(
            dmar.registerOverlap,
            unit,
            `the registers at ${hex(registerBase)} are those of a unit before`,
          ),
        ]
      : [];
  });
}

/**
 * Choice: 8.3 lets a segment have no unit with INCLUDE_PCI_ALL. What is plugged in, or was forgotten in the scopes, then
 * is behind no unit, so it is a finding.
 */
function includeAllFindings(units: readonly Placed<Drhd>[]): TableFinding[] {
  return [...new Set(units.map((one) => one.structure.values.segment))].flatMap((segment) => {
    const here = units.filter((one) => one.structure.values.segment === segment);
    const all = here.filter((one) => one.structure.values.includePciAll === 1);
    const [first, second] = all;
    if (!first)
      return [finding(dmar.includePciAll, here[0]!, `segment ${segment} has no unit with INCLUDE_PCI_ALL`)];
    const found: TableFinding[] = [];
    if (second)
      found.push(
        finding(dmar.includePciAllOnce, second, `segment ${segment} had one with INCLUDE_PCI_ALL before`),
      );
    const behind = here
      .slice(here.indexOf(first) + 1)
      .find((one) => one.structure.values.includePciAll === 0);
    if (behind)
      found.push(
        finding(
          dmar.includePciAllLast,
          first,
          `a unit of segment ${segment} comes behind the one with INCLUDE_PCI_ALL`,
        ),
      );
    return found;
  });
}

function affinityFindings(parts: DmarParts): TableFinding[] {
  const affinities = parts.of(rhsaLayout);
  if (affinities.length === 0) return [];
  const units = parts.of(drhdLayout);
  const bases = affinities.map((one) => one.structure.values.registerBase);
  return affinities.flatMap((one, index) => {
    const { registerBase } = one.structure.values;
    if (!units.some((unit) => unit.structure.values.registerBase === registerBase))
      return [finding(dmar.rhsaUnit, one, `no DRHD has its registers at ${hex(registerBase)}`)];
    if (bases.indexOf(registerBase) === index) return [];
    return [finding(dmar.rhsaOnce, one, `the unit at ${hex(registerBase)} had an RHSA before`)];
  });
}
