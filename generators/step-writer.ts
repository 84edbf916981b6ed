/** Single steps, each drawn so that it is about what the scenario has set up so far. */
import type { Chance } from "../model/words/chance.js";
import {
  dataPages,
  dataRegions,
  interruptPages,
  interruptRegion,
  iovaPool,
  PAGES_OF_SIZE,
  type PageSize,
} from "./places.js";
import type { PlatformFacts } from "./platform-facts.js";
import type { EntryName, InvalidationTargetOf, Scenario, Step } from "./scenario.js";
import type { Mapping, Situation } from "./situation.js";

const ACCESSES = ["r", "w", "rw"] as const;
const SIGNS = ["interrupt", "none"] as const;
const QUEUE_ERRORS = ["type", "reserved", "granularity"] as const;
/** Page offsets in a superpage that requests go to, and in which of the 2 MiB regions of a 1 GiB page. */
const OFFSETS = [0, 1, 2, 3, 4, 511];
const REGIONS = [8, 9];
const INTERRUPT_ADDRESSES = [0xfee00, 0xfee01, 0xfeeff, 0xfedff, 0xfef00];
/** Logarithms of the number of pages that an invalidation covers. */
const MASKS = [0, 0, 0, 1, 2, 9];
/** Bits that matter: present and permission bits, reserved ones, pointers out of memory, widths. */
const ROOT_BITS = [0, 0, 1, 5, 11, 31, 45, 60, 64, 100];
const CONTEXT_BITS = [0, 1, 2, 3, 4, 11, 31, 45, 60, 64, 65, 66, 67, 71, 76, 86, 87, 88, 127];
const ENTRY_BITS = [0, 1, 0, 1, 2, 7, 8, 10, 11, 12, 20, 31, 38, 45, 51, 52, 60, 61, 62, 63];

type Device = Scenario["devices"][number];
type Domain = Scenario["domains"][number];

/** What stays the same in one scenario. */
export interface Surroundings {
  readonly platform: PlatformFacts;
  readonly devices: readonly Device[];
  readonly domains: readonly Domain[];
  /** Software invalidates through the queue. */
  readonly queue: boolean;
  readonly alwaysWritesBack: boolean;
}

/** Draws steps and appends them. */
export class StepWriter {
  readonly steps: Step[] = [];
  private readonly platform: PlatformFacts;
  private readonly devices: readonly Device[];
  private readonly domains: readonly Domain[];
  private mappings = 0;
  private crossed = false;

  constructor(
    private readonly chance: Chance,
    private readonly situation: Situation,
    private readonly surroundings: Surroundings,
  ) {
    this.platform = surroundings.platform;
    this.devices = surroundings.devices;
    this.domains = surroundings.domains;
  }

  private pick<T>(from: readonly T[]): T {
    return from[this.chance.below(from.length)]!;
  }

  anyDevice(): string {
    return this.pick(this.devices).name;
  }

  private writesBack(): boolean {
    return this.surroundings.alwaysWritesBack || this.chance.happens(160);
  }

  attach(device: string): void {
    const domain = this.pick(this.domains).name;
    const bits = this.chance.below(16);
    const passThrough = bits === 0 && (this.platform.passThrough || this.chance.happens(64));
    const all = bits === 1 && (this.platform.deviceTlb || this.chance.happens(64));
    const type = passThrough ? "pass-through" : all ? "all" : "translated";
    this.situation.attach(device, domain);
    const faultProcessingDisable = this.chance.happens(16);
    this.steps.push({
      do: "attach",
      device,
      domain,
      type,
      faultProcessingDisable,
      writeBack: this.writesBack(),
    });
  }

  detach(device: string): void {
    this.situation.detach(device);
    this.steps.push({ do: "detach", device, writeBack: this.writesBack() });
  }

  map(): void {
    const domain = this.attachedDomain();
    this.mapAt(domain, this.pick(this.poolOf(domain)), this.drawSize());
  }

  /** Maps where a mapping is: the same page of the address space, or a larger or smaller one around it. */
  mapOver(mapping: Mapping): void {
    this.mapAt(mapping.domain, mapping.iova, this.chance.happens(128) ? mapping.size : this.drawSize());
  }

  private drawSize(): PageSize {
    return this.chance.happens(128) ? "4K" : this.pick(this.platform.sizes);
  }

