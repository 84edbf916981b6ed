/** Bringing the unit up, or taking over one that translates already (VT-d 6.6, 11.4.4). */
import { GlobalBit, Offset } from "../../../model/vtd/registers.js";
import type { HostPage } from "../../../model/words/address.js";
import type { Routine } from "../interface.js";
import { register } from "../shared/steps.js";
import { contextInvalidation, iotlbInvalidation, type VtdFlusher } from "./invalidation.js";
import type { InvalidationQueue } from "./queue.js";
import type { Unit } from "./unit.js";

/**
 * From reset to enabled translation with an empty root table: from the moment on at which GSTS.TES is seen no device
 * reaches anything.
 * @param queue the invalidation queue, or null when the registers are used
 */
export function* bootFromReset(
  unit: Unit,
  flusher: VtdFlusher,
  queue: InvalidationQueue | null,
  rootPage: HostPage,
): Routine {
  if (queue) yield* queue.enable();
  yield* setRootTable(unit, flusher, rootPage);
  yield* enableTranslation(unit);
}

/** Makes the unit use a root table, whatever it used before. When this is over, nothing of that is left in a cache. */
export function* setRootTable(unit: Unit, flusher: VtdFlusher, rootPage: HostPage): Routine {
  yield* commandRootTable(unit, rootPage);
  yield* unit.sees(GlobalBit.setRootTablePointer, true);
  yield* flushEverything(flusher);
}

/** Has the unit use a root table: it does once GSTS.RTPS is seen. */
export function* commandRootTable(unit: Unit, rootPage: HostPage): Routine {
  yield* unit.completeStores();
  yield register(Offset.RTADDR, 8, (rootPage << 12) >>> 0, Math.floor(rootPage / 0x100000));
  yield unit.once(GlobalBit.setRootTablePointer);
}

/** 6.6: in this order, after a new pointer is in force. */
export function flushEverything(flusher: VtdFlusher): Routine {
  return flusher.flush([contextInvalidation.global], [iotlbInvalidation.global]);
}

/** From the moment on at which GSTS.TES is seen requests are translated. */
export function* enableTranslation(unit: Unit): Routine {
  yield unit.switchLevel(GlobalBit.translationEnable, true);
  if (!unit.faults.enablesWithoutWaiting) yield* unit.sees(GlobalBit.translationEnable, true);
}

/** Leaves translation on. A queue that is on is used, or switched off when the registers are to be used. */
export function* takeOver(unit: Unit, queue: InvalidationQueue, usesQueue: boolean): Routine {
  yield* unit.readLevels();
  if (!unit.isOn(GlobalBit.queuedInvalidationEnable)) return;
  yield* queue.takeOver();
  if (!usesQueue) yield* queue.disable();
}
