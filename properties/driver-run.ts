/** Runs intent scenarios on a driver: the house asks, the driver works, a unit answers, hostile devices try their luck. */
import type { IntentScenario, IntentStep } from "../generators/intents/scenario.js";
import { dataPages, dataRegions, placesOf, protectedPage, tablePages } from "../generators/places.js";
import { plantedEntries } from "../generators/planted.js";
import { guardedDriver } from "../implementations/driver/guard.js";
import type { DriverFactory, Routine } from "../implementations/driver/interface.js";
import { DriverError, Machine, type MachineListener } from "../implementations/driver/machine.js";
import type { Iommu, RunSetup } from "../implementations/iommu/interface.js";
import { platformNamed } from "../model/architectures.js";
import type { Finding } from "../model/finding.js";
import { type OwnershipEvent, Right, type TraceRecord } from "../model/isolation/events.js";
import type { Action, Observation, Request, RequestType } from "../model/trace.js";
import type { PhysicalMemory } from "../model/words/memory.js";
import { House } from "./house.js";

/** Who looks at a run while it is made. */
export interface RunObserver {
  /** Memory as the CPU sees it, kept up to date by {@link perform}. */
  readonly memory: PhysicalMemory;
  hear(event: OwnershipEvent): Finding | null;
  perform(action: Action, seen: Observation): Finding | null;
}

/** A run that was made. */
export interface DriverRun {
  readonly setup: RunSetup;
  readonly records: readonly TraceRecord[];
  /** For each action the index of its step in the scenario; -1 for what precedes the first. */
  readonly stepOf: readonly number[];
  readonly finding: Finding | null;
  /** Why there is no verdict: the driver did what no driver can do. */
  readonly failure: string | null;
  readonly requests: number;
  /** By slot: the domains of the owner who had the device make that request. */
  readonly programmed: ReadonlyMap<number, readonly string[]>;
}

/** A request that a device was told to make later. */
interface Program {
  readonly device: string;
  readonly requester: number;
  readonly iova: number;
  readonly type: RequestType;
  readonly domains: readonly string[];
}

type DmaStep = Extract<IntentStep, { do: "dma" }>;

/** Words of a table that addresses of the pools lead through, at its lowest level and above. */
const LEAF_WORDS = [0, 1, 2, 3, 4, 511];
const UPPER_WORDS = [8, 9];

/** Where a run of the scenario starts. */
export function setupOf(scenario: IntentScenario): RunSetup {
  const { roots, rootPages, queuePage, logPage } = placesOf(scenario.architecture);
  return {
    profile: platformNamed(scenario.profile),
    start: scenario.start,
    requesters: [...new Set(scenario.devices.flatMap((one) => one.requesters))],
    dataPages,
    tablePages,
    timing: scenario.timing,
    rootPage: roots[0]!,
    rootPages,
    queuePage,
    logPage,
  };
}

/**
 * Makes one run. It ends at the first finding of the observer.
 * @param unit answers the driver and carries out the requests; reset by this call
 */
export function driveScenario(
  scenario: IntentScenario,
  create: DriverFactory,
  unit: Iommu,
  observer: RunObserver,
): DriverRun {
  return new Drive(scenario, create, unit, observer).run();
}

/** Thrown by the run itself to end it at a finding. */
class Found extends Error {}

/** A run that is made step by step. */
export class Drive implements MachineListener {
  readonly setup: RunSetup;
  private readonly records: TraceRecord[] = [];
  private readonly stepOf: number[] = [];
  private readonly programs: Program[] = [];
  private readonly programmed = new Map<number, readonly string[]>();
  private readonly assigned = new Map<number, string[]>();
  private readonly wordsWritten = new Set<number>();
  private readonly machine: Machine;
  readonly house: House;
  private readonly routineOfStart: Routine;
  private step = -1;
  private slot = 1;
  private finding: Finding | null = null;
  private failure: string | null = null;

