/** What a run on QEMU was: kept while something else judges it, and judged again, in part or whole. */
import { ImplementationError, type Iommu, type RunSetup } from "../../implementations/iommu/interface.js";
import type { Oracle } from "../../model/architecture.js";
import { architectureOf } from "../../model/architectures.js";
import type { Finding } from "../../model/finding.js";
import type { Action, Observation } from "../../model/trace.js";
import type { KnownDeviation } from "../../properties/known-deviation.js";

/** A run that was made; without observations when the implementation did not survive it. */
export interface MadeRun {
  readonly setup: RunSetup;
  readonly actions: readonly Action[];
  readonly observations: readonly Observation[] | null;
}

/** Stands before an IOMMU and keeps what the last run was. */
export class RecordingIommu implements Iommu {
  readonly name: string;
  readonly requestTypes: Iommu["requestTypes"];
  last: MadeRun | null = null;
  #setup: RunSetup | null = null;

  constructor(private readonly iommu: Iommu) {
    this.name = iommu.name;
    this.requestTypes = iommu.requestTypes;
  }

  reset(setup: RunSetup): void {
    this.#setup = setup;
    this.last = null;
    this.iommu.reset(setup);
  }

  execute(actions: readonly Action[]): Observation[] {
    const run = { setup: this.#setup!, actions };
    try {
      const observations = this.iommu.execute(actions);
      this.last = { ...run, observations };
      return observations;
    } catch (error) {
      if (error instanceof ImplementationError) this.last = { ...run, observations: null };
      throw error;
    }
  }

  readData(page: number, offset: number): number {
    return this.iommu.readData(page, offset);
  }

  clear(pages: Iterable<number>): void {
    this.iommu.clear?.(pages);
  }

  close(): void {
    this.iommu.close();
  }
}

/** Judges lists of actions that need be no scenario, with known deviations let pass as campaigns do. */
export class Follower {
  readonly oracle: Oracle;
  readonly #setup: RunSetup;

  constructor(
    setup: RunSetup,
    private readonly steerAround: readonly KnownDeviation[],
  ) {
    this.#setup = setup;
    this.oracle = architectureOf(setup.profile).createOracle(setup.profile);
  }

  /**
   * Takes the actions with what they showed, from the start of a run; returns the first thing that is wrong.
   * @param relaxed whether further outcomes of known deviations are let pass
   * @throws OutsideModel when the specification does not say what follows
   */
  follow(actions: readonly Action[], observations: readonly Observation[], relaxed: boolean): Finding | null {
    const { oracle } = this;
    oracle.relaxations = relaxed ? this.steerAround.filter((one) => one.relaxes) : [];
    oracle.reset(this.#setup);
    for (const [index, action] of actions.entries()) {
      const seen = relaxed ? this.#putRight(action, observations[index]!) : observations[index]!;
      const finding = oracle.perform(action, seen, index);
      if (finding) return finding;
    }
    return null;
  }

  #putRight(action: Action, seen: Observation): Observation {
    const { profile } = this.#setup;
    return this.steerAround.reduce((shown, one) => one.repairs?.(action, shown, profile) ?? shown, seen);
  }
}
