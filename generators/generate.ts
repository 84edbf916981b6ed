/**
 * One scenario from one seed. The generator keeps track of what it has attached, mapped and used, so that most steps
 * matter to each other; every run switches a random part of the step kinds off (swarm), so that runs differ in kind.
 */
import { Chance } from "../model/words/chance.js";
import { topologies } from "./places.js";
import { factsOf, type PlatformFacts } from "./platform-facts.js";
import type { Scenario } from "./scenario.js";
import { type Mapping, Situation } from "./situation.js";
import { StepWriter } from "./step-writer.js";

export interface GeneratorOptions {
  /** Profiles to draw from. */
  readonly profiles: readonly string[];
  /** Device trees to draw from, by the names of `topologies`. */
  readonly topologies: readonly string[];
  readonly fewestSteps: number;
  readonly mostSteps: number;
  /** Chances in 256 of turning translation on and off and moving the root table, which real machines are slow at. */
  readonly steeringWeight: number;
}

export const defaultOptions: GeneratorOptions = {
  profiles: [
    "qemu-39",
    "qemu-48",
    "qemu-48-caching-mode",
    "gm45",
    "ivy-bridge",
    "skylake-sp",
    "sapphire-rapids",
  ],
  topologies: Object.keys(topologies),
  fewestSteps: 10,
  mostSteps: 50,
  steeringWeight: 20,
};

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
  "queue-error": { share: 6, add: ({ write }) => write.queueError() },
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
export function generateScenario(seed: number, options: GeneratorOptions = defaultOptions): Scenario {
  return new Generator(seed, options).scenario();
}

class Generator {
  private readonly chance = new Chance();
  readonly situation = new Situation(this.chance);
  private readonly platform: PlatformFacts;
  private readonly profile: string;
  private readonly devices: Scenario["devices"];
  private readonly domains: Scenario["domains"];
  private readonly queue: boolean;
  readonly write: StepWriter;
  /** Kinds that this run uses, each with the sum of the shares up to it. */
  private readonly kinds: Kind[] = [];
  private readonly shares: number[] = [];
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
    const requesters = topologies[this.pick(options.topologies)]!;
    const devices = requesters.map((requester, index) => ({ name: DEVICE_NAMES[index]!, requester }));
    const domains = DOMAIN_NAMES.map((name, index) => this.drawDomain(name, index));
    // Where register invalidations are not carried out, software that uses them all the same is a rare mistake.
    const queue = platform.queue && !chance.happens(platform.registers ? 64 : 16);
    const alwaysWritesBack = chance.happens(192);
    this.devices = devices;
    this.domains = domains;
    this.queue = queue;
    this.write = new StepWriter(chance, situation, { platform, devices, domains, queue, alwaysWritesBack });
    this.drawKinds();
    this.changes = CHANGES.filter((kind) => this.kinds.includes(kind));
  }

  scenario(): Scenario {
    const { chance, options, write } = this;
    const { steps } = write;
    const start = chance.happens(options.steeringWeight) ? "reset" : "translating";
    const timing = chance.bits();
    if (start === "reset") this.boot();
    write.attach(write.anyDevice());
    write.map();
    const count = options.fewestSteps + chance.below(options.mostSteps - options.fewestSteps + 1);
    while (steps.length < count) STEP_KINDS[this.drawKind()].add(this);
    if (steps.length > count) steps.length = count;
    steps.push({ do: "read-faults", clear: false });
    return {
      format: "iommu-spec scenario 1",
      architecture: "vtd",
      profile: this.profile,
      start,
      invalidation: this.queue ? "queue" : "registers",
      timing,
      devices: this.devices,
      domains: this.domains,
      steps,
    };
  }

  private pick<T>(from: readonly T[]): T {
    return from[this.chance.below(from.length)]!;
  }

  private drawDomain(name: string, index: number): Scenario["domains"][number] {
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
  private drawKinds(): void {
    let sum = 0;
    for (const kind of KINDS) {
      if (!this.isDrawn(kind)) continue;
      sum += STEP_KINDS[kind].share;
      this.kinds.push(kind);
      this.shares.push(sum);
    }
  }

  private isDrawn(kind: Kind): boolean {
    if (kind === "steer") return this.chance.happens(this.options.steeringWeight);
    if (kind === "queue-error" && !this.queue) return false;
    return ALWAYS.has(kind) || this.chance.happens(192);
  }

  private drawKind(): Kind {
    const { kinds, shares } = this;
    const drawn = this.chance.below(shares[shares.length - 1]!);
    let at = 0;
    while (shares[at]! <= drawn) at++;
    return kinds[at]!;
  }

  /** From reset to enabled translation, now and then in another order than it should be. */
  private boot(): void {
    const { chance, write } = this;
    const { steps } = write;
    if (chance.happens(128)) write.dma();
    steps.push({ do: "set-root", root: 0, complete: chance.happens(224) });
    steps.push({ do: "invalidate", target: { cache: "context", granularity: "global" }, complete: true });
    steps.push({
      do: "invalidate",
      target: { cache: "iotlb", granularity: "global", drain: true },
      complete: true,
    });
    steps.push({ do: "wait", sign: "status", fence: false });
    steps.push({ do: "translation", enable: true, complete: chance.happens(224) });
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
