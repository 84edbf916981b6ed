/** How the reference IOMMU behaves where the specification leaves it free. */
import type { Chance } from "../../../model/words/chance.js";

/** How eager a unit is in one run: chances in 256, drawn anew for each run so that runs differ in kind. */
export interface Temperament {
  /** Use a cached entry where one answers. */
  readonly useCache: number;
  /** Per action: fetch something nobody asked for. */
  readonly prefetch: number;
  /** Per action: drop an entry. */
  readonly evict: number;
  /** Per action: go on with commands, queue, write-backs. */
  readonly progress: number;
  /** Per action: let a posted write reach memory. */
  readonly commit: number;
  /** Leave out faults of a requester that had one. */
  readonly collapse: number;
}

const LEVELS = [0, 32, 128, 224, 256];

export function drawTemperament(chance: Chance): Temperament {
  const draw = () => LEVELS[chance.below(LEVELS.length)]!;
  return {
    useCache: LEVELS[1 + chance.below(LEVELS.length - 1)]!,
    prefetch: draw(),
    evict: LEVELS[chance.below(3)]!,
    progress: draw(),
    commit: draw(),
    collapse: draw(),
  };
}
