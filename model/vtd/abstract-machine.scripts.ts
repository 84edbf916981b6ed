/** Tiny random scripts for the abstract IOMMU, drawn from small pools so that stale entries are the rule. */
import type { Word } from "../trace.js";
import type { Random } from "../windows/random.testing.js";
import { encode } from "../words/layout.js";
import type { InvalidationTarget } from "./invalidations.js";
import type { PlatformProfile } from "./profile.js";
import { profileNamed } from "./profiles.js";
import { contextEntryLayout, rootEntryLayout, secondStageLayout } from "./tables.js";
import { tableIndex, type WalkPlatform, walkPlatformOf } from "./walk.js";

/** What software does. Observations name the submission or root-pointer command they see complete by its number. */
export type Step =
  | { do: "store"; page: number; word: number; low: number; high: number }
  | { do: "flush-line"; page: number; line: number }
  | { do: "flush-buffer" }
  | { do: "submit"; queued: boolean; fenceGroup: number; targets: InvalidationTarget[] }
  | { do: "observe"; submission: number }
  | { do: "set-root"; page: number }
  | { do: "observe-root" }
  | { do: "set-enabled"; on: boolean }
  | { do: "observe-enabled" }
  | { do: "protect"; first: number; last: number }
  | { do: "release" }
  | { do: "observe-protected" };

export interface Script {
  profile: PlatformProfile;
  functions: number[];
  pages: number[];
  /** Words that memory starts with. */
  words: { page: number; word: number; low: number; high: number }[];
  enabled: boolean;
  steps: Step[];
}

export const PAGE_COUNT = 64;
const NOWHERE = 0x50;
export const ROOTS = [1, 2];
const CONTEXTS = [3, 4];
const DATA = [32, 33, 34];
/** Runs of pages to be protected, which have some of the data pages. */
const PROTECTED = [
  { first: 0, last: 0 },
  { first: 33, last: 33 },
  { first: 0, last: 33 },
  { first: 33, last: 47 },
];
/** The pages that serve as tables of a level. */
const tablesOf = (level: number) => [8 + 2 * level, 9 + 2 * level];

function variant(id: string, habits: Partial<PlatformProfile>): PlatformProfile {
  return { ...profileNamed(id), ...habits };
}

const flip = (word: Word, bit: number): Word =>
  bit < 32
    ? { low: (word.low ^ (1 << bit)) >>> 0, high: word.high }
    : { low: word.low, high: (word.high ^ (1 << (bit - 32))) >>> 0 };

const qemu = profileNamed("qemu-48");
const cm = profileNamed("qemu-48-caching-mode");
const gm45 = profileNamed("gm45");
const profiles: PlatformProfile[] = [
  profileNamed("skylake-sp"),
  variant("skylake-sp", { iotlbLookup: "domain-id" }),
  variant("skylake-sp", { iotlbLookup: "source-id" }),
  qemu,
  { ...qemu, extendedCapability: flip(qemu.extendedCapability, 0) },
  { ...qemu, extendedCapability: flip(qemu.extendedCapability, 0), iotlbLookup: "domain-id" },
  { ...qemu, extendedCapability: flip(qemu.extendedCapability, 0), iotlbLookup: "source-id" },
  { ...qemu, extendedCapability: flip(qemu.extendedCapability, 0), capability: flip(qemu.capability, 63) },
  cm,
  { ...cm, extendedCapability: flip(cm.extendedCapability, 0) },
  { ...cm, extendedCapability: flip(cm.extendedCapability, 0), iotlbLookup: "source-id" },
  { ...cm, extendedCapability: flip(cm.extendedCapability, 0), iotlbLookup: "domain-id" },
  profileNamed("ivy-bridge"),
  gm45,
  { ...gm45, extendedCapability: flip(gm45.extendedCapability, 0) },
  profileNamed("sapphire-rapids"),
];
export const walkPlatforms = profiles.map((one) => walkPlatformOf({ ...one, protectedMemoryAlignment: 12 }));

export class ScriptMaker {
  readonly script: Script;
  private readonly levels: number;
  private fenceGroup = 0;
  /** Submissions whose completion was not observed. */
  private readonly open: number[] = [];
  private submissions = 0;
  private rootPending = false;
  private enabledPending = false;
  private readonly dirty: { page: number; line: number }[] = [];

  constructor(
    private readonly random: Random,
    private readonly platform: WalkPlatform,
    steps: number,
  ) {
    const supported = [3, 4, 5].filter((level) => (platform.supportedLevels >>> level) & 1);
    this.levels = supported[0]!;
    this.script = {
      profile: platform.profile,
      functions: random.of([
        [8, 9],
        [8, 0x108],
        [8, 9, 0x108],
        [8, 9, 16],
      ]),
      pages: random.of([[0], [0], [0, 1], [0, 0x200], [0, 0x40000], [0, 1, 0x200]]),
      words: [],
      enabled: random.chance(97),
      steps: [],
    };
    this.setUp();
    while (this.script.steps.length < steps) this.step();
  }

