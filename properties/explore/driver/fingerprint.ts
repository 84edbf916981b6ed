/**
 * The state of a driver run: all that later steps depend on. That is the books of the house and of the judge, what the
 * driver keeps, what entries in memory say and what may be in use of what they said before, and what registers, queue and
 * invalidations are about to do. Whatever is not known to be of no consequence is part of it.
 */
import { dataPages, placesOf } from "../../../generators/places.js";
import type { AmdViFaults } from "../../../implementations/driver/amdvi/index.js";
import type { IsolationJudge } from "../../../model/isolation/judge.js";
import type { PageState } from "../../../model/isolation/ownership.js";
import type { WindowsSoftware } from "../../../model/windows/software.js";
import { OPEN } from "../../../model/words/memory.js";
import type { Drive } from "../../driver-run.js";
import { wordsTouched } from "../memory-copy.js";
import { type ClassRules, StateWriter } from "./state-writer.js";

const DATA_PAGES: ReadonlySet<number> = new Set(dataPages);

/** What devices were told to do, whenever and however often, in one order. */
function withoutRepetitions(programs: readonly Programmed[]): readonly string[] {
  const words = programs.map(({ requester, iova, access, type, domains }) =>
    [requester, iova, access ?? type, ...[...domains].sort()].join(" "),
  );
  return [...new Set(words)].sort();
}

/** Without what says no more than if it were not there. */
function withoutEmpty(map: ReadonlyMap<unknown, object>): ReadonlyMap<unknown, object> {
  return new Map([...map].filter(([, one]) => !isEmpty(one)));
}

function isEmpty(value: object): boolean {
  if (Array.isArray(value)) return value.length === 0;
  if (value instanceof Map || value instanceof Set) return value.size === 0;
  return Object.values(value).every((one) => typeof one !== "object" || isEmpty(one as object));
}

/** That a page was given back before matters of one that a unit may read entries from. */
function withoutFreeData(pages: ReadonlyMap<number, PageState>): ReadonlyMap<number, PageState> {
  return new Map([...pages].filter(([page, { kind }]) => kind !== "free" || !DATA_PAGES.has(page)));
}

interface Programmed {
  readonly requester: number;
  readonly iova: number;
  readonly access?: number;
  readonly type?: string;
  readonly domains: readonly string[];
}

