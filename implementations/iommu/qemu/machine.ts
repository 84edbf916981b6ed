/** A running machine: QEMU, its memory, its devices, and what is known of the state of its IOMMU. */
import type { Word } from "../../../model/trace.js";
import type { RequesterId } from "../../../model/words/address.js";
import { type Breakdown, BreakdownError } from "../../process/waiting.js";
import { ImplementationError } from "../interface.js";
import { type Clock, Edu } from "./edu.js";
import type { Launch } from "./find.js";
import { PAGE_BYTES } from "./memory.js";
import { type Blueprint, optionsFor } from "./options.js";
import { assignBars, type Bars, bridgesOf, configure } from "./pci.js";
import { Pipes } from "./pipes.js";
import { PrivatePages } from "./private-pages.js";
import { type QemuProcess, startProcess } from "./process.js";
import { Qtest, type Reply } from "./qtest.js";
import type { Block, Registers } from "./register-image.js";
import type { Unit } from "./unit.js";

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
  /** The registers as last seen; after a run only the interesting ones, the others as they are initially. */
  seen: Registers;
  /** Devices that must forget what they fetched, and whether they reach private pages through our tables. */
  toForget: { readonly devices: readonly Edu[]; readonly translated: boolean } | undefined;
  readonly unit: Unit;
  readonly #process: QemuProcess;
  readonly #bars: Bars;
  #resets = 0;

  /** @throws ImplementationError when QEMU cannot be started as this machine */
  constructor(
    readonly blueprint: Blueprint,
    private readonly launch: Launch,
  ) {
    this.pages = new PrivatePages(blueprint);
    this.#bars = assignBars(blueprint.requesters);
    this.#process = startProcess(launch.qemu.path, blueprint.memoryPages * PAGE_BYTES, (files) =>
      optionsFor(blueprint, files, launch.qtestAccelerator),
    );
    const pipes = new Pipes(this.#process, START_PATIENCE * launch.timeoutMs);
    this.qtest = new Qtest(pipes);
    const clock: Clock = launch.qtestAccelerator ? "stepped" : "polled";
    this.devices = new Map([...this.#bars].map(([id, bar]) => [id, new Edu(this.qtest, bar, clock)]));
    this.unit = blueprint.kind.unitOf(this);
    this.initial = this.guard(STARTING, () => this.#start());
    this.seen = this.initial;
    pipes.timeoutMs = launch.timeoutMs;
  }

  /** The file that is the guest's memory. */
  get memory(): number {
    return this.#process.memory;
  }

  /** Queues a look at the registers that decide how to go on after a run. */
  askState(): Reply {
    return this.#ask(this.blueprint.kind.state);
  }

  /** Takes the answer to {@link askState}. */
  learnState(reply: Reply): void {
    this.seen = new Map([...this.initial, ...this.#learnt(this.blueprint.kind.state, reply)]);
  }

  /** Exchanges what is queued and reads the registers. */
  readRegisters(): Registers {
    const learn = this.askRegisters();
    this.qtest.exchange();
    return learn();
  }

  /** Queues reading the registers; what is returned takes the answer. */
  askRegisters(): () => Registers {
    const blocks = this.blueprint.kind.registers.map((block) => ({ block, reply: this.#ask(block) }));
    return () => {
      this.seen = new Map(blocks.flatMap(({ block, reply }) => this.#learnt(block, reply)));
      return this.seen;
    };
  }

  /** Queues overwriting what devices fetched where they need the space. */
  forgetFetched(): void {
    for (const device of this.toForget?.devices ?? []) {
      device.forgetFetched(this.pages.busAddress(this.pages.zeros, this.toForget!.translated));
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
  }

  /**
   * Runs `work`, and ends QEMU when the conversation breaks down.
   * @throws ImplementationError that says what happened while QEMU was `doing` something
   */
  guard<T>(doing: string, work: () => T): T {
    try {
      return work();
    } catch (error) {
      const reported = error instanceof BreakdownError ? this.#explain(doing, error) : error;
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
    const { kind } = this.blueprint;
    if (!kind.answers(registers)) {
      throw new BreakdownError("nonsense", `the registers of ${kind.device} are not there in this machine`);
    }
    this.#configure();
    this.pages.write(this.memory);
    const identities = [...this.devices].map(([id, edu]) => ({ id, edu, reply: edu.identify() }));
    for (const edu of this.devices.values()) edu.loadTags(this.pages.busAddress(this.pages.tags, false));
    this.qtest.exchange();
    for (const { edu, reply } of identities) {
      if (edu.isEdu(this.qtest.low(reply))) continue;
      throw new BreakdownError("nonsense", "one of its devices does not answer");
    }
    return registers;
  }

  #ask({ offset, bytes }: Block): Reply {
    return this.qtest.readBlock(this.blueprint.kind.address + offset, bytes);
  }

  #learnt({ offset }: Block, reply: Reply): (readonly [number, Word])[] {
    return this.qtest.words(reply).map((word, index) => [offset + 8 * index, word] as const);
  }

  #configure(): void {
    configure(this.qtest, bridgesOf(this.blueprint), this.#bars);
    this.qtest.out8(TIMER_MODE, ONE_SHOT);
    this.qtest.out8(TIMER_COUNT, 1);
    this.qtest.out8(TIMER_COUNT, 0);
    this.qtest.exchange();
  }

  #explain(doing: string, error: BreakdownError): ImplementationError {
    const { path, version } = this.launch.qemu;
    const words = this.#process.lastWords();
    const said = words === "" ? "QEMU wrote nothing to its standard error." : `QEMU's last words:\n${words}`;
    return new ImplementationError(
      `QEMU ${version} (${path}) failed while ${doing}: ${error.message}. ${said}\n${advice(doing, error.breakdown, this.blueprint)}`,
    );
  }
}

const STARTING = "starting";

/** What to do about it. */
function advice(doing: string, breakdown: Breakdown, { kind }: Blueprint): string {
  switch (breakdown) {
    case "ended":
      return doing === STARTING
        ? `Perhaps this QEMU lacks q35, ${kind.device} or edu (see \`-device help\`), or memory is short.`
        : "Run it again: either QEMU crashes on what it was sent, or something killed it.";
    case "silent":
      return "QEMU hangs, is stopped, or the machine is overloaded; a larger time-out tells these apart.";
    case "nonsense":
      return "This is not the QEMU that was expected; try the one of your distribution.";
  }
}
