/** QEMU's IOMMUs, of whichever architecture a run has, as one IOMMU under test. */
import type { Action, Observation, RequestType, Word } from "../../../model/trace.js";
import type { HostPage } from "../../../model/words/address.js";
import { ImplementationError, type Iommu, type RunSetup } from "../interface.js";
import { type Launch, launchOf, type Qemu, type QemuOptions } from "./find.js";
import { Machine } from "./machine.js";
import { PAGE_BYTES, RunMemory, type RunPages, writePage } from "./memory.js";
import { blueprintOf, suffices } from "./options.js";
import { Run } from "./run.js";
import type { Arrival } from "./start.js";
import { StartStateError, type UnitKind } from "./unit.js";

const MOST_MACHINES = 12;
const requestTypes: ReadonlySet<RequestType> = new Set(["read", "write"]);

/** An {@link Iommu} that knows more about itself. */
export interface QemuIommu extends Iommu {
  submit(setup: RunSetup, actions: readonly Action[]): void;
  collect(): Observation[];
  /** The program in use. */
  readonly qemu: Qemu;
  /**
   * What the IOMMU of the machine that serves `setup` says of itself, to be compared with the profile: register values
   * by the names that the profile has for them.
   */
  identify(setup: RunSetup): Readonly<Record<string, Word>>;
}

/**
 * Opens QEMU as an IOMMU under test. Nothing is started before the first run.
 * @throws ImplementationError when there is no QEMU
 */
export function openQemu(options: QemuOptions = {}): QemuIommu {
  return new QemuUnits(launchOf(options));
}

/** A run that was sent, and what is not as it should be at its start. */
interface Sent {
  readonly memory: RunMemory;
  readonly run: Run;
  readonly arrival: Arrival;
}

/** A run that was submitted and not collected yet. */
interface Submitted {
  readonly setup: RunSetup;
  readonly actions: readonly Action[];
  readonly machine: Machine | undefined;
  /** Nothing while its machine has other work, `later` when it cannot begin before it is collected. */
  sent: Sent | "later" | undefined;
  failure: ImplementationError | undefined;
}

class QemuUnits implements QemuIommu {
  readonly name: string;
  readonly requestTypes = requestTypes;
  /** Least recently used first. */
  #machines: Machine[] = [];
  readonly #memories = new WeakMap<Machine, RunMemory>();
  #current: { machine: Machine; memory: RunMemory; executed: boolean } | undefined;
  /** First come, first served. */
  readonly #submitted: Submitted[] = [];

  constructor(private readonly launch: Launch) {
    this.name = `qemu ${launch.qemu.version}`;
  }

  get qemu(): Qemu {
    return this.launch.qemu;
  }

  identify(setup: RunSetup): Readonly<Record<string, Word>> {
    const machine = this.#idleMachineFor(setup);
    return this.#guard(machine, "identifying itself", () => machine.unit.identity());
  }

  reset(setup: RunSetup): void {
    this.#current = undefined;
    const machine = this.#idleMachineFor(setup);
    try {
      this.#prepare(machine, setup);
    } catch (error) {
      // A process that died or hangs is a failure even between two runs: the one before may have caused it.
      if (!(error instanceof StartStateError && machine.used)) throw error;
      this.#prepare(this.#idleMachineFor(setup), setup);
    }
  }

