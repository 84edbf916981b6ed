/**
 * Single steps, each drawn so that it is about what the scenario has set up so far. What every architecture has is here;
 * each adds its own.
 */
import type { RequestType } from "../model/trace.js";
import type { Chance } from "../model/words/chance.js";
import { dataPages, dataRegions, interruptPages, interruptRegion, iovaPool } from "./places.js";
import type { PlatformFacts } from "./platform-facts.js";
import type { Mapping, Situation } from "./situation.js";
import type { CommonStep, Device, Domain, Header, MapStep, TableEntryName } from "./steps.js";

const ACCESSES = ["r", "w", "rw"] as const;
/** Page offsets in a 2 MiB region that requests go to, and in which of those regions of a larger page. */
const OFFSETS = [0, 1, 2, 3, 4, 511];
const REGIONS = [8, 9];
const REGION = 512;
/** Pages of a mapping that begins at page 0, so that the regions of data are in it. */
const GIGABYTE = REGION * REGION;

/** What stays the same in one scenario. */
export interface Surroundings<Facts extends PlatformFacts = PlatformFacts> {
  readonly platform: Facts;
  readonly devices: readonly Device[];
  readonly domains: readonly Domain[];
}

/** A kind of step that not every architecture has: its share among the kinds of a run, and what adds one. */
export interface OwnKind {
  readonly share: number;
  readonly add: () => void;
}

/** Bits of an entry that are changed together, and the value they get where only one of them makes a difference. */
export interface BitChange {
  readonly bits: readonly number[];
  readonly value?: 0 | 1;
}

/** What was drawn of a `map` step; its size is said apart, in pages. */
export type DrawnMap = Omit<MapStep, "do" | "size">;

const MAPPING_NAMES: string[] = [];

/** What steps call a mapping, by its number. The same strings for every scenario are faster to look up than new ones. */
function mappingName(number: number): string {
  MAPPING_NAMES[number] ??= `m${number}`;
  return MAPPING_NAMES[number];
}

/** Draws steps and appends them. */
export abstract class StepWriter<
  Step = unknown,
  Scenario = unknown,
  Facts extends PlatformFacts = PlatformFacts,
