/** Smaller machines: functions, units and reserved regions go, and what is left takes simpler values. */
import { locatedFunctions } from "../../model/pci/functions.js";
import type { FirmwarePlatform, RemappingUnit, ReservedRegion } from "../../model/pci/platform.js";
import {
  type Endpoint,
  ISOLATING_ACS,
  isBridge,
  type PciFunction,
  type SriovCapability,
  type Topology,
} from "../../model/pci/topology.js";
import { withFunctions, withoutFunctions } from "./present.js";
import type { PlatformScenario } from "./scenario.js";

/** How large a machine is: what it is made of, and how far that is from the simplest there is. */
export function sizeOfMachine({ platform, absent }: PlatformScenario): { parts: number; fields: number } {
  const { topology, units, reserved } = platform;
  const functions = allFunctions(topology);
  const parts = functions.length + units.length + reserved.length + absent.length;
  const fields =
    sum(functions, sizeOfFunction) +
    sum(units, ({ covers }) => (covers === "rest" ? 0 : 1 + covers.length)) +
    sum(reserved, (one) => one.pages - 1 + Number(one.kind !== "unity") + Number(one.access !== "rw")) +
    sum(reserved, (one) => one.functions.length);
  return { parts, fields };
}

function sum<T>(list: readonly T[], of: (one: T) => number): number {
  return list.reduce((total, one) => total + of(one), 0);
}

function allFunctions(topology: Topology): PciFunction[] {
  return locatedFunctions(topology).flatMap((one) => (one.physical === null ? [one.self] : []));
}

function sizeOfFunction(one: PciFunction): number {
  if (isBridge(one)) return Number(one.hotPlug) + Number(one.acs !== ISOLATING_ACS);
  const { sriov } = one;
  const virtual = sriov
    ? 1 + sriov.totalVfs + sriov.numVfs + sriov.firstVfOffset + sriov.vfStride + Number(sriov.vfAcs !== null)
    : 0;
  return one.phantomBits + one.alsoFunctions.length + virtual + Number(one.acs !== null);
}

/** The scenario on machines with something taken away. */
export function* onSmallerMachines(scenario: PlatformScenario): Generator<PlatformScenario> {
  for (const { name } of allFunctions(scenario.platform.topology)) yield without(scenario, name);
  for (const index of scenario.absent.keys())
    yield { ...scenario, absent: scenario.absent.toSpliced(index, 1) };
  for (const platform of smallerPlatforms(scenario.platform)) yield { ...scenario, platform };
}

/** The scenario without a function, all that is below it, and everything that is said of them. */
function without(scenario: PlatformScenario, name: string): PlatformScenario {
  const { platform } = scenario;
  const topology = withoutFunctions(platform.topology, new Set([name]));
  const left = new Set(allFunctions(topology).map((one) => one.name));
  const isLeft = (one: string) => left.has(one) || left.has(one.replace(/\.vf\d+$/, ""));
  return {
    ...scenario,
    absent: scenario.absent.filter(isLeft),
    steps: scenario.steps.filter((step) => !("device" in step) || isLeft(step.device)),
    platform: {
      ...platform,
      topology,
      units: unitsOver(platform.units, isLeft),
      reserved: platform.reserved
        .map((one) => ({ ...one, functions: one.functions.filter(isLeft) }))
        .filter((one) => one.functions.length > 0),
    },
  };
}

/** The units with less to translate for. One with nothing goes, but for the last. */
function unitsOver(units: readonly RemappingUnit[], isLeft: (name: string) => boolean): RemappingUnit[] {
  const fewer = units.map(
    (one): RemappingUnit => (one.covers === "rest" ? one : { ...one, covers: one.covers.filter(isLeft) }),
  );
  const used = fewer.filter((one) => one.covers === "rest" || one.covers.length > 0);
  return used.length > 0 ? used : fewer.slice(0, 1);
}

function* smallerPlatforms(platform: FirmwarePlatform): Generator<FirmwarePlatform> {
  const { units, reserved, topology } = platform;
  for (const one of units) if (units.length > 1) yield { ...platform, units: withoutUnit(units, one) };
  const last = units.length - 1;
  if (units[last]!.covers !== "rest")
    yield { ...platform, units: units.with(last, { ...units[last]!, covers: "rest" }) };
  for (const [index, region] of reserved.entries()) {
    yield { ...platform, reserved: reserved.toSpliced(index, 1) };
    for (const simpler of simplerRegions(region))
      yield { ...platform, reserved: reserved.with(index, simpler) };
  }
  for (const one of allFunctions(topology))
    for (const simpler of simplerFunctions(one))
      yield { ...platform, topology: withFunctions(topology, (old) => (old === one ? simpler : old)) };
}

/** What the unit translated for is another one's. */
function withoutUnit(units: readonly RemappingUnit[], gone: RemappingUnit): RemappingUnit[] {
  const left = units.filter((one) => one !== gone);
  const heir = left.length - 1;
  const { covers } = left[heir]!;
  if (covers === "rest") return left;
  return left.with(heir, {
    ...left[heir]!,
    covers: gone.covers === "rest" ? "rest" : [...covers, ...gone.covers],
  });
}

function* simplerRegions(region: ReservedRegion): Generator<ReservedRegion> {
  if (region.kind !== "unity") yield { ...region, kind: "unity" };
  if (region.access !== "rw") yield { ...region, access: "rw" };
  for (const pages of [1, region.pages - 1])
    if (pages >= 1 && pages < region.pages) yield { ...region, pages };
}

function* simplerFunctions(one: PciFunction): Generator<PciFunction> {
  if (isBridge(one)) {
    if (one.hotPlug) yield { ...one, hotPlug: false };
    if (one.acs !== ISOLATING_ACS) yield { ...one, acs: ISOLATING_ACS };
    return;
  }
  if (one.acs !== null) yield { ...one, acs: null };
  if (one.phantomBits > 0) yield { ...one, phantomBits: (one.phantomBits - 1) as Endpoint["phantomBits"] };
  for (const index of one.alsoFunctions.keys())
    yield { ...one, alsoFunctions: one.alsoFunctions.toSpliced(index, 1) };
  if (!one.sriov) return;
  yield { ...one, sriov: null };
  for (const sriov of simplerVirtual(one.sriov)) yield { ...one, sriov };
}

function* simplerVirtual(sriov: SriovCapability): Generator<SriovCapability> {
  const { totalVfs, numVfs, firstVfOffset, vfStride } = sriov;
  if (sriov.vfAcs !== null) yield { ...sriov, vfAcs: null };
  if (numVfs > 0) yield { ...sriov, numVfs: numVfs - 1 };
  if (totalVfs > Math.max(1, numVfs)) yield { ...sriov, totalVfs: totalVfs - 1 };
  if (firstVfOffset > 1) yield { ...sriov, firstVfOffset: 1 };
  if (vfStride > 1) yield { ...sriov, vfStride: vfStride - 1 };
}
