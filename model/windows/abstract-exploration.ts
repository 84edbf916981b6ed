/**
 * The runs of an abstract IOMMU: a machine that may do anything legal. Which entries it may keep, what a command removes
 * and which command may overtake which is each architecture's own.
 *
 * The machine fills its caches at any moment from any entry that some request could need. Keeping one more entry never
 * forbids anything: several entries may stand for one tag, and any of them may be passed over. So runs that execute
 * their commands at the same moments need not be told apart; of those, the one that fills all it can shows every
 * outcome that any of them shows. What is left to try is when each command executes.
 */

/** What tells runs apart: what they keep, what they have not executed yet, and what an architecture adds. */
export interface MachineState<Entry, Command> {
  readonly kept: ReadonlySet<Entry>;
  /** Nothing that can be read now is missing. */
  readonly complete: boolean;
  /** In the order of their submission. */
  readonly pending: readonly Command[];
}

export abstract class Exploration<Entry, Command, State extends MachineState<Entry, Command>> {
  protected states: State[];
  private readonly interned = new Map<string, Entry>();
  private readonly numbers = new Map<Entry, number>();
  private readonly commands: Command[] = [];
  private readonly readings = new Map<string, unknown>();

  constructor(start: State) {
    this.states = [start];
  }

  /** The state with every entry in its caches that could be there. */
  protected abstract filled(state: State): State;

  protected abstract execute(state: State, command: Command): State;

  /** True when a command may execute although those before it in `pending` have not. */
  protected abstract mayExecute(command: Command, pending: readonly Command[]): boolean;

  /** Tags and content of an entry in one string. */
  protected abstract nameOf(entry: Entry): string;

  /** What tells states apart beside what they keep and what is pending. */
  protected abstract restOf(state: State): string;

  /** True when `other`, apart from what both keep and have pending, shows whatever `state` shows. */
  protected abstract restDominates(other: State, state: State): boolean;

  /** Software has seen that the command was executed: runs where it was not do not exist. */
  observe(command: Command): void {
    this.explore();
    this.states = this.states.filter(({ pending }) => !pending.includes(command));
  }

  protected memoryChanged(): void {
    this.readings.clear();
    this.states = this.states.map((state) => ({ ...state, complete: false }));
  }

  protected give(command: Command): Command {
    this.commands.push(command);
    this.states = this.states.map((state) => ({ ...state, pending: [...state.pending, command] }));
    return command;
  }

  /** Between two steps: everything that can be cached is, and any commands may execute. */
  protected explore(): void {
    const reached = new Map<string, State>();
    const open = this.states;
    while (open.length > 0) {
      const next = open.pop()!;
      const state = next.complete ? next : this.filled(next);
      const key = this.keyOf(state);
      if (reached.has(key)) continue;
      reached.set(key, state);
      for (const command of state.pending)
        if (this.mayExecute(command, state.pending)) open.push(this.execute(state, command));
    }
    this.states = this.withoutDominated([...reached.values()]);
  }

  private keyOf(state: State): string {
    const entries = Array.from(state.kept, (entry) => this.numbers.get(entry)!).sort((a, b) => a - b);
    return `${entries} ${state.pending.map((one) => this.commands.indexOf(one))} ${this.restOf(state)}`;
  }

  /** The one object for all entries that say the same. */
  protected intern<E extends Entry>(entry: E): E {
    const key = this.nameOf(entry);
    const known = this.interned.get(key);
    if (known) return known as E;
    this.interned.set(key, entry);
    this.numbers.set(entry, this.numbers.size);
    return entry;
  }

  protected numberOf(entry: Entry): number {
    return this.numbers.get(entry)!;
  }

  /** Memory is looked at once between two changes of it. */
  protected reading<A>(key: string, read: () => A): A {
    if (!this.readings.has(key)) this.readings.set(key, read());
    return this.readings.get(key) as A;
  }

  /** Drops the states that keep nothing another one does not keep as well: whatever they can show, that one can. */
  private withoutDominated(states: readonly State[]): State[] {
    const bySize = states.toSorted((a, b) => b.kept.size - a.kept.size);
    const remaining: State[] = [];
    for (const state of bySize)
      if (!remaining.some((other) => this.dominates(other, state))) remaining.push(state);
    return remaining;
  }

  private dominates(other: State, state: State): boolean {
    if (other.pending.length !== state.pending.length || !this.restDominates(other, state)) return false;
    if (!state.pending.every((command, index) => other.pending[index] === command)) return false;
    for (const entry of state.kept) if (!other.kept.has(entry)) return false;
    return true;
  }
}
