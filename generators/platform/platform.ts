/** A machine from its features: the units that translate for them, and what firmware says of both. */
import type { LeftBehind } from "../../implementations/driver/platform/interface.js";
import { platformNamed } from "../../model/architectures.js";
import type { FirmwarePlatform, RemappingUnit } from "../../model/pci/platform.js";
import { type Device, isBridge } from "../../model/pci/topology.js";
import type { ArchitectureId, Profile } from "../../model/profile.js";
import { platformOf, vtdProfile } from "../../model/vtd/profile.js";
import { requesterId } from "../../model/words/address.js";
import type { Chance } from "../../model/words/chance.js";
import type { Feature } from "./features.js";

/** Pages of the registers of each unit, far enough from each other for the most that any has. */
const REGISTERS: Readonly<Record<ArchitectureId, readonly number[]>> = {
  vtd: [0xfed90, 0xfed91],
  amdvi: [0xfd100, 0xfd200],
};

/** The function that each unit is on AMD-Vi. */
const ITSELF = [requesterId(0, 0, 2), requesterId(0, 0, 3)];

/** A machine with these features. */
export function platformWith(
  chance: Chance,
  profile: Profile,
  features: readonly Feature[],
): FirmwarePlatform {
  const devices = features.flatMap((one) => one.devices).sort((one, other) => one.device - other.device);
  const uncovered = new Set(features.flatMap((one) => one.uncovered ?? []));
  return {
    topology: { segments: [{ segment: 0, roots: [{ bus: 0, devices }] }] },
    hostAddressWidth: profile.hostAddressWidth,
    interruptRemapping: false,
    optIn: false,
    units: unitsFor(chance, profile.architecture, devices, uncovered),
    reserved: features.flatMap((one) => one.reserved ?? []),
    interruptSources: [],
    atsPorts: [],
  };
}

/** One unit for everything, or one for what is below a port, or of a device, and one for the rest. */
function unitsFor(
  chance: Chance,
  architecture: ArchitectureId,
  devices: readonly Device[],
  uncovered: ReadonlySet<string>,
): RemappingUnit[] {
  const roots = devices.flatMap((one) => one.functions).filter((one) => !uncovered.has(one.name));
  const ports = roots.filter(isBridge);
  const splits = roots.length > 1 && chance.happens(ports.length > 0 ? 96 : 40);
  const candidates = ports.length > 0 ? ports : roots;
  const second = splits ? [candidates[chance.below(candidates.length)]!.name] : [];
  const rest = roots.map((one) => one.name).filter((one) => !second.includes(one));
  // Where a device is behind no unit, the others are named one by one.
  const covers: RemappingUnit["covers"][] = [...(splits ? [second] : []), uncovered.size > 0 ? rest : "rest"];
  return covers.map((covered, index) => ({
    name: `unit${index + 1}`,
    segment: 0,
    registers: REGISTERS[architecture][index]!,
    covers: covered,
    itself: architecture === "amdvi" ? ITSELF[index]! : null,
  }));
}

/** Whether firmware can leave such a machine behind like that: protected memory takes registers for it. */
export function canLeave(id: string, leaves: LeftBehind): boolean {
  if (leaves !== "protected") return true;
  const profile = platformNamed(id);
  return profile.architecture === "vtd" && platformOf(vtdProfile(profile)).protectsLow;
}
