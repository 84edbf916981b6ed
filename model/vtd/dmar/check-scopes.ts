/** What is wrong with device scopes by themselves (VT-d 8.3.1). */
import type { TableFinding } from "../../acpi/firmware-table.js";
import type { Structure } from "../../acpi/structure.js";
import type { Rule } from "../../words/rule.js";
import {
  anddLayout,
  atsrLayout,
  drhdLayout,
  hopsOf,
  rmrrLayout,
  type Scope,
  ScopeType,
  satcLayout,
  sidpLayout,
} from "./layouts.js";
import { type DmarParts, finding, type Placed } from "./parts.js";
import { dmar } from "./rules.js";

const { endpoint, subHierarchy, ioApic, hpet, namespaceDevice } = ScopeType;
/** Types whose start bus and path are a requester id. */
const NUMBERED: readonly number[] = [hpet, namespaceDevice];
const UNUMBERED: readonly number[] = [endpoint, subHierarchy];
const EXPLICIT: readonly number[] = Object.values(ScopeType);

/**
 * Types of entries that a structure may have.
 * Choice: 8.4 does not name the types for a reserved region; interrupt sources have no use for one.
 */
function typesFor(structure: Structure): readonly number[] {
  switch (structure.layout) {
    case drhdLayout:
      // 8.3 speaks of I/O APICs and HPETs only, 8.3.1.3 wants name-space devices in the scope of the appropriate unit.
      return structure.values.includePciAll ? [ioApic, hpet, namespaceDevice] : EXPLICIT;
    case rmrrLayout:
      return [endpoint, subHierarchy, namespaceDevice];
    case atsrLayout:
      return [subHierarchy];
    case satcLayout:
      return [endpoint];
    default:
      return [endpoint, namespaceDevice];
  }
}

/** What is wrong with the scopes of a table, whatever machine it is of. */
export function scopeFindings(parts: DmarParts): TableFinding[] {
  const each = parts.owners.flatMap((owner) =>
    owner.scopes.flatMap((entry) => [
      ...entryFindings(entry, owner.structure),
      ...pathFindings(entry, owner.structure),
    ]),
  );
  return [...each, ...sourceFindings(parts), ...namespaceFindings(parts), ...claimFindings(parts)];
}

function entryFindings(entry: Placed<Scope>, owner: Structure): TableFinding[] {
  const { type, enumerationId, ...values } = entry.structure.values;
  const found: TableFinding[] = [];
  const wrong = (rule: Rule, message: string) => found.push(finding(rule, entry, message));
  if (!typesFor(owner).includes(type))
    wrong(dmar.scopeType, `type ${type} is not for this ${owner.layout.name}`);
  const { noNested, noPwsnp, noPgsnp, atcHardened, atcRequired } = values;
  const flags = noNested + noPwsnp + noPgsnp + atcHardened + atcRequired;
  const flagged = owner.layout === sidpLayout && (type === endpoint || type === namespaceDevice);
  if (flags > 0 && !flagged) wrong(dmar.scopeFlags, "flags that are reserved here are set");
  if (enumerationId !== 0 && UNUMBERED.includes(type))
    wrong(dmar.enumerationId, `an entry of type ${type} has enumeration id ${enumerationId}`);
  return found;
}

function pathFindings(entry: Placed<Scope>, owner: Structure): TableFinding[] {
  const { values, rest } = entry.structure;
  const found: TableFinding[] = [];
  const wrong = (rule: Rule, message: string) => found.push(finding(rule, entry, message));
  if (rest.length === 0 || rest.length % 2 !== 0) wrong(dmar.path, `the path has ${rest.length} bytes`);
  const single = NUMBERED.includes(values.type) || owner.layout === satcLayout || owner.layout === sidpLayout;
  if (single && rest.length > 3) wrong(dmar.singlePath, `the path has ${rest.length >> 1} pairs`);
  for (const one of hopsOf(rest)) {
    if (one.device > 31 || one.function > 7)
      wrong(dmar.hop, `the path has device ${one.device}, function ${one.function}`);
  }
  return found;
}

/** Those that have the same key as one before; without a key they do not count. */
function repeated<T extends { readonly key: string | null }>(entries: readonly T[]): T[] {
  const seen = new Set<string>();
  return entries.filter(({ key }) => {
    if (key === null) return false;
    const before = seen.has(key);
    seen.add(key);
    return before;
  });
}

function sourceFindings(parts: DmarParts): TableFinding[] {
  const units = new Map<string, number>();
  return parts.of(drhdLayout).flatMap((unit, index) =>
    unit.scopes.flatMap((entry) => {
      const { type, enumerationId } = entry.structure.values;
      if (type !== ioApic && type !== hpet) return [];
      const name = `${type === ioApic ? "I/O APIC" : "HPET"} ${enumerationId}`;
      const first = units.get(name) ?? index;
      units.set(name, first);
      return first === index
        ? []
        : [finding(dmar.sourceTwice, entry, `${name} is in the scope of a unit before`)];
    }),
  );
}

function namespaceFindings(parts: DmarParts): TableFinding[] {
  const declared = parts.of(anddLayout).map((one) => one.structure.values.deviceNumber);
  const entries = parts.owners.flatMap((owner) => owner.scopes);
  return entries.flatMap((entry) => {
    const { type, enumerationId } = entry.structure.values;
    if (type !== namespaceDevice || declared.includes(enumerationId)) return [];
    return [finding(dmar.undeclaredDevice, entry, `no ANDD declares ACPI device ${enumerationId}`)];
  });
}

/** Paths that are in the scope of a unit for the second time. What different paths lead to needs the topology. */
function claimFindings(parts: DmarParts): TableFinding[] {
  const entries = parts.of(drhdLayout).flatMap((unit) =>
    unit.scopes.map((entry) => ({
      ...entry,
      key: pathKey(unit.structure.values.segment, entry.structure),
    })),
  );
  return repeated(entries).map((entry) =>
    finding(dmar.claimedTwice, entry, "the path was in a unit's scope before"),
  );
}

/** Tells apart paths to functions; null for an entry that is not of a PCI function. */
export function pathKey(segment: number, { values, rest }: Scope): string | null {
  return UNUMBERED.includes(values.type) ? `${segment} ${values.startBus} ${rest.join(" ")}` : null;
}
