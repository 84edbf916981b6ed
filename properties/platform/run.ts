/** Runs platform scenarios on platform software: firmware, then operating systems one after the other, on all units. */
import {
  bouncePages,
  MOST_SYSTEMS,
  ownMemory,
  placesOf,
  stormPage,
  tablePool,
} from "../../generators/platform/places.js";
import type { PlatformScenario, PlatformStep } from "../../generators/platform/scenario.js";
import { DriverError, Machine, type MachineListener } from "../../implementations/driver/machine.js";
import { guardedPlatformSoftware } from "../../implementations/driver/platform/guard.js";
import type {
  PlatformDriver,
  PlatformRoutine,
  PlatformSetup,
  PlatformSoftware,
} from "../../implementations/driver/platform/interface.js";
import { architectureOf, platformNamed } from "../../model/architectures.js";
import type { Finding, FindingKind } from "../../model/finding.js";
import type { OwnershipEvent, TraceRecord } from "../../model/isolation/events.js";
import type { IsolationJudge } from "../../model/isolation/judge.js";
import { type Action, Effect, type Observation, type Request, type RequestType } from "../../model/trace.js";
import { TablePool } from "../table-pool.js";
import { loweredTo, type PlatformListener } from "./accesses.js";
import { FaultBook } from "./faults.js";
import { GuestViews } from "./guests.js";
import type { PlatformHardware } from "./hardware.js";
import { type HouseListener, PlatformHouse } from "./house.js";
import type { PlatformModel } from "./model.js";
import { platformRequesters } from "./units.js";

/** A run that was made. */
export interface PlatformRun {
  readonly records: readonly TraceRecord[];
  /** For each action the index of its step in the scenario; -1 for what precedes the first. */
  readonly stepOf: readonly number[];
  readonly finding: Finding | null;
  /** Why there is no verdict: the software did what no software can do. */
  readonly failure: string | null;
  readonly requests: number;
}

/** What a run is made on: units that were reset, and who judges it. */
export interface PlatformBench {
  readonly hardware: PlatformHardware;
  readonly model: PlatformModel;
  readonly judge: IsolationJudge;
}

/** Reported faults of a device from which on it is to be disabled. */
const FAULT_LIMIT = 3;

/** Makes one run. It ends at the first finding. */
export function drivePlatform(
  scenario: PlatformScenario,
  software: PlatformSoftware,
  bench: PlatformBench,
): PlatformRun {
  return new PlatformDrive(scenario, guardedPlatformSoftware(software), bench).run();
}

/** Thrown by the run itself to end it at a finding. */
class Found extends Error {}

class PlatformDrive implements MachineListener, PlatformListener, HouseListener {
  private readonly records: TraceRecord[] = [];
  private readonly stepOf: number[] = [];
  private readonly machine: Machine;
  private readonly house: PlatformHouse;
  private readonly tables: TablePool;
  private readonly faults: FaultBook;
  private readonly guests: GuestViews;
  private driver!: PlatformDriver;
  private systems = 0;
  private step = -1;
  private slot = 1;
  private finding: Finding | null = null;

  constructor(
    private readonly scenario: PlatformScenario,
    private readonly software: PlatformSoftware,
    private readonly bench: PlatformBench,
  ) {
    const { hardware, model } = bench;
    const found = (kind: FindingKind, message: string) => this.found(kind, message);
    this.machine = new Machine(hardware, model.memory, this);
    this.tables = new TablePool(tablePool, (event) => this.say(event));
    this.house = new PlatformHouse(scenario, () => this.driver, this);
    this.faults = new FaultBook(scenario.platform.units.length, FAULT_LIMIT, found);
    this.guests = new GuestViews(scenario.architecture, model, found);
  }

  run(): PlatformRun {
    let failure: string | null = null;
    try {
      this.prepare();
      for (let index = 0; index < this.scenario.steps.length; index++) {
        this.step = index;
        this.carryOut(this.scenario.steps[index]!);
      }
    } catch (error) {
      if (error instanceof DriverError) failure = error.message;
      else if (!(error instanceof Found)) throw error;
    }
    const { records, stepOf, finding } = this;
    return { records, stepOf, finding, failure, requests: this.slot - 1 };
  }

  private prepare(): void {
    const { leaves } = this.scenario;
    this.say({ event: "protect", ...ownMemory });
    this.house.begin();
    this.allocateStructures(0);
    const firmware = this.software.createFirmware(this.setupOf(0));
    this.perform(firmware.leave(leaves));
    if (leaves === "protected") this.say({ event: "guard", ...ownMemory });
    if (leaves === "translating") this.say({ event: "ready" });
    this.startSystem(() => undefined);
  }

  /** An operating system takes over from whoever ran before, whose tables are anybody's when it has. */
  private startSystem(settled: () => void): void {
    const inherited = this.tables.inUse;
    const former = this.systems;
    this.systems++;
    this.allocateStructures(this.systems);
    this.driver = this.software.createDriver(this.setupOf(this.systems));
    this.perform(this.driver.start());
    this.say({ event: "ready" });
    settled();
    const left = new Set(this.tables.inUse);
    for (const page of inherited) if (left.has(page)) this.tables.free(page);
    for (const page of this.structuresOf(former)) this.say({ event: "free-table", page });
  }

