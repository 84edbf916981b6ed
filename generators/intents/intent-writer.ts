/** Single intents and requests, each drawn so that it is about what the scenario has set up so far. */
import type { Chance } from "../../model/words/chance.js";
import { dataPages, dataRegions, interruptPages, iovaPool, protectedPage } from "../places.js";
import type { PlatformFacts } from "../platform-facts.js";
import { type Intent, type IntentScenario, type IntentStep, MOST_PAGES } from "./scenario.js";
import type { Run, Situation } from "./situation.js";

const ACCESSES = ["r", "w", "rw"] as const;
const IOVAS = iovaPool(3);
/** The first page that tables of two levels do not reach. */
const BEHIND_TWO_LEVELS = 512 ** 2;
/** Where mappings begin. */
const PLACES = [...IOVAS, BEHIND_TWO_LEVELS];
/** First pages of the 2 MiB regions of a domain's addresses. */
export const IOVA_REGIONS = IOVAS.filter((iova) => iova % MOST_PAGES === 0);
/** Pages that are mapped alone. */
const SINGLE_PAGES = dataPages.filter((page) => page !== protectedPage);
/** The only region without the protected page is the one that superpages lead to; small mappings rather use the other. */
const [superpage, smallPages] = [dataRegions[0]!, dataRegions[1]!];
/** Pages at the start of a region that are among {@link dataPages}. */
const RUN_OF_DATA = 5;
const SHORT_RUNS = [2, 2, 3, 3, 4];
/** Lengths beyond a line of eight entries, and up to one. */
const LONG_RUNS = [7, 8, 9, 16];
/** Pages of a large mapping that requests and changes are about, its last apart. */
const OFFSETS = [0, 1, 2, 3, 4];
/** How often a place is drawn anew where the first is taken. */
const ATTEMPTS = 4;

type MapIntent = Extract<Intent, { do: "map" }>;
type Device = IntentScenario["devices"][number];

/** Where a mapping is to be; what is not given is drawn. */
export interface Place {
  readonly iova?: number;
  readonly page?: number;
  readonly pages?: number;
}

/** What stays the same in one scenario. */
export interface Surroundings {
  readonly platform: PlatformFacts;
  readonly devices: readonly Device[];
  readonly domains: readonly string[];
  /** Mappings of 512 pages are drawn. */
  readonly superpages: boolean;
  /** Devices make requests of their own accord. */
  readonly requests: boolean;
}

/** Draws intents and other steps. Intents are drawn first and take effect when they are emitted. */
export class IntentWriter {
  readonly steps: IntentStep[] = [];
  readonly superpages: boolean;
  private readonly devices: readonly Device[];
  private readonly domains: readonly string[];
  private mappings = 0;

  constructor(
    private readonly chance: Chance,
    private readonly situation: Situation,
    private readonly surroundings: Surroundings,
  ) {
    this.devices = surroundings.devices;
    this.domains = surroundings.domains;
    this.superpages = surroundings.superpages;
  }

  pick<T>(from: readonly T[]): T {
    return from[this.chance.below(from.length)]!;
  }

  /** Appends an intent, if there is one. */
  emit(intent: Intent | undefined): void {
    if (!intent) return;
    this.steps.push(intent);
    this.situation.apply(intent);
  }

  anyDevice(): string {
    return this.pick(this.devices).name;
  }

  /** Another device; undefined when there is none. */
  anyDeviceBut(device: string): string | undefined {
    const others = this.devices.filter(({ name }) => name !== device);
    return others.length === 0 ? undefined : this.pick(others).name;
  }

  anyDomain(): string {
    return this.pick(this.domains);
  }

  /** Another domain, where there is one. */
  otherDomain(domain: string): string {
    const drawn = this.anyDomain();
    return drawn === domain ? this.anyDomain() : drawn;
  }

  /** Mostly a domain that some device can use. */
  likelyDomain(): string {
    return (this.chance.happens(224) ? this.situation.attachedDomain() : undefined) ?? this.anyDomain();
  }

  /** A device of the domain; one is attached where there is none. */
  deviceFor(domain: string): string {
    const found = this.situation.deviceOf(domain);
    if (found !== undefined) return found;
    const device = this.anyDevice();
    this.emit({ do: "attach", device, domain });
    return device;
  }

  attach(device: string): Intent | undefined {
    const domain = this.otherDomain(this.situation.domainOf(device) ?? "");
    return this.situation.domainOf(device) === domain ? undefined : { do: "attach", device, domain };
  }

  detach(device: string): Intent | undefined {
    return this.situation.domainOf(device) === undefined ? undefined : { do: "detach", device };
  }

