/** What is said of every faulty variant of the reference IOMMU, whatever its architecture. */
import type { ArchitectureId } from "../../../model/profile.js";

export interface DeviationFacts {
  readonly architecture: ArchitectureId;
  /** No two variants have the same, whatever their architectures. */
  readonly id: string;
  readonly description: string;
  /** The rule it breaks. */
  readonly rule: string;
  /** Where it was published; none for one that was made up. */
  readonly sources: readonly string[];
  /** Steps of the smallest counterexample that shrinking comes to, and why none of them can be left out. */
  readonly minimum: { readonly steps: number; readonly because: string };
}

/** {@link DeviationFacts.minimum}. */
export function minimum(steps: number, because: string): DeviationFacts["minimum"] {
  return { steps, because };
}
