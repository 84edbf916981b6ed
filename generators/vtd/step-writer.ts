/** Single steps of scenarios for VT-d units. */
import type { Chance } from "../../model/words/chance.js";
import { dataRegions, interruptAddresses, PAGES_OF_SIZE } from "../places.js";
import type { Mapping, Situation } from "../situation.js";
import { type DrawnMap, StepWriter, type Surroundings } from "../step-writer.js";
import type { Header } from "../steps.js";
import { type VtdFacts, vtdFacts } from "./facts.js";
import {
  type EntryName,
  type InvalidationTargetOf,
  QUEUE_ERRORS,
  type VtdScenario,
  type VtdStep,
} from "./scenario.js";

const SIGNS = ["interrupt", "both", "none"] as const;
/** Logarithms of the number of pages that an invalidation covers. */
const MASKS = [0, 0, 0, 1, 2, 9];
/** The same on a platform with superpages of 1 GiB, which has masks for them. */
const MASKS_TO_1G = [...MASKS, 18];
/** Bits that matter: present and permission bits, reserved ones, pointers out of memory, widths. */
const ROOT_BITS = [0, 0, 1, 5, 11, 31, 45, 60, 64, 100];
const CONTEXT_BITS = [0, 1, 2, 3, 4, 11, 31, 45, 60, 64, 65, 66, 67, 71, 76, 86, 87, 88, 127];
const ENTRY_CHANGES = [0, 1, 0, 1, 2, 7, 8, 10, 11, 12, 20, 31, 38, 45, 51, 52, 60, 61, 62, 63].map(
  (bit) => ({
    bits: [bit],
  }),
);
/** Sizes by the pages they have. */
const SIZES = new Map((["4K", "2M", "1G"] as const).map((size) => [PAGES_OF_SIZE[size] as number, size]));

/** What writes steps for a platform: now and then for software that does without the queue. */
export function vtdWriter(
  profile: string,
  chance: Chance,
  situation: Situation,
  surroundings: Surroundings,
): VtdStepWriter {
  const platform = vtdFacts(profile);
  // Where register invalidations are not carried out, software that uses them all the same is a rare mistake.
  const queue = platform.queue && !chance.happens(platform.registers ? 64 : 16);
  return new VtdStepWriter(chance, situation, { ...surroundings, platform }, queue);
}

class VtdStepWriter extends StepWriter<VtdStep, VtdScenario, VtdFacts> {
  protected readonly specialAddresses = interruptAddresses;
  protected readonly entryChanges = ENTRY_CHANGES;

  constructor(
    chance: Chance,
    situation: Situation,
    surroundings: Surroundings<VtdFacts>,
    readonly queue: boolean,
  ) {
    super(chance, situation, surroundings);
  }

  boot(): void {
    const { chance, steps } = this;
    if (chance.happens(128)) this.dma();
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

  scenario({ profile, start, timing, devices, domains }: Header): VtdScenario {
    this.protectMemory();
    return {
      format: "iommu-spec scenario 1",
      architecture: "vtd",
      profile,
      start,
      invalidation: this.queue ? "queue" : "registers",
      timing,
      devices,
      domains,
      steps: this.steps,
    };
  }

  /**
   * Now and then memory is protected for a while, in the place of other steps. Drawn after everything else, it changes
   * nothing of the rest.
   */
  private protectMemory(): void {
    const { chance, steps, platform } = this;
    if (platform.protectedRegions.length === 0 || !chance.happens(24)) return;
    // The last step, which reads what was logged, stays.
    const from = chance.below(steps.length - 1);
    const region = this.pick(platform.protectedRegions);
    const page = this.pick(dataRegions);
    const blocks = chance.happens(16) ? 0 : 1 + chance.below(2);
    const until = from + 1 + chance.below(steps.length - from);
    const complete = chance.happens(192);
    steps[from] = { do: "protect-memory", region, page, blocks, complete };
    if (until < steps.length - 1) steps[until] = { do: "release-memory", complete: chance.happens(192) };
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

  protected pushMap(drawn: DrawnMap, pages: number): void {
    const { mapping, domain, iova, page, access, writeBack } = drawn;
    const size = SIZES.get(pages)!;
    this.steps.push({ do: "map", mapping, domain, iova, page, size, access, writeBack });
  }

  protected corruptAboveTables(value: number, writeBack: boolean): boolean {
    const structure = this.chance.below(8);
    if (structure > 2) return false;
    const bit = this.pick(structure === 0 ? ROOT_BITS : CONTEXT_BITS);
    const entry: EntryName = { structure: structure === 0 ? "root" : "context", device: this.anyDevice() };
    this.steps.push({ do: "corrupt", entry, bit, value, writeBack });
    return true;
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
    const mask = this.pick(this.platform.sizes.includes(PAGES_OF_SIZE["1G"]) ? MASKS_TO_1G : MASKS);
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

  flush(mapping: Mapping | undefined): void {
    if (!mapping) return;
    const { chance, situation } = this;
    const { entryChange } = situation;
    const drain = chance.happens(192);
    const domain = entryChange?.domain ?? mapping.domain;
    if (entryChange) {
      const target: InvalidationTargetOf = chance.happens(160)
        ? this.deviceTarget(domain, entryChange.device)
        : { cache: "context", granularity: "domain", domain };
      this.steps.push({ do: "invalidate", target, complete: true });
      situation.entryChange = null;
    }
    const target: InvalidationTargetOf =
      chance.happens(128) && !entryChange
        ? this.pageTarget(domain, mapping.iova + this.offsetIn(mapping), drain)
        : { cache: "iotlb", granularity: "domain", domain, drain };
    this.steps.push({ do: "invalidate", target, complete: true });
    if (this.queue) this.steps.push({ do: "wait", sign: "status", fence: chance.happens(16) });
  }

  readLastFaults(): void {
    this.steps.push({ do: "read-faults", clear: false });
  }

  readFaults(): void {
    this.steps.push({ do: "read-faults", clear: this.chance.happens(192) });
  }

  commandError(): void {
    this.steps.push({
      do: "queue-error",
      error: this.pick(QUEUE_ERRORS),
      rewriteTail: this.chance.happens(128),
    });
  }

  wait(): void {
    if (!this.queue) return;
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
}
