/** A conversation with a program under test: it is started, asked who it is, sent messages and listened to. */
import { isLeft } from "fp-ts/lib/Either.js";
import type * as t from "io-ts";
import { ImplementationError } from "../iommu/interface.js";
import { type LeashedProcess, startLeashed } from "../process/leash.js";
import { printable } from "../process/printable.js";
import { type Breakdown, BreakdownError } from "../process/waiting.js";
import { VERSION } from "../version.js";
import {
  errorCodec,
  greetingCodec,
  type HelloAnswer,
  helloAnswerCodec,
  PROTOCOL,
  type Role,
  roleCodec,
} from "./hello.js";
import { LineStream } from "./line-stream.js";
import { mismatch } from "./mismatch.js";
import { OpenMessages } from "./open-messages.js";
import { jsonOf, shortened, shownValue } from "./shown-value.js";

/** How long a program may take to write a line that is awaited. */
export const DEFAULT_TIMEOUT_MS = 5000;
const SUITE = `iommu-spec ${VERSION}`;
/** Starting takes longer than answering. */
const START_PATIENCE = 5;
/** Of a message or line so much is shown, and so much of what a program reports. */
const SHOWN = 300;
const REPORT_SHOWN = 2000;

/** A message that begins something; the conversation gives it its `id`. */
export interface Message {
  readonly do: string;
}

/** A line of the program, parsed. */
export interface Line {
  readonly id: number;
}

/** What is there while a program runs. */
interface Running {
  readonly process: LeashedProcess;
  readonly lines: LineStream;
}

/**
 * One program, which is started when it is needed and started anew after it has failed. Every failure is an
 * {@link ImplementationError} that says what, on which message and what to do; the program is killed then.
 */
export class Conversation {
  #running: Running | undefined;
  #hello: HelloAnswer | undefined;
  readonly #open = new OpenMessages();

  constructor(
    readonly command: string,
    readonly role: Role,
    readonly timeoutMs = DEFAULT_TIMEOUT_MS,
  ) {}

  /** What the program said of itself when it was started first. */
  get hello(): HelloAnswer | undefined {
    return this.#hello;
  }

  /** As the program calls itself, with its version; its command before it has said so. */
  get name(): string {
    return this.#hello ? `${this.#hello.name} ${this.#hello.version}` : this.command;
  }

  /** Whether the program runs. */
  get isUnderWay(): boolean {
    return this.#running !== undefined;
  }

  /**
   * Starts the program unless it runs.
   * @returns what it says of itself
   * @throws ImplementationError when it cannot be started, or is not a program for this role and protocol
   */
  start(): HelloAnswer {
    if (this.#running) return this.#hello!;
    this.#running = this.#launch();
    this.#open.reset();
    this.send({ do: "hello", protocol: PROTOCOL, role: this.role, suite: SUITE });
    const line = this.receive();
    this.#checkGreeting(line);
    const hello = this.decoded(helloAnswerCodec, line);
    this.close(line.id);
    this.#running.process.started();
    this.#running.lines.timeoutMs = this.timeoutMs;
    if (this.#hello && jsonOf(this.#hello) !== jsonOf(hello))
      this.fail("it says something else of itself than when it was started before", line);
    this.#hello = hello;
    return hello;
  }

  /**
   * Queues a message that begins something.
   * @returns its id
   */
  send<M extends Message>(message: M): number {
    return this.sendText(JSON.stringify(message).slice(1));
  }

  /** The same for the text of a message, but for the brace that it begins with. */
  sendText(text: string): number {
    const id = this.#open.add(text);
    this.#stream.push(`{"id":${id},${text}`);
    return id;
  }

  /** Queues an answer to what the program sent under an id. */
  answer(id: number, body: object): void {
    this.#stream.push(JSON.stringify({ id, ...body }));
  }

  /** Writes as much of what is queued as goes without waiting; the rest goes out while lines are received. */
  flush(): void {
    this.#stream.flush();
  }

  /**
   * The next line of the program; what is queued goes out meanwhile.
   * @throws ImplementationError when there is none in time, it is no JSON object with an id of an open message, or it
   * reports an error
   */
  receive(): Line {
    return this.#parsed(this.#text());
  }

  /**
   * The answer to the message that was sent first, of those still open.
   * @throws ImplementationError as {@link receive} does, and when it does not fit the codec
   */
  receiveAnswer<A>(codec: t.Type<A, unknown, unknown>): A {
    const text = this.#text();
    const { first } = this.#open;
    // Half of all answers are no more than this.
    const line = text === `{"id":${first}}` && !this.#open.isEmpty ? { id: first } : this.#parsed(text);
    if (line.id !== first) return this.fail(`it answers message ${line.id} before message ${first}`, line);
    const answer = this.decoded(codec, line);
    this.close(line.id);
    return answer;
  }

  /**
   * A line as its codec has it.
   * @throws ImplementationError when it does not fit
   */
  decoded<A>(codec: t.Type<A, unknown, unknown>, line: Line): A {
    // Most lines fit, and looking costs a fraction of what keeping book of misfits does.
    if (codec.is(line)) return line;
    const decoded = codec.decode(line);
    if (isLeft(decoded)) return this.fail(`its line does not fit: ${mismatch(decoded.left)}`, line);
    return decoded.right;
  }

  /** Whatever a message had begun is over. */
  close(id: number): void {
    this.#open.close(id);
  }

  /**
   * Whether the program has anything to say that nobody asked for.
   * @throws ImplementationError when it has
   */
  checkSilence(): void {
    if (this.#guarded(() => this.#stream.hasInput())) this.fail("it says more than it was asked");
  }

  /** Kills the program. The next {@link start} begins anew. Safe to call twice. */
  end(): void {
    this.#running?.process.end();
    this.#running = undefined;
  }

  /**
   * Ends the conversation because of what the program wrote.
   * @throws ImplementationError always
   */
  fail(what: string, line?: unknown): never {
    const shown = line === undefined ? "" : `: ${shownValue(line, SHOWN)}`;
    return this.#failed("nonsense", `${what}${shown}`);
  }

  get #stream(): LineStream {
    if (!this.#running) throw new Error("the program was not started");
    return this.#running.lines;
  }

  #launch(): Running {
    const process = startLeashed({
      kind: this.role,
      command: () => ["sh", "-c", `exec ${this.command}`],
    });
    return {
      process,
      lines: new LineStream(process, START_PATIENCE * this.timeoutMs, () => process.trimLog()),
    };
  }

  #checkGreeting(line: Line): void {
    if (!greetingCodec.is(line)) return;
    const { protocol, role } = line;
    if (protocol !== PROTOCOL) this.fail(`it speaks protocol ${protocol}, not ${PROTOCOL}`, line);
    if (role === this.role) return;
    if (!roleCodec.is(role)) this.fail(`it is a program for the role "${role}", not "${this.role}"`, line);
    this.end();
    const [is, asked] = [USE[role], USE[this.role]];
    throw new ImplementationError(
      `${this.command} is ${is.what}, not ${asked.what}: give it to ${is.option} instead of ${asked.option}`,
    );
  }

  #text(): string {
    return this.#guarded(() => this.#stream.receive());
  }