/** What a class keeps that is of no consequence, or goes without saying. */
const CLASSES: Readonly<Record<string, ClassRules | null>> = {
  // What is told of a run afterwards, or of its requests, of which none are made.
  Drive: {
    without: [
      ...["setup", "scenario", "unit", "observer", "machine", "routineOfStart", "finding", "failure"],
      ...["records", "stepOf", "programmed", "wordsWritten", "step", "slot"],
    ],
    unordered: true,
    instead: { programs: withoutRepetitions },
  },
  House: { without: ["devices", "domains"], unordered: true },
  // What open tickets stand for is told apart.
  Tickets: { without: ["last", "pending"] },
  // Fresh pages are handed out in the same order in every run, and what is neither fresh nor freed is in use.
  TablePool: { without: ["used"], instead: { fresh: (pages: readonly number[]) => pages.length } },
  // Past owners only decide what a violation is called.
  Ownership: {
    without: ["withdrawals", "formerDomains", "formerTables", "protectedRuns"],
    unordered: true,
    instead: { rights: withoutEmpty, assigned: withoutEmpty, pages: withoutFreeData },
  },
  IsolationJudge: {
    without: ["action", "model"],
    unordered: true,
    instead: { programmed: withoutRepetitions },
  },
  Claims: { unordered: true, instead: { byDomain: withoutEmpty, attached: withoutEmpty } },
  DomainRights: { unordered: true },
  // How far back to look.
  ClaimedRuns: { without: ["longest"] },
  DomainIds: { unordered: true },
  Table: { unordered: true },
  IntentDriver: { unordered: true },
  ContextTables: { unordered: true },
  // Each wait has a word and a value of its own, and each entry takes the next place: which ones does not matter.
  InvalidationQueue: {
    without: ["tail", "page", "statusPage"],
    instead: { waits: (waits: number) => Math.min(waits, 1) },
  },
  CommandBuffer: {
    without: ["tail", "page", "statusPage"],
    instead: {
      waits: (waits: number) => Math.min(waits, 1),
      last: (last: unknown, { faults }: { readonly faults: AmdViFaults }) =>
        faults.leavesStaleHalf ? last : null,
    },
  },
  GuardedDriver: { without: ["setup", "guard"] },
  // Of the machine, or never changed.
  PhysicalMemory: null,
  InvalidationLog: null,
  AnsweringUnit: null,
  Encodings: null,
  VtdUnit: null,
  AmdViUnit: null,
  Coverage: null,
  AdmissibleOutcomes: null,
  DescriptorDecoder: null,
  DeviceEntryWindows: null,
  // No requests are made, and logs are not read after the start.
  EventView: null,
  FaultLogView: null,
  // Plain registers repeat what queue and driver keep; what they steer is kept beside them.
  RegisterFile: null,
  QueueView: { without: ["tail", "next", "fenceGroup"] },
  CommandView: { without: ["tail", "next", "fenceGroup"] },
  RegisterView: { steps: ["bufferFlushCommanded", "completionCleared"], without: ["plain"] },
  WaitView: { steps: ["cleared"] },
  RegisterWindow: { steps: ["firstNonZero"] },
  VtdOracle: {
    without: ["platform", "requesters", "matching", "dataPages", "visible", "start", "served", "relaxations"],
  },
  AmdViOracle: {
    without: [
      "platform",
      "requesters",
      "matching",
      "dataPages",
      "visible",
      "start",
      "served",
      "relaxations",
      "step",
    ],
  },
};

/** What the fields of objects without a class hold. */
const PLAIN: ClassRules = {
  steps: ["submitted", "observed"],
  without: ["action", "platform", "profile", "faults"],
};

/** Fields of lists of steps in a {@link RegisterWindow}. */
interface Windows {
  readonly count: number;
  readonly value: readonly number[];
  readonly since: readonly number[];
  readonly until: readonly number[];
}

/** Where the ring stands. */
interface RingView {
  readonly next: number;
  readonly fenceGroup: number;
}

/**
 * The present state as numbers; equal for states from which the same can follow.
 * @param tickets what each ticket that is open stands for
 */
export function driverState(
  drive: Drive,
  judge: IsolationJudge,
  model: WindowsSoftware,
  tickets: ReadonlyMap<number, string>,
): readonly number[] {
  return new Fingerprint(drive, judge, model, tickets).numbers();
}

class Fingerprint {
  private readonly writer: StateWriter;
  private readonly first: number;
  private readonly tablePages: ReadonlySet<number>;
  private readonly ring: RingView;

  constructor(
    private readonly drive: Drive,
    private readonly judge: IsolationJudge,
    private readonly model: WindowsSoftware,
    private readonly tickets: ReadonlyMap<number, string>,
  ) {
    const { oracle } = model;
    this.first = this.firstThatMatters();
    this.tablePages = new Set(placesOf(drive.setup.profile.architecture).freeTables);
    const views = oracle as unknown as { readonly queue?: RingView; readonly commands?: RingView };
    this.ring = (views.queue ?? views.commands)!;
    this.writer = new StateWriter(
      (object) => this.rulesOf(object),
      (value) => this.tablePages.has(value),
      this.first,
    );
  }

  numbers(): readonly number[] {
    const { writer, drive, judge, model } = this;
    // What tables are for gives them their numbers, before anything that is in the order of their pages.
    writer.value((drive.house as unknown as { readonly driver: object }).driver);
    writer.value(drive);
    writer.value(judge);
    writer.value([...this.tickets.values()]);
    this.steering();
    this.invalidations();
    writer.value(model.oracle);
    this.words();
    return writer.result();
  }

