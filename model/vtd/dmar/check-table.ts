/** What is wrong with a DMAR by itself, whatever machine it is of (VT-d chapter 8). */
import type { TableFinding } from "../../acpi/firmware-table.js";
import type { Structure } from "../../acpi/structure.js";
import type { Rule } from "../../words/rule.js";
import { scopeFindings } from "./check-scopes.js";
import { unitFindings } from "./check-units.js";
import { anddLayout, atsrLayout, type Dmar, type Rmrr, rmrrLayout, satcLayout } from "./layouts.js";
import { type DmarParts, finding, hex, type Part, type Placed } from "./parts.js";
import { dmar } from "./rules.js";

/** Physical address widths of x86 machines: the least without PAE, the most that there may be. */
const WIDTHS = { least: 32, most: 52 };

/** What is wrong with the structures of a table, besides what can be wrong with those of any. */
export function tableFindings(parts: DmarParts): readonly TableFinding[] {
  return [
    ...fixedFindings(parts.table),
    ...orderFindings(parts),
    ...unitFindings(parts),
    ...regionFindings(parts),
    ...scopeFindings(parts),
    ...portFindings(parts),
    ...namespaceFindings(parts),
    ...propertyFindings(parts),
  ];
}

function fixedFindings({ values }: Dmar): TableFinding[] {
  const found: TableFinding[] = [];
  const wrong = (rule: Rule, message: string) => found.push(finding(rule, { offset: 0 }, message));
  const width = values.addressWidth + 1;
  if (values.revision !== 1) wrong(dmar.revision, `the revision is ${values.revision}`);
  if (width < WIDTHS.least || width > WIDTHS.most) wrong(dmar.addressWidth, `addresses of ${width} bits`);
  if (values.x2apicOptOut === 1 && values.interruptRemapping === 0)
    wrong(dmar.x2apicOptOut, "X2APIC_OPT_OUT is set without INTR_REMAP");
  return found;
}

const typeOf = (one: Structure) => Number(one.values.type);

function orderFindings(parts: DmarParts): TableFinding[] {
  const { all } = parts;
  return all.slice(1).flatMap((one, index) => {
    const before = typeOf(all[index]!.structure);
    const type = typeOf(one.structure);
    return type < before ? [finding(dmar.order, one, `type ${type} comes behind type ${before}`)] : [];
  });
}

function regionFindings(parts: DmarParts): TableFinding[] {
  const regions = parts.of(rmrrLayout);
  return regions.flatMap((one, index) => [
    ...boundsFindings(one, parts.table.values.addressWidth + 1),
    ...overlapFindings(one, regions.slice(0, index)),
  ]);
}

function boundsFindings(region: Part<Rmrr>, width: number): TableFinding[] {
  const { base, limit } = region.structure.values;
  const found: TableFinding[] = [];
  const wrong = (rule: Rule, message: string) => found.push(finding(rule, region, message));
  if (base % 4096n !== 0n) wrong(dmar.rmrrBase, `the base is ${hex(base)}`);
  if (limit <= base) wrong(dmar.rmrrLimit, `the limit ${hex(limit)} is not above the base ${hex(base)}`);
  else if ((limit - base + 1n) % 4096n !== 0n)
    wrong(dmar.rmrrLimit, `the region has ${hex(limit - base + 1n)} bytes`);
  if (limit >= 1n << BigInt(width))
    wrong(dmar.addressWidth, `the limit ${hex(limit)} is not below 2^${width}`);
  if (region.scopes.length === 0) wrong(dmar.rmrrScope, "the region is for no device");
  return found;
}

/**
 * Choice: 8.4 does not say that regions are apart. Two that are the same one, for devices of two segments or in two
 * structures, mean what they say; two that share a part are taken for an error.
 */
function overlapFindings(region: Placed<Rmrr>, before: readonly Placed<Rmrr>[]): TableFinding[] {
  const { base, limit } = region.structure.values;
  const other = before.find(({ structure: { values } }) => {
    const same = values.base === base && values.limit === limit;
    return values.base <= limit && base <= values.limit && !same;
  });
  if (!other) return [];
  const { values } = other.structure;
  const message = `${hex(base)} to ${hex(limit)} overlaps ${hex(values.base)} to ${hex(values.limit)}`;
  return [finding(dmar.rmrrOverlap, region, message)];
}

function portFindings(parts: DmarParts): TableFinding[] {
  return parts
    .of(atsrLayout)
    .flatMap((one) =>
      one.structure.values.allPorts === 1 && one.structure.parts.length > 0
        ? [
            finding(
              dmar.atsrAllPorts,
              one,
              `ALL_PORTS is set, and ${one.structure.parts.length} scope entries follow`,
            ),
          ]
        : [],
    );
}

function namespaceFindings(parts: DmarParts): TableFinding[] {
  const declared = new Set<number>();
  return parts.of(anddLayout).flatMap((one) => {
    const { deviceNumber } = one.structure.values;
    const found: TableFinding[] = [];
    if (declared.has(deviceNumber))
      found.push(finding(dmar.anddNumber, one, `ACPI device ${deviceNumber} was declared before`));
    declared.add(deviceNumber);
    const name = one.structure.rest;
    // Choice: firmware fills up behind the NUL that ends the name.
    const end = name.indexOf(0);
    const printable = name.subarray(0, end).every((byte) => byte > 0x20 && byte < 0x7f);
    if (end < 1 || !printable || name.subarray(end).some((byte) => byte !== 0))
      found.push(finding(dmar.anddName, one, "the object name is not printable ASCII that ends with NUL"));
    return found;
  });
}

function propertyFindings(parts: DmarParts): TableFinding[] {
  const seen = new Set<string>();
  return parts.of(satcLayout).flatMap((one) => {
    const { segment, atcRequired } = one.structure.values;
    const key = `${segment} ${atcRequired}`;
    const found: TableFinding[] = [];
    if (seen.has(key))
      found.push(finding(dmar.satcOnce, one, `segment ${segment} had one with these flags before`));
    seen.add(key);
    return found;
  });
}
