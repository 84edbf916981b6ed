/** Single steps of scenarios for AMD-Vi units. */
import type { RequestType } from "../../model/trace.js";
import type { Chance } from "../../model/words/chance.js";
import { dataPages, interruptAddresses, PAGE_SIZES, PAGES_OF_SIZE } from "../places.js";
import type { EntryChange, Mapping, Situation } from "../situation.js";
import {
  type BitChange,
  type DrawnMap,
  type OwnKind,
  StepWriter,
  type Surroundings,
} from "../step-writer.js";
import type { Header } from "../steps.js";
import { type AmdViFacts, amdViFacts } from "./facts.js";
import type { AmdViScenario, AmdViStep, CommandTarget } from "./scenario.js";

/** Of the command buffer. */
const RING_ENTRIES = 256;
const SIGNS = ["interrupt", "none"] as const;
const ERRORS = ["opcode", "reserved", "feature"] as const;
const RIGHTS = ["r", "w", "none"] as const;
const SUPPRESSIONS = ["all", "repeated"] as const;
/** Logarithms of the number of pages that a command is about. */
const ORDERS = [0, 0, 0, 1, 2, 4, 9, 18];
/** The whole address space. */
const EVERYTHING = 52;
const DEVICE_TABLE_PAGES = 5;
/** In the system management range, where only posted writes are what the model has. */
const SYSTEM_MANAGEMENT = 0xfdf9100;
/** Around the interrupt range, and in HyperTransport ranges that device table entries block. */
const SPECIAL_ADDRESSES = [...interruptAddresses, 0xfdf7fff, SYSTEM_MANAGEMENT, 0xfdfc000];

const alone = (bits: readonly number[], value?: 0 | 1): readonly BitChange[] =>
  bits.map((bit) => (value === undefined ? { bits: [bit] } : { bits: [bit], value }));
/** Changes of a device table entry that matter. */
const DEVICE_CHANGES: readonly BitChange[] = [
  // V, TV, Mode, the pointer to the tables.
  ...alone([0, 1, 9, 10, 11, 9, 10, 11, 12, 31, 45]),
  // What is reserved, always or without a feature; HAD.
  ...alone([2, 6, 52, 55, 58, 63, 80, 106, 127, 8, 8, 8], 1),
  // IR, IW, DomainID, I, SE, SA, IoCtl, Cache, EX, SysMgt.
  ...alone([61, 62], 0),
  ...alone([7, 64, 79, 96, 97, 98, 99, 100, 101, 103, 104]),
  // GV with GLX = 3; IoCtl = 3.
  { bits: [55, 56, 57], value: 1 },
  { bits: [55, 56, 57], value: 1 },
  { bits: [99, 100], value: 1 },
];
/** Changes of table entries that matter. */
const ENTRY_CHANGES: readonly BitChange[] = [
  // Present, accessed, dirty, NextLevel, addresses.
  ...alone([0, 0, 0, 5, 6, 9, 10, 11, 9, 10, 11, 12, 20, 31, 38, 45, 51, 63]),
  // What is reserved in entries of either kind or of one.
  ...alone([52, 54, 56, 57, 59, 60], 1),
  // IR and IW.
  ...alone([61, 62, 61, 62], 0),
  // NextLevel = 7: a page whose size is what the address codes.
  { bits: [9, 10, 11], value: 1 },
  { bits: [9, 10, 11], value: 1 },
];
/** Sizes by the pages they have. */
const SIZES = new Map(PAGE_SIZES.map((size) => [PAGES_OF_SIZE[size] as number, size]));

/** What writes steps for a platform. */
export function amdViWriter(
  profile: string,
  chance: Chance,
  situation: Situation,
  surroundings: Surroundings,
): AmdViStepWriter {
  return new AmdViStepWriter(chance, situation, { ...surroundings, platform: amdViFacts(profile) });
}

class AmdViStepWriter extends StepWriter<AmdViStep, AmdViScenario, AmdViFacts> {
  readonly queue = true;
  protected readonly specialAddresses: readonly number[];
  protected readonly entryChanges = ENTRY_CHANGES;
  override readonly ownKinds: readonly OwnKind[] = [
    { share: 10, add: () => this.fillEventLog() },
    { share: 6, add: () => this.logEvents() },
    { share: 25, add: () => this.handOver() },
    { share: 6, add: () => this.restartCommands() },
  ];
  /** For scenarios that start at reset. */
  private readonly exclusion: AmdViScenario["exclusion"];

