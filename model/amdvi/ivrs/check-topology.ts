/** What is wrong with an IVRS on a machine with certain functions (AMD-Vi 5.2.2). */
import type { TableFinding } from "../../acpi/firmware-table.js";
import { type LocatedFunction, locatedFunctions } from "../../pci/functions.js";
import { requesterIdsOf } from "../../pci/requester-ids.js";
import { isBridge, type Topology } from "../../pci/topology.js";
import { type RequesterId, showRequester } from "../../words/address.js";
import type { Rule } from "../../words/rule.js";
import { aliasBehind } from "./aliases.js";
import { common, hasId } from "./device-ids.js";
import { IvmdType } from "./layouts.js";
import { idsOnMachine } from "./machine-ids.js";
import { functionsOfMemory, idsOfMemory } from "./platform-in.js";
import * as rules from "./rules.js";
import { claimOn, type DescribedUnit, type Description, nameOf, unitWith } from "./units.js";

type Wrong = (rule: Rule, offset: number, message: string) => void;

/** @see FirmwareTable.findingsIn */
export function findingsIn(description: Description, topology: Topology): TableFinding[] {
  const found: TableFinding[] = [];
  const wrong: Wrong = (rule, offset, message) => found.push({ rule, offset, message });
  const machine = { topology, ids: idsOnMachine(topology) };
  for (const unit of description.units) checkUnit(unit, machine, wrong);
  checkMemory(description, machine, wrong);
  for (const one of locatedFunctions(topology)) checkFunction(one, description.units, machine, wrong);
  return found;
}

interface Machine {
  readonly topology: Topology;
  readonly ids: ReturnType<typeof idsOnMachine>;
}

function checkUnit(unit: DescribedUnit, machine: Machine, wrong: Wrong): void {
  const there = machine.ids.get(unit.segment);
  if (!there) {
    wrong(rules.absentSegment, unit.ivhd.offset, `${nameOf(unit)} is in a segment that is not there`);
    return;
  }
  for (const { offset, form, first } of unit.ivhd.entries.claims) {
    // An ACPI device is no PCI function; its requests carry an id all the same.
    if (form === "one" && !hasId(there, first))
      wrong(rules.absentFunction, offset, `there is no function ${showRequester(first)}`);
  }
}

function checkMemory({ memory }: Description, machine: Machine, wrong: Wrong): void {
  for (const { offset, structure } of memory) {
    const { type, segment, deviceId } = structure.values;
    const there = common(idsOfMemory(structure), machine.ids.get(segment) ?? []);
    if (there.length > 0 || functionsOfMemory(structure, machine.topology).length > 0) continue;
    const whom = type === IvmdType.one ? showRequester(deviceId) : "the devices of a range";
    wrong(rules.absentMemoryDevice, offset, `memory is for ${whom}, which the machine has not`);
  }
}

function checkFunction(
  one: LocatedFunction,
  units: readonly DescribedUnit[],
  machine: Machine,
  wrong: Wrong,
): void {
  const { name, segment, requester, self, above } = one;
  const isUnit = units.some((unit) => unit.segment === segment && unit.deviceId === requester);
  // Bridges make no requests to speak of, and a unit does not translate its own.
  if (isBridge(self) || isUnit) return;
  const unit = unitWith(units, segment, requester);
  if (!unit) {
    wrong(rules.unclaimed, 0, `${name} (${showRequester(requester)}) belongs to no unit`);
    return;
  }
  checkRequests(one, unit, units, machine, wrong);
  checkAlias(one, unit, aliasBehind(machine.topology, above), machine, wrong);
}

function checkRequests(
  { name, segment }: LocatedFunction,
  unit: DescribedUnit,
  units: readonly DescribedUnit[],
  machine: Machine,
  wrong: Wrong,
): void {
  for (const id of requesterIdsOf(machine.topology, name)) {
    if (hasId(unit.ids, id)) continue;
    const owner = unitWith(units, segment, id);
    const whose = owner ? `belongs to ${nameOf(owner)}` : "belongs to no unit";
    wrong(
      rules.requesterUnclaimed,
      unit.ivhd.offset,
      `requests of ${name} carry ${showRequester(id)}, which ${whose}`,
    );
  }
}

function checkAlias(
  { name, requester }: LocatedFunction,
  unit: DescribedUnit,
  expected: RequesterId | null,
  { topology }: Machine,
  wrong: Wrong,
): void {
  const claim = claimOn(unit, requester);
  const alias = claim?.alias ?? null;
  if (claim && alias !== null && !requesterIdsOf(topology, name).includes(alias))
    wrong(
      rules.aliasDisagrees,
      claim.offset,
      `${name} has the alias ${showRequester(alias)}, which its requests cannot carry`,
    );
  if (claim && alias === null && expected !== null && expected !== requester)
    wrong(
      rules.aliasMissing,
      claim.offset,
      `requests of ${name} carry ${showRequester(expected)}, of which the table says nothing`,
    );
}