  execute(actions: readonly Action[]): Observation[] {
    const current = this.#current;
    if (current === undefined || current.executed) {
      throw new Error(
        "QEMU executes one list of actions per reset: looking at the outcome uses up its state",
      );
    }
    current.executed = true;
    current.machine.used = true;
    const { machine, memory } = current;
    return this.#guard(machine, doing(actions), () => {
      const run = new Run(machine, memory, actions);
      run.queue();
      machine.qtest.exchange();
      return run.observations();
    });
  }

  submit(setup: RunSetup, actions: readonly Action[]): void {
    this.#current = undefined;
    const { result: machine, failure } = attempted(() => this.#machineFor(setup));
    this.#submitted.push({ setup, actions, machine, sent: undefined, failure });
    this.#sendWaiting();
  }

  collect(): Observation[] {
    this.#current = undefined;
    this.#sendWaiting();
    const submitted = this.#submitted.shift();
    if (submitted === undefined) throw new Error("there is no run that was submitted and not collected");
    const { setup, actions, failure } = submitted;
    if (failure !== undefined) throw failure;
    const seen = this.#receive(submitted);
    if (seen !== undefined) return seen;
    this.reset(setup);
    return this.execute(actions);
  }

  readData(page: HostPage, offset: number): number {
    const value = this.#current?.memory.dword(page, offset);
    if (value === undefined) throw new RangeError(`page ${page} is not one of this run`);
    return value;
  }

  clear(pages: Iterable<HostPage>): void {
    const machine = this.#current?.machine;
    for (const page of pages) {
      if (machine !== undefined && !machine.pages.owns(page))
        writePage(machine.memory, page, new Uint8Array(PAGE_BYTES));
    }
  }

  close(): void {
    for (const machine of this.#machines) machine.end();
    this.#machines = [];
    this.#submitted.length = 0;
    this.#current = undefined;
  }

  #prepare(machine: Machine, setup: RunSetup): void {
    this.#guard(machine, `preparing a run (start: ${setup.start})`, () => {
      const memory = this.#beginOn(machine, setup);
      machine.unit.bringTo(setup);
      this.#current = { machine, memory, executed: false };
    });
  }

  /** Sends the runs whose machines have nothing else to do. */
  #sendWaiting(): void {
    const busy = new Set<Machine>();
    for (const submitted of this.#submitted) {
      const { machine, setup, actions, sent, failure } = submitted;
      if (machine === undefined) continue;
      if (sent === undefined && failure === undefined && !busy.has(machine)) {
        const isThere = this.#machines.includes(machine);
        const attempt = attempted(() => (isThere ? this.#send(machine, setup, actions) : undefined));
        submitted.sent = attempt.result ?? "later";
        submitted.failure = attempt.failure;
      }
      busy.add(machine);
    }
  }

  /** Preparing and executing at once; nothing when that takes more than one exchange. */
  #send(machine: Machine, setup: RunSetup, actions: readonly Action[]): Sent | undefined {
    return this.#guard(machine, doing(actions), () => {
      const memory = this.#beginOn(machine, setup);
      const run = new Run(machine, memory, actions);
      const arrival = machine.unit.queueStart(setup);
      if (arrival === undefined) return undefined;
      machine.used = true;
      run.queue();
      machine.qtest.send();
      return { memory, run, arrival };
    });
  }

  /** What a run has shown; nothing when it was not sent, or did not begin where it should. */
  #receive({ machine, sent, actions }: Submitted): Observation[] | undefined {
    if (machine === undefined || sent === undefined || sent === "later") return undefined;
    return this.#guard(machine, doing(actions), () => {
      machine.qtest.receive();
      if (sent.arrival().length > 0) return undefined;
      this.#current = { machine, memory: sent.memory, executed: true };
      return sent.run.observations();
    });
  }

  /** Memory as the run finds it: QEMU looks at tables while it is being flushed, to see who passes through. */
  #beginOn(machine: Machine, setup: RunSetup): RunMemory {
    machine.housekeep();
    machine.qtest.begin();
    const memory = this.#memoryFor(machine, runPages(setup, machine.blueprint.kind));
    memory.restart();
    return memory;
  }

  #idleMachineFor(setup: RunSetup): Machine {
    const machine = this.#machineFor(setup);
    this.#giveUp(machine);
    // What was under way may have ended it; another machine that would do may have something under way itself.
    return this.#machines.includes(machine) ? machine : this.#idleMachineFor(setup);
  }

  /** Runs on the machine that are not collected yet begin, or begin anew, when they are. */
  #giveUp(machine: Machine): void {
    for (const submitted of this.#submitted.filter((one) => one.machine === machine)) {
      const isUnderWay = submitted.sent !== undefined && submitted.sent !== "later";
      submitted.sent = "later";
      if (isUnderWay)
        attempted(() => this.#guard(machine, doing(submitted.actions), () => machine.qtest.receive()));
    }
  }

  #memoryFor(machine: Machine, pages: RunPages): RunMemory {
    const last = this.#memories.get(machine);
    if (last?.covers(pages) === true) return last;
    const memory = new RunMemory(machine.memory, pages);
    last?.clearUnless(memory);
    this.#memories.set(machine, memory);
    return memory;
  }

  #machineFor(setup: RunSetup): Machine {
    const blueprint = blueprintOf(setup, this.qemu.version);
    const known = this.#machines.find((machine) => suffices(machine.blueprint, blueprint));
    if (this.#machines.length >= MOST_MACHINES && known === undefined) this.#retire();
    const machine = known ?? new Machine(blueprint, this.launch);
    this.#machines = [...this.#machines.filter((other) => other !== machine), machine];
    checkPages(machine, setup);
    return machine;
  }

  #retire(): void {
    const [oldest] = this.#machines;
    this.#giveUp(oldest!);
    oldest!.end();
    this.#machines = this.#machines.filter((other) => other !== oldest);
  }

  #guard<T>(machine: Machine, doing: string, work: () => T): T {
    try {
      return machine.guard(doing, work);
    } catch (error) {
      this.#machines = this.#machines.filter((other) => other !== machine);
      throw error;
    }
  }
}

/** What came of some work, or how QEMU failed over it. */
function attempted<T>(work: () => T): { result?: T; failure: ImplementationError | undefined } {
  try {
    return { result: work(), failure: undefined };
  } catch (error) {
    if (!(error instanceof ImplementationError)) throw error;
    return { failure: error };
  }
}

function doing(actions: readonly Action[]): string {
  return `executing ${actions.length} actions`;
}

const EMPTY = new Uint32Array(PAGE_BYTES / 4);

/** Pages of low memory that are not memory in a PC: video memory and firmware. */
const HOLE = { from: 0xa0, to: 0x100 } as const;

function checkPages(machine: Machine, setup: RunSetup): void {
  const used = [...setup.dataPages, ...setup.tablePages, ...rootPagesOf(setup), setup.queuePage];
  if (setup.logPage !== null) used.push(setup.logPage);
  for (const page of used) {
    if (!machine.pages.owns(page) && (page < HOLE.from || page >= HOLE.to)) continue;
    throw new ImplementationError(
      `QEMU cannot give page 0x${page.toString(16)} to a run: only pages below 0x${machine.pages.first.toString(16)}, ` +
        "video memory and firmware (0xa0 to 0xff) excepted",
    );
  }
}

function runPages(setup: RunSetup, kind: UnitKind): RunPages {
  const rootContents = setup.start === "translating" ? kind.emptyRoot : EMPTY;
  const { dataPages, tablePages } = setup;
  return { dataPages, tablePages, rootPages: rootPagesOf(setup), rootContents };
}

function rootPagesOf(setup: RunSetup): HostPage[] {
  return Array.from({ length: setup.rootPages }, (_, index) => setup.rootPage + index);
}