  private setUp(): void {
    const { random, script } = this;
    for (const page of ROOTS)
      for (const bus of new Set(script.functions.map((id) => id >>> 8)))
        this.pair(page, bus * 2, () => this.rootWord(page, 90));
    for (const page of CONTEXTS)
      for (const id of script.functions) this.pair(page, (id & 255) * 2, () => this.contextWords());
    for (let level = 1; level <= this.levels; level++)
      for (const page of tablesOf(level))
        for (const word of this.wordsAt(level)) {
          const { low, high } = this.secondStage(level, random.chance(75));
          script.words.push({ page, word, low, high });
        }
  }

  private pair(page: number, word: number, values: () => Word[]): void {
    values().forEach(({ low, high }, index) => {
      this.script.words.push({ page, word: word + index, low, high });
    });
  }

  private wordsAt(level: number): number[] {
    return [...new Set(this.script.pages.map((page) => tableIndex(page, level)))];
  }

  private rootWord(own: number, present: number): Word[] {
    const { random } = this;
    const CTP = random.chance(70)
      ? CONTEXTS[ROOTS.indexOf(own)]!
      : random.chance(3)
        ? NOWHERE
        : random.of(CONTEXTS);
    const [first] = encode(rootEntryLayout, { P: random.chance(present) ? 1 : 0, CTP }) as [Word];
    return [random.chance(2) ? flip(first, 3) : first, { low: 0, high: random.chance(1) ? 1 : 0 }];
  }

  private contextWords(): Word[] {
    const { random, platform } = this;
    const TT = random.weighted([85, 0], [10, 2], [2, 1], [1, 3]);
    const AW =
      TT === 2 && random.chance(90)
        ? platform.largestLevels - 2
        : random.chance(95)
          ? this.levels - 2
          : random.below(4);
    const SSPTPTR = random.chance(2) ? NOWHERE : random.of(tablesOf(this.levels));
    const DID = random.weighted([60, 1], [36, 2], [2, 0], [2, 3]);
    const words = encode(contextEntryLayout, {
      P: random.chance(88) ? 1 : 0,
      FPD: random.chance(25) ? 1 : 0,
      TT,
      AW,
      SSPTPTR,
      DID,
    }) as [Word, Word];
    const [low, high] = words;
    return random.weighted<() => Word[]>(
      [94, () => words],
      [3, () => [flip(low, 4), high]],
      [3, () => [flip(low, 60), high]],
    )();
  }

  private secondStage(level: number, plain: boolean): Word {
    const { random, platform } = this;
    const [R, W] = plain ? [1, 1] : random.weighted([4, [1, 1]], [3, [1, 0]], [2, [0, 1]], [3, [0, 0]]);
    const superpage = (level === 2 && platform.superpages2M) || (level === 3 && platform.superpages1G);
    const leaf = level === 1 || (superpage && random.chance(35));
    let ADDR: number;
    if (!leaf) ADDR = random.chance(3) ? NOWHERE : random.of(tablesOf(level - 1));
    else if (random.chance(2)) ADDR = 0xfee00 >>> (9 * (level - 1));
    else ADDR = level === 1 ? random.of(DATA) : random.below(3);
    const PS = leaf && level > 1 ? { PS: 1 } : {};
    const [word] = encode(secondStageLayout(level, leaf), { R, W, ADDR, ...PS }) as [Word];
    return random.chance(plain ? 1 : 8) ? flip(word, 62) : word;
  }

  private step(): void {
    const { random, platform, script } = this;
    const { needsLineFlush, needsBufferFlush } = platform.storeVisibility;
    const dirty = this.dirty.length > 0;
    const make = random.weighted<() => Step | Step[]>(
      [45, () => this.storeStep()],
      [needsLineFlush && dirty ? 20 : 0, () => ({ do: "flush-line", ...random.of(this.dirty) })],
      [needsBufferFlush && dirty ? 15 : 0, () => ({ do: "flush-buffer" })],
      [this.open.length < 3 ? 26 : 0, () => this.submitStep(random.chance(65), this.targets())],
      [this.open.length < 3 ? 7 : 0, () => this.orderedPair()],
      [this.open.length < 3 ? 4 : 0, () => this.change()],
      [this.open.length > 0 ? 20 : 0, () => this.observeStep()],
      [platform.setRootInvalidates ? 12 : 4, () => this.rootStep()],
      [this.rootPending ? 12 : 0, () => this.observeRoot()],
      [1, () => this.enabledStep()],
      [this.enabledPending ? 4 : 0, () => this.observeEnabled()],
      [3, () => this.fence()],
    );
    script.steps.push(...[make()].flat());
  }

  /** Later submissions are in a new fence group. */
  private fence(): Step[] {
    this.fenceGroup++;
    return [];
  }

  /** The second of two queued invalidations is seen to complete, which may tell something about the first. */
  private orderedPair(): Step[] {
    const { random } = this;
    const stale = this.storeStep();
    const first = this.submitStep(true, [this.target()]);
    if (random.chance(40)) this.fence();
    const second = this.submitStep(true, [this.target()]);
    return [stale, first, second, { do: "observe", submission: this.open.pop()! }];
  }

