/** Leaves out of a run the reads that the finding does not need: what software does stays as the scenario says. */
import type { Iommu, RunSetup } from "../../implementations/iommu/interface.js";
import { ImplementationError } from "../../implementations/iommu/interface.js";
import { type Finding, OutsideModel } from "../../model/finding.js";
import type { Action, Observation } from "../../model/trace.js";
import type { Follower } from "./recording.js";

/** A run up to the action that decides, which is its last, and what it showed. */
export interface Decided {
  readonly actions: readonly Action[];
  readonly observations: readonly Observation[];
  readonly stepOf: readonly number[];
  readonly finding: Finding;
}

/** The same finding with as few reads as leaving out one after the other comes to. */
export function shortened(run: Decided, setup: RunSetup, iommu: Iommu, follower: Follower): Decided {
  const last = run.actions.length - 1;
  const isRead = ({ do: what }: Action) => what === "read-register" || what === "read-memory";
  const reads = run.actions.flatMap((one, index) => (isRead(one) && index < last ? [index] : []));
  const left = (dropped: ReadonlySet<number>) => judged(without(run, dropped), setup, iommu, follower);
  const withoutAny = left(new Set(reads));
  if (withoutAny !== null) return withoutAny;
  let best = run;
  const dropped = new Set<number>();
  for (const index of reads) {
    const shorter = left(new Set([...dropped, index]));
    if (shorter === null) continue;
    dropped.add(index);
    best = shorter;
  }
  return best;
}

function without(run: Decided, dropped: ReadonlySet<number>): Decided {
  const kept = <T>(list: readonly T[]) => list.filter((_, index) => !dropped.has(index));
  const { actions, observations, stepOf, finding } = run;
  return { actions: kept(actions), observations: kept(observations), stepOf: kept(stepOf), finding };
}

/** The run as it is now; null when its last action does not show the same any more. */
function judged(run: Decided, setup: RunSetup, iommu: Iommu, follower: Follower): Decided | null {
  const last = run.actions.length - 1;
  try {
    iommu.reset(setup);
    const observations = iommu.execute(run.actions);
    const finding = follower.follow(run.actions, observations, true);
    iommu.clear?.(follower.oracle.strays);
    if (finding?.action !== last || !isSame(finding, run.finding)) return null;
    const [now, before] = [observations[last]!, run.observations.at(-1)!];
    if (now.low !== before.low || now.high !== before.high) return null;
    return { ...run, observations, finding };
  } catch (error) {
    if (error instanceof OutsideModel || error instanceof ImplementationError) return null;
    throw error;
  }
}

function isSame(one: Finding, other: Finding): boolean {
  return one.kind === other.kind && one.rules.join() === other.rules.join();
}
