/** What the paths of device scopes lead to (VT-d 8.3.1). */
import type { BusNumbers } from "../../acpi/firmware-table.js";
import { busNumbersOf, type LocatedFunction, locatedFunctions } from "../../pci/functions.js";
import type { Topology } from "../../pci/topology.js";
import { type RequesterId, requesterId } from "../../words/address.js";
import { type Hop, hopsOf, type Scope } from "./layouts.js";

const keyOf = (segment: number, requester: RequesterId) => segment * 0x10000 + requester;

/** The buses behind the bridges of a machine. */
export class Buses {
  private readonly secondary: ReadonlyMap<number, number>;

  constructor(buses: readonly BusNumbers[]) {
    this.secondary = new Map(
      buses.map((one) => [keyOf(one.segment, requesterId(one.bus, one.device, one.function)), one.secondary]),
    );
  }

  /**
   * The requester ids of the functions on a path, as in the pseudo code of 8.3.1; fewer than it has pairs when one before the
   * last is no bridge, or its bus is not known, or a pair is none of a device and a function.
   */
  idsOn(segment: number, { values, rest }: Scope): readonly RequesterId[] {
    const ids: RequesterId[] = [];
    let bus: number | undefined = values.startBus;
    for (const hop of hopsOf(rest)) {
      const isBehindNothing = !bus && ids.length > 0;
      if (isBehindNothing || hop.device > 31 || hop.function > 7) break;
      const id = requesterId(bus!, hop.device, hop.function);
      ids.push(id);
      bus = this.secondary.get(keyOf(segment, id));
    }
    return ids;
  }
}

/** The functions of a machine by the paths that lead to them, and the paths that lead to functions. */
export class Paths {
  private readonly functions = new Map<number, LocatedFunction>();
  private readonly names: ReadonlyMap<string, LocatedFunction>;
  private readonly buses: Buses;

  constructor(topology: Topology) {
    const located = locatedFunctions(topology);
    this.names = new Map(located.map((one) => [one.name, one]));
    this.buses = new Buses(busNumbersOf(topology));
    for (const one of located) {
      const key = keyOf(one.segment, one.requester);
      if (!this.functions.has(key) || one.physical === null) this.functions.set(key, one);
    }
  }

  /** Where an entry leads to: a requester id, which may be of no function; null if the path ends on the way. */
  idOf(segment: number, scope: Scope): RequesterId | null {
    const ids = this.buses.idsOn(segment, scope);
    return ids.length > 0 && ids.length === hopsOf(scope.rest).length ? ids[ids.length - 1]! : null;
  }

  /** The function to which an entry leads. */
  functionAt(segment: number, scope: Scope): LocatedFunction | null {
    const id = this.idOf(segment, scope);
    return id === null ? null : (this.functions.get(keyOf(segment, id)) ?? null);
  }

  /**
   * The path to a function, a virtual function for its physical one.
   * @throws RangeError when the topology has no function of that name
   */
  pathTo(name: string): {
    readonly segment: number;
    readonly startBus: number;
    readonly hops: readonly Hop[];
  } {
    const target = this.named(name);
    const self = target.physical === null ? target : this.named(target.physical);
    const all = [...self.above.map((bridge) => this.named(bridge.name)), self];
    const hops = all.map(({ requester }) => ({ device: (requester >>> 3) & 31, function: requester & 7 }));
    return { segment: self.segment, startBus: all[0]!.bus, hops };
  }

  /** @throws RangeError when the topology has no function of that name */
  named(name: string): LocatedFunction {
    const found = this.names.get(name);
    if (!found) throw new RangeError(`no function is called ${name}`);
    return found;
  }
}
