/** Hand-written software on the model: what it does to tables and commands, and what it says about its memory. */
import type { Finding } from "../finding.js";
import type { OwnershipEvent } from "../isolation/events.js";
import { IsolationJudge } from "../isolation/judge.js";
import type { StartState } from "../run-start.js";
import type { Action, Word } from "../trace.js";
import { A, B, COMMANDS, DEVICE_TABLE, LOG, NOTHING, STATUS, waitStore } from "./oracle.testing.js";
import { type AmdViProfile, platformOf } from "./profile.js";
import { profileNamed } from "./profiles.js";
import { Offset } from "./registers.js";
import { AmdViSoftware } from "./software.js";
import { BLOCKING_ENTRY } from "./tables.js";

type Command = readonly Word[];

/**
 * Right after a reset, or after translation was enabled with a device table that lets nothing through; then the command
 * buffer runs.
 */
export class Software {
  readonly model: AmdViSoftware;
  readonly judge: IsolationJudge;
  /** The first thing that was wrong; what is done after it has no effect. */
  finding: Finding | null = null;
  private readonly needsLineFlush: boolean;
  private tail = 0;

  constructor(profile: AmdViProfile = profileNamed("zen1"), start: StartState = "translating") {
    const platform = platformOf(profile);
    this.needsLineFlush = platform.storeVisibility.needsLineFlush;
    this.model = new AmdViSoftware(platform);
    this.model.reset({
      start,
      rootPage: DEVICE_TABLE,
      rootPages: 1,
      queuePage: COMMANDS,
      logPage: LOG,
      requesters: [A, B],
      dataPages: [],
      tablePages: [],
    });
    this.judge = new IsolationJudge(this.model);
  }

  act(action: Action, low = 0): this {
    this.finding ??= this.judge.perform(action, { low, high: 0 });
    return this;
  }

  says(...events: OwnershipEvent[]): this {
    for (const event of events) this.finding ??= this.judge.hear(event);
    return this;
  }

  /** A store that walks can see. */
  store(page: number, word: number, value: Word): this {
    this.storeOnly(page, word, value);
    return this.needsLineFlush ? this.writeBack(page, word) : this;
  }

  storeOnly(page: number, word: number, { low, high }: Word): this {
    return this.act({ do: "store", page, word, low, high });
  }

  writeBack(page: number, word: number): this {
    return this.act({ do: "flush-line", page, line: word >>> 3 });
  }

  clear(page: number, word: number): this {
    return this.store(page, word, NOTHING);
  }

  /** The words of a device table entry that decide DMA, the second first. */
  entry(deviceId: number, [first, second]: readonly Word[]): this {
    const word = deviceId * 4;
    return this.store(DEVICE_TABLE, word + 1, second!).store(DEVICE_TABLE, word, first!);
  }

  /** A device table entry that lets nothing through any more: the first word decides, the domain goes after it. */
  block(deviceId: number): this {
    const word = deviceId * 4;
    return this.store(DEVICE_TABLE, word, BLOCKING_ENTRY).clear(DEVICE_TABLE, word + 1);
  }

  write(offset: number, low: number): this {
    return this.act({ do: "write-register", offset, width: 8, low, high: 0 });
  }

  /** Submits commands without waiting for them. */
  submit(...commands: Command[]): this {
    for (const [first, second] of commands) {
      this.storeOnly(COMMANDS, this.tail * 2, first!).storeOnly(COMMANDS, this.tail * 2 + 1, second!);
      this.tail++;
    }
    return this.write(Offset.CmdTail, this.tail << 4);
  }

  /** A COMPLETION_WAIT behind everything, and its store. */
  wait(): this {
    const value = this.tail + 1;
    this.submit(waitStore(0, value));
    return this.act({ do: "poll-memory", page: STATUS, word: 0, value }, 1);
  }

  flush(...commands: Command[]): this {
    return this.submit(...commands).wait();
  }
}
