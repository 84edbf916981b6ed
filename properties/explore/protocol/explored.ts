/** The protocol as something to be searched, up to the names of requesters, domains, addresses and pages. */
import { type Key, keyOf } from "../key.js";
import { type Moment, Web } from "../memento.js";
import type { End, Explored } from "../search.js";
import { type ProtocolConfiguration, type ProtocolStep, stepsOf } from "./configuration.js";
import { ProtocolRun } from "./run.js";
import { giveNumbers, type LeafStates, leafStatesOf, type Names } from "./state.js";
import { renamed, renamingsOf } from "./symmetry.js";

/** Steps that are taken to see what of the web changes. */
const TRIAL_STEPS = 160;
/** Steps between two looks. */
const TRIAL = 8;

export class ExploredProtocol implements Explored {
  readonly alphabet: readonly ProtocolStep[];
  readonly run: ProtocolRun;
  private readonly web: Web;
  private readonly names: readonly Names[];
  /** By renaming: the new number of every step. */
  private readonly newSteps: readonly (readonly number[])[];

  /** @param symmetric states and steps that differ in names only count once */
  constructor(configuration: ProtocolConfiguration, symmetric = true) {
    this.alphabet = stepsOf(configuration);
    this.run = new ProtocolRun(configuration);
    const numbers = new Map(this.alphabet.map((step, index) => [JSON.stringify(step), index]));
    const renamings = symmetric ? renamingsOf(configuration) : renamingsOf(configuration).slice(0, 1);
    this.names = renamings.map((next) => ({
      next,
      old: {
        requesters: inverse(next.requesters),
        domains: inverse(next.domains),
        iovas: inverse(next.iovas),
        pages: inverse(next.pages),
      },
    }));
    this.newSteps = renamings.map((one) =>
      this.alphabet.map((step) => numbers.get(JSON.stringify(renamed(step, one)))!),
    );
    const { setup, model, configuration: ours, unit } = this.run;
    const constants = new Set<object>([
      setup,
      setup.profile,
      ours,
      unit,
      model.oracle.unit,
      model.oracle.coverage,
    ]);
    this.web = new Web([this.run], (value) => constants.has(value) || Object.isFrozen(value));
    this.tryOut();
  }

  /** Takes steps here and there, so that what changes is known. */
  private tryOut(): void {
    let turn = 0;
    for (let count = 0; count < TRIAL_STEPS; count++) {
      const enabled = this.alphabet.filter((step) => this.run.isEnabled(step));
      turn = (Math.imul(turn, 1103515245) + 12345) & 0x7fffffff;
      if (this.run.take(enabled[(turn >>> 8) % enabled.length]!)) this.web.goToStart();
      if (count % TRIAL === 0) this.web.learn();
    }
  }

  restart(): void {
    this.web.goToStart();
  }

  learn(): boolean {
    return this.web.learn();
  }

  moment(): Moment {
    return this.web.moment();
  }

  goBack(moment: Moment): void {
    this.web.goBack(moment);
  }

  take(step: number): End | null {
    const finding = this.run.take(this.alphabet[step]!);
    return finding && { finding, failure: null };
  }

  /** Of steps that the names alone tell apart in this state, the first. */
  steps(): readonly number[] {
    const same = this.automorphisms();
    const enabled: number[] = [];
    this.alphabet.forEach((step, index) => {
      if (this.run.isEnabled(step) && same.every((one) => one[index]! >= index)) enabled.push(index);
    });
    return enabled;
  }

  /** New numbers of steps under the renamings that change nothing about this state. */
  private automorphisms(): (readonly number[])[] {
    const state = leafStatesOf(this.run);
    const plain = this.numbers(state, 0);
    return this.newSteps.filter((_, index) => {
      let at = 0;
      return giveNumbers(this.run, state, this.names[index]!, (value) => value === plain[at++]);
    });
  }

  /** The least of what the state is under every renaming. */
  key(): Key {
    const state = leafStatesOf(this.run);
    let least = this.numbers(state, 0);
    for (let index = 1; index < this.names.length; index++)
      if (this.isLess(state, index, least)) least = this.numbers(state, index);
    return keyOf(least);
  }

  private isLess(state: LeafStates, renaming: number, least: readonly number[]): boolean {
    let at = 0;
    let less = false;
    giveNumbers(this.run, state, this.names[renaming]!, (value) => {
      const other = least[at++]!;
      less = value < other;
      return value === other;
    });
    return less;
  }

  private numbers(state: LeafStates, renaming: number): number[] {
    const numbers: number[] = [];
    giveNumbers(this.run, state, this.names[renaming]!, (value) => numbers.push(value) > 0);
    return numbers;
  }
}

/** Old numbers by new ones. */
function inverse(numbers: readonly number[]): number[] {
  const old: number[] = [];
  numbers.forEach((next, one) => {
    old[next] = one;
  });
  return old;
}
