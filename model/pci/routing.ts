/** The way of a packet that a function makes: to the IOMMU and under which id, past it to a peer, or nowhere. */
import type { RequesterId } from "../words/address.js";
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
import { functionNamed, type LocatedFunction, locatedFunctions } from "./functions.js";
import { idsBeyond } from "./requester-ids.js";
import { Acs, type Bridge, isBridge, type Topology } from "./topology.js";

/** Something that a function sends, whoever controls it. */
export interface HostileRequest {
  /** Name of the function that makes it. */
  readonly from: string;
  /** Name of the function whose memory (BAR) it addresses; null for main memory. */
  readonly to: string | null;
  /** The requester id that it puts in. Its own, unless told. */
  readonly as?: RequesterId;
  /** A request, unless told. */
  readonly packet?: Packet;
}

/** What becomes of it. */
export type Route =
  /** It reaches the IOMMU, under one of these ids. */
  | { readonly arrives: "iommu"; readonly ids: readonly RequesterId[] }
  /** It reaches the peer and not the IOMMU; the function turned it whose name is `at`. */
  | { readonly arrives: "peer"; readonly at: string; readonly reason: string }
  /** It goes no further than the function whose name is `at`. */
  | { readonly arrives: "nowhere"; readonly at: string; readonly reason: string };

/**
 * Where it arrives, hop by hop. The Choices are those of `isolationGroups`. What reaches the IOMMU may be let through, to
 * memory or to a peer.
 *
 * @throws RangeError for names that the topology does not have
 */
export function routeOf(topology: Topology, request: HostileRequest): Route {
  const from = named(topology, request.from);
  const to = request.to === null ? null : named(topology, request.to);
  let packet = request.packet ?? "request";
  let ids: readonly RequesterId[] = [request.as ?? from.requester];
  for (let at = from; ; ) {
    const upstream = at.above.at(-1);
    const aside = to && turnedAside(at, upstream, to, packet, at === from);
    if (aside !== null) return aside;
    if (upstream === undefined) return { arrives: "iommu", ids };
    at = named(topology, upstream.name);
    ids = validIds(upstream, ids, packet);
    const stopped = stoppedBy(at, upstream, ids, packet) ?? (to && returnedBy(at, upstream, to, packet));
    if (stopped !== null) return stopped;
    ids = idsBeyond(topology, upstream, ids);
    if (packet === "translated" && !passesTranslated(upstream)) packet = "request";
  }
}

/** Names of the functions that a function reaches without passing the IOMMU, by whatever it may send. */
export function peersReachedBy(topology: Topology, from: string): readonly string[] {
  const { self, kind } = named(topology, from);
  // Only devices of PCI Express have translations to use.
  const sent = PACKETS.filter(
    (packet) => packet !== "translated" || !(isBridge(self) || kind === "conventional"),
  );
  return locatedFunctions(topology).flatMap(({ name: to }) => {
    const reaches = sent.some((packet) => routeOf(topology, { from, to, packet }).arrives === "peer");
    return to !== from && reaches ? [to] : [];
  });
}

function named(topology: Topology, name: string): LocatedFunction {
  const one = functionNamed(topology, name);
  if (one === undefined) throw new RangeError(`the topology has no function ${name}`);
  return one;
}

/** The ids out of these that Source Validation of the bridge accepts (PCIe Base 6.12.1.1: by their bus numbers). */
function validIds(bridge: Bridge, ids: readonly RequesterId[], packet: Packet): readonly RequesterId[] {
  const { acs, secondary, subordinate } = bridge;
  if (!isDownstreamPort(bridge) || packet === "completion" || !((acs ?? 0) & Acs.sourceValidation))
    return ids;
  return ids.filter((id) => id >>> 8 >= secondary && id >>> 8 <= subordinate);
}

/** Does the bridge stop what comes from below, whatever it is for? Null where it does not. */
function stoppedBy(
  at: LocatedFunction,
  bridge: Bridge,
  ids: readonly RequesterId[],
  packet: Packet,
): Route | null {
  if (ids.length === 0)
    return { arrives: "nowhere", at: at.name, reason: "its ACS Source Validation refuses the requester id" };
  if (packet === "translated" && isDownstreamPort(bridge) && !passesTranslated(bridge))
    return { arrives: "nowhere", at: at.name, reason: "its ACS Translation Blocking refuses the request" };
  return null;
}

/** What the bridge does with what comes from below for itself or for there. Null where it forwards it upstream. */
function returnedBy(at: LocatedFunction, bridge: Bridge, to: LocatedFunction, packet: Packet): Route | null {
  if (bridge.kind === "pci-to-pcie" && isAtOrBelow(to, bridge))
    // Choice: it forwards only addresses that are not below it, and its own it does not take from there.
    return { arrives: "nowhere", at: at.name, reason: "the address is below it, so it does not forward it" };
  if (!isDownstreamPort(bridge) || !isAtOrBelow(to, bridge)) return null;
  if (to.name === bridge.name) return turned(at, packet);
  if ((bridge.acs ?? 0) & Acs.upstreamForwarding) return null;
  // Choice: without Upstream Forwarding it comes back down. Some ports drop it.
  return { arrives: "peer", at: at.name, reason: lacksAcs(at, "Upstream Forwarding") };
}

/** Leaving `at` for the bridge above, does the packet turn to a peer? Null where it goes on. */
function turnedAside(
  at: LocatedFunction,
  upstream: Bridge | undefined,
  to: LocatedFunction,
  packet: Packet,
  isFirst: boolean,
): Route | null {
  if (upstream !== undefined && opensConventionalBus(upstream) && isAtOrBelow(to, upstream)) {
    const reason = "on the conventional bus below it everyone sees every request";
    return { arrives: "peer", at: upstream.name, reason };
  }
  const turns = isAtOrBelow(to, at)
    ? isFirst && isDownstreamPort(at)
    : upstream?.kind === "switch-upstream"
      ? isAtOrBelow(to, upstream)
      : isOfDevice(to, at);
  return turns ? turned(at, packet) : null;
}

/** What a function does with a packet for a peer. Null where it forwards it upstream. */
function turned(at: LocatedFunction, packet: Packet): Route | null {
  const bits = acsOf(at);
  const turn = turnOf(bits, packet);
  if (turn === "upstream") return null;
  if (turn === "direct") return { arrives: "peer", at: at.name, reason: whyDirect(at, packet) };
  return { arrives: "nowhere", at: at.name, reason: "its ACS P2P Egress Control refuses the request" };
}

function isAtOrBelow(to: LocatedFunction, bridge: { readonly name: string }): boolean {
  return to.name === bridge.name || to.above.some(({ name }) => name === bridge.name);
}

/** Is `to` a function of the device that `at` belongs to, or below one? */
function isOfDevice(to: LocatedFunction, at: LocatedFunction): boolean {
  const side = to.above[at.above.length];
  return side === undefined ? to.of === at.of : at.of.functions.some(({ name }) => name === side.name);
}
