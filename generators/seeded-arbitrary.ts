/** Values for fast-check that are drawn whole from one seed and shrunk by looking at the value alone. */
import fc from "fast-check";

/** How values of a kind are drawn, recognised and made smaller. */
export interface Seeded<T> {
  readonly draw: (seed: number) => T;
  readonly is: (value: unknown) => value is T;
  readonly simpler: (value: T) => Generator<T>;
}

/**
 * One draw per value is what makes generating fast, and shrinking needs no trace of how a value came about: any value,
 * read from a file too, can be shrunk.
 */
export class SeededArbitrary<T> extends fc.Arbitrary<T> {
  constructor(private readonly kind: Seeded<T>) {
    super();
  }

  override generate(random: fc.Random): fc.Value<T> {
    return new fc.Value(this.kind.draw(random.nextInt() >>> 0), undefined);
  }

  override canShrinkWithoutContext(value: unknown): value is T {
    return this.kind.is(value);
  }

  override shrink(value: T): fc.Stream<fc.Value<T>> {
    return fc.stream(this.kind.simpler(value)).map((one) => new fc.Value(one, undefined));
  }
}
