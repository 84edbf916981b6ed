/** The device entries that functions may use for a page, in every value they have held, with their windows. */
import type { PhysicalMemory } from "../words/memory.js";
import type { DeviceWindow } from "./chain-moments.js";
import type { SteeringRegisters } from "./steering.js";
import { Link, type Unit } from "./unit.js";
import { Translation } from "./walk.js";
import { WindowReader } from "./window-reader.js";

const NO_LEVELS: readonly number[] = [];

export class DeviceWindows {
  private readonly reader: WindowReader;
  private readonly translation = new Translation();
  private readonly byFunction = new Map<number, readonly DeviceWindow[]>();
  private ofAll: readonly DeviceWindow[] | null = null;
  private now = 0;
  private page = 0;

  constructor(
    private readonly unit: Unit,
    memory: PhysicalMemory,
    registers: SteeringRegisters,
    /** The functions that may fill caches under a domain id they share. */
    private readonly requesters: readonly number[],
  ) {
    this.reader = new WindowReader(unit, memory, registers);
  }

  /** Prepares for requests for `page` at step `now`. */
  begin(now: number, page: number): void {
    this.now = now;
    this.page = page;
    if (this.byFunction.size > 0) this.byFunction.clear();
    this.ofAll = null;
  }

  /** Those that some function may use. */
  all(): readonly DeviceWindow[] {
    this.ofAll ??= this.requesters.flatMap((requester) => this.of(requester));
    return this.ofAll;
  }

  of(requester: number): readonly DeviceWindow[] {
    let devices = this.byFunction.get(requester);
    if (!devices) {
      devices = this.read(requester);
      this.byFunction.set(requester, devices);
    }
    return devices;
  }

  private read(requester: number): DeviceWindow[] {
    const { unit, reader, translation } = this;
    const devices: DeviceWindow[] = [];
    reader.begin(this.now);
    do {
      reader.translationEnabled();
      if (unit.lookUpDevice(reader, requester, this.page, translation))
        devices.push(this.windowOf(requester));
    } while (reader.next(Link.pointer));
    return devices;
  }

  private windowOf(requester: number): DeviceWindow {
    const { reader, translation, unit } = this;
    const { domainId, suppresses, deviceAccess } = translation;
    const upTo = unit.shape.firstTable;
    return {
      since: firstOf(reader.since, upTo),
      until: firstOf(reader.until, upTo),
      buffered: firstOf(reader.buffered, upTo),
      level: NO_LEVELS,
      requester,
      domainId,
      walkLimit: unit.walkLimit(translation),
      suppresses,
      deviceAccess,
    };
  }
}

/** A copy of what belongs to the links above the tables; there is one for every device entry of every request. */
function firstOf(links: ArrayLike<number>, count: number): readonly number[] {
  const copy: number[] = [];
  for (let link = 0; link < count; link++) copy.push(links[link]!);
  return copy;
}
