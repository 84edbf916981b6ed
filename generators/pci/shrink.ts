/** Topologies and platforms made smaller, one change at a time. What stays keeps its place, its numbers and its name. */
import { isDownstreamPort } from "../../model/pci/acs.js";
import { functionNamed } from "../../model/pci/functions.js";
import type { FirmwarePlatform, RemappingUnit } from "../../model/pci/platform.js";
import {
  type Device,
  type Endpoint,
  ISOLATING_ACS,
  isBridge,
  type PciFunction,
  type RootBus,
  type Segment,
  type Topology,
} from "../../model/pci/topology.js";

/** Topologies with less: without a segment, root bus, device or function, or with a function that is less special. */
export function* simplerTopologies({ segments }: Topology): Generator<Topology> {
  if (segments.length > 1) for (const fewer of without(segments)) yield { segments: fewer };
  for (const simpler of eachSimpler(segments, simplerSegments)) yield { segments: simpler };
}

/** Platforms with a simpler topology, or without a unit, region, interrupt source, port or promise. */
export function* simplerPlatforms(platform: FirmwarePlatform): Generator<FirmwarePlatform> {
  for (const topology of simplerTopologies(platform.topology)) yield adapted(platform, topology);
  for (const unit of platform.units) {
    const units = platform.units.filter((one) => one !== unit);
    // A segment keeps its last unit: its functions need one.
    if (units.some(({ segment }) => segment === unit.segment))
      yield adapted({ ...platform, units }, platform.topology);
  }
  for (const reserved of without(platform.reserved)) yield { ...platform, reserved };
  for (const interruptSources of without(platform.interruptSources)) yield { ...platform, interruptSources };
  for (const atsPorts of without(platform.atsPorts)) yield { ...platform, atsPorts };
  if (platform.optIn) yield { ...platform, optIn: false };
}

/** The platform with what is left of its topology, and of its units. */
function adapted(platform: FirmwarePlatform, topology: Topology): FirmwarePlatform {
  const isThere = (name: string) => functionNamed(topology, name) !== undefined;
  const isIn = (segment: number) => (one: { readonly segment: number }) => one.segment === segment;
  const units = topology.segments.flatMap(({ segment }) =>
    unitsLeft(platform.units.filter(isIn(segment)), isThere),
  );
  const reserved = platform.reserved.map((one) => ({ ...one, functions: one.functions.filter(isThere) }));
  return {
    ...platform,
    topology,
    units: units.sort((one, other) => Number(one.covers === "rest") - Number(other.covers === "rest")),
    reserved: reserved.filter(({ functions }) => functions.length > 0),
    interruptSources: platform.interruptSources.filter(({ segment }) =>
      topology.segments.some(isIn(segment)),
    ),
    atsPorts: platform.atsPorts.filter(isThere),
  };
}

/** The units of a segment that still have something. Where none covers the rest, the last one does from now on. */
function unitsLeft(units: readonly RemappingUnit[], isThere: (name: string) => boolean): RemappingUnit[] {
  const hasRest = units.some(({ covers }) => covers === "rest");
  return units.flatMap((unit, index) => {
    const isLast = !hasRest && index === units.length - 1;
    const covers = unit.covers === "rest" || isLast ? "rest" : unit.covers.filter(isThere);
    return covers.length > 0 ? [{ ...unit, covers }] : [];
  });
}

function* simplerSegments(segment: Segment): Generator<Segment> {
  const { roots } = segment;
  if (roots.length > 1) for (const fewer of without(roots)) yield { ...segment, roots: fewer };
  for (const simpler of eachSimpler(roots, simplerRoots)) yield { ...segment, roots: simpler };
}

function* simplerRoots(root: RootBus): Generator<RootBus> {
  for (const devices of simplerBuses(root.devices)) yield { ...root, devices };
}

function* simplerBuses(devices: readonly Device[]): Generator<readonly Device[]> {
  yield* without(devices);
  yield* eachSimpler(devices, simplerDevices);
}

/** Function 0 stays: without it there is no device. */
function* simplerDevices(one: Device): Generator<Device> {
  const [first, ...others] = one.functions;
  for (const fewer of without(others)) yield { ...one, functions: [first!, ...fewer] };
  for (const functions of eachSimpler(one.functions, simplerFunctions)) yield { ...one, functions };
}

function* simplerFunctions(one: PciFunction): Generator<PciFunction> {
  const plain = isBridge(one) && isDownstreamPort(one) ? ISOLATING_ACS : null;
  if (one.acs !== plain) yield { ...one, acs: plain };
  if (!isBridge(one)) {
    yield* simplerEndpoints(one);
    return;
  }
  if (one.hotPlug) yield { ...one, hotPlug: false };
  for (const devices of simplerBuses(one.devices)) yield { ...one, devices };
}

function* simplerEndpoints(one: Endpoint): Generator<Endpoint> {
  const { sriov } = one;
  if (one.phantomBits > 0) yield { ...one, phantomBits: 0 };
  if (one.alsoFunctions.length > 0) yield { ...one, alsoFunctions: [] };
  if (sriov === null) return;
  yield { ...one, sriov: null };
  if (sriov.numVfs > 0) yield { ...one, sriov: { ...sriov, numVfs: sriov.numVfs - 1 } };
  if (sriov.vfAcs !== null) yield { ...one, sriov: { ...sriov, vfAcs: null } };
}

/** The list without one of its elements, each in turn. */
function* without<T>(list: readonly T[]): Generator<T[]> {
  for (const index of list.keys()) yield list.toSpliced(index, 1);
}

/** The list with one of its elements simpler. */
function* eachSimpler<T>(list: readonly T[], simpler: (one: T) => Generator<T>): Generator<T[]> {
  for (const [index, one] of list.entries()) for (const other of simpler(one)) yield list.with(index, other);
}