  constructor(chance: Chance, situation: Situation, surroundings: Surroundings<AmdViFacts>) {
    super(chance, situation, surroundings);
    this.exclusion = chance.happens(192) ? this.drawExclusion() : null;
    this.specialAddresses = SPECIAL_ADDRESSES;
  }

  /** Device addresses of the pools that are pages of data too: a request shows where it went. */
  private drawExclusion(): AmdViScenario["exclusion"] {
    const base = this.pick(dataPages);
    return { base, limit: base + this.chance.below(4), allow: this.chance.happens(96) };
  }

  boot(): void {
    const { chance, steps } = this;
    if (chance.happens(128)) this.dma();
    steps.push({ do: "set-device-table", table: "A", pages: this.drawPages() });
    steps.push({ do: "translation", enable: true });
    if (chance.happens(64)) return;
    steps.push({ do: "invalidate", target: { command: "all" } });
    steps.push({ do: "wait", sign: "store", flush: false });
  }

  override begin(): void {
    if (this.chance.happens(160)) this.attach(this.anyDevice());
    super.begin();
  }

  /** Seldom a table that does not have an entry for every function. */
  private drawPages(): number {
    return this.chance.happens(208) ? DEVICE_TABLE_PAGES : 1 + this.chance.below(DEVICE_TABLE_PAGES);
  }

  scenario({ profile, start, timing, devices, domains }: Header): AmdViScenario {
    return {
      format: "iommu-spec scenario 1",
      architecture: "amdvi",
      profile,
      start,
      exclusion: start === "reset" ? this.exclusion : null,
      timing,
      devices,
      domains,
      steps: this.steps,
    };
  }

  attach(device: string): void {
    const { chance } = this;
    const domain = this.pick(this.domains).name;
    const bits = chance.below(24);
    const type = bits === 0 ? "untranslated" : bits === 1 ? "blocked" : bits <= 3 ? "identity" : "translated";
    this.situation.attach(device, domain);
    const access = chance.happens(216) ? "rw" : this.pick(RIGHTS);
    const suppress = chance.happens(216) ? "none" : this.pick(SUPPRESSIONS);
    const exclusion = chance.happens(this.exclusion ? 96 : 8);
    const writeBack = this.writesBack();
    this.steps.push({ do: "attach", device, domain, type, access, suppress, exclusion, writeBack });
  }

  protected pushMap(drawn: DrawnMap, pages: number): void {
    const { mapping, domain, iova, page, access, writeBack } = drawn;
    const size = SIZES.get(pages)!;
    const skip = this.chance.happens(48) ? 1 + this.chance.below(4) : 0;
    this.steps.push({ do: "map", mapping, domain, iova, page, size, access, skip, writeBack });
  }

  protected corruptAboveTables(value: number, writeBack: boolean): boolean {
    const { chance, steps } = this;
    if (!chance.happens(96)) return false;
    const change = this.pick(DEVICE_CHANGES);
    const device = this.askingDevice();
    const entry = { structure: "device", device } as const;
    for (const bit of change.bits)
      steps.push({ do: "corrupt", entry, bit, value: change.value ?? value, writeBack });
    if (chance.happens(128))
      this.settle({ command: "device", device }, device, this.addressOfInterest(this.attachedDomain()));
    return true;
  }

  protected override afterCorruption(domain: string, iova: number): void {
    const device = this.situation.deviceOf(domain);
    if (device !== undefined && this.chance.happens(128)) this.settle(this.wholeDomain(domain), device, iova);
  }

  /** An entry that changed may be cached: only when that is gone is the new one sure to be seen. */
  private settle(target: CommandTarget, device: string, iova: number): void {
    this.steps.push({ do: "invalidate", target });
    this.pushWait();
    this.request(device, iova);
  }

  /** A device without an entry of its own learns nothing: mostly one that was attached. */
  protected override askingDevice(): string {
    return (this.chance.happens(176) ? this.situation.attachedDevice() : undefined) ?? this.anyDevice();
  }

  protected override drawType(iova: number): RequestType {
    const type = super.drawType(iova);
    return iova === SYSTEM_MANAGEMENT ? "write" : type;
  }

  invalidate(): void {
    this.steps.push({ do: "invalidate", target: this.target() });
  }

