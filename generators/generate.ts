/**
 * One scenario from one seed. The generator keeps track of what it has attached, mapped and unmapped, so that most steps
 * matter to each other; every run switches a random part of the step kinds off (swarm), so that runs differ in kind.
 */
import { Chance } from "../model/words/chance.js";
import { platformOf } from "../model/vtd/profile.js";
import { profileNamed } from "../model/vtd/profiles.js";
import { topologies } from "./compile.js";
import { dataPages, dataRegions, iovaPool, PAGES_OF_SIZE } from "./places.js";
import type { InvalidationTargetOf, Scenario, Step } from "./scenario.js";

export interface GeneratorOptions {
  /** Profiles to draw from. */
  readonly profiles: readonly string[];
  /** Device trees to draw from, by the names of `topologies`. */
  readonly topologies: readonly string[];
  readonly fewestSteps: number;
  readonly mostSteps: number;
  /** Leaves out turning translation on and off and moving the root table, which real machines are slow at. */
  readonly steeringWeight: number;
}

export const defaultOptions: GeneratorOptions = {
  profiles: ["qemu-39", "qemu-48", "qemu-48-caching-mode", "gm45", "ivy-bridge", "skylake-sp", "sapphire-rapids"],
  topologies: Object.keys(topologies),
  fewestSteps: 10,
  mostSteps: 50,
  steeringWeight: 20,
};

interface LiveMapping {
  readonly name: string;
  readonly domain: string;
  readonly iova: number;
  readonly size: "4K" | "2M" | "1G";
  readonly page: number;
}

interface PlatformFacts {
  readonly levels: readonly number[];
  readonly sizes: readonly LiveMapping["size"][];
  readonly largestDomainId: number;
  readonly queue: boolean;
  readonly registers: boolean;
  readonly passThrough: boolean;
  readonly deviceTlb: boolean;
  readonly hostAddressWidth: number;
}

const facts = new Map<string, PlatformFacts>();

function factsOf(profile: string): PlatformFacts {
  let known = facts.get(profile);
  if (known) return known;
  const platform = platformOf(profileNamed(profile));
  const sizes: LiveMapping["size"][] = ["4K"];
  if (platform.superpages2M) sizes.push("2M");
  if (platform.superpages1G) sizes.push("1G");
  known = {
    levels: [3, 4, 5].filter((one) => (platform.supportedLevels >>> one) & 1),
    sizes,
    largestDomainId: 2 ** platform.domainIdBits - 1,
    queue: platform.queuedInvalidation,
    registers: platform.registerInvalidation,
    passThrough: platform.passThrough,
    deviceTlb: platform.deviceTlb,
    hostAddressWidth: platform.hostAddressWidth,
  };
  facts.set(profile, known);
  return known;
}

type Kind =
  | "attach"
  | "detach"
  | "map"
  | "unmap"
  | "protect"
  | "retable"
  | "corrupt"
  | "write-back"
  | "invalidate"
  | "flush"
  | "wait"
  | "queue-error"
  | "steer"
  | "read-faults"
  | "read-registers"
  | "reuse"
  | "dma";

const WEIGHTS: readonly (readonly [Kind, number])[] = [
  ["dma", 220],
  ["map", 90],
  ["unmap", 60],
  ["flush", 60],
  ["invalidate", 60],
  ["wait", 50],
  ["attach", 50],
  ["detach", 15],
  ["protect", 25],
  ["retable", 15],
  ["corrupt", 35],
  ["read-faults", 30],
  ["reuse", 15],
  ["write-back", 10],
  ["steer", 0],
  ["queue-error", 6],
  ["read-registers", 4],
];
/** Kinds that no run does without. */
const ALWAYS: ReadonlySet<Kind> = new Set<Kind>(["dma", "map", "attach"]);

/** The scenario of a seed. Equal seeds and options give equal scenarios. */
export function generateScenario(seed: number, options: GeneratorOptions = defaultOptions): Scenario {
  return new Generator(seed, options).scenario();
}

class Generator {
  private readonly chance = new Chance();
  private readonly platform: PlatformFacts;
  private readonly profile: string;
  private readonly steps: Step[] = [];
  private readonly devices: Scenario["devices"];
  private readonly domains: Scenario["domains"];
  private readonly pools: ReadonlyMap<string, readonly number[]>;
  private readonly live: LiveMapping[] = [];
  private readonly former: LiveMapping[] = [];
  private readonly attached = new Map<string, string>();
  private readonly kinds: Kind[] = [];
  private readonly queue: boolean;
  private readonly alwaysWritesBack: boolean;
  private mappings = 0;

