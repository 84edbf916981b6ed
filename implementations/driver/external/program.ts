/**
 * A program that is a driver, in the driver's role of the protocol: each of its routines is a message to it, and the
 * accesses that come back until it is done.
 */
import { ImplementationError } from "../../iommu/interface.js";
import { Conversation, type Line, type Message } from "../../protocol/conversation.js";
import { doneCodec, type HelloAnswer, setupAnswerCodec } from "../../protocol/messages.js";
import type { Access, Answer, DriverFactory, DriverSetup } from "../interface.js";
import { type Limits, limitsOf, Malformed, wellFormed } from "../well-formed.js";
import { ExternalDriver } from "./driver.js";

/** Accesses after which an intent of a run that is over is not waited for any longer. */
const MOST_WAITED_FOR = 1000;
/** Lines that are kept until the intent they are about has its turn. */
const MOST_EARLY = 10_000;

export class DriverProgram {
  private readonly conversation: Conversation;
  /** Intents that are not done, by their ids: the access that is not answered yet. */
  private readonly underWay = new Map<number, Access>();
  /** Lines about intents under way that came while another one had its turn. */
  private early: Line[] = [];
  private limits: Limits | undefined;
  private identity: HelloAnswer | undefined;

  /** @param timeoutMs how long a line may be awaited, in milliseconds */
  constructor(command: string, timeoutMs?: number) {
    this.conversation = new Conversation(command, "driver", timeoutMs);
  }

  /**
   * What the program says of itself; it is started where it has not said that yet.
   * @throws ImplementationError when it cannot be started, or is no program for this role
   */
  hello(): HelloAnswer {
    this.identity ??= this.conversation.start();
    return this.identity;
  }

  /** A driver for one run, which ends the one before it. @throws ImplementationError as the routines of the driver do */
  readonly create: DriverFactory = (setup: DriverSetup) => {
    const { conversation } = this;
    this.leaveUnderWay();
    const hello = conversation.start();
    const driver = new ExternalDriver(this, hello, setup);
    this.limits = limitsOf(setup.profile);
    conversation.send<Message & { readonly setup: DriverSetup }>({ do: "setup", setup });
    conversation.receiveAnswer(setupAnswerCodec);
    return driver;
  };

  /** Kills the program; it is started anew when it is needed. Safe to call twice. */
  end(): void {
    this.conversation.end();
  }

  /** Says what is to be done. Returns the id of the intent. */
  begin(intent: Message): number {
    return this.conversation.send(intent);
  }

  /**
   * What the program does next for an intent; null when that is done.
   * @throws ImplementationError when it does what no program may do
   */
  next(id: number): Access | null {
    const { conversation, underWay } = this;
    const line = this.lineAbout(id);
    if (doneCodec.is(line)) {
      if ("do" in line) conversation.fail("it makes an access and is done, both in one line", line);
      underWay.delete(id);
      conversation.close(id);
      if (underWay.size === 0) conversation.checkSilence();
      return null;
    }
    const access = this.accessOf(line);
    underWay.set(id, access);
    return access;
  }

  /** The next line about an intent; those about others under way are kept, as a program may go on before it is answered. */
  private lineAbout(id: number): Line {
    const { conversation, underWay, early } = this;
    const kept = early.findIndex((one) => one.id === id);
    if (kept >= 0) return early.splice(kept, 1)[0]!;
    for (;;) {
      const line = conversation.receive();
      if (line.id === id) return line;
      if (!underWay.has(line.id) || early.length === MOST_EARLY)
        conversation.fail(`it goes on with message ${line.id} when it was to go on with ${id}`, line);
      early.push(line);
    }
  }

  /** Answers the access that an intent waits with. */
  answer(id: number, { low, high }: Answer): void {
    this.conversation.answer(id, { low, high });
  }

  private accessOf(line: object): Access {
    try {
      return wellFormed(line, this.limits!);
    } catch (error) {
      if (!(error instanceof Malformed)) throw error;
      return this.conversation.fail(`it makes no access that there is: ${error.message}`, line);
    }
  }

  /**
   * A run may end in the middle of an intent. Starting a program takes longer than having it finish what it does, on
   * nothing: whatever comes of that, nobody looks at it.
   */
  private leaveUnderWay(): void {
    const { conversation, underWay } = this;
    try {
      if (conversation.isUnderWay) for (const id of underWay.keys()) this.finish(id);
    } catch (error) {
      if (!(error instanceof ImplementationError)) throw error;
    }
    if (underWay.size > 0) conversation.end();
    underWay.clear();
    this.early = [];
  }

  private finish(id: number): void {
    for (let accesses = 0; accesses < MOST_WAITED_FOR; accesses++) {
      this.answer(id, answerOfNothing(this.underWay.get(id)!));
      if (!this.next(id)) return;
    }
    this.conversation.end();
  }
}

/** What lets a driver go on: memory is empty, what is awaited is there, tables get a page. */
function answerOfNothing(access: Access): Answer {
  const isPoll = access.do === "poll-register" || access.do === "poll-memory";
  return { low: isPoll || access.do === "allocate-table" ? 1 : 0, high: 0 };
}
