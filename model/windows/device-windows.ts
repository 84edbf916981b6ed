/** The device entries that functions may use for a page, in every value they have held, with their windows. */
import { empty } from "../words/lists.js";
import type { PhysicalMemory } from "../words/memory.js";
import type { DeviceWindow } from "./chain-moments.js";
import type { SteeringRegisters } from "./steering.js";
import { Link, type Unit } from "./unit.js";
import { Translation } from "./walk.js";
import { WindowReader } from "./window-reader.js";

const NO_LEVELS = new Int32Array(0);

/** A device entry that is read anew for every request. */
class ReusedWindow implements DeviceWindow {
  readonly since: Int32Array;
  readonly until: Int32Array;
  readonly buffered: Int32Array;
  readonly level = NO_LEVELS;
  requester = 0;
  domainId = 0;
  walkLimit = 0;
  suppresses = false;
  deviceAccess = 0;

  constructor(links: number) {
    this.since = new Int32Array(links);
    this.until = new Int32Array(links);
    this.buffered = new Int32Array(links);
  }
}

/** What a function may use. */
interface OfFunction {
  readonly windows: DeviceWindow[];
  /** Which {@link DeviceWindows.begin} it was read after. */
  readAfter: number;
}

/** Their answers are good until {@link begin} is called again. */
export class DeviceWindows {
  private readonly reader: WindowReader;
  private readonly translation = new Translation();
  private readonly byFunction = new Map<number, OfFunction>();
  private readonly ofAll: DeviceWindow[] = [];
  private allReadAfter = 0;
  private beginnings = 0;
  private readonly pool: ReusedWindow[] = [];
  private used = 0;
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
    this.beginnings++;
    this.used = 0;
  }

  /** Those that some function may use. */
  all(): readonly DeviceWindow[] {
    if (this.allReadAfter !== this.beginnings) {
      empty(this.ofAll);
      for (const requester of this.requesters)
        for (const window of this.of(requester)) this.ofAll.push(window);
      this.allReadAfter = this.beginnings;
    }
    return this.ofAll;
  }

  of(requester: number): readonly DeviceWindow[] {
    let one = this.byFunction.get(requester);
    if (!one) {
      one = { windows: [], readAfter: 0 };
      this.byFunction.set(requester, one);
    }
    if (one.readAfter !== this.beginnings) {
      one.readAfter = this.beginnings;
      this.read(requester, one.windows);
    }
    return one.windows;
  }

  private read(requester: number, into: DeviceWindow[]): void {
    const { unit, reader, translation } = this;
    empty(into);
    reader.begin(this.now);
    do {
      reader.translationEnabled();
      if (unit.lookUpDevice(reader, requester, this.page, translation)) into.push(this.windowOf(requester));
    } while (reader.next(Link.pointer));
  }

  private windowOf(requester: number): DeviceWindow {
    const { reader, translation, unit, pool } = this;
    const { firstTable } = unit.shape;
    if (this.used === pool.length) pool.push(new ReusedWindow(firstTable));
    const window = pool[this.used++]!;
    for (let link = 0; link < firstTable; link++) {
      window.since[link] = reader.since[link]!;
      window.until[link] = reader.until[link]!;
      window.buffered[link] = reader.buffered[link]!;
    }
    window.requester = requester;
    window.domainId = translation.domainId;
    window.walkLimit = unit.walkLimit(translation);
    window.suppresses = translation.suppresses;
    window.deviceAccess = translation.deviceAccess;
    return window;
  }
}
