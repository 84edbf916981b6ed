/** What the steps of a scenario have set up so far, for the next step to be about: small pools make things meet. */
import type { Chance } from "../model/words/chance.js";

export interface Mapping {
  readonly name: string;
  readonly domain: string;
  readonly iova: number;
  /** Pages it maps, a power of two. */
  readonly pages: number;
  readonly page: number;
}

/** A request that was made: what caches may hold entries of. */
export interface Use {
  readonly device: string;
  readonly iova: number;
}

/** The entry of a device was changed: who it is, and the domain whose tag cached entries carry. */
export interface EntryChange {
  readonly device: string;
  readonly domain: string;
}

/** Mappings and requests that count as recent. */
const RECENT = 3;

export class Situation {
  private readonly live: Mapping[] = [];
  private readonly former: Mapping[] = [];
  private readonly uses: Use[] = [];
  private readonly attached = new Map<string, string>();
  private readonly attachments: string[] = [];
  /** The last device whose entry changed since it was attached. */
  entryChange: EntryChange | null = null;

  constructor(private readonly chance: Chance) {}

  pick<T>(from: readonly T[]): T {
    return from[this.chance.below(from.length)]!;
  }

  used(device: string, iova: number): void {
    this.uses.push({ device, iova });
  }

  /** One of the last requests, if there was any. */
  recentUse(): Use | undefined {
    return this.recent(this.uses);
  }

  attach(device: string, domain: string): void {
    this.detach(device);
    this.attached.set(device, domain);
    this.attachments.push(device);
  }

  detach(device: string): void {
    const domain = this.attached.get(device);
    if (domain !== undefined) this.entryChange = { device, domain };
  }

  domainOf(device: string): string | undefined {
    return this.attached.get(device);
  }

  /** A device that was attached to the domain and is there still, if one is. */
  deviceOf(domain: string): string | undefined {
    const { attachments } = this;
    if (attachments.length === 0) return undefined;
    const start = this.chance.below(attachments.length);
    for (let offset = 0; offset < attachments.length; offset++) {
      const device = attachments[(start + offset) % attachments.length]!;
      if (this.attached.get(device) === domain) return device;
    }
    return undefined;
  }

  /** A device that is attached, or was. */
  attachedDevice(): string | undefined {
    return this.attachments.length === 0 ? undefined : this.pick(this.attachments);
  }

  /** The domain of some attached device. */
  attachedDomain(): string | undefined {
    return this.attachments.length === 0 ? undefined : this.attached.get(this.pick(this.attachments));
  }

  mapped(mapping: Mapping): void {
    this.live.push(mapping);
  }

  anyLive(): Mapping | undefined {
    return this.live.length === 0 ? undefined : this.pick(this.live);
  }

  /** The mapping that was removed last, or else one that is there. */
  lastChanged(): Mapping | undefined {
    return this.former[this.former.length - 1] ?? this.anyLive();
  }

  /** Takes a mapping from the live ones. */
  remove(mapping: Mapping): void {
    const at = this.live.indexOf(mapping);
    if (at >= 0) this.live.splice(at, 1);
    this.former.push(mapping);
  }

  /** A mapping that was made, or removed, a short while ago. */
  recentMapping(): Mapping | undefined {
    const former = this.former.length > 0 && this.chance.happens(128);
    return this.recent(former ? this.former : this.live);
  }

  private recent<T>(list: readonly T[]): T | undefined {
    if (list.length === 0) return undefined;
    return list[list.length - 1 - this.chance.below(Math.min(list.length, RECENT))];
  }
}