  private target(): CommandTarget {
    const domain = this.attachedDomain();
    switch (this.chance.below(12)) {
      case 0:
        return { command: "all" };
      case 1:
      case 2:
      case 3:
        return { command: "device", device: this.anyDevice() };
      case 4:
        return { command: "interrupt-table", device: this.anyDevice() };
      case 5:
        return {
          command: "prefetch",
          device: this.anyDevice(),
          iova: this.addressOfInterest(domain),
          order: this.pick(ORDERS),
        };
      case 6:
      case 7:
        return this.wholeDomain(domain);
      default:
        return this.pageTarget(domain, this.addressOfInterest(domain));
    }
  }

  private wholeDomain(domain: string): CommandTarget {
    return { command: "pages", domain, iova: 0, order: EVERYTHING, tables: this.chance.happens(192) };
  }

  private pageTarget(domain: string, page: number): CommandTarget {
    const order = this.pick(ORDERS);
    const iova = this.chance.happens(192) ? page : this.neighbour(page);
    return { command: "pages", domain, iova, order, tables: this.chance.happens(128) };
  }

  flush(mapping: Mapping | undefined): void {
    if (!mapping) return;
    const { chance, situation } = this;
    const { domain } = mapping;
    const iova = mapping.iova + this.offsetIn(mapping);
    if (situation.entryChange) {
      this.flushDevice(situation.entryChange, iova);
      situation.entryChange = null;
    } else {
      const pages = chance.happens(128) ? this.pageTarget(domain, iova) : this.wholeDomain(domain);
      this.steps.push({ do: "invalidate", target: chance.happens(24) ? { command: "all" } : pages });
    }
    this.pushWait();
  }

  /**
   * First the device table entry, then what was cached below it. Without a wait between them, seen or with f = 1, the two
   * may be carried out the wrong way round: a request that comes between then fills caches again by the old entry.
   */
  private flushDevice({ device, domain }: EntryChange, iova: number): void {
    const { chance, steps } = this;
    steps.push({ do: "invalidate", target: { command: "device", device } });
    const between = chance.below(8);
    if (between < 2) this.pushWait();
    else if (between < 7) steps.push({ do: "wait", sign: "none", flush: between < 6 });
    steps.push({ do: "invalidate", target: this.wholeDomain(domain) });
    for (let requests = chance.below(6); requests > 0; requests--) this.request(device, iova);
  }

  /** A device that is busy with a mapping goes to another domain, or to none. */
  private handOver(): void {
    const { situation } = this;
    const mapping = situation.anyLive();
    const device = mapping && situation.deviceOf(mapping.domain);
    if (device === undefined) return;
    const iova = mapping!.iova + this.offsetIn(mapping!);
    this.request(device, iova);
    if (this.chance.happens(208)) this.detach(device);
    else this.attach(device);
    this.flush(mapping);
    this.request(device, iova);
  }

  private pushWait(): void {
    this.steps.push({ do: "wait", sign: "store", flush: this.chance.happens(64) });
  }

  wait(): void {
    const sign = this.chance.happens(192) ? "store" : this.pick(SIGNS);
    this.steps.push({ do: "wait", sign, flush: this.chance.happens(64) });
  }

  readFaults(): void {
    this.steps.push({ do: "read-events", clear: this.chance.happens(128) });
  }

  readLastFaults(): void {
    this.steps.push({ do: "read-events", clear: false });
  }

  /** A log that is nearly full is soon overrun. */
  private fillEventLog(): void {
    this.steps.push({ do: "fill-event-log", free: this.chance.below(4) });
  }

  private logEvents(): void {
    const { chance } = this;
    this.steps.push({ do: "log-events", enable: chance.happens(128), interrupt: chance.happens(128) });
  }

  /** Mostly near the end of the ring, so that it wraps. */
  private restartCommands(): void {
    const at = this.chance.happens(192) ? RING_ENTRIES - 1 - this.chance.below(4) : 0;
    this.steps.push({ do: "restart-commands", at });
  }

  commandError(): void {
    this.steps.push({ do: "command-error", error: this.pick(ERRORS) });
  }

  steer(): void {
    const { chance, steps } = this;
    if (chance.happens(128)) {
      steps.push({ do: "translation", enable: chance.happens(160) });
      return;
    }
    const table = chance.happens(64) ? "absent" : chance.happens(176) ? "A" : "B";
    steps.push({ do: "set-device-table", table, pages: this.drawPages() });
    if (chance.happens(160)) steps.push({ do: "invalidate", target: { command: "all" } });
    if (chance.happens(160)) this.pushWait();
  }
}
