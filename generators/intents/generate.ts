/**
 * One driver scenario from one seed. The generator keeps track of what is mapped and attached, so that most intents make
 * sense and matter to each other; every run leaves a random part of the kinds of steps out (swarm).
 */
import { architectureOf, platformNamed } from "../../model/architectures.js";
import type { ArchitectureId } from "../../model/profile.js";
import { requesterId } from "../../model/words/address.js";
import { Chance } from "../../model/words/chance.js";
import { nearTopologies, PAGES_OF_SIZE, type TopologyName, topologies } from "../places.js";
import { factsOf, type InvalidationInterface, type PlatformFacts } from "../platform-facts.js";
import { profilesDrawn } from "../profiles-drawn.js";
import { Swarm } from "../swarm.js";
import { Episodes } from "./episodes.js";
import { IntentWriter } from "./intent-writer.js";
import type { Intent, IntentScenario, IntentStep } from "./scenario.js";
import { Situation } from "./situation.js";

export interface IntentGeneratorOptions {
  /** Profiles to draw from; a scenario is of the architecture of its profile. */
  readonly profiles: readonly string[];
  /** Device trees to draw from, by the names of `topologies`. */
  readonly topologies: readonly TopologyName[];
  readonly fewestSteps: number;
  readonly mostSteps: number;
  /** When what is taken away is gone; drawn where it is not given. */
  readonly flushing?: IntentScenario["flushing"];
  /** Chances in 256 of deferred flushing where it is drawn. */
  readonly deferredWeight: number;
  /** Chances in 256 of starting from reset. */
  readonly resetWeight: number;
  /** Chances in 256 that a device has an alias. */
  readonly aliasWeight: number;
  /** Devices make requests of their own accord. */
  readonly requests: boolean;
  /** How invalidations are made, on profiles that all have it; drawn where it is not given. */
  readonly invalidation?: InvalidationInterface;
  /** Intents that are left out: what is under test cannot do them. */
  readonly leftOut?: ReadonlySet<Intent["do"]>;
}

/** What scenarios for the drivers of an architecture are drawn from where nothing else is asked for. */
export function defaultIntentOptions(architecture: ArchitectureId): IntentGeneratorOptions {
  return {
    profiles: profilesDrawn[architecture],
    topologies: nearTopologies,
    fewestSteps: 8,
    mostSteps: 50,
    deferredWeight: 96,
    resetWeight: 40,
    aliasWeight: 48,
    requests: true,
  };
}

/** The first function of a bus behind a bridge, its id one that the root or device table has an entry for. */
const BEHIND_BRIDGE: Readonly<Record<ArchitectureId, number>> = {
  vtd: requesterId(3, 0, 0),
  amdvi: requesterId(2, 8, 0),
};

interface StepKind {
  /** Share among the kinds that a run uses. */
  readonly share: number;
  readonly add: (generator: Generator) => void;
}

const STEP_KINDS = {
  dma: { share: 90, add: ({ write }) => write.dma() },
  map: { share: 100, add: (generator) => generator.map() },
  unmap: { share: 40, add: ({ write, situation }) => write.emit(write.unmap(situation.anyLive())) },
  protect: { share: 25, add: ({ write, situation }) => write.emit(write.protect(situation.anyLive())) },
  attach: { share: 30, add: ({ write }) => write.emit(write.attach(write.anyDevice())) },
  detach: { share: 12, add: ({ write }) => write.emit(write.detach(write.anyDevice())) },
  merge: { share: 6, add: ({ write }) => write.emit(write.merge()) },
  destroy: { share: 10, add: ({ write }) => write.emit(write.destroy()) },
  sync: { share: 14, add: ({ write }) => write.emit({ do: "sync" }) },
  program: { share: 14, add: ({ write }) => write.programAny() },
  plant: { share: 8, add: ({ write }) => write.plant() },
  reuse: { share: 55, add: ({ episodes }) => episodes.reuse() },
  superpage: { share: 26, add: ({ episodes }) => episodes.superpage() },
  rebirth: { share: 20, add: ({ episodes }) => episodes.rebirth() },
  /** Where flushing is deferred: else nothing of a domain is left when its id is free. */
  "short-life": { share: 24, add: ({ episodes }) => episodes.shortLife() },
  tables: { share: 16, add: ({ episodes }) => episodes.tables() },
  share: { share: 12, add: ({ episodes }) => episodes.share() },
  remap: { share: 20, add: ({ episodes }) => episodes.remap() },
  together: { share: 40, add: ({ episodes }) => episodes.together() },
} as const satisfies Readonly<Record<string, StepKind>>;
type Kind = keyof typeof STEP_KINDS;

const KINDS = Object.keys(STEP_KINDS) as Kind[];
/** Kinds that no run does without. */
const ALWAYS: ReadonlySet<Kind> = new Set<Kind>(["dma", "map", "attach", "unmap"]);
const DEVICE_NAMES = ["a", "b", "c"];
const DOMAIN_NAMES = ["d0", "d1", "d2"];

