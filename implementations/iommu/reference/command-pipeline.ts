/** Commands that are fetched from memory in order, and executed when the unit likes, in any order that is legal. */
import type { Chance } from "../../../model/words/chance.js";
import { removeAt } from "../../../model/words/lists.js";

export abstract class CommandPipeline<Command> {
  /** Fetched, and not executed yet; oldest first. */
  protected readonly pending: Command[] = [];

  constructor(protected readonly chance: Chance) {}

  /** There is a command that may be fetched. */
  protected abstract canFetch(): boolean;
  protected abstract fetch(): void;
  protected abstract execute(command: Command): void;
  /** True when the command must not be executed while `earlier`, which was fetched before it, is still to be done. */
  protected abstract waitsFor(command: Command, earlier: Command): boolean;

  /** Fetches a command, or executes one; false when there is nothing to do. */
  step(): boolean {
    const canFetch = this.canFetch();
    const canExecute = this.pending.length > 0;
    if (canFetch && (!canExecute || this.chance.happens(128))) this.fetch();
    else if (canExecute) this.executeOne();
    else return false;
    return true;
  }

  /** Any pending command whose turn it may be. */
  private executeOne(): void {
    const start = this.chance.below(this.pending.length);
    for (let offset = 0; offset < this.pending.length; offset++) {
      const index = (start + offset) % this.pending.length;
      if (!this.mayExecute(index)) continue;
      const command = this.pending[index]!;
      removeAt(this.pending, index);
      this.execute(command);
      return;
    }
  }

  private mayExecute(index: number): boolean {
    const one = this.pending[index]!;
    for (let earlier = 0; earlier < index; earlier++) {
      if (this.waitsFor(one, this.pending[earlier]!)) return false;
    }
    return true;
  }
}
