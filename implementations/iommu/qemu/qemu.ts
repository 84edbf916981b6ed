/** QEMU's IOMMUs, of whichever architecture a run has, as one IOMMU under test. */
import type { Action, Observation, RequestType, Word } from "../../../model/trace.js";
import type { HostPage } from "../../../model/words/address.js";
import { ImplementationError, type Iommu, type RunSetup } from "../interface.js";
import { type Launch, launchOf, type Qemu, type QemuOptions } from "./find.js";
import { Machine } from "./machine.js";
import { PAGE_BYTES, RunMemory, type RunPages, writePage } from "./memory.js";
import { blueprintOf, suffices } from "./options.js";
import { Run } from "./run.js";
import { StartStateError, type UnitKind } from "./unit.js";

const MOST_MACHINES = 12;
const requestTypes: ReadonlySet<RequestType> = new Set(["read", "write"]);

/** An {@link Iommu} that knows more about itself. */
export interface QemuIommu extends Iommu {
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

class QemuUnits implements QemuIommu {
  readonly name: string;
  readonly requestTypes = requestTypes;
  /** Least recently used first. */
  #machines: Machine[] = [];
  readonly #memories = new WeakMap<Machine, RunMemory>();
  #current: { machine: Machine; memory: RunMemory; executed: boolean } | undefined;

  constructor(private readonly launch: Launch) {
    this.name = `qemu ${launch.qemu.version}`;
  }

  get qemu(): Qemu {
    return this.launch.qemu;
  }

  identify(setup: RunSetup): Readonly<Record<string, Word>> {
    const machine = this.#machineFor(setup);
    return this.#guard(machine, "identifying itself", () => machine.unit.identity());
  }

  reset(setup: RunSetup): void {
    this.#current = undefined;
    const machine = this.#machineFor(setup);
    try {
      this.#prepare(machine, setup);
    } catch (error) {
      // A process that died or hangs is a failure even between two runs: the one before may have caused it.
      if (!(error instanceof StartStateError && machine.used)) throw error;
      this.#prepare(this.#machineFor(setup), setup);
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
    return this.#guard(machine, `executing ${actions.length} actions`, () =>
      new Run(machine, memory).perform(actions),
    );
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
    this.#current = undefined;
  }

  #prepare(machine: Machine, setup: RunSetup): void {
    this.#guard(machine, `preparing a run (start: ${setup.start})`, () => {
      machine.housekeep();
      const pages = runPages(setup, machine.blueprint.kind);
      // QEMU looks at these tables while it is being flushed, to see who passes through.
      for (const page of pages.rootPages) {
        writePage(machine.memory, page, pages.rootContents);
        machine.writtenBetweenRuns.add(page);
      }
      machine.unit.bringTo(setup);
      const memory = this.#memoryFor(machine, pages);
      memory.restart(machine.writtenBetweenRuns);
      machine.writtenBetweenRuns.clear();
      this.#current = { machine, memory, executed: false };
    });
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
    if (this.#machines.length >= MOST_MACHINES && known === undefined) this.#machines.shift()!.end();
    const machine = known ?? new Machine(blueprint, this.launch);
    this.#machines = [...this.#machines.filter((other) => other !== machine), machine];
    checkPages(machine, setup);
    return machine;
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
