/** What `check` is to run: the campaigns that its options ask for. */
import { defaultOptions } from "../generators/generate.js";
import { defaultIntentOptions } from "../generators/intents/generate.js";
import { defaultPlatformOptions } from "../generators/platform/generate.js";
import type { Architecture } from "../model/architecture.js";
import { blackBoxSubject, exposureSubject } from "../properties/driver-subject.js";
import type { Invariant, Judged } from "../properties/invariants.js";
import type { KnownDeviation } from "../properties/known-deviation.js";
import { platformSubject } from "../properties/platform/subject.js";
import { type AnyScenario, iommuSubject, type Subject } from "../properties/subject.js";
import {
  builtInPlatformOf,
  isPlatform,
  type OpenedDriver,
  type OpenedPlatform,
  openSoftware,
} from "./drivers.js";
import { UsageError } from "./errors.js";
import { architecturesOf, type OpenedIommu, openNamed, qemuAvailable } from "./implementations.js";
import type { Options } from "./options.js";

/** What drivers are judged on unless `--on` says otherwise: everything that a conforming unit may do. */
export const MODEL = "model";

/** One campaign to be run. */
export interface Planned {
  readonly subject: Subject<AnyScenario>;
  readonly known: readonly KnownDeviation[];
  /** The invariants that it is judged by. */
  readonly judged: readonly Invariant[];
  /** Options that have `replay` run a counterexample on the same thing. */
  readonly replayOptions: string;
}

export interface Plan {
  readonly campaigns: readonly Planned[];
  /** Ends what was started for them. */
  close(): void;
}

/**
 * The campaigns: IOMMUs that `--on` names, or drivers that `--driver` names; without either the reference, QEMU and the
 * built-in driver. Of every architecture that is meant.
 * @param print is told what is left out
 * @throws UsageError when the options ask for what there is not
 */
export async function planned(
  options: Options,
  chosen: readonly Invariant[],
  print: (line: string) => void,
): Promise<Plan> {
  const planner = new Planner(options, chosen);
  try {
    if (options.drivers.length > 0) await planner.drivers(options.drivers, options.on);
    else if (options.on.length > 0) planner.iommus(options.on);
    else await planner.everything(options.json ? () => undefined : print);
    return planner.plan();
  } catch (error) {
    planner.close();
    throw error;
  }
}

class Planner implements Plan {
  readonly campaigns: Planned[] = [];
  /** Headings of campaigns that none of the chosen invariants can be judged of. */
  private readonly unjudged: string[] = [];
  private readonly opened: OpenedIommu[] = [];

  constructor(
    private readonly options: Options,
    private readonly chosen: readonly Invariant[],
  ) {}

  /** @throws UsageError when nothing can be judged */
  plan(): Plan {
    if (this.campaigns.length > 0) return this;
    const ids = this.chosen.map((one) => one.id).join(", ");
    throw new UsageError(`${ids} cannot be judged of ${this.unjudged.join(", ")}`);
  }

  close(): void {
    for (const one of this.opened) one.iommu.close();
  }

  /** Every role and every architecture that is meant. */
  async everything(print: (line: string) => void): Promise<void> {
    const { qemu } = this.options;
    const { available, reason } = qemu === undefined ? qemuAvailable(qemu) : { available: true, reason: "" };
    if (!available) print(`QEMU is left out: ${reason}`);
    this.iommus(available ? ["reference", "qemu"] : ["reference"]);
    const { architectures } = this.options;
    await this.drivers(
      architectures.map((one) => one.id),
      [],
    );
    await this.drivers(
      architectures.map((one) => builtInPlatformOf(one).name),
      [],
    );
  }

  iommus(names: readonly string[]): void {
    for (const name of names) {
      for (const architecture of architecturesOf(name, this.options.architectures)) {
        const { iommu, profiles, known, steeringWeight } = this.open(name, architecture);
        const generator = {
          ...defaultOptions(architecture.id),
          profiles: this.chosenProfiles(name, profiles, architecture),
          steeringWeight,
        };
        const replayOptions = `--on ${name}`;
        this.add({ subject: iommuSubject(iommu, generator), known, replayOptions }, "iommu");
      }
    }
  }

  async drivers(names: readonly string[], places: readonly string[]): Promise<void> {
    for (const name of names) {
      const opened = await openSoftware(name);
      const architecture = architectureFor(opened, this.options.architectures);
      if (isPlatform(opened)) this.platform(opened, architecture, places);
      else for (const place of places.length > 0 ? places : [MODEL]) this.driver(opened, architecture, place);
    }
  }

  private driver(driver: OpenedDriver, architecture: Architecture, place: string): void {
    const replayOptions = `--driver ${driver.name} --on ${place}`;
    if (place === MODEL) {
      const known = architecture.profiles.map((one) => one.id);
      const profiles = this.chosenProfiles(MODEL, known, architecture);
      const subject = exposureSubject(driver, { ...defaultIntentOptions(architecture.id), profiles });
      this.add({ subject, known: [], replayOptions }, "driver");
      return;
    }
    const { iommu, profiles, known, intents } = this.open(place, architecture);
    const taken = this.chosenProfiles(place, profiles, architecture);
    const subject = blackBoxSubject(driver, iommu, {
      ...defaultIntentOptions(architecture.id),
      ...intents,
      profiles: taken,
    });
    this.add({ subject, known, replayOptions }, "requests");
  }

  private platform(opened: OpenedPlatform, architecture: Architecture, places: readonly string[]): void {
    if (places.some((one) => one !== MODEL))
      throw new UsageError(`${opened.name} is for whole machines: it is judged on the model only`);
    const known = architecture.profiles.map((one) => one.id);
    const profiles = this.chosenProfiles(MODEL, known, architecture);
    const subject = platformSubject(opened, { ...defaultPlatformOptions(architecture.id), profiles });
    this.add({ subject, known: [], replayOptions: `--driver ${opened.name}` }, "platform");
  }

  private add(campaign: Omit<Planned, "judged">, of: Judged): void {
    const judged = this.chosen.filter((one) => one.of.includes(of));
    if (judged.length > 0) this.campaigns.push({ ...campaign, judged });
    else this.unjudged.push(campaign.subject.heading);
  }

  private open(name: string, architecture: Architecture): OpenedIommu {
    const opened = openNamed(name, architecture, this.options.qemu);
    this.opened.push(opened);
    return opened;
  }

  /** The profiles of an architecture that were asked for; without any, all that are taken. */
  private chosenProfiles(
    name: string,
    taken: readonly string[],
    architecture: Architecture,
  ): readonly string[] {
    const ofIt = new Set(architecture.profiles.map((one) => one.id));
    const wanted = this.options.profiles.filter((one) => ofIt.has(one));
    for (const id of wanted) {
      if (taken.includes(id)) continue;
      throw new UsageError(`${name} cannot be set up as "${id}"; it takes ${taken.join(", ")}`);
    }
    return wanted.length > 0 ? wanted : taken;
  }
}

/** The architecture that a driver is judged on: its own; for a module that does not say, the first that is meant. */
function architectureFor(
  driver: OpenedDriver | OpenedPlatform,
  meant: readonly Architecture[],
): Architecture {
  const found = driver.architecture === null ? meant[0] : meant.find((one) => one.id === driver.architecture);
  if (found) return found;
  throw new UsageError(`${driver.name} is a driver for ${driver.architecture}, not for ${meant[0]!.id}`);
}
