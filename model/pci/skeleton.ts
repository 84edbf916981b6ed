/** A topology from what a firmware table names: its functions, and the bridges on the way to them. */
import type { BusNumbers } from "../acpi/firmware-table.js";
import { type RequesterId, requesterId, showRequester } from "../words/address.js";
import type { Bridge, Device, PciFunction, Topology } from "./topology.js";

/** A function that a table names. */
export interface NamedFunction {
  readonly segment: number;
  readonly requester: RequesterId;
  /** The table says that there is a bus below it. */
  readonly bridge: boolean;
}

/** The address of a function, as `lspci -D` prints it: `0000:00:02.0`. */
export function showFunction(segment: number, requester: RequesterId): string {
  return `${segment.toString(16).padStart(4, "0")}:${showRequester(requester)}`;
}

/**
 * The functions, named by their addresses, and every bridge on the way to them that these bus numbers tell. Functions on a
 * bus that only a bridge further up has in its range are left out: what leads to them is not known.
 *
 * Choice: a table does not tell what kind of function one is. On the bus of a host bridge, bridges are taken for root ports
 * and all others for integrated; below, upstream and downstream ports of switches alternate. A bridge whose bus numbers are
 * not known has 0 for both, as after a reset.
 */
export function skeletonOf(named: readonly NamedFunction[], buses: readonly BusNumbers[]): Topology {
  const segments = [...new Set(named.map((one) => one.segment))].sort((one, other) => one - other);
  return {
    segments: segments.map((segment) => {
      const skeleton = new SegmentSkeleton(
        segment,
        buses.filter((one) => one.segment === segment && one.secondary > one.bus),
      );
      for (const one of named) if (one.segment === segment) skeleton.add(one.requester, one.bridge);
      return { segment, roots: skeleton.roots() };
    }),
  };
}

/** What is above a bus, as far as that decides what is on it. */
type Above = "host-bridge" | Bridge["kind"];

class SegmentSkeleton {
  /** Known functions; true for a bridge. */
  private readonly known = new Map<RequesterId, boolean>();
  private readonly bridges: ReadonlyMap<RequesterId, BusNumbers>;
  /** The bridge that leads to a bus. */
  private readonly above: ReadonlyMap<number, RequesterId>;

  constructor(
    private readonly segment: number,
    private readonly buses: readonly BusNumbers[],
  ) {
    const idOf = (one: BusNumbers) => requesterId(one.bus, one.device, one.function);
    this.bridges = new Map(buses.map((one) => [idOf(one), one]));
    this.above = new Map(buses.map((one) => [one.secondary, idOf(one)]));
  }

  add(requester: RequesterId, bridge: boolean): void {
    this.known.set(requester, bridge || this.known.get(requester) === true || this.bridges.has(requester));
    const above = this.above.get(requester >>> 8);
    if (above !== undefined && !this.known.has(above)) this.add(above, true);
  }

  roots(): { bus: number; devices: Device[] }[] {
    const used = [...new Set([...this.known.keys()].map((requester) => requester >>> 8))];
    const below = (bus: number) => this.buses.some((one) => one.secondary <= bus && bus <= one.subordinate);
    const roots = used.filter((bus) => !below(bus)).sort((one, other) => one - other);
    return roots.map((bus) => ({ bus, devices: this.devicesOn(bus, "host-bridge") }));
  }

  private devicesOn(bus: number, above: Above): Device[] {
    const here = [...this.known.keys()].filter((requester) => requester >>> 8 === bus);
    const devices = [...new Set(here.map((requester) => (requester >>> 3) & 31))];
    return devices
      .sort((one, other) => one - other)
      .map((device) => ({
        device,
        functions: here
          .filter((requester) => ((requester >>> 3) & 31) === device)
          .sort((one, other) => one - other)
          .map((requester) => this.functionOf(requester, above)),
      }));
  }

  private functionOf(requester: RequesterId, above: Above): PciFunction {
    const common = {
      name: showFunction(this.segment, requester),
      function: requester & 7,
      acs: null,
    };
    if (!this.known.get(requester)) {
      const kind = above === "host-bridge" ? "integrated-endpoint" : "endpoint";
      return { ...common, kind, phantomBits: 0, sriov: null, alsoFunctions: [] };
    }
    const kind =
      above === "host-bridge"
        ? "root-port"
        : above === "switch-upstream"
          ? "switch-downstream"
          : "switch-upstream";
    const { secondary, subordinate } = this.bridges.get(requester) ?? { secondary: 0, subordinate: 0 };
    const devices = secondary === 0 ? [] : this.devicesOn(secondary, kind);
    return { ...common, kind, secondary, subordinate, hotPlug: false, devices };
  }
}
