/**
 * Breadth-first search of everything that steps lead to: each state once, so that the first way to a violation is a
 * shortest one. States are reached again from the nearest one before them on their way that is remembered.
 */
import type { Finding } from "../../model/finding.js";
import { type Key, KeySet } from "./key.js";
import type { Moment } from "./memento.js";

/** What ended a run. */
export interface End {
  readonly finding: Finding | null;
  /** Why there is no verdict. */
  readonly failure: string | null;
}

/** What is searched. Steps are told by their numbers, 0 and up. */
export interface Explored {
  /** Goes back to the start. */
  restart(): void;
  /** The steps that are to be tried in the present state: one of those that differ by names only. */
  steps(): readonly number[];
  /** Takes a step. What ends the run then, or null. */
  take(step: number): End | null;
  /** Equal for states from which the same can follow, up to names; null where states cannot be told apart. */
  key(): Key | null;
  /** Looks for what changes and was not known to. True when there is some: moments did not tell of it. */
  learn(): boolean;
  moment(): Moment;
  goBack(moment: Moment): void;
}

/** Where a search stands; plain data. */
export interface Frontier {
  /** By state, in the order in which they were found: the one before it, and the step that led on. */
  readonly parents: number[];
  readonly steps: number[];
  readonly depths: number[];
  /** The first state whose steps have not been tried. */
  next: number;
  transitions: number;
  /** Steps after which there is no verdict, with the reason, each reason once. */
  readonly failures: Map<string, number>;
}

/** A way to a violation. */
export interface Violation {
  readonly path: readonly number[];
  readonly finding: Finding;
}

export interface SearchOptions {
  /** Most steps. */
  readonly depth: number;
  /** Called now and then; false ends the search where it stands. */
  readonly goesOn: (search: Search) => boolean;
  /** Called in every new state. */
  readonly found?: () => void;
}

const ROOT = -1;
/** States whose moments are kept until their steps are tried, at most. */
const MOST_MOMENTS = 2000;
/** States between two calls of `goesOn`. */
const PAUSE = 16;

function newFrontier(): Frontier {
  return { parents: [ROOT], steps: [ROOT], depths: [0], next: 0, transitions: 0, failures: new Map() };
}

export class Search {
  frontier: Frontier = newFrontier();
  violation: Violation | null = null;
  private known = new KeySet();
  /** Moments of states that are still to be looked at. */
  private readonly moments = new Map<number, Moment>();
  /** The way to the state that was looked at last, with its moments. */
  private readonly way: { readonly state: number; readonly moment: Moment }[] = [];

  constructor(
    private readonly explored: Explored,
    private readonly options: SearchOptions,
  ) {}

  /** States found so far, the start among them. */
  get states(): number {
    return this.frontier.parents.length;
  }

  /** Every state up to this many steps away has been tried every step in. */
  get depthDone(): number {
    const { depths, next } = this.frontier;
    return next === depths.length ? this.options.depth : depths[next]!;
  }

  /** Nothing new is left at any depth. */
  get isExhausted(): boolean {
    const { next, depths } = this.frontier;
    return this.violation === null && next === depths.length && depths[next - 1]! < this.options.depth;
  }

  /** States by their distance from the start. */
  get layers(): number[] {
    const layers: number[] = [];
    for (const depth of this.frontier.depths) layers[depth] = (layers[depth] ?? 0) + 1;
    return layers;
  }

  /** The keys of the states found so far. */
  get keys(): Int32Array {
    return this.known.all();
  }

  /** Takes up a search where it stood. */
  resume(frontier: Frontier, keys: Int32Array): void {
    this.frontier = frontier;
    this.known.addAll(keys);
  }

  /** Goes on until something is found, nothing is left, or the options say so. True when it is over. */
  run(): boolean {
    const { explored, frontier, options } = this;
    if (frontier.next === 0 && this.known.size === 0) {
      explored.restart();
      this.addKey();
      options.found?.();
    }
    for (let count = 0; frontier.next < this.states; count++) {
      if (frontier.depths[frontier.next]! >= options.depth) {
        frontier.next = this.states;
        break;
      }
      if (count % PAUSE === 0) {
        if (explored.learn()) return this.startAnew();
        if (!options.goesOn(this)) return false;
      }
      this.expand(frontier.next);
      if (this.violation) break;
      frontier.next++;
    }
    return explored.learn() ? this.startAnew() : true;
  }

  /** Moments did not tell of everything that changes: whatever was found with them counts for nothing. */
  private startAnew(): boolean {
    this.frontier = newFrontier();
    this.violation = null;
    this.known = new KeySet();
    this.moments.clear();
    this.way.length = 0;
    return this.run();
  }

  /** The steps that lead to a state. */
  pathTo(state: number): number[] {
    const path: number[] = [];
    for (let at = state; at > 0; at = this.frontier.parents[at]!) path.push(this.frontier.steps[at]!);
    return path.reverse();
  }

  private expand(state: number): void {
    const { explored, frontier } = this;
    const here = this.goTo(state);
    const steps = explored.steps();
    for (const [index, step] of steps.entries()) {
      if (index > 0) explored.goBack(here);
      frontier.transitions++;
      const end = explored.take(step);
      if (end?.finding) {
        this.violation = { path: [...this.pathTo(state), step], finding: end.finding };
        return;
      }
      if (end) frontier.failures.set(end.failure!, (frontier.failures.get(end.failure!) ?? 0) + 1);
      else if (this.addKey()) this.found(state, step);
    }
  }

  private addKey(): boolean {
    const key = this.explored.key();
    return key === null || this.known.add(key);
  }

  private found(parent: number, step: number): void {
    const { parents, steps, depths } = this.frontier;
    if (this.moments.size < MOST_MOMENTS) this.moments.set(parents.length, this.explored.moment());
    parents.push(parent);
    steps.push(step);
    depths.push(depths[parent]! + 1);
    this.options.found?.();
  }

  /** Takes what is explored to a state; returns its moment. */
  private goTo(state: number): Moment {
    const { explored } = this;
    const kept = this.moments.get(state);
    if (kept) {
      this.moments.delete(state);
      explored.goBack(kept);
      return kept;
    }
    return this.walkTo(state);
  }

  /** From the last state on its way whose moment is there. */
  private walkTo(state: number): Moment {
    const { explored, way } = this;
    const { parents, steps } = this.frontier;
    const ahead: number[] = [];
    let from = state;
    while (from !== ROOT && !this.isOnWay(from)) {
      ahead.push(from);
      from = parents[from]!;
    }
    while (way.length > 0 && way[way.length - 1]!.state !== from) way.pop();
    const last = way[way.length - 1];
    if (last) explored.goBack(last.moment);
    for (const one of ahead.reverse()) {
      if (one === 0) explored.restart();
      else if (explored.take(steps[one]!)) throw new Error("a step that went well before does not now");
      way.push({ state: one, moment: explored.moment() });
    }
    return way[way.length - 1]!.moment;
  }

  private isOnWay(state: number): boolean {
    const depth = this.frontier.depths[state]!;
    return this.way[depth]?.state === state;
  }
}
