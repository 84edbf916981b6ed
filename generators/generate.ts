/**
 * One scenario from one seed, for a platform of whatever architecture. The generator keeps track of what it has attached,
 * mapped and used, so that most steps matter to each other; every run switches a random part of the step kinds off
 * (swarm), so that runs differ in kind.
 */
import { architectureOf, platformNamed } from "../model/architectures.js";
import type { ArchitectureId } from "../model/profile.js";
import { Chance } from "../model/words/chance.js";
import { amdViWriter } from "./amdvi/step-writer.js";
import { nearTopologies, type TopologyName, topologies } from "./places.js";
import { factsOf, type PlatformFacts } from "./platform-facts.js";
import type { Scenario } from "./scenario.js";
import { type Mapping, Situation } from "./situation.js";
import type { OwnKind, StepWriter, Surroundings } from "./step-writer.js";
import type { Device, Domain } from "./steps.js";
import { Swarm } from "./swarm.js";
import { vtdWriter } from "./vtd/step-writer.js";

export interface GeneratorOptions {
  /** Profiles to draw from; a scenario is of the architecture of its profile. */
  readonly profiles: readonly string[];
  /** Device trees to draw from, by the names of `topologies`. */
  readonly topologies: readonly TopologyName[];
  readonly fewestSteps: number;
  readonly mostSteps: number;
  /** Chances in 256 of turning translation on and off and moving the root or device table, which real machines are slow at. */
  readonly steeringWeight: number;
}

const PROFILES: Readonly<Record<ArchitectureId, readonly string[]>> = {
  vtd: ["qemu-39", "qemu-48", "qemu-48-caching-mode", "gm45", "ivy-bridge", "skylake-sp", "sapphire-rapids"],
  amdvi: [
    "amd-qemu",
    "family-15h",
    "family-15h-non-coherent",
    "zen1",
    "zen1-np-cache",
    "cezanne",
    "raphael",
    "milan",
  ],
};
const TOPOLOGIES: Readonly<Record<ArchitectureId, readonly TopologyName[]>> = {
  vtd: nearTopologies,
  amdvi: [...nearTopologies, ...nearTopologies, "far"],
};

/** What scenarios of an architecture are drawn from where nothing else is asked for. */
export function defaultOptions(architecture: ArchitectureId): GeneratorOptions {
  return {
    profiles: PROFILES[architecture],
    topologies: TOPOLOGIES[architecture],
    fewestSteps: 10,
    mostSteps: 50,
    steeringWeight: 20,
  };
}

/** Creates what writes the steps of an architecture's scenarios; may draw first. */
type CreateWriter = (
  profile: string,
  chance: Chance,
  situation: Situation,
  surroundings: Surroundings,
) => StepWriter<unknown, Scenario>;

const WRITERS: Readonly<Record<ArchitectureId, CreateWriter>> = { vtd: vtdWriter, amdvi: amdViWriter };

interface StepKind {
  /** Share among the kinds that a run uses. */
  readonly share: number;
  readonly add: (generator: Generator) => void;
}

const STEP_KINDS = {
  dma: { share: 180, add: ({ write }) => write.dma() },
  /** Several steps that belong together. */
  episode: { share: 50, add: (generator) => generator.episode() },
  map: { share: 70, add: ({ write }) => write.map() },
  unmap: { share: 40, add: ({ write, situation }) => write.unmap(situation.anyLive()) },
  protect: { share: 20, add: ({ write, situation }) => write.protect(situation.anyLive()) },
  retable: { share: 15, add: ({ write }) => write.retable() },
  corrupt: { share: 35, add: ({ write }) => write.corrupt() },
  attach: { share: 40, add: ({ write }) => write.attach(write.anyDevice()) },
  detach: { share: 15, add: ({ write }) => write.detach(write.anyDevice()) },
  flush: { share: 40, add: ({ write, situation }) => write.flush(situation.lastChanged()) },
  invalidate: { share: 50, add: ({ write }) => write.invalidate() },
  wait: { share: 40, add: ({ write }) => write.wait() },
  reuse: { share: 15, add: ({ write, situation }) => write.reuse(situation.recentMapping()) },
  "read-faults": { share: 30, add: ({ write }) => write.readFaults() },
  "write-back": { share: 10, add: ({ write }) => write.writeBack() },
  "command-error": { share: 6, add: ({ write }) => write.commandError() },
  "read-registers": { share: 4, add: ({ write }) => write.readRegisters() },
  steer: { share: 15, add: ({ write }) => write.steer() },
} as const satisfies Readonly<Record<string, StepKind>>;
type Kind = keyof typeof STEP_KINDS;

