import type { Profile } from "../../model/profile.js";
import type { RunStart } from "../../model/run-start.js";
import type { Action, Observation, RequestType } from "../../model/trace.js";
import type { HostPage } from "../../model/words/address.js";

/** Everything an implementation must know to set itself up for one run. */
export interface RunSetup extends RunStart {
  readonly profile: Profile;
  /** Seed of whatever an implementation leaves to chance: when it fetches, evicts, completes. */
  readonly timing: number;
}

/** An IOMMU under test. Calls are synchronous; one implementation serves many runs, one after the other. */
export interface Iommu {
  /** As users name it: `reference`, `qemu`. */
  readonly name: string;
  /** Set when what it leaves to chance is drawn from `RunSetup.timing`; others show the same for the same run. */
  readonly drawsTiming?: true;
  /** Request types its devices can issue; requests of other types are left out of a run. */
  readonly requestTypes: ReadonlySet<RequestType>;
  /**
   * Brings memory, registers and caches to the state `setup` describes.
   * @throws ImplementationError when the implementation does not answer or cannot take this platform
   */
  reset(setup: RunSetup): void;
  /**
   * Performs the actions in order and returns one observation for each.
   * @throws ImplementationError when the implementation dies, hangs or talks nonsense
   */
  execute(actions: readonly Action[]): Observation[];
  /**
   * `reset` and `execute` in one, without waiting for what comes of it, where work can go on elsewhere meanwhile. Any
   * number of runs may be under way; from here until the next {@link collect}, no run's data can be read. Failures are
   * reported when the run is collected.
   */
  submit?(setup: RunSetup, actions: readonly Action[]): void;
  /**
   * The observations of the run that was submitted first, of those not collected yet; its data can be read then.
   * @throws ImplementationError as `reset` and `execute` do
   */
  collect?(): Observation[];
  /** The 32-bit value at `offset` of a data page when everything under way has come to rest. */
  readData(page: HostPage, offset: number): number;
  /** Zeroes pages outside the last run's that its devices may have written, where memory outlives a run. */
  clear?(pages: Iterable<HostPage>): void;
  /** Ends whatever the implementation started. Safe to call twice. */
  close(): void;
}

/** The implementation failed as a program: this says nothing about isolation, the verdict is unknown. */
export class ImplementationError extends Error {
  override readonly name = "ImplementationError";
}
