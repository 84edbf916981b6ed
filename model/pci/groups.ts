/**
 * Isolation groups: functions that nobody can keep apart, because they share a requester id, or because one reaches the
 * other without passing the IOMMU.
 */
import { showRequester } from "../words/address.js";
import {
  acsOf,
  isDownstreamPort,
  lacksAcs,
  opensConventionalBus,
  PACKETS,
  type Packet,
  passesTranslated,
  turnOf,
  whyDirect,
} from "./acs.js";
import { type LocatedFunction, locatedFunctions } from "./functions.js";
import { requesterIdsOf } from "./requester-ids.js";
import { Acs, type Device, isBridge, type Topology } from "./topology.js";

/** Functions that go to one owner together. */
export interface IsolationGroup {
  /** Names of endpoints, enabled virtual functions and bridges, depth first. */
  readonly functions: readonly string[];
  /** Pairs that cannot be kept apart: one fewer than functions, and enough to connect them all. */
  readonly because: readonly { readonly one: string; readonly other: string; readonly reason: string }[];
}

/**
 * The finest partition of all functions such that those share a group which
 * - may make requests under the same requester id,
 * - or of which one reaches the other without passing the IOMMU: by request, translated request or completion, on a
 *   conventional bus, in a switch, in a multifunction device (which a physical function with virtual functions is), or
 *   returned by a port that does not forward upstream what was redirected to it.
 *
 * Choice: what enters a port without Source Validation may carry any requester id. It is in one group with that port and
 * everything below it, as kernels have it, not with all of the segment.
 * Choice: the root complex translates before it routes from peer to peer, so devices of a root bus do not reach each other;
 * functions of one of its multifunction devices do, root ports included.
 * Choice: bridges and ports make requests too, though none that claim to be translated. So what a port lets pass shows before
 * a device is plugged in below it.
 */
export function isolationGroups(topology: Topology): readonly IsolationGroup[] {
  return new Grouping(topology).groups();
}

const NAMES: Readonly<Record<Packet, string>> = {
  request: "requests",
  translated: "translated requests",
  completion: "completions",
};

class Grouping {
  private readonly all: readonly LocatedFunction[];
  private readonly places: ReadonlyMap<string, number>;
  private readonly devices = new Map<Device, readonly number[]>();
  /** By function, another of its group, or itself where it stands for the group. */
  private readonly parents: number[];
  private readonly reasons: { one: number; other: number; reason: string }[] = [];

  constructor(private readonly topology: Topology) {
    this.all = locatedFunctions(topology);
    this.places = new Map(this.all.map(({ name }, index) => [name, index]));
    for (const [index, { of }] of this.all.entries())
      this.devices.set(of, [...(this.devices.get(of) ?? []), index]);
    this.parents = this.all.map((_, index) => index);
    this.joinByIds();
    for (const index of this.all.keys()) {
      this.joinBelow(index);
      this.joinPeers(index);
    }
  }

  groups(): IsolationGroup[] {
    const found = new Map<number, { functions: string[]; because: IsolationGroup["because"][number][] }>();
    for (const [index, { name }] of this.all.entries()) {
      const group = found.get(this.top(index));
      if (group === undefined) found.set(this.top(index), { functions: [name], because: [] });
      else group.functions.push(name);
    }
    for (const { one, other, reason } of this.reasons)
      found.get(this.top(one))!.because.push({
        one: this.all[one]!.name,
        other: this.all[other]!.name,
        reason,
      });
    return [...found.values()];
  }

  private joinByIds(): void {
    const owners = new Map<string, number>();
    for (const [index, { name, segment }] of this.all.entries())
      for (const id of requesterIdsOf(this.topology, name)) {
        const owner = owners.get(`${segment} ${id}`);
        if (owner === undefined) owners.set(`${segment} ${id}`, index);
        else this.join(owner, [index], `requests of both may carry requester id ${showRequester(id)}`);
      }
  }

  /** What a bridge does to the functions below it. */
  private joinBelow(index: number): void {
    const bridge = this.all[index]!;
    const below = this.below(index);
    const { name } = bridge;
    if (opensConventionalBus(bridge))
      this.join(index, below, `on the conventional bus below ${name} everyone sees every request`);
    if (!isDownstreamPort(bridge) || below.length === 0) return;
    const bits = acsOf(bridge);
    if (!(bits & Acs.sourceValidation))
      this.join(index, below, `${name} lets any requester id pass: ${lacksAcs(bridge, "Source Validation")}`);
    if (!(bits & Acs.upstreamForwarding))
      this.join(
        below[0]!,
        below,
        `${name} returns what was redirected: ${lacksAcs(bridge, "Upstream Forwarding")}`,
      );
  }

  /** Where the packets arrive that a function makes, or forwards from below it. */
  private joinPeers(index: number): void {
    const one = this.all[index]!;
    const bits = acsOf(one);
    const direct = PACKETS.filter((packet) => turnOf(bits, packet) === "direct");
    if (direct.length === 0) return;
    const below = this.below(index);
    const receivers = [...(isDownstreamPort(one) ? [index] : []), ...this.peersOf(index)];
    if (receivers.length === 0) return;
    for (const packet of direct) {
      const senders = [index, ...below].filter(
        (sender) => packet !== "translated" || this.sendsTranslated(sender, index),
      );
      if (senders.length === 0) continue;
      const reason = `${NAMES[packet]} pass from peer to peer at ${one.name}: ${whyDirect(one, packet)}`;
      this.join(receivers[0]!, senders, reason);
      this.join(senders[0]!, receivers, reason);
    }
  }

  /** Do requests of the sender that claim to be translated pass everything up to, and with, the function `from`? */
  private sendsTranslated(sender: number, from: number): boolean {
    const { self, above } = this.all[sender]!;
    return !isBridge(self) && above.slice(this.all[from]!.above.length).every(passesTranslated);
  }

  /** The functions on the other sides of the place where a packet turns: in the same switch, or of the same device. */
  private peersOf(index: number): number[] {
    const one = this.all[index]!;
    const upstream = one.above.at(-1);
    const sides =
      upstream?.kind === "switch-upstream" ? [this.places.get(upstream.name)!] : this.devices.get(one.of)!;
    const own = new Set([index, ...this.below(index)]);
    return sides.flatMap((side) => [side, ...this.below(side)]).filter((peer) => !own.has(peer));
  }

  /** Everything below a bridge: in depth first order it comes right after it. */
  private below(index: number): number[] {
    const depth = this.all[index]!.above.length;
    const below: number[] = [];
    if (isBridge(this.all[index]!.self))
      for (let at = index + 1; at < this.all.length && this.all[at]!.above.length > depth; at++)
        below.push(at);
    return below;
  }

  private top(index: number): number {
    let at = index;
    while (this.parents[at] !== at) {
      this.parents[at] = this.parents[this.parents[at]!]!;
      at = this.parents[at]!;
    }
    return at;
  }

  private join(one: number, others: readonly number[], reason: string): void {
    for (const other of others) {
      if (this.top(one) === this.top(other)) continue;
      this.parents[this.top(other)] = this.top(one);
      this.reasons.push({ one, other, reason });
    }
  }
}