  #parsed(text: string): Line {
    let value: unknown;
    try {
      value = JSON.parse(text);
    } catch {
      return this.#failed("nonsense", `it wrote what is not JSON: ${shortened(text, SHOWN)}`);
    }
    if (typeof value !== "object" || value === null || Array.isArray(value))
      return this.fail("it wrote what is not a JSON object", value);
    const { id } = value as Line;
    if (typeof id !== "number" || this.#open.get(id) === undefined) {
      const of = this.#open.isEmpty ? "and none is open" : "which is not open";
      return this.fail(
        `it answers message ${id === undefined ? "without an id" : shownValue(id, SHOWN)}, ${of}`,
        value,
      );
    }
    if ("error" in value) {
      const { error } = this.decoded(errorCodec, { ...value, id });
      this.#failed("reported", `it reports an error: ${shortened(error, REPORT_SHOWN)}`);
    }
    return value as Line;
  }

  #guarded<T>(work: () => T): T {
    try {
      return work();
    } catch (error) {
      if (!(error instanceof BreakdownError)) throw error;
      return this.#failed(error.breakdown, error.message);
    }
  }

  #failed(breakdown: Breakdown | "reported", what: string): never {
    const { process } = this.#running!;
    const ending = endingOf(process, breakdown, what);
    const words = process.lastWords();
    const said = words === "" ? "It wrote nothing to its standard error." : `Its last words:\n${words}`;
    const name = this.#hello ? `${this.name} (${this.command})` : this.command;
    const message = `${name} failed ${this.#awaited()}: ${ending}. ${said}\n${(this.#hello ? advice : adviceAtHello)[breakdown]}`;
    this.end();
    throw new ImplementationError(printable(message));
  }

  #awaited(): string {
    const { first } = this.#open;
    const text = this.#open.get(first);
    return text === undefined
      ? "when nothing was asked of it"
      : `when the answer to this was awaited: ${shortened(`{"id":${first},${text}`, SHOWN)}`;
  }
}

/** What to do about it. */
const advice: Readonly<Record<Breakdown | "reported", string>> = {
  ended: "Run it in a debugger: `replay` of the scenario sends it the same messages.",
  silent:
    "It hangs, does not flush its standard output after its answers, or needs longer: --timeout gives it more time.",
  nonsense: "docs/protocol.md says what is expected.",
  reported: "These are the program's own words; `replay` of the scenario sends it the same messages.",
};

/** The same for a program that has not said who it is: there is no scenario. */
const adviceAtHello: typeof advice = {
  ...advice,
  ended: "It has to stay and to wait for lines on its standard input.",
  reported: "These are the program's own words.",
};

/** What a program of a role is, and the option that takes it. */
const USE: Readonly<Record<Role, { readonly what: string; readonly option: string }>> = {
  iommu: { what: "an IOMMU", option: "--on" },
  driver: { what: "a driver", option: "--driver" },
};

function endingOf(process: LeashedProcess, breakdown: Breakdown | "reported", what: string): string {
  if (breakdown === "ended") return `${what}: ${process.ending()}`;
  const ended = breakdown === "silent" ? process.ended() : undefined;
  return ended === undefined ? what : `${what}: ${ended}, and what it started keeps its standard output open`;
}