  private mapAt(domain: string, wanted: number, size: PageSize): void {
    const iova = wanted - (wanted % PAGES_OF_SIZE[size]);
    const page = this.drawPage(size);
    const mapping = `m${this.mappings++}`;
    this.situation.mapped({ name: mapping, domain, iova, size, page });
    const access = this.chance.happens(160) ? "rw" : this.pick(ACCESSES);
    this.steps.push({ do: "map", mapping, domain, iova, page, size, access, writeBack: this.writesBack() });
  }

  private drawPage(size: PageSize): number {
    if (size === "1G") return 0;
    const interrupts = this.chance.happens(6);
    if (size === "2M") return interrupts ? interruptRegion : this.pick(dataRegions);
    return this.pick(interrupts ? interruptPages : dataPages);
  }

  private attachedDomain(): string {
    const domain = this.chance.happens(224) ? this.situation.attachedDomain() : undefined;
    return domain ?? this.pick(this.domains).name;
  }

  private domainNamed(name: string): Domain {
    return this.domains.find((one) => one.name === name)!;
  }

  private poolOf(domain: string): readonly number[] {
    return iovaPool(this.domainNamed(domain).levels);
  }

  unmap(mapping: Mapping | undefined): void {
    if (!mapping) return;
    this.situation.remove(mapping);
    this.steps.push({ do: "unmap", mapping: mapping.name, writeBack: this.writesBack() });
  }

  protect(mapping: Mapping | undefined): void {
    if (!mapping) return;
    this.steps.push({
      do: "protect",
      mapping: mapping.name,
      access: this.pick(ACCESSES),
      writeBack: this.writesBack(),
    });
  }

  retable(): void {
    const domain = this.domainNamed(this.attachedDomain());
    const level = 2 + this.chance.below(domain.levels - 1);
    const iova = this.addressOfInterest(domain.name);
    const spare = this.chance.below(3);
    this.steps.push({ do: "retable", domain: domain.name, iova, level, spare, writeBack: this.writesBack() });
  }

  corrupt(): void {
    const writeBack = this.writesBack();
    const value = this.chance.happens(160) ? 1 : 0;
    const structure = this.chance.below(8);
    if (structure <= 2) {
      const bit = this.pick(structure === 0 ? ROOT_BITS : CONTEXT_BITS);
      const entry: EntryName = { structure: structure === 0 ? "root" : "context", device: this.anyDevice() };
      this.steps.push({ do: "corrupt", entry, bit, value, writeBack });
      return;
    }
    const domain = this.domainNamed(this.attachedDomain());
    const level = 1 + this.chance.below(domain.levels);
    const entry: EntryName = {
      structure: "table",
      domain: domain.name,
      iova: this.addressOfInterest(domain.name),
      level,
    };
    this.steps.push({ do: "corrupt", entry, bit: this.pick(ENTRY_BITS), value, writeBack });
  }

  private addressOfInterest(domain: string): number {
    const mapping = this.situation.recentMapping();
    return mapping && mapping.domain === domain ? mapping.iova : this.pick(this.poolOf(domain));
  }

  invalidate(): void {
    this.steps.push({ do: "invalidate", target: this.target(), complete: this.chance.happens(192) });
  }

  private target(): InvalidationTargetOf {
    const domain = this.attachedDomain();
    const drain = this.chance.happens(160);
    switch (this.chance.below(7)) {
      case 0:
        return { cache: "context", granularity: "global" };
      case 1:
        return { cache: "context", granularity: "domain", domain };
      case 2:
        return this.deviceTarget(domain, this.anyDevice());
      case 3:
        return { cache: "iotlb", granularity: "global", drain };
      case 4:
        return { cache: "iotlb", granularity: "domain", domain, drain };
      default:
        return this.pageTarget(domain, this.addressOfInterest(domain), drain);
    }
  }

  private pageTarget(domain: string, page: number, drain: boolean): InvalidationTargetOf {
    const mask = this.pick(MASKS);
    const iova = this.chance.happens(192) ? page : this.neighbour(page);
    return {
      cache: "iotlb",
      granularity: "page",
      domain,
      iova,
      mask,
      leafOnly: this.chance.happens(64),
      drain,
    };
  }

  /** The device's own entry, or through the function mask that of its neighbours too. */
  private deviceTarget(domain: string, device: string): InvalidationTargetOf {
    const masked = this.chance.happens(128);
    const named = masked && this.chance.happens(128) ? this.anyDevice() : device;
    const functionMask = masked ? this.chance.below(4) : 0;
    return { cache: "context", granularity: "device", domain, device: named, functionMask };
  }

