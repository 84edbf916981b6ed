/**
 * A deterministic sequence of numbers from a seed, for generators and for the timing of the reference IOMMU. The model
 * itself leaves nothing to chance.
 */
export class Chance {
  private state = 1;

  /** Starts the sequence of a seed. Neighbouring seeds give unrelated sequences. */
  seed(seed: number): void {
    let mixed = Math.imul(seed ^ 0x9e3779b9, 0x85ebca6b);
    mixed ^= mixed >>> 13;
    mixed = Math.imul(mixed, 0xc2b2ae35);
    mixed ^= mixed >>> 16;
    this.state = mixed === 0 ? 1 : mixed;
  }

  /** 32 pseudo-random bits. */
  bits(): number {
    return this.next() >>> 0;
  }

  /** A whole number from 0 to `count - 1`: the remainder of the next bits. */
  below(count: number): number {
    const bits = this.next();
    // Engines divide numbers of 31 bits several times faster: the remainder of all bits from that of the upper ones.
    return (((bits >>> 1) % count) * 2 + (bits & 1)) % count;
  }

  /** True `weight` times in 256. */
  happens(weight: number): boolean {
    return (this.next() & 255) < weight;
  }

  /** The next bits as a signed number (xorshift32). */
  private next(): number {
    let x = this.state;
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    this.state = x;
    return x;
  }
}
