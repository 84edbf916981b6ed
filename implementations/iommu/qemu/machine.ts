/** A running machine: QEMU, its memory, its devices, and what is known of the state of its IOMMU. */
import type { Word } from "../../../model/trace.js";
import type { RequesterId } from "../../../model/words/address.js";
import { ImplementationError } from "../interface.js";
import { type Clock, Edu } from "./edu.js";
import type { Qemu } from "./find.js";
import { PAGE_BYTES } from "./memory.js";
import { type Blueprint, optionsFor } from "./options.js";
import { assignBars, type Bars, configure } from "./pci.js";
import { PrivatePages } from "./private-pages.js";
import { type QemuProcess, startProcess } from "./process.js";
import { type Breakdown, Qtest, QtestError, type Reply } from "./qtest.js";
import { Register, WINDOW } from "./registers.js";

/** How to start QEMU. */
export interface Launch {
  readonly qemu: Qemu;
  readonly qtestAccelerator: boolean;
  readonly timeoutMs: number;
}

/** How many places of each device's buffer hold what it fetched. */
export type Fetched = ReadonlyMap<RequesterId, number>;

/** The register window as 64-bit words, in address order. */
export type Registers = readonly Word[];

/** From GCMD_REG to ICS_REG. */
const STATE = { from: 0x18, to: 0xa0 } as const;

/** The reset control register of the chipset, and the value that resets everything. */
const RESET_CONTROL = 0xcf9;
const FULL_RESET = 0x06;
/** Ports of the interval timer: it would tick for ever, and each tick costs a turn of the main loop. */
const TIMER_MODE = 0x43;
const TIMER_COUNT = 0x40;
const ONE_SHOT = 0x30;
const TRIM_INTERVAL = 1000;
/** Starting takes longer than answering. */
const START_PATIENCE = 5;

/** One QEMU process, set up for one {@link Blueprint}. */
export class Machine {
  readonly qtest: Qtest;
  readonly pages: PrivatePages;
  readonly devices: ReadonlyMap<RequesterId, Edu>;
  /** The registers right after a platform reset. */
  readonly initial: Registers;
  /** Whether a run was executed on this machine. */
  used = false;
  /** Whether nothing has happened since the last platform reset. */
  pristine = true;
  /** The levels last asked for in GCMD_REG. */
  level = 0;
  /** The registers as last seen; after a run only the interesting ones, the others as they are initially. */
  seen: Registers;
  /** What devices still hold of the last run, and whether they reach private pages through our tables. */
  toForget: { readonly fetched: Fetched; readonly translated: boolean } | undefined;
  readonly #process: QemuProcess;
  readonly #bars: Bars;
  #resets = 0;

  /** @throws ImplementationError when QEMU cannot be started as this machine */
  /** Pages that were written while no run was under way. */
  readonly writtenBetweenRuns = new Set<number>();