  /** Another page of the same small aligned group. */
  neighbour(page: number): number {
    const bit = 1 << this.chance.below(3);
    return page & bit ? page - bit : page + bit;
  }

  /** What careful software does after a change: the right invalidations, and the wait for them. */
  flush(mapping: Mapping | undefined): void {
    if (!mapping) return;
    const { chance, situation } = this;
    const { contextChange } = situation;
    const drain = chance.happens(192);
    const domain = contextChange?.domain ?? mapping.domain;
    if (contextChange) {
      const target: InvalidationTargetOf = chance.happens(160)
        ? this.deviceTarget(domain, contextChange.device)
        : { cache: "context", granularity: "domain", domain };
      this.steps.push({ do: "invalidate", target, complete: true });
      situation.contextChange = null;
    }
    const target: InvalidationTargetOf =
      chance.happens(128) && !contextChange
        ? this.pageTarget(domain, mapping.iova + this.offsetIn(mapping), drain)
        : { cache: "iotlb", granularity: "domain", domain, drain };
    this.steps.push({ do: "invalidate", target, complete: true });
    if (this.surroundings.queue) this.steps.push({ do: "wait", sign: "status", fence: chance.happens(16) });
  }

  readFaults(): void {
    this.steps.push({ do: "read-faults", clear: this.chance.happens(192) });
  }

  queueError(): void {
    this.steps.push({
      do: "queue-error",
      error: this.pick(QUEUE_ERRORS),
      rewriteTail: this.chance.happens(128),
    });
  }

  writeBack(): void {
    this.steps.push({ do: "write-back" });
  }

  readRegisters(): void {
    this.steps.push({ do: "read-registers" });
  }

  wait(): void {
    if (!this.surroundings.queue) return;
    const sign = this.chance.happens(192) ? "status" : this.pick(SIGNS);
    this.steps.push({ do: "wait", sign, fence: this.chance.happens(64) });
  }

  steer(): void {
    const { chance, steps } = this;
    const complete = chance.happens(160);
    const root = chance.happens(32) ? 2 : chance.below(2);
    if (chance.happens(128)) steps.push({ do: "translation", enable: chance.happens(160), complete });
    else steps.push({ do: "set-root", root, complete });
  }

  reuse(mapping: Mapping | undefined): void {
    const page = mapping && dataPages.includes(mapping.page) ? mapping.page : this.pick(dataPages);
    this.steps.push({ do: "reuse", page });
  }

  dma(): void {
    const use = this.chance.happens(80) ? this.situation.recentUse() : undefined;
    const device = use?.device ?? this.anyDevice();
    this.request(device, use?.iova ?? this.hostileAddress(device));
  }

  request(device: string, iova: number): void {
    const { chance } = this;
    const bits = chance.below(16);
    const type = bits < 8 ? "write" : bits < 14 ? "read" : bits < 15 ? "atomic" : "zero-length-read";
    const length = chance.happens(64) ? 4 : 8;
    this.situation.used(device, iova);
    // Only one place in a page can be crossed from: a second crossing would hide what the first one wrote.
    const crossing = length === 8 && !this.crossed && chance.happens(12);
    this.crossed ||= crossing;
    this.steps.push({ do: "dma", device, iova, type, length, crossing });
  }

  /** Addresses a device would try: mapped, just unmapped, next to either, of other devices, out of range. */
  private hostileAddress(device: string): number {
    const choice = this.chance.below(20);
    const mapping = this.situation.recentMapping();
    if (choice < 11 && mapping) return mapping.iova + this.offsetIn(mapping);
    if (choice < 13 && mapping)
      return Math.max(0, mapping.iova + this.pick([-1, 1, 512, PAGES_OF_SIZE[mapping.size]]));
    if (choice === 13) return this.pick(dataPages);
    if (choice === 14) return this.pick(INTERRUPT_ADDRESSES);
    if (choice === 15) return this.beyondRange();
    return this.pick(this.poolOf(this.situation.domainOf(device) ?? this.pick(this.domains).name));
  }

  /** A page that requests go to: the only one of a small page, one of a few of a superpage. */
  offsetIn(mapping: Mapping): number {
    if (mapping.size === "4K") return 0;
    const inRegion = this.pick(OFFSETS);
    return mapping.size === "2M" ? inRegion : this.pick(REGIONS) * 512 + inRegion;
  }

  private beyondRange(): number {
    const limit = this.pick(this.platform.pageLimits);
    return this.chance.happens(128) ? limit + this.pick(dataPages) : limit - 1;
  }
}
