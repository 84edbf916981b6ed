/** Chance for the scripts of abstract machines. */

/** Mulberry32: small, seeded, good enough. */
export class Random {
  constructor(private state: number) {}
  below(count: number): number {
    this.state = (this.state + 0x6d2b79f5) | 0;
    let t = Math.imul(this.state ^ (this.state >>> 15), 1 | this.state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) % count;
  }
  chance(percent: number): boolean {
    return this.below(100) < percent;
  }
  of<A>(from: readonly A[]): A {
    return from[this.below(from.length)]!;
  }
  /** One of the weighted alternatives. */
  weighted<A>(...from: [number, A][]): A {
    let at = this.below(from.reduce((sum, [weight]) => sum + weight, 0));
    return from.find(([weight]) => {
      at -= weight;
      return at < 0;
    })![1];
  }
}
