/** Tiny random scripts for the abstract AMD-Vi unit, drawn from small pools so that stale entries are the rule. */
import type { Word } from "../trace.js";
import type { Random } from "../windows/random.testing.js";
import { encode } from "../words/layout.js";
import type { InvalidationTarget } from "./invalidations.js";
import { type AmdViPlatform, type AmdViProfile, platformOf } from "./profile.js";
import { profileNamed } from "./profiles.js";
import {
  deviceTableEntryAt,
  deviceTableEntryLayout,
  largePageAddress,
  pdeLayout,
  pteLayout,
} from "./tables.js";
import { tableIndex } from "./walk.js";

/** What software does. Observations name the submission they see complete by its number. */
export type Step =
  | { do: "store"; page: number; word: number; low: number; high: number }
  | { do: "flush-line"; page: number; line: number }
  | { do: "submit"; fenceGroup: number; targets: InvalidationTarget[] }
  | { do: "observe"; submission: number }
  | { do: "set-table"; page: number; pages: number }
  | { do: "set-enabled"; on: boolean };

export interface Script {
  profile: AmdViProfile;
  functions: number[];
  pages: number[];
  /** Words that memory starts with. */
  words: { page: number; word: number; low: number; high: number }[];
  enabled: boolean;
  steps: Step[];
}

export const PAGE_COUNT = 64;
/** Device tables of two pages each. */
export const DEVICE_TABLES = [1, 3];
export const DEVICE_TABLE_PAGES = 2;
const NOWHERE = 0x50;
const DATA = [32, 34, 36, 40];
/** The pages that serve as tables of a level. */
const tablesOf = (level: number) => [8 + 2 * level, 9 + 2 * level];

function variant(id: string, habits: Partial<AmdViProfile>): AmdViProfile {
  return { ...profileNamed(id), ...habits };
}

const profiles: AmdViProfile[] = [
  profileNamed("zen1"),
  variant("zen1", { iotlbLookup: "domain-id" }),
  variant("zen1", { iotlbLookup: "device-id" }),
  variant("zen1", { iotlbLookup: "either" }),
  variant("zen1", { iotlbLookup: "either", deviceTableFetch: 64 }),
  variant("zen1", { iotlbLookup: "domain-id", deviceTableFetch: 64 }),
  variant("zen1", { iotlbLookup: "either", npCache: true }),
  variant("zen1", { iotlbLookup: "domain-id", npCache: true }),
  variant("zen1", { iotlbLookup: "device-id", npCache: true, deviceTableFetch: 64 }),
  variant("zen1", { iotlbLookup: "either", coherentWalks: false }),
  profileNamed("family-15h"),
  profileNamed("amd-qemu"),
];
export const walkPlatforms: readonly AmdViPlatform[] = profiles.map((one) => platformOf(one));

const flip = (word: Word, bit: number): Word =>
  bit < 32
    ? { low: (word.low ^ (1 << bit)) >>> 0, high: word.high }
    : { low: word.low, high: (word.high ^ (1 << (bit - 32))) >>> 0 };

export class ScriptMaker {
  readonly script: Script;
  private readonly levels: number;
  private fenceGroup = 0;
  /** Submissions whose completion was not observed. */
  private readonly open: number[] = [];
  private submissions = 0;
  private readonly dirty: { page: number; line: number }[] = [];

  constructor(
    private readonly random: Random,
    private readonly platform: AmdViPlatform,
    steps: number,
  ) {
    this.levels = random.of([1, 2, 2, 3, 3]);
    this.script = {
      profile: platform.profile,
      functions: random.of([
        [8, 9],
        [8, 9],
        [8, 0x90],
        [8, 9, 16],
      ]),
      pages: random.of([[0], [0], [0, 1], [0, 1, 2], [0, 0x200], [0, 0x40000], [0, 1, 0x201]]),
      words: [],
      enabled: random.chance(90),
      steps: [],
    };
    this.setUp();
    while (this.script.steps.length < steps) this.step();
  }

  private setUp(): void {
    const { random, script } = this;
    for (const table of DEVICE_TABLES)
      for (const id of script.functions) {
        const at = this.entryOf(table, id);
        this.deviceWords().forEach(({ low, high }, index) => {
          script.words.push({ page: at.page, word: at.word + index, low, high });
        });
      }
    for (let level = 1; level <= this.levels; level++)
      for (const page of tablesOf(level))
        for (const word of this.wordsAt(level))
          script.words.push({ page, word, ...this.tableWord(level, random.chance(75)) });
  }

  private entryOf(table: number, deviceId: number): { page: number; word: number } {
    const at = deviceTableEntryAt(deviceId);
    return { page: table + at.page, word: at.word };
  }

  private wordsAt(level: number): number[] {
    return [...new Set(this.script.pages.map((page) => tableIndex(page, level)))];
  }

  private deviceWords(): Word[] {
    const { random } = this;
    const words = encode(deviceTableEntryLayout, {
      V: random.chance(94) ? 1 : 0,
      TV: random.chance(92) ? 1 : 0,
      Mode: random.weighted([85, this.levels], [9, 0], [3, 1 + random.below(this.levels)], [2, 7]),
      HostPTRoot: random.chance(2) ? NOWHERE : random.of(tablesOf(this.levels)),
      IR: random.chance(92) ? 1 : 0,
      IW: random.chance(88) ? 1 : 0,
      DomainID: random.weighted([60, 1], [36, 2], [2, 0], [2, 3]),
      SA: random.chance(25) ? 1 : 0,
    }).slice(0, 2);
    const [low, high] = words as [Word, Word];
    return random.weighted<() => Word[]>([96, () => words], [4, () => [flip(low, 3), high]])();
  }

