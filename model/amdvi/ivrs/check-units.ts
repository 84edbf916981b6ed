/** What is wrong with the units that IVHDs describe (AMD-Vi 5.2.2.1). */
import type { TableFinding } from "../../acpi/firmware-table.js";
import { showAddress } from "../../words/address.js";
import type { Rule } from "../../words/rule.js";
import type { Placed } from "./claims.js";
import { featuresOf, flagsOf } from "./features.js";
import type { Ivhd } from "./layouts.js";
import * as rules from "./rules.js";
import { type DescribedIvhd, type DescribedUnit, nameOf, typeOf } from "./units.js";

/** Registers of every unit take 16 KiB, with performance counters 512 KiB. */
const REGISTERS = 0x4000n;
const FIRST_CAPABILITY = 0x40;

type Wrong = (rule: Rule, offset: number, message: string) => void;

const hex = (value: number | bigint) => `0x${value.toString(16)}`;

/** What is wrong with units one by one and together. `paSize`: bits of physical addresses. */
export function unitFindings(units: readonly DescribedUnit[], paSize: number): TableFinding[] {
  const found: TableFinding[] = [];
  const wrong: Wrong = (rule, offset, message) => found.push({ rule, offset, message });
  for (const unit of units) {
    checkOrder(unit, wrong);
    for (const ivhd of unit.ivhds) {
      checkRegisters(ivhd, paSize, wrong);
      checkFeatures(ivhd, unit, wrong);
      found.push(...ivhd.entries.findings);
    }
    for (const other of unit.ivhds) if (other !== unit.ivhd) checkAgreement(unit, other, wrong);
  }
  checkSharedRegisters(units, wrong);
  return found;
}

function checkOrder(unit: DescribedUnit, wrong: Wrong): void {
  for (const [index, ivhd] of unit.ivhds.entries()) {
    const before = unit.ivhds[index - 1];
    const what = `the IVHD of type ${hex(typeOf(ivhd))} of ${nameOf(unit)}`;
    if (before && typeOf(before) > typeOf(ivhd))
      wrong(rules.order, ivhd.offset, `${what} comes after one of type ${hex(typeOf(before))}`);
    if (unit.ivhds.slice(0, index).some((one) => typeOf(one) === typeOf(ivhd)))
      wrong(rules.repeated, ivhd.offset, `${what} is not the first`);
  }
}

function checkRegisters({ structure, offset }: Placed<Ivhd>, paSize: number, wrong: Wrong): void {
  const { base, capabilityOffset } = structure.values;
  const reached = 1n << BigInt(paSize || 52);
  if (base === 0n) wrong(rules.base, offset, "the unit has no registers");
  else if (base % REGISTERS !== 0n)
    wrong(rules.base, offset, `registers at ${hex(base)}, which is no multiple of 16 KiB`);
  else if (base + REGISTERS > reached)
    wrong(rules.base, offset, `registers at ${hex(base)}, beyond addresses of ${paSize} bits`);
  if (capabilityOffset < FIRST_CAPABILITY || capabilityOffset > 0xff || capabilityOffset % 4 !== 0)
    wrong(rules.capability, offset, `a capability at ${hex(capabilityOffset)} of configuration space`);
}

/** The EFR image of the IVHD itself, or of the one that counts. */
function efrFor(ivhd: DescribedIvhd, unit: DescribedUnit): bigint | null {
  if ("efr" in ivhd.structure.values) return ivhd.structure.values.efr;
  const values = unit.ivhd.structure.values;
  return "efr" in values ? values.efr : null;
}

function checkFeatures(ivhd: DescribedIvhd, unit: DescribedUnit, wrong: Wrong): void {
  const efr = efrFor(ivhd, unit);
  if (efr === null) return;
  const { values } = ivhd.structure;
  const told = "efr" in values ? flagsOf(efr) : { ...flagsOf(efr), ...featuresOf(efr) };
  const said: Readonly<Record<string, number | bigint | string>> = values;
  const differing = Object.entries(told).filter(([name, value]) => {
    // Where these flags are reserved they may be clear.
    const silent = "efr" in values && said[name] === 0;
    return said[name] !== value && !silent;
  });
  if (differing.length === 0) return;
  const each = differing.map(([name, value]) => `${name} is ${said[name]}, in the EFR image ${value}`);
  wrong(rules.sameFeatures, ivhd.offset, `of ${nameOf(unit)} ${each.join("; ")}`);
}

const REGISTER_FIELDS = ["base", "capabilityOffset", "msiNumber", "unitId", "msiNumPPR"] as const;
const FEATURE_FIELDS = [
  "htTunEn",
  "passPW",
  "resPassPW",
  "isoc",
  "iotlbSup",
  "coherent",
  "pnCounters",
  "pnBanks",
  "hatDis",
  "efr",
  "efr2",
] as const;

/** Compares an IVHD with the one of its unit that counts. */
function checkAgreement(unit: DescribedUnit, other: DescribedIvhd, wrong: Wrong): void {
  const compare = (rule: Rule, names: readonly string[]) => {
    const one: Readonly<Record<string, unknown>> = unit.ivhd.structure.values;
    const two: Readonly<Record<string, unknown>> = other.structure.values;
    const differing = names.filter((name) => name in one && name in two && one[name] !== two[name]);
    if (differing.length === 0) return;
    const types = `${hex(typeOf(other))} and ${hex(typeOf(unit.ivhd))}`;
    wrong(rule, other.offset, `IVHDs of types ${types} of ${nameOf(unit)} differ: ${differing.join(", ")}`);
  };
  compare(rules.sameRegisters, REGISTER_FIELDS);
  compare(rules.sameFeatures, FEATURE_FIELDS);
  if (entriesSaid(other) !== entriesSaid(unit.ivhd))
    wrong(rules.sameDevices, other.offset, `IVHDs of ${nameOf(unit)} differ in their devices`);
}

/** What the entries of an IVHD say, as text to compare; ACPI devices apart, which not every type can name. */
function entriesSaid({ structure }: DescribedIvhd): string {
  const said = structure.parts.filter(
    ({ values }) => values.type !== 240 && values.type !== 0 && values.type !== 64,
  );
  return JSON.stringify(said.map(({ values }) => values));
}

function checkSharedRegisters(units: readonly DescribedUnit[], wrong: Wrong): void {
  for (const [index, unit] of units.entries()) {
    const { base } = unit.ivhd.structure.values;
    const other = units.slice(0, index).find((one) => {
      const distance = one.ivhd.structure.values.base - base;
      return base !== 0n && distance < REGISTERS && -distance < REGISTERS;
    });
    if (other)
      wrong(
        rules.registers,
        unit.ivhd.offset,
        `${nameOf(unit)} and ${nameOf(other)} both have registers at ${showAddress(Number(base >> 12n))}`,
      );
  }
}
