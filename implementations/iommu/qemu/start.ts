/** Bringing an IOMMU to where a run starts, whatever the run before has left behind, and checking that it is there. */
import type { Machine } from "./machine.js";
import { differences, type Registers } from "./register-image.js";
import { StartStateError } from "./unit.js";

/** Once the replies are there: what is not as it should be at the start of a run. */
export type Arrival = () => readonly string[];

/**
 * After a platform reset.
 * @param ignored what is no state
 * @throws StartStateError when something else outlives the reset
 */
export function bringToReset(machine: Machine, ignored: Registers): void {
  if (machine.pristine) return;
  machine.platformReset();
  const strange = differences(machine.seen, machine.initial, ignored);
  if (strange.length > 0) throw new StartStateError(`QEMU keeps state over a reset: ${strange.join(", ")}`);
}

/**
 * By what `queue` queues; where it cannot or that is not enough, after a platform reset.
 * @throws StartStateError when that is not enough either
 */
export function bringToTranslating(machine: Machine, queue: () => Arrival | undefined): void {
  if (arrived(machine, queue())?.length === 0) return;
  machine.platformReset();
  const strange = arrived(machine, queue());
  if (strange?.length === 0) return;
  const why = strange?.join(", ") ?? "its queue stays on over a reset";
  throw new StartStateError(`QEMU does not reach the start state: ${why}`);
}

function arrived(machine: Machine, arrival: Arrival | undefined): readonly string[] | undefined {
  machine.qtest.exchange();
  return arrival?.();
}