  private tableWord(level: number, plain: boolean): Word {
    const { random } = this;
    const [IR, IW] = plain ? [1, 1] : random.weighted([4, [1, 1]], [3, [1, 0]], [2, [0, 1]], [1, [0, 0]]);
    const rights = { PR: plain || random.chance(70) ? 1 : 0, IR, IW };
    const leaf = level === 1 || random.chance(35);
    const words = leaf
      ? encode(pteLayout, { ...rights, ...this.leafFields(level) })
      : encode(pdeLayout, {
          ...rights,
          NextLevel: random.chance(90) ? level - 1 : 1 + random.below(Math.min(level, 6)),
          Address: random.chance(3) ? NOWHERE : random.of(tablesOf(level - 1)),
        });
    return random.chance(plain ? 1 : 6) ? flip(words[0]!, 53) : words[0]!;
  }

  private leafFields(level: number): { NextLevel: number; Address: number } {
    const { random } = this;
    const base = level === 1 ? random.of(DATA) : 0;
    if (random.chance(70)) return { NextLevel: 0, Address: base };
    const pages = random.of([2, 4]) * 512 ** (level - 1);
    const wrong = random.chance(5);
    return {
      NextLevel: 7,
      Address: largePageAddress(base - (base % pages), wrong ? 512 ** level : pages),
    };
  }

  private step(): void {
    const { random, script } = this;
    const mayFlush = this.platform.storeVisibility.needsLineFlush && this.dirty.length > 0;
    const make = random.weighted<() => Step | Step[]>(
      [45, () => this.storeStep()],
      [mayFlush ? 20 : 0, () => ({ do: "flush-line", ...random.of(this.dirty) })],
      [this.open.length < 3 ? 26 : 0, () => this.submitStep(this.targets())],
      [this.open.length < 3 ? 7 : 0, () => this.orderedPair()],
      [this.open.length < 3 ? 5 : 0, () => this.change()],
      [this.open.length > 0 ? 20 : 0, () => this.observeStep()],
      [3, () => ({ do: "set-table", page: random.of(DEVICE_TABLES), pages: 1 + random.below(2) })],
      [script.enabled ? 1 : 12, () => ({ do: "set-enabled", on: random.chance(70) })],
      [5, () => this.fence()],
    );
    script.steps.push(...[make()].flat());
  }

  /** Later submissions are in a new fence group. */
  private fence(): Step[] {
    this.fenceGroup++;
    return [];
  }

  /** The second of two invalidations is seen to complete, which may tell something about the first. */
  private orderedPair(): Step[] {
    const stale = this.storeStep();
    const first = this.submitStep([this.target()]);
    if (this.random.chance(50)) this.fence();
    const second = this.submitStep([this.target()]);
    return [stale, first, second, { do: "observe", submission: this.open.pop()! }];
  }

  /** A change with a flush of the device table entry and of a range, both seen to complete. */
  private change(): Step[] {
    const stale = this.storeStep();
    const deviceId = this.random.of(this.script.functions);
    const flush = this.submitStep([{ command: "invalidate-devtab-entry", deviceId }, this.pagesTarget()]);
    return [stale, flush, { do: "observe", submission: this.open.pop()! }];
  }

  private storeStep(): Step {
    const { random, script } = this;
    let at: { page: number; word: number };
    let value: Word;
    if (random.chance(35)) {
      const half = random.below(2);
      const entry = this.entryOf(random.of(DEVICE_TABLES), random.of(script.functions));
      at = { page: entry.page, word: entry.word + half };
      value = this.deviceWords()[half]!;
    } else {
      const level = 1 + random.below(this.levels);
      at = { page: random.of(tablesOf(level)), word: random.of(this.wordsAt(level)) };
      value = this.tableWord(level, random.chance(40));
    }
    this.dirty.push({ page: at.page, line: at.word >>> 3 });
    return { do: "store", ...at, ...value };
  }

  private submitStep(targets: InvalidationTarget[]): Step {
    this.open.push(this.submissions++);
    return { do: "submit", fenceGroup: this.fenceGroup, targets };
  }

  private targets(): InvalidationTarget[] {
    const targets = [this.target()];
    while (this.random.chance(25)) targets.push(this.target());
    return targets;
  }

  private target(): InvalidationTarget {
    const { random, script } = this;
    return random.weighted<InvalidationTarget>(
      [8, { command: "invalidate-devtab-entry", deviceId: random.of(script.functions) }],
      [4, { command: "invalidate-iommu-all" }],
      [16, this.pagesTarget()],
    );
  }

  private pagesTarget(): InvalidationTarget {
    const { random, script } = this;
    const page = random.of(script.pages);
    const pageCount = random.weighted([5, 1], [1, 2], [1, 4], [2, 0x200], [2, 0x40000], [3, 2 ** 52]);
    return {
      command: "invalidate-iommu-pages",
      domainId: random.weighted([10, 1], [8, 2], [1, 0]),
      firstPage: page - (page % pageCount),
      pageCount,
      directories: random.chance(60),
    };
  }

  private observeStep(): Step {
    const index = this.random.below(this.open.length);
    return { do: "observe", submission: this.open.splice(index, 1)[0]! };
  }
}

/** The script with translation off at first in half of them, switched on and off, and with the device table moved all the while. */
export function switchedOften(script: Script, random: Random): Script {
  const steps = script.steps.flatMap((step): Step[] => {
    const on: Step = { do: "set-enabled", on: random.chance(75) };
    const moved: Step = { do: "set-table", page: random.of(DEVICE_TABLES), pages: 1 + random.below(2) };
    return [step, ...(random.chance(12) ? [on] : []), ...(random.chance(20) ? [moved] : [])];
  });
  return { ...script, enabled: random.chance(50), steps };
}
