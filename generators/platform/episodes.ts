/** Runs of steps that belong together: what it takes for a mistake to matter seldom comes about by chance. */
import type { ArchitectureId } from "../../model/profile.js";
import type { Chance } from "../../model/words/chance.js";
import { dataRegions, iovaPool } from "../places.js";
import { guestPages } from "./places.js";
import type { PlatformSituation } from "./situation.js";

const DOMAINS = ["guest1", "guest2"] as const;
/** Levels of tables that every guest has. */
const LEVELS = 3;
const POOL = iovaPool(LEVELS);
/** More blocked requests than any log has room for. */
export const FLOOD: Readonly<Record<ArchitectureId, number>> = { vtd: 12, amdvi: 260 };

export class Episodes {
  private mappings = 0;

  constructor(
    private readonly chance: Chance,
    private readonly situation: PlatformSituation,
    private readonly architecture: ArchitectureId,
  ) {}

  private pick<T>(from: readonly T[]): T {
    return from[this.chance.below(from.length)]!;
  }

  private device(): string {
    const names = this.situation.devices();
    return names.length > 0 ? this.pick(names) : "nobody";
  }

  private domain(): string {
    return this.chance.happens(160) ? DOMAINS[0] : DOMAINS[1];
  }

  assign(): void {
    const free = this.situation.free();
    const device = free.length > 0 ? this.pick(free) : this.device();
    this.situation.emit({ do: "assign", device, domain: this.domain() });
  }

  /** All of a device, or of those under its id, to one guest as a rule. */
  assignTogether(): void {
    const { situation } = this;
    const several = situation.devices().filter((one) => situation.companions(one).length > 0);
    const device = several.length > 0 ? this.pick(several) : this.device();
    const domain = situation.assigned.get(device) ?? this.domain();
    for (const one of [device, ...this.situation.companions(device).slice(0, 2)])
      this.situation.emit({
        do: "assign",
        device: one,
        domain: this.chance.happens(176) ? domain : this.domain(),
      });
  }

  /** A device that a guest with memory has; it may get both now. */
  private served(): string {
    const { situation } = this;
    if (situation.assigned.size === 0) this.assign();
    const device = this.pick([...situation.assigned.keys()]);
    const domain = situation.assigned.get(device)!;
    if (situation.mappedIn(domain).length === 0) this.mapIn(domain);
    return device;
  }

  release(): void {
    this.situation.emit({ do: "release", device: this.served() });
  }

  map(): void {
    const { assigned } = this.situation;
    const domain =
      assigned.size > 0 && this.chance.happens(160) ? this.pick([...assigned.values()]) : this.domain();
    this.mapIn(domain);
  }

  private mapIn(domain: string): void {
    const { chance } = this;
    const mapping = `m${++this.mappings}`;
    const access = chance.happens(200) ? "rw" : "r";
    this.situation.emit({ do: "map", mapping, domain, ...this.drawRun(), access });
  }

  /** Addresses and pages: a page or a few as a rule, a superpage at times. */
  private drawRun(): { iova: number; page: number; pages: number } {
    const { chance } = this;
    if (chance.happens(4)) return { iova: this.pick(dataRegions), page: this.pick(dataRegions), pages: 512 };
    const pages = chance.happens(200) ? 1 : 2 + chance.below(2);
    return { iova: this.pick(POOL), page: this.freePage(), pages };
  }

  private freePage(): number {
    const taken = new Set(this.situation.mapped.map((one) => one.page));
    const free = guestPages.filter((one) => !taken.has(one));
    return this.pick(free.length > 0 ? free : guestPages);
  }

  /** A mapping of a guest that has a device, as a rule. */
  private mapping(): string {
    const { situation } = this;
    if (situation.mapped.length === 0) this.map();
    const inUse = new Set(situation.assigned.values());
    const used = situation.mapped.filter((one) => inUse.has(one.domain));
    return this.pick(used.length > 0 && this.chance.happens(200) ? used : situation.mapped).mapping;
  }

  unmap(): void {
    this.situation.emit({ do: "unmap", mapping: this.mapping() });
  }

  remap(): void {
    const mapping = this.mapping();
    this.situation.emit({ do: "remap", mapping, page: this.freePage() });
  }

  dma(): void {
    const { chance, situation } = this;
    const { mapped } = situation;
    const iova = mapped.length > 0 && chance.happens(200) ? this.pick(mapped).iova : this.pick(POOL);
    const type = this.pick(["read", "write", "write", "atomic", "zero-length-read"] as const);
    const as = chance.happens(192) ? 0 : chance.below(3);
    situation.emit({ do: "dma", device: this.device(), as, iova, type });
  }

  lend(): void {
    this.situation.emit({
      do: "lend",
      device: this.pick(this.situation.outside),
      page: this.pick(guestPages),
    });
  }

  /** A card comes. Where one is already it goes first, after a guest had it as a rule. */
  plug(): void {
    const { chance, situation } = this;
    const device = this.pick(situation.pluggable);
    const there = situation.inPlaceOf(device);
    if (there !== undefined) {
      if (chance.happens(160)) this.serve(there);
      situation.emit({ do: "unplug", device: there });
      if (chance.happens(72)) return;
    }
    situation.emit({ do: "plug", device });
    if (chance.happens(96)) this.serve(device);
  }

  /** The device is given to a guest that has memory. */
  private serve(device: string): void {
    const { situation } = this;
    const domain = situation.assigned.get(device) ?? this.domain();
    if (situation.mappedIn(domain).length === 0) this.mapIn(domain);
    if (!situation.assigned.has(device)) situation.emit({ do: "assign", device, domain });
  }

  virtual(): void {
    const { chance, situation } = this;
    const device = this.pick(situation.physical);
    const own = situation.devices().filter((one) => one.startsWith(`${device}.vf`));
    if (own.length > 0 && chance.happens(160)) this.serve(this.pick(own));
    else situation.emit({ do: "enable-vfs", device, count: chance.below(4) });
  }

  handOver(): void {
    if (this.chance.happens(176)) this.served();
    this.situation.emit({ do: "hand-over" });
  }

  /** A few faults, of one device or of two, handled as a rule. */
  storm(): void {
    const { chance } = this;
    this.stormOf(this.device(), 1 + chance.below(4));
    if (chance.happens(96)) this.stormOf(this.device(), 1);
    if (chance.happens(232)) this.handle();
  }

  /** More faults than a log has room for, and then another device's. */
  flood(): void {
    this.stormOf(this.device(), FLOOD[this.architecture]);
    this.handle();
    if (this.chance.happens(208)) {
      this.stormOf(this.device(), 1);
      this.handle();
    }
  }

  /** A device faults again and again; where a log has room for one fault only, one is reported each time. */
  repeat(): void {
    const device = this.device();
    for (let time = 0; time < 3; time++) {
      this.stormOf(device, 1 + this.chance.below(2));
      this.handle();
    }
  }

  private stormOf(device: string, count: number): void {
    this.situation.emit({ do: "storm", device, count });
  }

  private handle(): void {
    this.situation.emit({ do: "handle-faults" });
  }
}