  constructor(
    readonly blueprint: Blueprint,
    private readonly launch: Launch,
  ) {
    this.pages = new PrivatePages(blueprint);
    this.#bars = assignBars(blueprint);
    this.#process = startProcess(launch.qemu.path, blueprint.memoryPages * PAGE_BYTES, (files) =>
      optionsFor(blueprint, files, launch.qtestAccelerator),
    );
    this.qtest = new Qtest(this.#process, START_PATIENCE * launch.timeoutMs);
    const clock: Clock = launch.qtestAccelerator ? "stepped" : "polled";
    this.devices = new Map([...this.#bars].map(([id, bar]) => [id, new Edu(this.qtest, bar, clock)]));
    this.initial = this.guard(STARTING, () => this.#start());
    this.seen = this.initial;
    this.qtest.timeoutMs = launch.timeoutMs;
  }

  /** The file that is the guest's memory. */
  get memory(): number {
    return this.#process.memory;
  }

  /** What QEMU says in its identification registers. */
  identity(): { version: number; capability: Word; extendedCapability: Word } {
    const at = (offset: number) => this.initial[offset / 8]!;
    return {
      version: at(Register.version).low,
      capability: at(Register.capability),
      extendedCapability: at(Register.extendedCapability),
    };
  }

  /** Queues a look at the registers that decide how to go on: status, faults, queue. */
  askState(): Reply {
    return this.qtest.readBlock(WINDOW.address + STATE.from, STATE.to - STATE.from);
  }

  /** Takes the answer to {@link askState}. */
  learnState(reply: Reply): void {
    const registers = [...this.initial];
    for (const [index, word] of this.qtest.words(reply).entries()) registers[STATE.from / 8 + index] = word;
    this.seen = registers;
  }

  /** Exchanges what is queued and reads the register window. */
  readRegisters(): Registers {
    const reply = this.qtest.readBlock(WINDOW.address, WINDOW.bytes);
    this.qtest.exchange();
    this.seen = this.qtest.words(reply);
    return this.seen;
  }

  /** Queues overwriting what devices fetched, so that a later read that brings nothing shows nothing. */
  forgetFetched(): void {
    for (const [id, places] of this.toForget?.fetched ?? []) {
      const zeros = this.pages.busAddress(this.pages.zeros, this.toForget!.translated);
      this.devices.get(id)!.forgetFetched(zeros, places);
    }
    this.toForget = undefined;
  }

  /** Resets the whole platform, memory excepted, and gives the devices their addresses again. */
  platformReset(): void {
    this.qtest.out8(RESET_CONTROL, FULL_RESET);
    // The reset happens after QEMU's main loop has handed out the reply, so nothing may follow in this batch.
    this.qtest.exchange();
    this.#configure();
    this.pages.write(this.memory);
    if (this.toForget !== undefined) this.toForget = { ...this.toForget, translated: false };
    this.forgetFetched();
    this.readRegisters();
    this.pristine = true;
    this.level = 0;
  }

  /**
   * Runs `work`, and ends QEMU when the conversation breaks down.
   * @throws ImplementationError that says what happened while QEMU was `doing` something
   */
  guard<T>(doing: string, work: () => T): T {
    try {
      this.qtest.begin();
      return work();
    } catch (error) {
      const reported = error instanceof QtestError ? this.#explain(doing, error) : error;
      this.end();
      throw reported;
    }
  }

  /** Keeps long campaigns from filling the disk. */
  housekeep(): void {
    this.#resets += 1;
    if (this.#resets % TRIM_INTERVAL === 0) this.#process.trimLog();
  }

  /** Ends QEMU. Safe to call twice. */
  end(): void {
    this.#process.end();
  }

  #start(): Registers {
    const registers = this.readRegisters();
    this.#process.started();
    if (registers[0]!.low === 0 || registers[0]!.low === 0xffffffff) {
      throw new QtestError("nonsense", "there is no VT-d register window in this machine");
    }
    this.#configure();
    this.pages.write(this.memory);
    const identities = [...this.devices].map(([id, edu]) => ({ id, edu, reply: edu.identify() }));
    for (const edu of this.devices.values()) edu.loadTags(this.pages.busAddress(this.pages.tags, false));
    this.qtest.exchange();
    for (const { edu, reply } of identities) {
      if (edu.isEdu(this.qtest.low(reply))) continue;
      throw new QtestError("nonsense", "one of its devices does not answer");
    }
    return registers;
  }

  #configure(): void {
    configure(this.qtest, this.blueprint, this.#bars);
    this.qtest.out8(TIMER_MODE, ONE_SHOT);
    this.qtest.out8(TIMER_COUNT, 1);
    this.qtest.out8(TIMER_COUNT, 0);
    this.qtest.exchange();
  }

  #explain(doing: string, error: QtestError): ImplementationError {
    const { path, version } = this.launch.qemu;
    const words = this.#process.lastWords();
    const said = words === "" ? "QEMU wrote nothing to its standard error." : `QEMU's last words:\n${words}`;
    return new ImplementationError(
      `QEMU ${version} (${path}) failed while ${doing}: ${error.message}. ${said}\n${advice(doing, error.breakdown)}`,
    );
  }
}

const STARTING = "starting";

/** What to do about it. */
function advice(doing: string, breakdown: Breakdown): string {
  switch (breakdown) {
    case "ended":
      return doing === STARTING
        ? "Perhaps this QEMU lacks q35, intel-iommu or edu (see `-device help`), or memory is short."
        : "Run it again: either QEMU crashes on what it was sent, or something killed it.";
    case "silent":
      return "QEMU hangs, is stopped, or the machine is overloaded; a larger time-out tells these apart.";
    case "nonsense":
      return "This is not the QEMU that was expected; try the one of your distribution.";
  }
}
