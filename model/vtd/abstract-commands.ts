/** The commands that software gives the abstract IOMMU, and the order in which they may execute (VT-d 6.5.2.12, 11.4.2). */
import type { InvalidationTarget } from "./invalidations.js";

export interface Submitted {
  readonly target: InvalidationTarget;
  readonly queued: boolean;
  readonly fenceGroup: number;
}

export type Command = { readonly invalidate: Submitted } | { readonly setRootTable: number };

/**
 * True when a command may execute before those that were given earlier and are pending: 6.5.2.12 and the fence flag of
 * waits order the queue; root-pointer commands are executed one after the other.
 */
export function mayExecute(command: Command, pending: readonly Command[]): boolean {
  return pending.slice(0, pending.indexOf(command)).every((earlier) => mayOvertake(command, earlier));
}

function mayOvertake(command: Command, earlier: Command): boolean {
  if ("setRootTable" in earlier) {
    // ESRTPS (11.4.2): setting the root-table pointer invalidates everything once it is in force.
    return !("setRootTable" in command) && command.invalidate.target.cache !== "all";
  }
  if ("setRootTable" in command || !command.invalidate.queued || !earlier.invalidate.queued) return true;
  if (earlier.invalidate.fenceGroup < command.invalidate.fenceGroup) return false;
  return !(earlier.invalidate.target.cache === "context" && command.invalidate.target.cache === "iotlb");
}