  constructor(
    private readonly scenario: IntentScenario,
    create: DriverFactory,
    private readonly unit: Iommu,
    private readonly observer: RunObserver,
  ) {
    this.setup = setupOf(scenario);
    const { profile, start, rootPage, rootPages, queuePage, logPage } = this.setup;
    const { statusPage } = placesOf(scenario.architecture);
    const { invalidation, flushing } = scenario;
    const pages = { rootPage, rootPages, queuePage, statusPage, logPage };
    const known = { profile, invalidation, flushing, start, ...pages };
    const driver = guardedDriver(create, known);
    unit.reset(this.setup);
    this.machine = new Machine(unit, observer.memory, this);
    this.house = new House(
      scenario,
      driver,
      (event) => this.say(event),
      (page, pages) => this.renew(page, pages),
    );
    this.routineOfStart = driver.start();
  }

  /** Gets the driver ready and carries out the steps of the scenario. */
  run(): DriverRun {
    this.begin();
    for (const step of this.scenario.steps) this.take(step);
    const { setup, records, stepOf, finding, failure, programmed } = this;
    return { setup, records, stepOf, finding, failure, requests: this.slot - 1, programmed };
  }

  /** Gets the driver ready. True when the run goes on. */
  begin(): boolean {
    return this.attempt(() => this.prepare());
  }

  /** Carries out a further step. True when the run goes on: nothing was found, and the driver did not fail. */
  take(step: IntentStep): boolean {
    if (this.isOver) return false;
    this.step++;
    return this.attempt(() => this.carryOut(step));
  }

  /** What ended the run, if something did. */
  get end(): Pick<DriverRun, "finding" | "failure"> {
    const { finding, failure } = this;
    return { finding, failure };
  }

  /** Forgets what it would tell of the run so far. */
  forgetRecords(): void {
    this.records.length = 0;
    this.stepOf.length = 0;
  }

  private get isOver(): boolean {
    return this.finding !== null || this.failure !== null;
  }

  private attempt(work: () => void): boolean {
    try {
      work();
    } catch (error) {
      if (error instanceof DriverError) this.failure = error.message;
      else if (!(error instanceof Found)) throw error;
    }
    return !this.isOver;
  }

  private prepare(): void {
    for (const page of this.ownPages()) this.say({ event: "allocate-table", page });
    this.say({ event: "protect", page: protectedPage, pages: 1 });
    this.machine.run(this.routineOfStart);
    this.say({ event: "ready" });
  }

  /** Where the root or device table is, commands, status words and logs. */
  private ownPages(): readonly number[] {
    const { rootPage, rootPages, queuePage, logPage } = this.setup;
    const tables = Array.from({ length: rootPages }, (_, index) => rootPage + index);
    const { statusPage } = placesOf(this.scenario.architecture);
    return [...tables, queuePage, statusPage, ...(logPage === null ? [] : [logPage])];
  }

  private carryOut(step: IntentStep): void {
    switch (step.do) {
      case "dma":
        this.dma(step);
        break;
      case "program":
        this.program(step.device, step.requester, step.iova, step.access);
        break;
      case "plant":
        this.plant();
        break;
      case "together":
        this.intents([step.first, step.second], step.schedule);
        break;
      default:
        this.intents([step], 0);
    }
  }

  private intents(intents: readonly Parameters<House["tasks"]>[0][], schedule: number): void {
    const work = intents.map((intent) => this.house.tasks(intent)).filter((tasks) => tasks.length > 0);
    if (work.length === 0) return;
    this.say({ event: "update", begins: true });
    let bits = schedule;
    const choose = (count: number) => {
      const bit = bits & 1;
      bits >>>= 1;
      return bit % count;
    };
    this.machine.runTogether(
      work.map((tasks) => oneAfterTheOther(tasks.map((one) => one.routine))),
      choose,
    );
    if (this.scenario.flushing === "strict" && this.house.tickets.open > 0)
      throw new DriverError("the driver flushes strictly, but an intent returned before it had settled");
    if (intents.every((one) => one.do === "sync") && this.house.tickets.open > 0)
      throw new DriverError("the driver's sync returned before all that was put off had settled");
    this.say({ event: "update", begins: false });
    if (intents.some((one) => one.do === "attach" || one.do === "detach")) this.fire();
  }

