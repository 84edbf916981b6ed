/**
 * One platform scenario from one seed. The generator keeps track of what is plugged in, assigned and mapped, so that most
 * steps make sense and matter to each other; every run leaves a random part of the kinds of steps out (swarm).
 */
import { architectures, platformNamed } from "../../model/architectures.js";
import type { FirmwarePlatform } from "../../model/pci/platform.js";
import type { ArchitectureId } from "../../model/profile.js";
import { Chance } from "../../model/words/chance.js";
import { factsOf } from "../platform-facts.js";
import { Swarm } from "../swarm.js";
import { Episodes } from "./episodes.js";
import { drawFeatures } from "./features.js";
import { canLeave, platformWith } from "./platform.js";
import type { PlatformScenario } from "./scenario.js";
import { PlatformSituation } from "./situation.js";

export interface PlatformGeneratorOptions {
  /** Profiles to draw from; a scenario is of the architecture of its profile. */
  readonly profiles: readonly string[];
  readonly fewestSteps: number;
  readonly mostSteps: number;
}

/** What platform scenarios of an architecture are drawn from where nothing else is asked for. */
export function defaultPlatformOptions(architecture: ArchitectureId): PlatformGeneratorOptions {
  return {
    profiles: architectures
      .filter((one) => one.id === architecture)
      .flatMap((one) => one.profiles.map(({ id }) => id)),
    fewestSteps: 3,
    mostSteps: 16,
  };
}

/** The scenario of a seed. Equal seeds and options give equal scenarios. */
export function generatePlatformScenario(seed: number, options: PlatformGeneratorOptions): PlatformScenario {
  return new Generator(seed, options).scenario();
}

interface StepKind {
  /** Share among the kinds that a run uses. */
  readonly share: number;
  /** How often of 256 a run uses the kind; every run, where nothing is said. */
  readonly weight?: number;
  readonly add: (episodes: Episodes) => void;
}

const STEP_KINDS = {
  assign: { share: 50, add: (one) => one.assign() },
  together: { share: 20, weight: 160, add: (one) => one.assignTogether() },
  release: { share: 18, weight: 176, add: (one) => one.release() },
  map: { share: 40, add: (one) => one.map() },
  unmap: { share: 20, weight: 192, add: (one) => one.unmap() },
  remap: { share: 20, weight: 176, add: (one) => one.remap() },
  dma: { share: 24, weight: 208, add: (one) => one.dma() },
  lend: { share: 24, add: (one) => one.lend() },
  plug: { share: 40, weight: 224, add: (one) => one.plug() },
  virtual: { share: 60, weight: 240, add: (one) => one.virtual() },
  storm: { share: 20, weight: 112, add: (one) => one.storm() },
  flood: { share: 14, add: (one) => one.flood() },
  repeat: { share: 10, weight: 64, add: (one) => one.repeat() },
  handOver: { share: 12, weight: 112, add: (one) => one.handOver() },
} as const satisfies Readonly<Record<string, StepKind>>;
type Kind = keyof typeof STEP_KINDS;

/** Floods of an event log are long: few runs have one. */
const FLOODS: Readonly<Record<ArchitectureId, number>> = { vtd: 80, amdvi: 24 };

class Generator {
  private readonly chance = new Chance();
  private readonly profile: string;
  private readonly architecture: ArchitectureId;
  private readonly platform: FirmwarePlatform;
  private readonly situation: PlatformSituation;
  private readonly episodes: Episodes;
  private readonly absent: string[];
  private readonly swarm = new Swarm<Kind>();

  constructor(
    seed: number,
    private readonly options: PlatformGeneratorOptions,
  ) {
    const { chance } = this;
    chance.seed(seed);
    this.profile = this.pick(options.profiles);
    const profile = platformNamed(this.profile);
    this.architecture = profile.architecture;
    const features = drawFeatures(chance, this.architecture);
    this.platform = platformWith(chance, profile, features);
    this.situation = new PlatformSituation(this.platform, features);
    this.absent = [...this.situation.absent];
    this.episodes = new Episodes(chance, this.situation, this.architecture);
    for (const kind of Object.keys(STEP_KINDS) as Kind[])
      if (this.isPossible(kind) && chance.happens(this.weightOf(kind)))
        this.swarm.add(kind, STEP_KINDS[kind].share);
  }

  private isPossible(kind: Kind): boolean {
    if (kind === "lend") return this.situation.outside.length > 0;
    if (kind === "plug") return this.situation.pluggable.length > 0;
    return kind !== "virtual" || this.situation.physical.length > 0;
  }

  private weightOf(kind: Kind): number {
    const { weight = 256 }: StepKind = STEP_KINDS[kind];
    return kind === "flood" ? FLOODS[this.architecture] : weight;
  }

  scenario(): PlatformScenario {
    const { chance, options, profile, situation } = this;
    const [usual, other] = factsOf(profile).interfaces;
    const count = options.fewestSteps + chance.below(options.mostSteps - options.fewestSteps + 1);
    while (situation.steps.length < count) STEP_KINDS[this.swarm.draw(chance)].add(this.episodes);
    return {
      format: "iommu-spec platform scenario 1",
      architecture: this.architecture,
      profile,
      invalidation: other === undefined || chance.happens(192) ? usual! : other,
      timing: chance.bits(),
      leaves: this.drawLeaves(),
      platform: this.platform,
      absent: this.absent,
      steps: situation.steps,
    };
  }

  private drawLeaves(): PlatformScenario["leaves"] {
    const left = this.pick(["off", "protected", "translating", "translating", "stale"] as const);
    return canLeave(this.profile, left) ? left : "stale";
  }

  private pick<T>(from: readonly T[]): T {
    return from[this.chance.below(from.length)]!;
  }
}