const KINDS = Object.keys(STEP_KINDS) as Kind[];
/** Kinds that no run does without. */
const ALWAYS: ReadonlySet<Kind> = new Set<Kind>(["dma", "map", "attach"]);
/** Kinds that change what devices can reach: what an episode is about. */
const CHANGES: readonly Kind[] = ["unmap", "protect", "map", "retable", "corrupt", "attach", "detach"];
const DOMAIN_NAMES = ["d0", "d1"];
const DEVICE_NAMES = ["a", "b", "c"];

/** The scenario of a seed. Equal seeds and options give equal scenarios. */
export function generateScenario(seed: number, options: GeneratorOptions): Scenario {
  return new Generator(seed, options).scenario();
}

class Generator {
  private readonly chance = new Chance();
  readonly situation = new Situation(this.chance);
  private readonly platform: PlatformFacts;
  private readonly profile: string;
  private readonly devices: Device[];
  private readonly domains: Domain[];
  readonly write: StepWriter<unknown, Scenario>;
  /** Kinds that this run uses. */
  private readonly swarm = new Swarm<StepKind | OwnKind>();
  private readonly changes: readonly Kind[];

  constructor(
    seed: number,
    private readonly options: GeneratorOptions,
  ) {
    const { chance, situation } = this;
    chance.seed(seed);
    this.profile = this.pick(options.profiles);
    const platform = factsOf(this.profile);
    this.platform = platform;
    const requesters = topologies[this.pick(options.topologies)];
    const devices = requesters.map((requester, index) => ({ name: DEVICE_NAMES[index]!, requester }));
    const domains = DOMAIN_NAMES.map((name, index) => this.drawDomain(name, index));
    this.devices = devices;
    this.domains = domains;
    const { id } = architectureOf(platformNamed(this.profile));
    this.write = WRITERS[id](this.profile, chance, situation, { platform, devices, domains });
    const kinds = KINDS.filter((kind) => this.isDrawn(kind));
    for (const kind of kinds) this.swarm.add(STEP_KINDS[kind], STEP_KINDS[kind].share);
    for (const own of this.write.ownKinds) if (chance.happens(192)) this.swarm.add(own, own.share);
    this.changes = CHANGES.filter((kind) => kinds.includes(kind));
  }

  scenario(): Scenario {
    const { chance, options, write, profile, devices, domains } = this;
    const { steps } = write;
    const start = chance.happens(options.steeringWeight) ? "reset" : "translating";
    const timing = chance.bits();
    if (start === "reset") write.boot();
    write.begin();
    const count = options.fewestSteps + chance.below(options.mostSteps - options.fewestSteps + 1);
    while (steps.length < count) this.swarm.draw(chance).add(this);
    if (steps.length > count) steps.length = count;
    write.readLastFaults();
    return write.scenario({ profile, start, timing, devices, domains });
  }

  private pick<T>(from: readonly T[]): T {
    return from[this.chance.below(from.length)]!;
  }

  private drawDomain(name: string, index: number): Domain {
    const { levels, largestDomainId } = this.platform;
    // A domain id shared by two domains is a mistake software makes; ids that differ in high bits only are another.
    const ids = [index + 1, 1, Math.min(index + 0x101, largestDomainId), largestDomainId - index];
    return {
      name,
      id: this.chance.happens(224) ? ids[this.chance.below(2) * 2]! : this.pick(ids),
      levels: this.pick(levels),
    };
  }

  /** Each run leaves some kinds of steps out. */
  private isDrawn(kind: Kind): boolean {
    if (kind === "steer") return this.chance.happens(this.options.steeringWeight);
    if (kind === "command-error" && !this.write.queue) return false;
    return ALWAYS.has(kind) || this.chance.happens(192);
  }

  /**
   * What software does over and over: a device uses a mapping, software changes something about that, invalidates,
   * waits, and gives the page to somebody else; the device tries again. Any part may be missing.
   */
  episode(): void {
    const { chance, situation, write } = this;
    const mapping = situation.anyLive();
    if (!mapping) {
      write.map();
      return;
    }
    const device = situation.deviceOf(mapping.domain) ?? write.anyDevice();
    const iova = mapping.iova + write.offsetIn(mapping);
    if (chance.happens(224)) write.request(device, iova);
    this.change(this.pick(this.changes), device, mapping);
    if (chance.happens(224)) write.flush(mapping);
    if (chance.happens(96)) write.reuse(mapping);
    if (chance.happens(224)) write.request(device, chance.happens(192) ? iova : write.neighbour(iova));
  }

  /** A change of that kind, to the mapping or the device where the kind is about one. */
  private change(kind: Kind, device: string, mapping: Mapping): void {
    const { write } = this;
    if (kind === "unmap") write.unmap(mapping);
    else if (kind === "protect") write.protect(mapping);
    else if (kind === "map") write.mapOver(mapping);
    else if (kind === "detach") write.detach(device);
    else if (kind === "attach") write.attach(device);
    else STEP_KINDS[kind].add(this);
  }
}
