/**
 * The machine a driver runs on: memory as the CPU sees it, a unit that answers, pages for tables, locks. It turns the
 * accesses of driver routines into actions and hands each on with what it showed.
 */
import type { Action, Observation } from "../../model/trace.js";
import type { PhysicalMemory } from "../../model/words/memory.js";
import { ImplementationError, type Iommu } from "../iommu/interface.js";
import type { Access, Answer, Routine } from "./interface.js";

/** A driver did something that no driver can do: the run gives no verdict. The message says what. */
export class DriverError extends Error {
  override readonly name = "DriverError";
}

/** What becomes of the work of a driver. */
export interface MachineListener {
  /** An action was carried out. */
  performed(action: Action, seen: Observation): void;
  /** A page for a table; null when there is none left. */
  allocateTable(): number | null;
  freeTable(page: number): void;
  resetDevice(requester: number): void;
  settled(ticket: number): void;
}

/** Accesses after which a routine that has not returned is taken to be stuck. */
export const PATIENCE = 100_000;
const ZERO: Answer = Object.freeze({ low: 0, high: 0 });

/** A routine under way on one CPU. */
interface Cpu {
  readonly routine: Routine;
  /** What the routine waits for: the answer to its last access, or a lock it could not take. */
  answer: Answer;
  waitsFor: string | null;
  done: boolean;
}

export class Machine {
  private readonly locks = new Map<string, Cpu>();
  private accesses = 0;

  /**
   * Routines are taken to be those of a driver that yields well-formed accesses only.
   * @param unit the hardware that answers, already reset
   * @param memory what the CPU sees: kept up to date by whoever listens
   */
  constructor(
    private readonly unit: Iommu,
    private readonly memory: PhysicalMemory,
    private readonly listener: MachineListener,
  ) {}

  /**
   * Runs a routine to its end.
   * @throws DriverError when it does what no driver can do, or never ends
   */
  run(routine: Routine): void {
    this.runTogether([routine], () => 0);
  }

  /**
   * Runs routines on a CPU each, one access at a time, until all have ended. `choose` says which of the `count` CPUs that
   * can go on does.
   * @throws DriverError when they wait for each other's locks, and as {@link run} does
   */
  runTogether(routines: readonly Routine[], choose: (count: number) => number): void {
    this.accesses = 0;
    this.locks.clear();
    const cpus = routines.map((routine): Cpu => ({ routine, answer: ZERO, waitsFor: null, done: false }));
    while (true) {
      const ready = cpus.filter(
        (cpu) => !cpu.done && (cpu.waitsFor === null || !this.locks.has(cpu.waitsFor)),
      );
      if (ready.length === 0) break;
      this.advance(ready.length === 1 ? ready[0]! : ready[choose(ready.length)]!);
    }
    if (cpus.some((cpu) => !cpu.done)) throw new DriverError("the driver's CPUs wait for each other's locks");
  }

  private advance(cpu: Cpu): void {
    if (++this.accesses > PATIENCE)
      throw new DriverError(`the driver made ${PATIENCE} accesses without finishing`);
    if (cpu.waitsFor !== null) {
      this.locks.set(cpu.waitsFor, cpu);
      cpu.waitsFor = null;
    }
    const next = cpu.routine.next(cpu.answer);
    if (next.done) {
      this.end(cpu);
      return;
    }
    const access = next.value;
    if (access.do === "lock") this.lock(access.lock, cpu);
    else if (access.do === "unlock") this.unlock(access.lock, cpu);
    else cpu.answer = this.perform(access);
  }

  private end(cpu: Cpu): void {
    cpu.done = true;
    for (const [lock, holder] of this.locks)
      if (holder === cpu)
        throw new DriverError(`the driver ends a routine while it holds the lock "${lock}"`);
  }

  private lock(lock: string, cpu: Cpu): void {
    if (this.locks.get(lock) === cpu) throw new DriverError(`the driver takes the lock "${lock}" twice`);
    cpu.answer = ZERO;
    if (this.locks.has(lock)) cpu.waitsFor = lock;
    else this.locks.set(lock, cpu);
  }

  private unlock(lock: string, cpu: Cpu): void {
    if (this.locks.get(lock) !== cpu)
      throw new DriverError(`the driver gives back the lock "${lock}" it does not hold`);
    this.locks.delete(lock);
    cpu.answer = ZERO;
  }

  private perform(access: Exclude<Access, { do: "lock" | "unlock" }>): Answer {
    switch (access.do) {
      case "load":
        return this.load(access.page, access.word);
      case "clear-page":
        return this.clearPage(access.page);
      case "flush-page":
        return this.flushPage(access.page);
      case "allocate-table": {
        const page = this.listener.allocateTable();
        if (page === null) throw new DriverError("no page is left for another table");
        return { low: page, high: 0 };
      }
      case "free-table":
        this.listener.freeTable(access.page);
        return ZERO;
      case "reset-device":
        this.listener.resetDevice(access.requester);
        return ZERO;
      case "settled":
        this.listener.settled(access.ticket);
        return ZERO;
      default:
        return this.act(access);
    }
  }

  private load(page: number, word: number): Answer {
    const frame = this.memory.frameOf(page);
    return { low: this.memory.low(frame, word), high: this.memory.high(frame, word) };
  }

  /** Storing zero over zero changes nothing that anybody can see. */
  private clearPage(page: number): Answer {
    const frame = this.memory.frameOf(page);
    if (!this.memory.hasHistory(frame)) return ZERO;
    for (let word = 0; word < 512; word++) {
      if (this.memory.low(frame, word) !== 0 || this.memory.high(frame, word) !== 0)
        this.act({ do: "store", page, word, low: 0, high: 0 });
    }
    return ZERO;
  }

  /** Writing back a line that nobody stored to changes nothing that anybody can see. */
  private flushPage(page: number): Answer {
    const frame = this.memory.frameOf(page);
    if (!this.memory.hasHistory(frame)) return ZERO;
    for (let line = 0; line < 64; line++) {
      const words = [0, 1, 2, 3, 4, 5, 6, 7].map((word) => line * 8 + word);
      if (words.some((word) => this.memory.newestVersion(frame, word) !== 0))
        this.act({ do: "flush-line", page, line });
    }
    return ZERO;
  }

  /** What was seen is on record: the driver gets a copy of its own. */
  private act(action: Action): Answer {
    const seen = this.observationOf(action);
    this.listener.performed(action, seen);
    return { low: seen.low, high: seen.high };
  }

  private observationOf(action: Action): Observation {
    try {
      return this.unit.execute([action])[0]!;
    } catch (error) {
      if (error instanceof ImplementationError) throw new DriverError(error.message);
      throw error;
    }
  }
}