  /** What devices were told to do by an owner who has lost them since comes now at the latest. */
  private fire(): void {
    for (const program of [...this.programs]) {
      const now = this.assigned.get(program.requester) ?? [];
      if (now.length === program.domains.length && now.every((one) => program.domains.includes(one)))
        continue;
      this.programs.splice(this.programs.indexOf(program), 1);
      this.programmed.set(this.slot, program.domains);
      this.request(program.requester, program.iova, program.type);
    }
  }

  private dma({ device, requester, iova, type }: DmaStep): void {
    const id = this.house.deviceNamed(device)?.requesters[requester];
    if (id !== undefined) this.request(id, iova, type);
  }

  private request(requester: number, page: number, type: RequestType): void {
    const length = type === "zero-length-read" ? 0 : 4;
    const offset = length === 0 ? 0 : (this.slot * 8) % 4096;
    const request: Request = { requester, page, offset, length, type };
    if (type === "write" || type === "atomic") this.wordsWritten.add(offset >>> 3);
    const slot = this.slot++;
    if (this.unit.requestTypes.has(type)) this.act({ do: "request", request, slot });
  }

  private program(device: string, index: number, iova: number, access: "r" | "w"): void {
    const requester = this.house.deviceNamed(device)?.requesters[index];
    if (requester === undefined) return;
    const domains = [...(this.assigned.get(requester) ?? [])];
    if (domains.length === 0) return;
    const right = access === "w" ? Right.write : Right.read;
    this.programs.push({ device, requester, iova, type: access === "w" ? "write" : "read", domains });
    this.say({ event: "program", requester, iova, access: right });
  }

  /** Whoever got the page of a freed table fills it with entries that would lead to software's own memory. */
  private plant(): void {
    const page = this.house.takeFreedTable();
    if (page === null) return;
    const entries = plantedEntries(this.scenario.architecture);
    const leaf = entries.leaf(protectedPage);
    const superpage = entries.superpage(dataRegions[1]!);
    for (const word of LEAF_WORDS) this.act({ do: "store", page, word, ...leaf });
    for (const word of UPPER_WORDS) this.act({ do: "store", page, word, ...superpage });
  }

  /** Free pages get new content where devices may have written. */
  private renew(page: number, pages: number): void {
    if (this.wordsWritten.size === 0) return;
    const value = (0xe0000000 | this.slot) >>> 0;
    for (const one of dataPages) {
      if (one < page || one >= page + pages) continue;
      for (const word of this.wordsWritten)
        this.act({ do: "store", page: one, word, low: value, high: value });
    }
  }

  private act(action: Action): void {
    this.performed(action, this.unit.execute([action])[0]!);
  }

  private say(event: OwnershipEvent): void {
    this.records.push(event);
    if (event.event === "assign") {
      const domains = this.assigned.get(event.requester);
      if (domains) domains.push(event.domain);
      else this.assigned.set(event.requester, [event.domain]);
    } else if (event.event === "unassign") {
      const domains = this.assigned.get(event.requester)!;
      domains.splice(domains.indexOf(event.domain), 1);
    }
    this.note(this.observer.hear(event));
  }

  performed(action: Action, seen: Observation): void {
    this.records.push({ action, seen });
    this.stepOf.push(this.step);
    this.note(this.observer.perform(action, seen));
  }

  private note(finding: Finding | null): void {
    if (!finding) return;
    this.finding = finding;
    throw new Found();
  }

  allocateTable(): number | null {
    return this.house.tables.allocate();
  }

  freeTable(page: number): void {
    this.house.tables.free(page);
  }

  resetDevice(requester: number): void {
    for (const program of this.programs.filter((one) => one.requester === requester))
      this.programs.splice(this.programs.indexOf(program), 1);
    this.say({ event: "reset-device", requester });
  }

  settled(ticket: number): void {
    this.house.tickets.settle(ticket);
  }
}

function* oneAfterTheOther(routines: readonly Routine[]): Routine {
  for (const routine of routines) yield* routine;
}