  /** A change with a flush of every context entry and of a range, both seen to complete. */
  private change(): Step[] {
    const stale = this.storeStep();
    const flush = this.submitStep(true, [{ cache: "context", granularity: "global" }, this.pageTarget()]);
    return [stale, flush, { do: "observe", submission: this.open.pop()! }];
  }

  private storeStep(): Step {
    const { random, script } = this;
    const kind = random.weighted([8, "root"], [30, "context"], [62, "second-stage"]);
    let at: { page: number; word: number; value: Word };
    if (kind === "root") {
      const page = random.of(ROOTS);
      const half = random.chance(95) ? 0 : 1;
      at = {
        page,
        word: (random.of(script.functions) >>> 8) * 2 + half,
        value: this.rootWord(page, 60)[half]!,
      };
    } else if (kind === "context") {
      const half = random.below(2);
      at = {
        page: random.of(CONTEXTS),
        word: (random.of(script.functions) & 255) * 2 + half,
        value: this.contextWords()[half]!,
      };
    } else {
      const level = 1 + random.below(this.levels);
      at = {
        page: random.of(tablesOf(level)),
        word: random.of(this.wordsAt(level)),
        value: this.secondStage(level, random.chance(40)),
      };
    }
    this.dirty.push({ page: at.page, line: at.word >>> 3 });
    return { do: "store", page: at.page, word: at.word, ...at.value };
  }

  private submitStep(queued: boolean, targets: InvalidationTarget[]): Step {
    this.open.push(this.submissions++);
    return { do: "submit", queued, fenceGroup: this.fenceGroup, targets };
  }

  private targets(): InvalidationTarget[] {
    const targets = [this.target()];
    while (this.random.chance(25)) targets.push(this.target());
    return targets;
  }

  private target(): InvalidationTarget {
    const { random, script } = this;
    const domainId = this.domainId();
    return random.weighted<InvalidationTarget>(
      [6, { cache: "context", granularity: "global" }],
      [4, { cache: "context", granularity: "domain", domainId }],
      [
        6,
        {
          cache: "context",
          granularity: "device",
          domainId,
          sourceId: random.of(script.functions),
          ignoredSourceBits: random.of([0, 0, 4, 6, 7]),
        },
      ],
      [5, { cache: "iotlb", granularity: "global" }],
      [6, { cache: "iotlb", granularity: "domain", domainId }],
      [12, this.pageTarget()],
    );
  }

  private pageTarget(): InvalidationTarget {
    const { random, script } = this;
    const page = random.of(script.pages);
    const pageCount = random.weighted([5, 1], [1, 2], [2, 0x200], [2, 0x40000]);
    return {
      cache: "iotlb",
      granularity: "page",
      domainId: this.domainId(),
      firstPage: page - (page % pageCount),
      pageCount,
      leafOnly: random.chance(40),
    };
  }

  private domainId(): number {
    return this.random.weighted([10, 1], [8, 2], [1, 0]);
  }

  private observeStep(): Step {
    const index = this.random.below(this.open.length);
    return { do: "observe", submission: this.open.splice(index, 1)[0]! };
  }

  private rootStep(): Step {
    this.rootPending = true;
    return { do: "set-root", page: this.random.of(ROOTS) };
  }

  private observeRoot(): Step {
    this.rootPending = false;
    return { do: "observe-root" };
  }

  private enabledStep(): Step {
    this.enabledPending = true;
    return { do: "set-enabled", on: this.random.chance(60) };
  }

  private observeEnabled(): Step {
    this.enabledPending = false;
    return { do: "observe-enabled" };
  }
}

/** The script with memory protected and released, where the platform can do that. EPM changes only when PRS has followed. */
export function withProtection(script: Script, platform: WalkPlatform, random: Random): Script {
  if (!platform.protectsLow) return script;
  const steps: Step[] = [];
  let isOn = false;
  let isPending = false;
  for (const step of script.steps) {
    steps.push(step);
    if (isPending ? !random.chance(30) : !random.chance(25)) continue;
    if (isPending) steps.push({ do: "observe-protected" });
    else if (isOn) steps.push({ do: "release" });
    else steps.push({ do: "protect", ...random.of(PROTECTED) });
    if (!isPending) isOn = !isOn;
    isPending = !isPending;
  }
  return { ...script, steps };
}

/** The script with translation mostly off at first, switched on and off, and with root pointers set all the while. */
export function switchedOften(script: Script, random: Random): Script {
  const enabled = random.chance(30);
  // RTPS is clear until a root pointer was set.
  let rooted = enabled;
  const steps: Step[] = [];
  const take = (step: Step) => {
    if (step.do === "observe-root" && !rooted) return;
    if (step.do === "set-root") rooted = true;
    steps.push(step);
  };
  for (const step of script.steps) {
    take(step);
    if (random.chance(15)) take({ do: "set-enabled", on: random.chance(60) });
    if (random.chance(15)) take({ do: "observe-enabled" });
    if (random.chance(10)) take({ do: "set-root", page: random.of(ROOTS) });
    if (random.chance(8)) take({ do: "observe-root" });
  }
  return { ...script, enabled, steps };
}