  constructor(
    seed: number,
    private readonly options: GeneratorOptions,
  ) {
    this.chance.seed(seed);
    this.profile = this.pick(options.profiles);
    this.platform = factsOf(this.profile);
    const requesters = topologies[this.pick(options.topologies)]!;
    this.devices = requesters.map((requester, index) => ({ name: "abc"[index]!, requester }));
    this.domains = ["d0", "d1"].map((name, index) => this.drawDomain(name, index));
    this.pools = new Map(this.domains.map((one) => [one.name, iovaPool(one.levels)]));
    this.queue = this.platform.queue && (!this.platform.registers || this.chance.happens(192));
    this.alwaysWritesBack = this.chance.happens(192);
    this.drawKinds();
  }

  scenario(): Scenario {
    const { chance, options } = this;
    const start = chance.happens(options.steeringWeight) ? "reset" : "translating";
    const timing = chance.bits();
    if (start === "reset") this.boot();
    this.prologue();
    const count = options.fewestSteps + chance.below(options.mostSteps - options.fewestSteps + 1);
    while (this.steps.length < count) this.add(this.pick(this.kinds));
    this.steps.push({ do: "read-faults", clear: false });
    return {
      format: "iommu-spec scenario 1",
      architecture: "vtd",
      profile: this.profile,
      start,
      invalidation: this.queue ? "queue" : "registers",
      timing,
      devices: this.devices,
      domains: this.domains,
      steps: this.steps,
    };
  }

  private pick<T>(from: readonly T[]): T {
    return from[this.chance.below(from.length)]!;
  }

  private drawDomain(name: string, index: number): Scenario["domains"][number] {
    const { levels, largestDomainId } = this.platform;
    // A domain id shared by two domains is a mistake software makes; ids that differ in high bits only are another.
    const ids = [index + 1, 1, Math.min(index + 0x101, largestDomainId), largestDomainId - index];
    return { name, id: this.chance.happens(224) ? ids[this.chance.below(2) * 2]! : this.pick(ids), levels: this.pick(levels) };
  }

  /** Each run leaves some kinds of steps out. */
  private drawKinds(): void {
    for (const [kind, weight] of WEIGHTS) {
      const steering = kind === "steer";
      if (steering ? !this.chance.happens(this.options.steeringWeight) : !ALWAYS.has(kind) && this.chance.happens(64)) {
        continue;
      }
      if (kind === "queue-error" && !this.queue) continue;
      const share = steering ? 15 : weight;
      for (let each = 0; each < share; each += 5) this.kinds.push(kind);
    }
  }

  /** From reset to enabled translation, now and then in another order than it should be. */
  private boot(): void {
    if (this.chance.happens(128)) this.dma();
    this.steps.push({ do: "set-root", root: 0, complete: this.chance.happens(224) });
    this.steps.push({ do: "invalidate", target: { cache: "context", granularity: "global" }, complete: true });
    this.steps.push({ do: "invalidate", target: { cache: "iotlb", granularity: "global", drain: true }, complete: true });
    this.steps.push({ do: "wait", sign: "status", fence: false });
    this.steps.push({ do: "translation", enable: true, complete: this.chance.happens(224) });
  }

  /** A device with a mapping: without one little can go wrong. */
  private prologue(): void {
    this.attach();
    this.map();
  }

  private add(kind: Kind): void {
    switch (kind) {
      case "attach":
        return this.attach();
      case "detach": {
        const device = this.pick(this.devices).name;
        return void this.steps.push({ do: "detach", device, writeBack: this.writesBack() });
      }
      case "map":
        return this.map();
      case "unmap":
        return this.unmap();
      case "protect":
        return this.protect();
      case "retable":
        return this.retable();
      case "corrupt":
        return this.corrupt();
      case "write-back":
        return void this.steps.push({ do: "write-back" });
      case "invalidate":
        return void this.steps.push({ do: "invalidate", target: this.target(), complete: this.chance.happens(192) });
      case "flush":
        return this.flush();
      case "wait":
        return this.wait();
      case "queue-error":
        return void this.steps.push({ do: "queue-error", error: this.pick(["type", "reserved", "granularity"] as const) });
      case "steer":
        return this.steer();
      case "read-faults":
        return void this.steps.push({ do: "read-faults", clear: this.chance.happens(192) });
      case "read-registers":
        return void this.steps.push({ do: "read-registers" });
      case "reuse":
        return void this.steps.push({ do: "reuse", page: this.pageOfInterest() });
      case "dma":
        return this.dma();
    }
  }

