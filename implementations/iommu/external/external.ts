/** A program of anybody's as an IOMMU under test, by the protocol of `docs/protocol.md`. */
import type { Action, Observation, RequestType } from "../../../model/trace.js";
import type { HostPage } from "../../../model/words/address.js";
import { Conversation } from "../../protocol/conversation.js";
import type { HelloAnswer } from "../../protocol/messages.js";
import { ImplementationError, type Iommu, type RunSetup } from "../interface.js";
import { type Run, receiveRun, type Shown, sendRun } from "./run-messages.js";

export interface ExternalOptions {
  /** How long the program may take to write a line that is awaited. */
  readonly timeoutMs?: number | undefined;
}

/** An {@link Iommu} that says what it can be. */
export interface ExternalIommu extends Iommu {
  /**
   * What the program says of itself.
   * @throws ImplementationError when it does not
   */
  hello(): HelloAnswer;
  submit(setup: RunSetup, actions: readonly Action[]): void;
  collect(): Observation[];
}

/** Opens a program, given as a shell command, as an IOMMU under test. It is started when it is needed first. */
export function openExternal(command: string, options: ExternalOptions = {}): ExternalIommu {
  return new External(new Conversation(command, "iommu", options.timeoutMs));
}

/**
 * A run that was submitted and not collected yet:
 * - `sent`: the program works on it;
 * - `waiting`: it is to be sent;
 * - `suspect`: the program failed while it was under way, so it is made once more, alone.
 */
interface Submitted extends Run {
  state: "sent" | "waiting" | "suspect";
  shown: Shown | undefined;
  /** Of this run and no other. */
  failure: ImplementationError | undefined;
}

const everyType: ReadonlySet<RequestType> = new Set(["read", "write", "atomic", "zero-length-read"]);

function isUnderWay({ state, shown, failure }: Submitted): boolean {
  return state === "sent" && !shown && !failure;
}

class External implements ExternalIommu {
  /** First come, first served. */
  readonly #submitted: Submitted[] = [];
  /** A failure of one of several runs that were under way; which of them it belongs to is not known yet. */
  #unassigned: ImplementationError | undefined;
  #requestTypes: ReadonlySet<RequestType> | undefined;
  #setup: RunSetup | undefined;
  #shown: Shown | undefined;

  constructor(private readonly conversation: Conversation) {}

  get name(): string {
    return this.conversation.name;
  }

  /** Every type while the program cannot be asked: its failure is that of the run that follows. */
  get requestTypes(): ReadonlySet<RequestType> {
    try {
      this.#requestTypes ??= new Set(this.hello().requests ?? everyType);
      return this.#requestTypes;
    } catch (error) {
      if (!(error instanceof ImplementationError)) throw error;
      return everyType;
    }
  }

  hello(): HelloAnswer {
    return this.conversation.hello ?? this.conversation.start();
  }

  reset(setup: RunSetup): void {
    this.#setup = setup;
    this.#shown = undefined;
  }

  execute(actions: readonly Action[]): Observation[] {
    const setup = this.#setup;
    if (setup === undefined) throw new Error("a program executes one list of actions per reset");
    this.#setup = undefined;
    this.#receiveSent();
    return this.#show(this.#alone({ setup, actions }));
  }

  submit(setup: RunSetup, actions: readonly Action[]): void {
    this.#shown = undefined;
    this.#submitted.push({ setup, actions, state: "waiting", shown: undefined, failure: undefined });
    this.#sendWaiting();
  }

  collect(): Observation[] {
    const [run] = this.#submitted;
    if (run === undefined) throw new Error("there is no run that was submitted and not collected");
    this.#sendWaiting();
    if (isUnderWay(run)) this.#receive(run);
    this.#submitted.shift();
    if (run.failure) throw run.failure;
    return this.#show(run.shown ?? this.#examined(run));
  }

  readData(page: HostPage, offset: number): number {
    const index = this.#shown?.dataPages.indexOf(page) ?? -1;
    const value = this.#shown?.data.get(offset)?.[index];
    if (value === undefined) throw new RangeError(`no request of the run writes to ${page}:${offset}`);
    return value;
  }

  close(): void {
    this.conversation.end();
    this.#submitted.length = 0;
    this.#unassigned = undefined;
    this.#shown = undefined;
  }

  #show(shown: Shown): Observation[] {
    this.#shown = shown;
    return shown.observations;
  }

  /** Sends what waits, unless suspects have to be made alone before. */
  #sendWaiting(): void {
    if (this.#submitted.some((one) => one.state === "suspect")) return;
    for (const run of this.#submitted) {
      if (run.state !== "waiting") continue;
      run.state = "sent";
      try {
        this.#send(run);
        this.conversation.flush();
      } catch (error) {
        this.#suspect(error);
      }
    }
  }

  /** Takes what is under way, so that something else can be asked. */
  #receiveSent(): void {
    for (const run of this.#submitted) if (isUnderWay(run)) this.#receive(run);
  }

  /** Takes what a run has shown. When the program fails over it, any run under way may be the reason. */
  #receive(run: Submitted): void {
    try {
      run.shown = receiveRun(this.conversation, run, this.#brings(run));
    } catch (error) {
      this.#suspect(error);
    }
  }

  #suspect(error: unknown): void {
    if (!(error instanceof ImplementationError)) throw error;
    const suspects = this.#submitted.filter(isUnderWay);
    if (suspects.length === 1) {
      suspects[0]!.failure = error;
      return;
    }
    this.#unassigned = error;
    for (const run of suspects) run.state = "suspect";
  }

  /** What a suspect shows when it is made alone; the last suspect is blamed for what none of them shows. */
  #examined(run: Submitted): Shown {
    try {
      const shown = this.#alone(run);
      const failure = this.#unassigned;
      if (failure === undefined || this.#submitted.some((one) => one.state === "suspect")) return shown;
      throw failure;
    } catch (error) {
      this.#unassigned = undefined;
      throw error;
    }
  }

  /** Makes a run with nothing else under way. */
  #alone(run: Run): Shown {
    this.#send(run);
    const shown = receiveRun(this.conversation, run, this.#brings(run));
    this.conversation.checkSilence();
    return shown;
  }

  #send(run: Run): void {
    this.conversation.start();
    sendRun(this.conversation, run, this.#brings(run));
  }

  /** Whether the start of the run is to be reached by actions. */
  #brings({ setup }: Run): boolean {
    return setup.start === "translating" && this.hello().starts?.includes("translating") === false;
  }
}
