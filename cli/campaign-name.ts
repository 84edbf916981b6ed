/** What a campaign is about, by name: any thread can open it for itself. */
import { defaultOptions } from "../generators/generate.js";
import { defaultIntentOptions } from "../generators/intents/generate.js";
import { defaultPlatformOptions } from "../generators/platform/generate.js";
import type { Architecture } from "../model/architecture.js";
import { architectures } from "../model/architectures.js";
import type { ArchitectureId } from "../model/profile.js";
import { blackBoxSubject, exposureSubject } from "../properties/driver-subject.js";
import type { Judged } from "../properties/invariants.js";
import type { KnownDeviation } from "../properties/known-deviation.js";
import { platformSubject } from "../properties/platform/subject.js";
import { type AnyScenario, iommuSubject, type Subject } from "../properties/subject.js";
import { isPlatform, type OpenedDriver, type OpenedPlatform, openSoftware } from "./drivers.js";
import { UsageError } from "./errors.js";
import { openNamed } from "./implementations.js";

/** What drivers are judged on unless `--on` says otherwise: everything that a conforming unit may do. */
export const MODEL = "model";

/** Plain data. */
export interface CampaignName {
  readonly architecture: ArchitectureId;
  /** The IOMMU, as `--on` takes it. */
  readonly on: string;
  /** The software, as `--driver` takes it; null when the IOMMU itself is under test. */
  readonly driver: string | null;
  readonly qemu: string | undefined;
  /** The profiles that are meant; without any, all that can be taken. */
  readonly profiles: readonly string[];
}

export interface OpenedCampaign {
  readonly subject: Subject<AnyScenario>;
  readonly known: readonly KnownDeviation[];
  /** What the invariants are to be those of. */
  readonly of: Judged;
  /** Ends what was started for it. */
  close(): void;
}

/** @throws UsageError when there is no such thing, or it cannot be set up like that */
export async function openCampaign(name: CampaignName): Promise<OpenedCampaign> {
  const architecture = architectures.find((one) => one.id === name.architecture)!;
  if (name.driver === null) return openIommu(name, architecture);
  const software = await openSoftware(name.driver);
  if (name.on !== MODEL) return openOnIommu(name, architecture, software as OpenedDriver);
  return openOnModel(name, architecture, software);
}

function openIommu(name: CampaignName, architecture: Architecture): OpenedCampaign {
  const { iommu, profiles, known, steeringWeight } = openNamed(name.on, architecture, name.qemu);
  const generator = {
    ...defaultOptions(architecture.id),
    profiles: chosenProfiles(name, profiles),
    steeringWeight,
  };
  return { subject: iommuSubject(iommu, generator), known, of: "iommu", close: () => iommu.close() };
}

function openOnModel(
  name: CampaignName,
  { id, profiles: own }: Architecture,
  software: OpenedDriver | OpenedPlatform,
): OpenedCampaign {
  const profiles = chosenProfiles(
    name,
    own.map((one) => one.id),
  );
  const nothingStarted = { known: [], close: () => undefined };
  if (isPlatform(software)) {
    const subject = platformSubject(software, { ...defaultPlatformOptions(id), profiles });
    return { subject, of: "platform", ...nothingStarted };
  }
  const subject = exposureSubject(software, { ...defaultIntentOptions(id), profiles });
  return { subject, of: "driver", ...nothingStarted };
}

function openOnIommu(name: CampaignName, architecture: Architecture, driver: OpenedDriver): OpenedCampaign {
  const { iommu, profiles, known, intents } = openNamed(name.on, architecture, name.qemu);
  const generator = {
    ...defaultIntentOptions(architecture.id),
    ...intents,
    profiles: chosenProfiles(name, profiles),
  };
  const subject = blackBoxSubject(driver, iommu, generator);
  return { subject, known, of: "requests", close: () => iommu.close() };
}

/** The profiles that were asked for; without any, all that are taken. */
function chosenProfiles({ on, profiles }: CampaignName, taken: readonly string[]): readonly string[] {
  const other = profiles.find((one) => !taken.includes(one));
  if (other !== undefined)
    throw new UsageError(`${on} cannot be set up as "${other}"; it takes ${taken.join(", ")}`);
  return profiles.length > 0 ? profiles : taken;
}