  /** A mapping, where one fits: at addresses that are vacant, of pages that no other domain uses. */
  map(domain: string, place: Place = {}): MapIntent | undefined {
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const pages = place.pages ?? this.drawPages();
      const iova = place.iova ?? this.drawIova(pages);
      const page = place.page ?? this.drawPage(pages);
      if (this.situation.isVacant(domain, iova, pages) && this.situation.isFor(domain, page, pages))
        return {
          do: "map",
          mapping: `m${this.mappings++}`,
          domain,
          iova,
          page,
          pages,
          access: this.chance.happens(160) ? "rw" : this.pick(ACCESSES),
        };
    }
    return undefined;
  }

  private drawPages(): number {
    const drawn = this.chance.below(16);
    if (drawn < 9) return 1;
    if (drawn < 14) return this.pick(SHORT_RUNS);
    return drawn === 15 && this.superpages ? MOST_PAGES : this.pick(LONG_RUNS);
  }

  private drawIova(pages: number): number {
    const former = this.chance.happens(64) ? this.situation.recentFormer() : undefined;
    if (pages === MOST_PAGES) return this.pick(IOVA_REGIONS) + this.misalignment();
    return former?.iova ?? this.pick(PLACES);
  }

  private drawPage(pages: number): number {
    const former = this.chance.happens(64) ? this.situation.recentFormer() : undefined;
    if (pages === MOST_PAGES) return superpage + this.misalignment();
    if (former && former.pages >= pages) return former.page;
    if (pages === 1) return this.pick(SINGLE_PAGES);
    const region = this.chance.happens(176) ? smallPages : superpage;
    if (pages > RUN_OF_DATA) return region;
    return this.chance.happens(32) ? smallPages - 1 : region + this.chance.below(RUN_OF_DATA + 1 - pages);
  }

  /** A run of 512 pages that is not aligned needs small entries although it is long enough for a large one. */
  private misalignment(): number {
    return this.chance.happens(10) ? 1 : 0;
  }

  /** Removes all of a run, or some pages. */
  unmap(run: Run | undefined): Intent | undefined {
    return run && { do: "unmap", mapping: run.mapping, ...this.partOf(run) };
  }

  unmapWhole(run: Run): Intent {
    return { do: "unmap", mapping: run.mapping, offset: run.offset, pages: run.pages };
  }

  protect(run: Run | undefined): Intent | undefined {
    return run && { do: "protect", mapping: run.mapping, ...this.partOf(run), access: this.pick(ACCESSES) };
  }

  private partOf(run: Run): { offset: number; pages: number } {
    if (run.pages === 1 || this.chance.happens(144)) return { offset: run.offset, pages: run.pages };
    const first = this.offsetIn(run);
    return { offset: run.offset + first, pages: 1 + this.chance.below(Math.min(4, run.pages - first)) };
  }

  merge(): Intent | undefined {
    const run = this.situation.live.find((one) => one.pages === MOST_PAGES) ?? this.situation.anyLive();
    return run && { do: "merge", mapping: run.mapping };
  }

  destroy(): Intent | undefined {
    const domain = this.domains.find((one) => this.situation.isEmpty(one));
    return domain === undefined ? undefined : { do: "destroy", domain };
  }

  plant(): void {
    this.steps.push({ do: "plant" });
  }

  dma(): void {
    const use = this.chance.happens(80) ? this.situation.recentUse() : undefined;
    this.request(use?.device ?? this.anyDevice(), use?.iova ?? this.hostileAddress());
  }

  request(device: string, iova: number): void {
    if (!this.surroundings.requests) return;
    const drawn = this.chance.below(16);
    const type = drawn < 8 ? "write" : drawn < 14 ? "read" : drawn < 15 ? "atomic" : "zero-length-read";
    const requester = this.requesterOf(device);
    this.situation.used({ device, iova });
    this.steps.push({ do: "dma", device, requester, iova, type });
  }

  program(device: string, iova: number): void {
    const access = this.chance.happens(160) ? "w" : "r";
    this.steps.push({ do: "program", device, requester: this.requesterOf(device), iova, access });
  }

  /** A device that is in use is told to use what is mapped for it. */
  programAny(): void {
    const run = this.situation.anyLive();
    const device = run && this.situation.deviceOf(run.domain);
    if (device !== undefined) this.program(device, run!.iova + this.offsetIn(run!));
  }

  private requesterOf(device: string): 0 | 1 {
    const aliased = this.devices.some((one) => one.name === device && one.requesters.length > 1);
    return aliased && this.chance.happens(112) ? 1 : 0;
  }

  /** Addresses a device would try: mapped, just unmapped, next to either, of other devices, out of range. */
  private hostileAddress(): number {
    const choice = this.chance.below(24);
    const run = this.situation.recentRun();
    if (choice < 15 && run) return run.iova + this.offsetIn(run);
    if (choice < 18 && run) return this.chance.happens(128) ? run.iova + run.pages : run.iova - 1;
    if (choice === 18) return this.pick(dataPages);
    if (choice === 19) return this.pick(interruptPages);
    if (choice === 20) return this.pick(this.surroundings.platform.pageLimits) - this.chance.below(2);
    return this.pick(IOVAS);
  }

  /** A page of a run that requests and changes are about. */
  offsetIn(run: Run): number {
    if (run.pages <= OFFSETS.length) return this.chance.below(run.pages);
    return this.chance.happens(48) ? run.pages - 1 : this.pick(OFFSETS);
  }
}
