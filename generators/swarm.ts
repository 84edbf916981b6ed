/** Swarm: every run leaves a random part of the kinds of things it could do out, so that runs differ in kind. */
import type { Chance } from "../model/words/chance.js";

/** The kinds that one run uses. */
export class Swarm<Kind> {
  private readonly kinds: Kind[] = [];
  /** Of each kind, the sum of the shares up to it. */
  private readonly sums: number[] = [];
  private sum = 0;

  /** Adds a kind with its share among those that the run uses. */
  add(kind: Kind, share: number): void {
    this.sum += share;
    this.kinds.push(kind);
    this.sums.push(this.sum);
  }

  /** One of the kinds, each as often as its share says. */
  draw(chance: Chance): Kind {
    const drawn = chance.below(this.sum);
    let at = 0;
    while (this.sums[at]! <= drawn) at++;
    return this.kinds[at]!;
  }
}