  private writesBack(): boolean {
    return this.alwaysWritesBack || this.chance.happens(160);
  }

  private attach(): void {
    const device = this.pick(this.devices).name;
    const domain = this.pick(this.domains).name;
    const bits = this.chance.below(16);
    const passThrough = bits === 0 && (this.platform.passThrough || this.chance.happens(64));
    const all = bits === 1 && (this.platform.deviceTlb || this.chance.happens(64));
    const type = passThrough ? "pass-through" : all ? "all" : "translated";
    this.attached.set(device, domain);
    const faultProcessingDisable = this.chance.happens(16);
    this.steps.push({ do: "attach", device, domain, type, faultProcessingDisable, writeBack: this.writesBack() });
  }

  private map(): void {
    const domain = this.attachedDomain();
    const size = this.chance.happens(160) ? "4K" : this.pick(this.platform.sizes);
    const pages = PAGES_OF_SIZE[size];
    const wanted = this.pick(this.pools.get(domain)!);
    const iova = wanted - (wanted % pages);
    const page = size === "4K" ? this.pick(dataPages) : size === "2M" ? this.pick(dataRegions) : 0;
    const mapping: LiveMapping = { name: `m${this.mappings++}`, domain, iova, size, page };
    this.live.push(mapping);
    const access = this.chance.happens(160) ? "rw" : this.pick(["r", "w", "rw"] as const);
    const writeBack = this.writesBack();
    this.steps.push({ do: "map", mapping: mapping.name, domain, iova, page, size, access, writeBack });
  }

  private attachedDomain(): string {
    if (this.attached.size > 0 && this.chance.happens(224)) return this.pick([...this.attached.values()]);
    return this.pick(this.domains).name;
  }

  private domainNamed(name: string): Scenario["domains"][number] {
    return this.domains.find((one) => one.name === name)!;
  }

  private unmap(): void {
    if (this.live.length === 0) return;
    const [mapping] = this.live.splice(this.chance.below(this.live.length), 1);
    this.former.push(mapping!);
    this.steps.push({ do: "unmap", mapping: mapping!.name, writeBack: this.writesBack() });
  }

  private protect(): void {
    if (this.live.length === 0) return;
    const access = this.pick(["r", "w", "rw"] as const);
    this.steps.push({ do: "protect", mapping: this.pick(this.live).name, access, writeBack: this.writesBack() });
  }

  private retable(): void {
    const domain = this.domainNamed(this.attachedDomain());
    const level = 2 + this.chance.below(domain.levels - 1);
    const iova = this.addressOfInterest(domain.name);
    this.steps.push({ do: "retable", domain: domain.name, iova, level, spare: this.chance.below(3), writeBack: this.writesBack() });
  }

  /** Bits that matter: present and permission bits, reserved ones, pointers out of memory, widths. */
  private corrupt(): void {
    const writeBack = this.writesBack();
    const value = this.chance.happens(160) ? 1 : 0;
    const structure = this.chance.below(8);
    const device = this.pick(this.devices).name;
    if (structure === 0) {
      const bit = this.pick([0, 0, 1, 5, 11, 31, 45, 60, 64, 100]);
      return void this.steps.push({ do: "corrupt", entry: { structure: "root", device }, bit, value, writeBack });
    }
    if (structure <= 2) {
      const bit = this.pick([0, 1, 2, 3, 4, 11, 31, 45, 60, 64, 65, 66, 67, 71, 76, 86, 87, 88, 127]);
      return void this.steps.push({ do: "corrupt", entry: { structure: "context", device }, bit, value, writeBack });
    }
    const domain = this.domainNamed(this.attachedDomain());
    const level = 1 + this.chance.below(domain.levels);
    const iova = this.addressOfInterest(domain.name);
    const bit = this.pick([0, 1, 0, 1, 2, 7, 8, 10, 11, 12, 20, 31, 38, 45, 51, 52, 60, 61, 62, 63]);
    const entry = { structure: "table" as const, domain: domain.name, iova, level };
    this.steps.push({ do: "corrupt", entry, bit, value, writeBack });
  }

  private mappingOfInterest(): LiveMapping | undefined {
    const former = this.former.length > 0 && this.chance.happens(128);
    const list = former ? this.former : this.live;
    if (list.length === 0) return undefined;
    const recent = Math.min(list.length, 3);
    return list[list.length - 1 - this.chance.below(recent)];
  }

  private addressOfInterest(domain: string): number {
    const mapping = this.mappingOfInterest();
    return mapping && mapping.domain === domain ? mapping.iova : this.pick(this.pools.get(domain)!);
  }