/** The scenario of a seed. Equal seeds and options give equal scenarios. */
export function generateIntentScenario(seed: number, options: IntentGeneratorOptions): IntentScenario {
  return new Generator(seed, options).scenario();
}

class Generator {
  private readonly chance = new Chance();
  private readonly profile: string;
  private readonly architecture: ArchitectureId;
  private readonly platform: PlatformFacts;
  private readonly deferred: boolean;
  private readonly devices: IntentScenario["devices"];
  private readonly domains: readonly string[];
  private readonly swarm = new Swarm<Kind>();
  readonly situation: Situation;
  readonly write: IntentWriter;
  readonly episodes: Episodes;

  constructor(
    seed: number,
    private readonly options: IntentGeneratorOptions,
  ) {
    const { chance } = this;
    chance.seed(seed);
    this.profile = this.pick(options.profiles);
    this.architecture = architectureOf(platformNamed(this.profile)).id;
    this.platform = factsOf(this.profile);
    const deferred = chance.happens(options.deferredWeight);
    this.deferred = options.flushing === undefined ? deferred : options.flushing === "deferred";
    this.devices = this.drawDevices();
    this.domains = DOMAIN_NAMES.slice(0, chance.happens(160) ? 3 : 1 + chance.below(2));
    const superpages = this.drawKinds();
    const situation = new Situation(chance, this.deferred);
    const { platform, devices, domains } = this;
    const { requests } = options;
    this.situation = situation;
    this.write = new IntentWriter(chance, situation, { platform, devices, domains, superpages, requests });
    this.episodes = new Episodes(chance, situation, this.write, domains, this.deferred);
  }

  scenario(): IntentScenario {
    const { chance, options, platform, write } = this;
    const start = chance.happens(options.resetWeight) ? "reset" : "translating";
    const [usual, other] = platform.interfaces;
    const drawn = other === undefined || chance.happens(192) ? usual! : other;
    const timing = chance.bits();
    write.emit(write.attach(write.anyDevice()));
    const count = options.fewestSteps + chance.below(options.mostSteps - options.fewestSteps + 1);
    while (write.steps.length < count) STEP_KINDS[this.swarm.draw(chance)].add(this);
    write.steps.length = count;
    return {
      format: "iommu-spec driver scenario 1",
      architecture: this.architecture,
      profile: this.profile,
      start,
      invalidation: options.invalidation ?? drawn,
      flushing: this.deferred ? "deferred" : "strict",
      timing,
      devices: this.devices,
      domains: this.domains.map((name) => ({ name })),
      steps: withoutIntents(write.steps, options.leftOut),
    };
  }

  private pick<T>(from: readonly T[]): T {
    return from[this.chance.below(from.length)]!;
  }

  private drawDevices(): IntentScenario["devices"] {
    const { chance, options } = this;
    const tree = topologies[this.pick(options.topologies)];
    return tree.slice(0, 1 + chance.below(3)).map((requester, index) => {
      const aliased = chance.happens(options.aliasWeight);
      // Another function of the device, or what a bridge puts in its place: an entry of another bus.
      const alias = chance.happens(128)
        ? requester ^ 2
        : BEHIND_BRIDGE[this.architecture] + requesterId(0, index, 0);
      return { name: DEVICE_NAMES[index]!, requesters: aliased ? [requester, alias] : [requester] };
    });
  }

  /** Each run leaves some kinds of steps out. Returns whether it has superpages. */
  private drawKinds(): boolean {
    let superpages = false;
    for (const kind of KINDS) {
      if (!this.isDrawn(kind)) continue;
      this.swarm.add(kind, STEP_KINDS[kind].share);
      if (kind === "superpage") superpages = true;
    }
    return superpages;
  }

  private isDrawn(kind: Kind): boolean {
    if (kind === "dma") return this.options.requests;
    // Without superpages such a mapping takes a store for each page.
    if (kind === "superpage")
      return this.chance.happens(this.platform.sizes.includes(PAGES_OF_SIZE["2M"]) ? 128 : 48);
    if (kind === "short-life" && !this.deferred) return false;
    if (kind === "sync" && this.deferred) return true;
    return ALWAYS.has(kind) || this.chance.happens(176);
  }

  /** Where nothing fits, something goes. */
  map(): void {
    const { situation, write } = this;
    const { live } = situation;
    const intent = write.map(write.likelyDomain());
    write.emit(intent ?? (live.length > 0 ? write.unmap(situation.anyLive()) : { do: "sync" }));
  }
}

const NONE: ReadonlySet<string> = new Set();

/** The steps without those intents; of two at the same time, the other is left. */
function withoutIntents(steps: readonly IntentStep[], leftOut: ReadonlySet<string> = NONE): IntentStep[] {
  return steps.flatMap((step): IntentStep[] => {
    if (step.do !== "together") return leftOut.has(step.do) ? [] : [step];
    const left = withoutIntents([step.first, step.second], leftOut);
    return left.length === 2 ? [step] : left;
  });
}
