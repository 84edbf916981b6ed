/** The machine that a DMAR speaks of (VT-d chapter 8). */

import type { BusNumbers } from "../../acpi/firmware-table.js";
import { locatedFunctions } from "../../pci/functions.js";
import type { FirmwarePlatform, InterruptSource, RemappingUnit, ReservedRegion } from "../../pci/platform.js";
import { type NamedFunction, skeletonOf } from "../../pci/skeleton.js";
import { isBridge, type Topology } from "../../pci/topology.js";
import { hasRegisters } from "./check-units.js";
import {
  atsrLayout,
  type Drhd,
  drhdLayout,
  type Rmrr,
  rmrrLayout,
  type Scope,
  ScopeType,
} from "./layouts.js";
import type { DmarParts, Part } from "./parts.js";
import { Buses, Paths } from "./paths.js";

const PAGE = 4096n;

/**
 * The machine with its functions as the topology names them. Units without registers are left out, as are scope entries and
 * regions that lead to no function. Units are called as kernels call them: `dmar0` is the first one.
 */
export function platformOf(parts: DmarParts, topology: Topology): FirmwarePlatform {
  const paths = new Paths(topology);
  const { addressWidth, interruptRemapping, optIn } = parts.table.values;
  const units = parts.of(drhdLayout).filter((unit) => hasRegisters(unit.structure));
  return {
    topology,
    hostAddressWidth: addressWidth + 1,
    interruptRemapping: interruptRemapping === 1,
    optIn: optIn === 1,
    units: units.map((unit, index) => unitOf(unit, `dmar${index}`, paths)),
    reserved: parts.of(rmrrLayout).flatMap((region) => reservedOf(region, paths)),
    interruptSources: units.flatMap((unit) => sourcesOf(unit, paths)),
    atsPorts: atsPortsOf(parts, topology, paths),
  };
}

/**
 * Names of the functions that a scope lists.
 * Choice: an entry for an endpoint that leads to a bridge is left out, as it does not cover what is below. One for a bridge
 * that leads to an endpoint counts: nothing is below it. Firmware lists non-transparent bridges so.
 */
function namesIn({ scopes }: Part, segment: number, paths: Paths): string[] {
  const names = scopes.flatMap(({ structure }) => {
    const { type } = structure.values;
    if (type !== ScopeType.endpoint && type !== ScopeType.subHierarchy) return [];
    const one = paths.functionAt(segment, structure);
    return one && !(type === ScopeType.endpoint && isBridge(one.self)) ? [one.name] : [];
  });
  return [...new Set(names)];
}

function unitOf(unit: Part<Drhd>, name: string, paths: Paths): RemappingUnit {
  const { segment, registerBase, includePciAll } = unit.structure.values;
  const covers = includePciAll === 1 ? "rest" : namesIn(unit, segment, paths);
  return { name, segment, registers: Number(registerBase / PAGE), covers, itself: null };
}

/** Choice: of a region that is not aligned, devices get every page that it touches. */
function reservedOf(region: Part<Rmrr>, paths: Paths): ReservedRegion[] {
  const { segment, base, limit } = region.structure.values;
  const functions = namesIn(region, segment, paths);
  if (limit <= base || functions.length === 0) return [];
  const page = Number(base / PAGE);
  const pages = Number(limit / PAGE) - page + 1;
  return [{ functions, page, pages, kind: "unity", access: "rw" }];
}

function sourcesOf(unit: Part<Drhd>, paths: Paths): InterruptSource[] {
  const { segment } = unit.structure.values;
  return unit.scopes.flatMap(({ structure }): InterruptSource[] => {
    const { type, enumerationId: id } = structure.values;
    if (type !== ScopeType.ioApic && type !== ScopeType.hpet) return [];
    const requester = paths.idOf(segment, structure);
    if (requester === null) return [];
    return [{ kind: type === ScopeType.ioApic ? "io-apic" : "hpet", id, segment, requester }];
  });
}

function atsPortsOf(parts: DmarParts, topology: Topology, paths: Paths): string[] {
  const rootPorts = locatedFunctions(topology).filter((one) => one.kind === "root-port");
  const names = parts.of(atsrLayout).flatMap((one) => {
    const { segment, allPorts } = one.structure.values;
    const here = rootPorts.filter((port) => port.segment === segment).map((port) => port.name);
    const listed = namesIn(one, segment, paths);
    return allPorts === 1 ? here : here.filter((name) => listed.includes(name));
  });
  return [...new Set(names)];
}

/** The functions that the table names and the bridges on their paths, as far as these bus numbers tell. */
export function skeletonIn(parts: DmarParts, numbers: readonly BusNumbers[]): Topology {
  const buses = new Buses(numbers);
  const named = parts.owners.flatMap(({ segment, scopes }) =>
    scopes.flatMap(({ structure }) => functionsOn(segment, structure, buses)),
  );
  return skeletonOf(named, numbers);
}

/** The functions on a path. Whether an interrupt source is one, the table does not tell. */
function functionsOn(segment: number, entry: Scope, buses: Buses): NamedFunction[] {
  const { type } = entry.values;
  const pairs = entry.rest.length >>> 1;
  const ids = buses.idsOn(segment, entry);
  return ids.flatMap((requester, index) => {
    if (index < pairs - 1) return [{ segment, requester, bridge: true }];
    if (type !== ScopeType.endpoint && type !== ScopeType.subHierarchy) return [];
    return [{ segment, requester, bridge: type === ScopeType.subHierarchy }];
  });
}