  private pageOfInterest(): number {
    const mapping = this.mappingOfInterest();
    return mapping && mapping.size === "4K" ? mapping.page : this.pick(dataPages);
  }

  private target(): InvalidationTargetOf {
    const domain = this.attachedDomain();
    const drain = this.chance.happens(160);
    switch (this.chance.below(7)) {
      case 0:
        return { cache: "context", granularity: "global" };
      case 1:
        return { cache: "context", granularity: "domain", domain };
      case 2: {
        const functionMask = this.chance.happens(128) ? 0 : this.chance.below(4);
        return { cache: "context", granularity: "device", domain, device: this.pick(this.devices).name, functionMask };
      }
      case 3:
        return { cache: "iotlb", granularity: "global", drain };
      case 4:
        return { cache: "iotlb", granularity: "domain", domain, drain };
      default:
        return this.pageTarget(domain, this.addressOfInterest(domain), drain);
    }
  }

  private pageTarget(domain: string, page: number, drain: boolean): InvalidationTargetOf {
    const mask = this.pick([0, 0, 0, 1, 2, 9]);
    const iova = this.chance.happens(192) ? page : page ^ (1 << this.chance.below(3));
    return { cache: "iotlb", granularity: "page", domain, iova, mask, leafOnly: this.chance.happens(64), drain };
  }

  /** What careful software does after a change: the right invalidation, and the wait for it. */
  private flush(): void {
    const mapping = this.former[this.former.length - 1] ?? this.live[this.live.length - 1];
    if (!mapping) return;
    const { domain, iova, size } = mapping;
    const target: InvalidationTargetOf = this.chance.happens(128)
      ? this.pageTarget(domain, iova + this.chance.below(PAGES_OF_SIZE[size]), true)
      : { cache: "iotlb", granularity: "domain", domain, drain: true };
    if (this.chance.happens(64)) {
      this.steps.push({ do: "invalidate", target: { cache: "context", granularity: "domain", domain }, complete: true });
    }
    this.steps.push({ do: "invalidate", target, complete: true });
    if (this.queue) this.steps.push({ do: "wait", sign: "status", fence: false });
  }

  private wait(): void {
    if (!this.queue) return;
    const sign = this.chance.happens(192) ? "status" : this.pick(["interrupt", "none"] as const);
    this.steps.push({ do: "wait", sign, fence: this.chance.happens(64) });
  }

  private steer(): void {
    const complete = this.chance.happens(160);
    if (this.chance.happens(128)) this.steps.push({ do: "set-root", root: this.chance.below(2), complete });
    else this.steps.push({ do: "translation", enable: this.chance.happens(160), complete });
  }

  private dma(): void {
    const device = this.pick(this.devices).name;
    const bits = this.chance.below(16);
    const type = bits < 7 ? "write" : bits < 13 ? "read" : bits < 14 ? "atomic" : bits < 15 ? "zero-length-read" : "write";
    const length = this.chance.happens(64) ? 4 : 8;
    this.steps.push({ do: "dma", device, iova: this.hostileAddress(device), type, length, crossing: this.chance.happens(12) });
  }

  /** Addresses a device would try: mapped, just unmapped, next to either, of other devices, out of range. */
  private hostileAddress(device: string): number {
    const choice = this.chance.below(20);
    const mapping = this.mappingOfInterest();
    if (choice < 11 && mapping) return mapping.iova + this.offsetIn(mapping);
    if (choice < 13 && mapping) return Math.max(0, mapping.iova + this.pick([-1, 1, 512, PAGES_OF_SIZE[mapping.size]]));
    if (choice === 13) return this.pick(dataPages);
    if (choice === 14) return this.pick([0xfee00, 0xfee01, 0xfeeff, 0xfedff, 0xfef00]);
    if (choice === 15) return this.beyondRange();
    const domain = this.attached.get(device) ?? this.pick(this.domains).name;
    return this.pick(this.pools.get(domain)!);
  }

  private offsetIn(mapping: LiveMapping): number {
    if (mapping.size === "4K") return 0;
    const inRegion = this.pick([0, 1, 2, 3, 4, 511]);
    return mapping.size === "2M" ? inRegion : this.pick([8, 9]) * 512 + inRegion;
  }

  private beyondRange(): number {
    const widths = [36, 39, 42, 46, 48, 52, 57, this.platform.hostAddressWidth];
    const limit = 2 ** (this.pick(widths) - 12);
    return this.chance.happens(128) ? limit + this.pick(dataPages) : limit - 1;
  }
}
