/** Timing: the median of several rounds after a warm-up. */

/** A result that the optimiser cannot do without. */
export interface Sink {
  value: number;
}

export const sink: Sink = { value: 0 };

const ROUNDS = 9;
const ROUND_MILLISECONDS = 150;
/** Long enough for the engine to have compiled everything that matters in its final form. */
const WARM_UP_MILLISECONDS = 1500;

/**
 * Nanoseconds of one operation.
 * @param batch performs `count` operations
 */
export function nanosecondsOf(batch: (count: number) => void): number {
  const count = warmUp(batch);
  const rounds = Array.from({ length: ROUNDS }, () => (timeOf(batch, count) * 1e6) / count);
  return median(rounds);
}

/** Runs until nothing gets faster any more; returns how many operations a round takes. */
function warmUp(batch: (count: number) => void): number {
  let count = 1;
  for (let spent = 0; spent < WARM_UP_MILLISECONDS; ) {
    const time = timeOf(batch, count);
    spent += time;
    if (time < ROUND_MILLISECONDS / 2) count *= 2;
    else count = Math.ceil((count * ROUND_MILLISECONDS) / time);
  }
  return count;
}

function timeOf(batch: (count: number) => void, count: number): number {
  const start = performance.now();
  batch(count);
  return performance.now() - start;
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((one, other) => one - other);
  return sorted[sorted.length >>> 1]!;
}