  /**
   * Whatever was stored, submitted or seen before this step could as well have been there from the start. Every old value
   * that is left could be read until then or longer, so every chain of earlier moments could be read right before it too;
   * what was submitted before excludes none of them.
   */
  private firstThatMatters(): number {
    const { memory, steering } = this.model.oracle;
    const { tablePointer, enabled, protection } = steering;
    let first = Math.min(tablePointer.until[0]!, enabled.until[0]!, protection.firstEnd);
    memory.eachSuperseded((page, _word, until, buffered) => {
      if (!DATA_PAGES.has(page)) first = Math.min(first, until, buffered);
    });
    return first;
  }

  private rulesOf(object: object): ClassRules | null {
    const { name } = object.constructor;
    if (name === "Batch")
      return {
        instead: { tickets: (numbers: readonly number[]) => numbers.map((one) => this.tickets.get(one)) },
      };
    if (name !== "Object") return CLASSES[name] === undefined ? {} : CLASSES[name];
    const { next, fenceGroup } = this.ring;
    return {
      ...PLAIN,
      instead: {
        index: (index: number) => (index - next) & 0xff,
        fenceGroup: (group: number) => fenceGroup - group,
        fencedBy: (group: number) => (group === OPEN ? OPEN : fenceGroup - group),
      },
    };
  }

  private steering(): void {
    const { enabled, tablePointer, protection } = this.model.oracle.steering;
    const { inForce } = protection as unknown as { readonly inForce: Windows };
    for (const window of [enabled, tablePointer, inForce] as readonly Windows[]) {
      this.writer.plain(window.count);
      for (let index = 0; index < window.count; index++) {
        this.writer.number(window.value[index]!);
        this.writer.step(window.since[index]!);
        this.writer.step(window.until[index]!);
      }
    }
    this.writer.value(protection.pages);
  }

  /** Those under way, those that exclude something, and all behind them, as they may tell that one of them is done. */
  private invalidations(): void {
    const { entries } = this.model.oracle.log;
    const start = entries.findIndex((one) => one.observed === OPEN || one.submitted >= this.first);
    const kept = start < 0 ? [] : entries.slice(start);
    this.writer.value(kept);
  }

  /** Words of tables with their values, the newest first; those that were never anything but zero are not told. */
  private words(): void {
    const { memory } = this.model.oracle;
    const { queuePage, logPage } = this.drive.setup;
    const { statusPage } = placesOf(this.drive.setup.profile.architecture);
    const told = wordsTouched(memory)
      .filter(
        ({ page }) => page !== queuePage && page !== statusPage && page !== logPage && !DATA_PAGES.has(page),
      )
      .map((one) => ({
        ...one,
        name: this.tablePages.has(one.page) ? this.writer.nameOfPage(one.page) : -one.page,
      }))
      .sort((one, other) => one.name - other.name || one.word - other.word);
    for (const { page, word, name } of told) this.word(page, word, name);
  }

  private word(page: number, word: number, name: number): void {
    const { writer } = this;
    const { memory } = this.model.oracle;
    const frame = memory.frameOf(page);
    const newest = memory.newestVersion(frame, word);
    const low = memory.low(frame, word);
    const high = memory.high(frame, word);
    if (low === 0 && high === 0 && (newest === 0 || memory.olderVersion(newest) === 0)) return;
    writer.plain(name);
    writer.plain(word);
    if (newest === 0) this.half(low, high);
    for (let version = newest; version !== 0; version = memory.olderVersion(version)) {
      this.half(memory.lowOf(version), memory.highOf(version));
      writer.step(memory.sinceOf(version));
      writer.step(memory.untilOf(version));
      writer.step(memory.bufferedOf(version));
    }
    writer.plain(-1);
  }

  /** An entry, with the page that it points to apart. */
  private half(low: number, high: number): void {
    this.writer.plain(low & 0xfff);
    this.writer.plain(high | 0);
    this.writer.number(low >>> 12);
  }
}