> {
  readonly steps: (Step | CommonStep)[] = [];
  /** Software gives its commands through a queue, where they can be illegal. */
  abstract readonly queue: boolean;
  /** Kinds of steps that other architectures do not have. */
  readonly ownKinds: readonly OwnKind[] = [];
  protected readonly platform: Facts;
  protected readonly devices: readonly Device[];
  protected readonly domains: readonly Domain[];
  private readonly alwaysWritesBack: boolean;
  /** Addresses around the ranges that are special to the platform. */
  protected abstract readonly specialAddresses: readonly number[];
  private mappings = 0;
  private crossed = false;

  constructor(
    protected readonly chance: Chance,
    protected readonly situation: Situation,
    surroundings: Surroundings<Facts>,
  ) {
    this.platform = surroundings.platform;
    this.devices = surroundings.devices;
    this.domains = surroundings.domains;
    this.alwaysWritesBack = chance.happens(192);
  }

  /** From reset to enabled translation, now and then in another order than it should be. */
  abstract boot(): void;
  abstract attach(device: string): void;
  abstract invalidate(): void;
  abstract wait(): void;
  /** What careful software does after a change: the right invalidations, and the wait for them. */
  abstract flush(mapping: Mapping | undefined): void;
  /** Reads what was logged of faults. */
  abstract readFaults(): void;
  /** Reads it for the last time, and leaves it as it is. */
  abstract readLastFaults(): void;
  abstract commandError(): void;
  /** Translation goes on or off, or moves to another root or device table. */
  abstract steer(): void;
  /** The scenario of what was written. */
  abstract scenario(header: Header): Scenario;
  /** Maps what was drawn. */
  protected abstract pushMap(drawn: DrawnMap, pages: number): void;
  /** A bit of an entry that leads to the tables of a device is changed; false when it is to be one of the tables. */
  protected abstract corruptAboveTables(value: number, writeBack: boolean): boolean;
  /** Changes of table entries that matter. */
  protected abstract readonly entryChanges: readonly BitChange[];

  protected pick<T>(from: readonly T[]): T {
    return from[this.chance.below(from.length)]!;
  }

  /** One of ascending numbers that is below a limit. */
  private pickBelow(ascending: readonly number[], limit: number): number {
    let count = ascending.length;
    while (ascending[count - 1]! >= limit) count--;
    return ascending[this.chance.below(count)]!;
  }

  anyDevice(): string {
    return this.pick(this.devices).name;
  }

  protected writesBack(): boolean {
    return this.alwaysWritesBack || this.chance.happens(160);
  }

  /** Something for the other steps to be about. */
  begin(): void {
    this.attach(this.anyDevice());
    this.map();
  }

  detach(device: string): void {
    this.situation.detach(device);
    this.steps.push({ do: "detach", device, writeBack: this.writesBack() });
  }

  map(): void {
    const domain = this.attachedDomain();
    this.mapAt(domain, this.pick(this.poolOf(domain)), this.drawSize(domain));
  }

  /** Maps where a mapping is: the same page of the address space, or a larger or smaller one around it. */
  mapOver(mapping: Mapping): void {
    const { domain, iova, pages } = mapping;
    this.mapAt(domain, iova, this.chance.happens(128) ? pages : this.drawSize(domain));
  }

  /** Mostly one page, else a size that the tables of the domain have. */
  private drawSize(domain: string): number {
    if (this.chance.happens(128)) return 1;
    return this.pickBelow(this.platform.sizes, REGION ** this.domainNamed(domain).levels);
  }

  private mapAt(domain: string, wanted: number, pages: number): void {
    const iova = wanted - (wanted % pages);
    const page = this.drawPage(pages);
    const mapping = mappingName(this.mappings++);
    this.situation.mapped({ name: mapping, domain, iova, pages, page });
    const access = this.chance.happens(160) ? "rw" : this.pick(ACCESSES);
    const writeBack = this.writesBack();
    this.pushMap({ mapping, domain, iova, page, access, writeBack }, pages);
  }

  private drawPage(pages: number): number {
    if (pages >= GIGABYTE) return 0;
    const interrupts = this.chance.happens(6);
    const page =
      pages >= REGION
        ? interrupts
          ? interruptRegion
          : this.pick(dataRegions)
        : this.pick(interrupts ? interruptPages : dataPages);
    return page - (page % pages);
  }

  protected attachedDomain(): string {
    const domain = this.chance.happens(224) ? this.situation.attachedDomain() : undefined;
    return domain ?? this.pick(this.domains).name;
  }

  private domainNamed(name: string): Domain {
    return this.domains.find((one) => one.name === name)!;
  }

  protected poolOf(domain: string): readonly number[] {
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
    if (domain.levels < 2) return;
    const level = 2 + this.chance.below(domain.levels - 1);
    const iova = this.addressOfInterest(domain.name);
    const spare = this.chance.below(3);
    this.steps.push({ do: "retable", domain: domain.name, iova, level, spare, writeBack: this.writesBack() });
  }

  corrupt(): void {
    const writeBack = this.writesBack();
    const value = this.chance.happens(160) ? 1 : 0;
    if (this.corruptAboveTables(value, writeBack)) return;
    const domain = this.domainNamed(this.attachedDomain());
    const level = 1 + this.chance.below(domain.levels);
    const iova = this.addressOfInterest(domain.name);
    const entry = { structure: "table", domain: domain.name, iova, level } as const;
    if (this.chance.happens(10)) {
      this.steps.push({ do: "fill-with-ones", entry, writeBack });
      return;
    }
    this.change(entry, this.pick(this.entryChanges), value, writeBack);
    this.afterCorruption(domain.name, iova);
  }

  /** Gives bits of an entry the value that matters, or else the one drawn. */
  private change(entry: TableEntryName, { bits, value }: BitChange, drawn: number, writeBack: boolean): void {
    for (const bit of bits) this.steps.push({ do: "corrupt", entry, bit, value: value ?? drawn, writeBack });
  }

  /** What is to come soon after a change of an entry for that address. */
  protected afterCorruption(_domain: string, _iova: number): void {}

  protected addressOfInterest(domain: string): number {
    const mapping = this.situation.recentMapping();
    return mapping && mapping.domain === domain ? mapping.iova : this.pick(this.poolOf(domain));
  }

  /** Another page of the same small aligned group. */
  neighbour(page: number): number {
    const bit = 1 << this.chance.below(3);
    return page & bit ? page - bit : page + bit;
  }

  writeBack(): void {
    this.steps.push({ do: "write-back" });
  }

  readRegisters(): void {
    this.steps.push({ do: "read-registers" });
  }

  reuse(mapping: Mapping | undefined): void {
    const page = mapping && dataPages.includes(mapping.page) ? mapping.page : this.pick(dataPages);
    this.steps.push({ do: "reuse", page });
  }

  dma(): void {
    const use = this.chance.happens(80) ? this.situation.recentUse() : undefined;
    const device = use?.device ?? this.askingDevice();
    this.request(device, use?.iova ?? this.hostileAddress(device));
  }

  /** A device that tries its luck. */
  protected askingDevice(): string {
    return this.anyDevice();
  }

  protected drawType(_iova: number): RequestType {
    const bits = this.chance.below(16);
    return bits < 8 ? "write" : bits < 14 ? "read" : bits < 15 ? "atomic" : "zero-length-read";
  }

  request(device: string, iova: number): void {
    const { chance } = this;
    const type = this.drawType(iova);
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
    if (choice < 13 && mapping) return Math.max(0, mapping.iova + this.pick([-1, 1, REGION, mapping.pages]));
    if (choice === 13) return this.pick(dataPages);
    if (choice === 14) return this.pick(this.specialAddresses);
    if (choice === 15) return this.beyondRange();
    return this.pick(this.poolOf(this.situation.domainOf(device) ?? this.pick(this.domains).name));
  }

  /** A page that requests go to: the only one of a small page, one of a few of a larger one. */
  offsetIn({ pages }: Mapping): number {
    if (pages === 1) return 0;
    const inRegion = this.pickBelow(OFFSETS, pages);
    return pages <= REGION ? inRegion : (this.pick(REGIONS) % (pages / REGION)) * REGION + inRegion;
  }

  private beyondRange(): number {
    const limit = this.pick(this.platform.pageLimits);
    return this.chance.happens(128) ? limit + this.pick(dataPages) : limit - 1;
  }
}
