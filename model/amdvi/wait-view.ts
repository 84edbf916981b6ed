/** What software can know of COMPLETION_WAIT commands (AMD-Vi 2.4.1): their stores, and Status.ComWaitInt. */

import type { Word } from "../trace.js";
import type { Complaint } from "../windows/oracle.js";
import type { PhysicalMemory } from "../words/memory.js";
import type { Coverage } from "../words/rule.js";
import { commandRules } from "./behaviour-rules.js";
import type { CommandView, Item } from "./command-view.js";

export class WaitView {
  /** Some wait with i = 1 is known to be complete since software last cleared ComWaitInt. */
  private signalled = false;
  /** Some wait with i = 1 is known to be complete, whether before or after software last cleared ComWaitInt. */
  private possible = false;
  /** Step at which software last cleared ComWaitInt. */
  private cleared = 0;

  constructor(
    private readonly commands: CommandView,
    private readonly memory: PhysicalMemory,
    private readonly coverage: Coverage,
  ) {}

  reset(): void {
    this.signalled = false;
    this.possible = false;
    this.cleared = 0;
  }

  /** Software wrote 1 to ComWaitInt. */
  clearInterrupt(step: number): void {
    this.signalled = false;
    this.possible = false;
    this.cleared = step;
  }

  /** Software waited for the low half of a word to become `value`, and saw it or gave up. */
  polled(page: number, word: number, value: number, shown: boolean, step: number): Complaint {
    const item = this.commands.pendingStore(page, word, (data) => data.low === value);
    const what = `the value 0x${value.toString(16)} that a COMPLETION_WAIT stores`;
    if (!shown) return item && this.commands.isExpected(item) ? impossible(`${what} never came`) : null;
    if (!item) {
      const reason = this.commands.illegal
        ? "the command buffer stands at an illegal command"
        : "none asks for it";
      return impossible(`${what} came although ${reason}`);
    }
    this.stored(item, step);
    return null;
  }

  /** Software read a word that waits may store to, and that held `before`. */
  read(page: number, word: number, seen: Word, before: Word, step: number): void {
    if (seen.low === before.low && seen.high === before.high) return;
    const isSeen = (data: Word) => data.low === seen.low && data.high === seen.high;
    const item = this.commands.pendingStore(page, word, isSeen);
    if (item) this.stored(item, step);
  }

  private stored(item: Item, step: number): void {
    this.coverage.hit(commandRules.store);
    this.completed(item, step);
  }

  /** Choice: the store of a wait and ComWaitInt are seen together. */
  private completed(item: Item, step: number): void {
    for (const { wait, submitted } of this.commands.complete(item, step)) {
      const { store, interrupt } = wait!;
      if (store) this.memory.fill(store.page, store.word, store.data.low, store.data.high);
      if (interrupt && submitted > this.cleared) this.signalled = true;
      else if (interrupt) this.possible = true;
    }
  }

  /** Software read ComWaitInt in Status. */
  sawInterrupt(set: boolean, step: number): Complaint {
    if (!set) {
      this.possible = false;
      if (!this.signalled) return null;
      return impossible(
        "Status.ComWaitInt is 0 after a COMPLETION_WAIT with i = 1 completed",
        commandRules.interrupt.id,
      );
    }
    if (this.signalled) return null;
    const [item] = this.commands.pendingInterrupts();
    if (!item && !this.possible)
      return impossible(
        "Status.ComWaitInt is 1 although no COMPLETION_WAIT asked for it",
        commandRules.interrupt.id,
      );
    this.coverage.hit(commandRules.interrupt);
    // Waits complete in order: it was the first at least, unless that may never have been fetched.
    if (item && !this.possible && !item.abandoned) this.completed(item, step);
    this.signalled = true;
    return null;
  }

  /** True when ComWaitInt must come to show what is asked for. */
  comesTo(set: boolean): boolean {
    if (!set) return false;
    return this.signalled || this.commands.pendingInterrupts().some((one) => this.commands.isExpected(one));
  }
}

function impossible(message: string, rule = commandRules.store.id): NonNullable<Complaint> {
  return { kind: "completion", rules: [rule], message };
}
