/** What a campaign is about, by name: any thread can open it for itself. */
import { defaultOptions } from "../generators/generate.js";
import { defaultIntentOptions, type IntentGeneratorOptions } from "../generators/intents/generate.js";
import type { IntentScenario } from "../generators/intents/scenario.js";
import { defaultPlatformOptions } from "../generators/platform/generate.js";
import type { Architecture } from "../model/architecture.js";
import { architectures } from "../model/architectures.js";
import type { ArchitectureId } from "../model/profile.js";
import { blackBoxSubject, exposureSubject } from "../properties/driver-subject.js";
import type { Judged } from "../properties/invariants.js";
import type { KnownDeviation } from "../properties/known-deviation.js";
import { platformSubject } from "../properties/platform/subject.js";
import { type AnyScenario, iommuSubject, type Subject } from "../properties/subject.js";
import { endProgram, isPlatform, type OpenedDriver, type OpenedPlatform, openSoftware } from "./drivers.js";
import { UsageError } from "./errors.js";
import { externalSubject, intentsOffered, profilesOffered } from "./external-driver.js";
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
  /** How long a line of a program may be awaited; without it as long as is usual. */
  readonly timeoutMs: number | undefined;
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
  const software = await openSoftware(name.driver, name.timeoutMs);
  try {
    if (isPlatform(software)) return openPlatform(name, architecture, software);
    return name.on === MODEL
      ? openOnModel(name, architecture, software)
      : openOnIommu(name, architecture, software);
  } catch (error) {
    endProgram(software);
    throw error;
  }
}

function openIommu(name: CampaignName, architecture: Architecture): OpenedCampaign {
  const { iommu, profiles, known, steeringWeight } = openNamed(name.on, architecture, name);
  const generator = {
    ...defaultOptions(architecture.id),
    profiles: chosenProfiles(name, profiles),
    steeringWeight,
  };
  return { subject: iommuSubject(iommu, generator), known, of: "iommu", close: () => iommu.close() };
}

function openPlatform(
  name: CampaignName,
  { id, profiles }: Architecture,
  software: OpenedPlatform,
): OpenedCampaign {
  const generator = { ...defaultPlatformOptions(id), profiles: chosenProfiles(name, idsOf(profiles)) };
  return {
    subject: platformSubject(software, generator),
    known: [],
    of: "platform",
    close: () => undefined,
  };
}

function openOnModel(name: CampaignName, architecture: Architecture, driver: OpenedDriver): OpenedCampaign {
  const generator = generatorFor(name, architecture, driver, idsOf(architecture.profiles), {});
  const subject = subjectOf(driver, exposureSubject(driver, generator));
  return { subject, known: [], of: "driver", close: () => endProgram(driver) };
}

function openOnIommu(name: CampaignName, architecture: Architecture, driver: OpenedDriver): OpenedCampaign {
  const { iommu, profiles, known, intents } = openNamed(name.on, architecture, name);
  const close = () => {
    endProgram(driver);
    iommu.close();
  };
  const generator = generatorFor(name, architecture, driver, profiles, intents);
  const subject = subjectOf(driver, blackBoxSubject(driver, iommu, generator));
  return { subject, known, of: "requests", close };
}

/** What scenarios for a driver are drawn from, on a unit that takes those profiles and shows those intents. */
function generatorFor(
  name: CampaignName,
  { id }: Architecture,
  { program }: OpenedDriver,
  profiles: readonly string[],
  intents: Partial<IntentGeneratorOptions>,
): IntentGeneratorOptions {
  const usual = { ...defaultIntentOptions(id), ...intents };
  if (!program) return { ...usual, profiles: chosenProfiles(name, profiles) };
  const hello = program.hello();
  const taken = profilesOffered(hello, profiles);
  return { ...usual, ...intentsOffered(hello), profiles: chosenProfiles(name, taken) };
}

function subjectOf({ program }: OpenedDriver, subject: Subject<IntentScenario>): Subject<IntentScenario> {
  return program ? externalSubject(subject, program, program.hello()) : subject;
}

function idsOf(profiles: readonly { readonly id: string }[]): readonly string[] {
  return profiles.map((one) => one.id);
}

/** The profiles that were asked for; without any, all that are taken. */
function chosenProfiles({ on, driver, profiles }: CampaignName, taken: readonly string[]): readonly string[] {
  const other = profiles.find((one) => !taken.includes(one));
  if (other !== undefined)
    throw new UsageError(
      `${driver ?? on} cannot be set up as "${other}"; what can be chosen here: ${taken.join(", ")}`,
    );
  return profiles.length > 0 ? profiles : taken;
}
