/** What the device table entries say that may be in use for a device: the part that concerns the event log (AMD-Vi 2.2.2). */
import { Effect, type Request } from "../trace.js";
import type { AdmissibleOutcomes } from "../windows/admissible.js";
import { Cache, type Fence, type InvalidationLog } from "../windows/invalidation-log.js";
import type { SteeringRegisters } from "../windows/steering.js";
import { NO_DOMAIN } from "../windows/walk.js";
import type { PhysicalMemory } from "../words/memory.js";
import type { DeviceEntry } from "./event-contents.js";
import type { DeviceEntries } from "./event-view.js";
import type { Place } from "./events.js";
import type { InvalidationTarget } from "./invalidations.js";
import { deviceTableEntryAt } from "./tables.js";

/** SE in the high half of an entry's second word. */
const SE_HIGH = 0x2;
const NOTHING_KNOWN: readonly number[] = [];

/** Reads the second word of entries in every value that may be cached or in memory. */
export class DeviceEntryWindows implements DeviceEntries {
  private readonly fence: Fence = { step: 0, done: [] };

  constructor(
    private readonly memory: PhysicalMemory,
    private readonly steering: SteeringRegisters,
    private readonly log: InvalidationLog<InvalidationTarget>,
    private readonly admissible: Pick<AdmissibleOutcomes, "domainIdsOf">,
  ) {}

  /** The last INVALIDATE_DEVTAB_ENTRY or INVALIDATE_IOMMU_ALL known to be done was submitted then. */
  readSince(deviceId: number, now: number): number {
    const tags = { requester: deviceId, domainId: NO_DOMAIN, page: 0, pages: 1 };
    this.log.fence(Cache.device, tags, now, NOTHING_KNOWN, this.fence);
    return this.fence.step;
  }

  lastInvalidation(): number {
    return this.log.entries.at(-1)?.submitted ?? 0;
  }

  domainIds(request: Request, now: number): readonly number[] {
    return this.admissible.domainIdsOf(request, Effect.blocked, now);
  }

  place(deviceId: number): Place {
    const { page, word } = deviceTableEntryAt(deviceId);
    return { page: Math.floor(this.steering.tablePointer.latest / 512) + page, offset: word * 8 };
  }

  of(deviceId: number, now: number): readonly DeviceEntry[] {
    const since = this.readSince(deviceId, now);
    const { count, value, until } = this.steering.tablePointer;
    const entries: DeviceEntry[] = [];
    for (let index = 0; index < count; index++)
      if (until[index]! > since) this.readFrom(value[index]!, deviceId, since, entries);
    return entries;
  }

  /** Adds the values that the entry of a device table has held since a step. */
  private readFrom(pointer: number, deviceId: number, since: number, entries: DeviceEntry[]): void {
    const { page, word } = deviceTableEntryAt(deviceId);
    if (page > pointer % 512) return;
    const { memory } = this;
    const frame = memory.frameOf(Math.floor(pointer / 512) + page);
    if (frame < 0) return;
    let version = memory.newestVersion(frame, word + 1);
    if (version === 0) entries.push(entryOf(memory.low(frame, word + 1), memory.high(frame, word + 1)));
    for (; version !== 0; version = memory.olderVersion(version))
      if (memory.untilOf(version) > since)
        entries.push(entryOf(memory.lowOf(version), memory.highOf(version)));
  }
}

function entryOf(low: number, high: number): DeviceEntry {
  return { domainId: low & 0xffff, suppressesFurther: (high & SE_HIGH) !== 0 };
}
