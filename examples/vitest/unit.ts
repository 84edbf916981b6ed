/**
 * The unit under test, as the suite wants it: synchronous calls, one run after the other. This one hands everything to the
 * reference that comes with the suite; replace `inner` by what speaks to your emulator, simulator or board.
 *
 *   BUG=hint-ignores-leaf npx vitest run        plants a bug of the library (`npx iommu-spec bugs`) in it
 */
import {
  type Action,
  deviations,
  type Iommu,
  type Observation,
  ReferenceIommu,
  type RunSetup,
} from "iommu-spec";

const planted = deviations.find((one) => one.id === process.env.BUG) ?? null;

export class MyUnit implements Iommu {
  readonly name = "my unit";
  private readonly inner = new ReferenceIommu(planted);
  /** What its devices can ask for. */
  readonly requestTypes = this.inner.requestTypes;

  /** Memory, registers and caches as `setup` says. Throw an ImplementationError when the unit does not answer. */
  reset(setup: RunSetup): void {
    this.inner.reset(setup);
  }

  /** One observation for each action, in order: what a read gave, where a request landed. */
  execute(actions: readonly Action[]): Observation[] {
    return this.inner.execute(actions);
  }

  /** What is in a data page when everything has come to rest. */
  readData(page: number, offset: number): number {
    return this.inner.readData(page, offset);
  }

  close(): void {
    this.inner.close();
  }
}
