/** What is wrong with a DMAR on a machine with these functions (VT-d chapter 8). */
import type { TableFinding } from "../../acpi/firmware-table.js";
import { type LocatedFunction, locatedFunctions } from "../../pci/functions.js";
import { isBridge, type Topology } from "../../pci/topology.js";
import type { Rule } from "../../words/rule.js";
import { pathKey } from "./check-scopes.js";
import {
  atsrLayout,
  drhdLayout,
  hopsOf,
  rmrrLayout,
  type Scope,
  ScopeType,
  satcLayout,
  sidpLayout,
} from "./layouts.js";
import { type DmarParts, finding, type Owner } from "./parts.js";
import { Paths } from "./paths.js";
import { dmar } from "./rules.js";

const { endpoint, subHierarchy, ioApic } = ScopeType;

/** An entry of a scope, whose it is, and the function to which it leads. */
interface Resolved {
  readonly offset: number;
  readonly structure: Scope;
  readonly owner: Owner;
  readonly target: LocatedFunction | null;
}

/** What is wrong with the table on that machine, besides what is wrong with it on every one. */
export function topologyFindings(parts: DmarParts, topology: Topology): readonly TableFinding[] {
  const paths = new Paths(topology);
  const entries = parts.owners.flatMap((owner) =>
    owner.scopes.map((entry) => ({
      ...entry,
      owner,
      target: paths.functionAt(owner.segment, entry.structure),
    })),
  );
  const claims = new Claims(parts, entries);
  return [
    ...entries.flatMap((entry) => [...pathFindings(entry, topology, paths), ...targetFindings(entry)]),
    ...claims.findings(),
    ...claims.regionFindings(entries),
    ...claims.coverageFindings(topology),
  ];
}

const isOfFunction = ({ structure: { values } }: Resolved) =>
  values.type === endpoint || values.type === subHierarchy;

function pathFindings(entry: Resolved, topology: Topology, paths: Paths): TableFinding[] {
  const { structure, target } = entry;
  const { segment } = entry.owner;
  const { type, startBus } = structure.values;
  const found: TableFinding[] = [];
  const wrong = (rule: Rule, message: string) => found.push(finding(rule, entry, message));
  if (!isOfFunction(entry) && type !== ioApic) return [];
  const pairs = hopsOf(structure.rest).length;
  const reached = isOfFunction(entry) ? target !== null : paths.idOf(segment, structure) !== null;
  if (!reached && pairs > 0) wrong(dmar.leadsNowhere, `the path from bus ${startBus} leads to no function`);
  const roots = topology.segments.filter((one) => one.segment === segment).flatMap((one) => one.roots);
  // An I/O APIC that enumeration does not show has any id that the platform gave to it.
  if (isOfFunction(entry) && !roots.some((root) => root.bus === startBus))
    wrong(dmar.startBus, `no host bridge opens bus ${startBus} of segment ${segment}`);
  return found;
}

function targetFindings(entry: Resolved): TableFinding[] {
  const { target, owner } = entry;
  if (!target || !isOfFunction(entry)) return [];
  const found: TableFinding[] = [];
  const wrong = (rule: Rule, message: string) => found.push(finding(rule, entry, message));
  const bridge = isBridge(target.self);
  if (bridge !== (entry.structure.values.type === subHierarchy))
    wrong(dmar.kind, `${target.name} is ${bridge ? "a bridge" : "no bridge"}`);
  if (target.physical !== null)
    wrong(dmar.virtualFunction, `${target.name} is a virtual function of ${target.physical}`);
  if (owner.structure.layout === atsrLayout && target.kind !== "root-port")
    wrong(dmar.atsrPort, `${target.name} is no root port`);
  const integrated = owner.structure.layout === satcLayout || owner.structure.layout === sidpLayout;
  if (integrated && target.kind !== "integrated-endpoint")
    wrong(dmar.integrated, `${target.name} is not integrated`);
  return found;
}

/** Which units have which functions in their scopes. */
class Claims {
  /** Entries of units by the name of the function to which they lead. */
  private readonly byName = new Map<string, Resolved[]>();
  /** Segments with a unit that translates for the rest. */
  private readonly rest: ReadonlySet<number>;

  constructor(parts: DmarParts, entries: readonly Resolved[]) {
    const units = parts.of(drhdLayout).map((one) => one.structure.values);
    this.rest = new Set(units.filter((one) => one.includePciAll === 1).map((one) => one.segment));
    for (const entry of entries) {
      if (entry.owner.structure.layout !== drhdLayout || !entry.target || !isOfFunction(entry)) continue;
      const { name } = entry.target;
      this.byName.set(name, [...(this.byName.get(name) ?? []), entry]);
    }
  }

  /** The entries of units that have the function in their scope: by itself, its physical function, or a bridge above. */
  private claiming(one: LocatedFunction): readonly Resolved[] {
    const above = one.above.flatMap((bridge) => this.byName.get(bridge.name) ?? []);
    const hierarchies = above.filter((entry) => entry.structure.values.type === subHierarchy);
    return [...hierarchies, ...(this.byName.get(one.physical ?? one.name) ?? [])];
  }

  private isCovered(one: LocatedFunction): boolean {
    return this.rest.has(one.segment) || this.claiming(one).length > 0;
  }

  /**
   * Functions that entries of several units lead to, or are above, are found where they are named last. That two paths are
   * the same is wrong on every machine.
   */
  findings(): TableFinding[] {
    return [...this.byName.values()].flatMap((entries) => {
      const { target } = entries[0]!;
      const last = entries[entries.length - 1]!;
      const path = pathKey(last.owner.segment, last.structure);
      const other = this.claiming(target!).find(
        (one) => one.owner.offset !== last.owner.offset && pathKey(one.owner.segment, one.structure) !== path,
      );
      if (!other) return [];
      const message = `${target!.name} is in the scope of the unit at byte ${other.owner.offset} too`;
      return [finding(dmar.claimedTwice, last, message)];
    });
  }

  /** Devices with a reserved region that no unit translates for. */
  regionFindings(entries: readonly Resolved[]): TableFinding[] {
    return entries.flatMap((entry) => {
      const { owner, target } = entry;
      if (owner.structure.layout !== rmrrLayout || !target || this.isCovered(target)) return [];
      return [finding(dmar.rmrrUncovered, entry, `${target.name} is behind no unit`)];
    });
  }

  coverageFindings(topology: Topology): TableFinding[] {
    const without = locatedFunctions(topology).filter((one) => !this.isCovered(one));
    const segments = [...new Set(without.map((one) => one.segment))];
    return segments.map((segment) => {
      const names = without.filter((one) => one.segment === segment).map((one) => one.name);
      return finding(dmar.uncovered, { offset: 0 }, `behind no unit: ${names.join(", ")}`);
    });
  }
}