  private setupOf(software: number): PlatformSetup {
    const { invalidation, platform } = this.scenario;
    const profile = platformNamed(this.scenario.profile);
    const { topology } = this.house.devices;
    const { firmwareTables } = architectureOf(profile);
    return {
      profile,
      invalidation,
      firmwareTable: firmwareTables.bytesOf(this.house.devices.initial),
      topology,
      places: platform.units.map((_, unit) => placesOf(this.scenario, software, unit)),
      bouncePages,
      ownMemory,
      faultLimit: FAULT_LIMIT,
    };
  }

  private allocateStructures(software: number): void {
    for (const page of this.structuresOf(software)) this.say({ event: "allocate-table", page });
  }

  /** Where the root or device tables of a piece of software are, with commands, status words and logs. */
  private structuresOf(software: number): number[] {
    return this.scenario.platform.units.flatMap((_, unit) => {
      const { rootPage, rootPages, queuePage, statusPage, logPage } = placesOf(this.scenario, software, unit);
      const root = Array.from({ length: rootPages }, (_, index) => rootPage + index);
      return [...root, queuePage, statusPage, ...(logPage === null ? [] : [logPage])];
    });
  }

  private perform(routine: PlatformRoutine): void {
    this.machine.run(loweredTo(routine, this));
  }

  private carryOut(step: PlatformStep): void {
    switch (step.do) {
      case "dma":
        this.dma(step.device, step.as, step.iova, step.type);
        break;
      case "storm":
        for (let index = 0; index < step.count; index++) this.dma(step.device, 0, stormPage + index, "read");
        break;
      case "handle-faults":
        this.perform(this.driver.handleFaults());
        this.faults.handled(this.house.devices.functions());
        break;
      case "hand-over":
        this.handOver();
        break;
      default:
        this.ask(step);
    }
  }

  private ask(step: PlatformStep): void {
    for (const { routine, ticket } of this.house.tasks(step)) {
      this.say({ event: "update", begins: true });
      this.perform(routine);
      if (this.house.tickets.isOpen(ticket))
        throw new DriverError(`the driver returns from "${step.do}" before it has settled or refused it`);
      this.say({ event: "update", begins: false });
    }
    if (step.do === "map" || step.do === "unmap" || step.do === "remap") this.guests.compare(this.house);
  }

  private handOver(): void {
    if (this.systems === MOST_SYSTEMS) return;
    const taken = this.house.takeOver();
    this.guests.forget();
    this.faults.takenOver();
    this.startSystem(taken);
  }

  private dma(device: string, as: number, page: number, type: RequestType): void {
    const requester = this.house.devices.idsOf(device)[as];
    if (requester === undefined || this.faults.isDisabled(device)) return;
    const unit = platformRequesters(this.scenario.platform).unitOf.get(requester);
    if (unit === undefined) return;
    const length = type === "zero-length-read" ? 0 : 4;
    const offset = length === 0 ? 0 : (this.slot * 8) % 4096;
    const request: Request = { requester, page, offset, length, type };
    const recorded = this.bench.model.isReported(request, this.bench.judge.lastAction + 1);
    const effect = this.act(unit, { do: "request", request, slot: this.slot++ });
    if (effect === Effect.blocked) this.faults.block(unit, requester, page, recorded);
  }

  /** Performs an action at a unit; returns what it showed. */
  private act(unit: number, action: Action): number {
    this.select(unit);
    const seen = this.bench.hardware.execute([action])[0]!;
    this.performed(action, seen);
    return seen.low;
  }

  private select(unit: number): void {
    this.bench.hardware.selected = unit;
    this.bench.model.selected = unit;
  }

  performed(action: Action, seen: Observation): void {
    this.records.push({ action, seen, unit: this.bench.model.selected });
    this.stepOf.push(this.step);
    this.note(this.bench.judge.perform(action, seen));
  }

  say(event: OwnershipEvent): void {
    this.records.push(event);
    this.note(this.bench.judge.hear(event));
  }

  found(kind: FindingKind, message: string): void {
    const action = Math.max(0, this.bench.judge.lastAction);
    this.note({ kind, action, rules: [], message, witness: [] });
  }

  private note(finding: Finding | null): void {
    if (!finding) return;
    this.finding = finding;
    throw new Found();
  }

  came(functions: Parameters<HouseListener["came"]>[0]): void {
    for (const one of functions) this.faults.forget(one);
  }

  allocateTable(): number | null {
    return this.tables.allocate();
  }

  freeTable(page: number): void {
    this.tables.free(page);
  }

  resetDevice(requester: number): void {
    this.say({ event: "reset-device", requester });
  }

  settled(ticket: number): void {
    this.house.tickets.settle(ticket);
  }

  selectUnit(registers: number): void {
    const unit = this.scenario.platform.units.findIndex((one) => one.registers === registers);
    if (unit < 0) throw new DriverError(`no unit has its registers at page 0x${registers.toString(16)}`);
    this.select(unit);
  }

  refused(ticket: number): void {
    this.house.tickets.refuse(ticket);
  }

  lent(ticket: number, iova: number): void {
    this.house.tickets.lent(ticket, iova);
  }

  guestTables(domain: string, page: number): void {
    this.guests.begin(domain, page);
  }

  report(requester: number, page: number): void {
    this.faults.report(requester, page);
  }

  disableDevice(device: string): void {
    const one = this.house.devices.functions().find(({ name }) => name === device);
    if (!one) throw new DriverError(`the driver disables ${device}, which is not there`);
    this.faults.disable(one);
  }
}
