/**
 * Isolation groups by brute force: every function sends a packet of every kind to every other, which is followed hop by hop
 * through the topology; and every id is followed to the IOMMU. Shares nothing with `groups.ts`.
 */
import { type LocatedFunction, locatedFunctions } from "./functions.js";
import type { Topology } from "./topology.js";

type Kind = "untranslated" | "translated" | "completion";

/** A function, what is above it, and its control bits. */
interface Node {
  readonly one: LocatedFunction;
  readonly parent: Node | null;
  /** The function, the bridge above it, and so on. */
  readonly line: readonly Node[];
  readonly controls: Controls;
  readonly ids: ReadonlySet<number>;
}

/** Where a packet is: made or forwarded by a function, on the bus of that function, or at a bridge from below. */
interface Hop {
  readonly where: "leaving" | "bus" | "arriving";
  /** The function that sent it onto the bus, or the bridge at which it arrives. */
  readonly at: Node;
  readonly kind: Kind;
}

/** Control bits in the order of the register. */
interface Controls {
  readonly validates: boolean;
  readonly blocksTranslated: boolean;
  readonly redirectsRequests: boolean;
  readonly redirectsCompletions: boolean;
  readonly forwards: boolean;
  readonly restrictsEgress: boolean;
  readonly letsTranslatedPass: boolean;
}

/** The groups by brute force, each sorted, in the order of their first functions by name. */
export function groupsByBruteForce(topology: Topology): string[][] {
  const left = nodesOf(topology);
  const groups: string[][] = [];
  while (left.length > 0) {
    const group = left.splice(0, 1);
    for (const member of group)
      for (const other of left.filter((one) => together(member, one))) {
        left.splice(left.indexOf(other), 1);
        group.push(other);
      }
    groups.push(group.map(({ one }) => one.name).sort());
  }
  return groups.sort(byFirst);
}

/** Orders groups by the names of their first functions. */
export function byFirst(one: readonly string[], other: readonly string[]): number {
  return one[0]! < other[0]! ? -1 : 1;
}

function nodesOf(topology: Topology): Node[] {
  const nodes = new Map<string, Node>();
  for (const one of locatedFunctions(topology)) {
    const bridge = one.above[one.above.length - 1];
    const parent = bridge === undefined ? null : nodes.get(bridge.name)!;
    const line: Node[] = parent === null ? [] : [...parent.line];
    const node = { one, parent, line, controls: controlsOf(one), ids: idsOf(one, line) };
    line.unshift(node);
    nodes.set(one.name, node);
  }
  return [...nodes.values()];
}

/** Can nobody keep these two apart? */
function together(one: Node, other: Node): boolean {
  if (one.one.segment !== other.one.segment) return false;
  const kinds: Kind[] = ["untranslated", "translated", "completion"];
  return (
    [...one.ids].some((id) => other.ids.has(id)) ||
    impersonates(one, other) ||
    impersonates(other, one) ||
    kinds.some((kind) => reaches(one, other, kind) || reaches(other, one, kind))
  );
}

/** Does a port on the way of one not look at requester ids, with the other at or below that port? */
function impersonates(one: Node, other: Node): boolean {
  return one.line
    .slice(1)
    .some((port) => isPort(port) && !port.controls.validates && other.line.includes(port));
}

/** Follows a packet until it is delivered, stopped, or at the IOMMU. */
function reaches(from: Node, to: Node, kind: Kind): boolean {
  const isSilent = "secondary" in from.one.self || from.one.kind === "conventional";
  if (kind === "translated" && isSilent) return false;
  const first: Hop = { where: "leaving", at: from, kind };
  let hop: Hop | "delivered" | "stopped" = first;
  while (typeof hop === "object") hop = step(hop, to, hop === first);
  return hop === "delivered";
}

function step({ where, at, kind }: Hop, to: Node, isFirst: boolean): Hop | "delivered" | "stopped" {
  if (where === "arriving") return arrive(at, kind, to);
  if (where === "leaving") {
    const sibling = to.line.find((one) => one.one.of === at.one.of);
    const toSibling = sibling !== undefined && sibling !== at;
    const down = isFirst && isPort(at) && sibling === at;
    const decision = toSibling || down ? decide(at.controls, kind) : "up";
    return decision === "up" ? { where: "bus", at, kind } : decision;
  }
  const { parent } = at;
  if (parent === null) return "stopped";
  if (to.line.includes(parent) && !to.line.includes(at)) {
    if (isShared(parent)) return "delivered";
    const decision = parent.one.kind === "switch-upstream" ? decide(at.controls, kind) : "up";
    if (decision !== "up") return decision;
  }
  return { where: "arriving", at: parent, kind };
}

/** A packet arrives at a bridge from below. */
function arrive(at: Node, kind: Kind, to: Node): Hop | "delivered" | "stopped" {
  const isBack = to.line.includes(at);
  const onward: Hop = { where: "leaving", at, kind };
  if (at.one.kind === "pci-to-pcie") return isBack ? "stopped" : { ...onward, kind: settle(kind) };
  if (isShared(at)) return { ...onward, kind: settle(kind) };
  if (!isPort(at)) return onward;
  if (kind === "translated" && at.controls.blocksTranslated) return "stopped";
  if (to === at) {
    const decision = decide(at.controls, kind);
    return decision === "up" ? { where: "bus", at, kind } : decision;
  }
  return isBack && !at.controls.forwards ? "delivered" : onward;
}

/** Follows the ids of a function through the bridges above it to the IOMMU. */
function idsOf(one: LocatedFunction, bridges: readonly Node[]): ReadonlySet<number> {
  const ids = new Set([one.requester]);
  if (!("secondary" in one.self) && one.physical === null) {
    for (const fn of one.self.alsoFunctions) ids.add(one.bus * 256 + one.of.device * 8 + fn);
    const varying = [0, 0b100, 0b110, 0b111][one.self.phantomBits]!;
    for (let id = one.requester - (one.requester % 8), fn = 0; fn < 8; id++, fn++)
      if ((id | varying) === (one.requester | varying)) ids.add(id);
  }
  for (const { one: bridge } of bridges) {
    if (bridge.kind === "pci-to-pci" || bridge.kind === "pci-to-pcie") {
      ids.clear();
      ids.add(bridge.requester);
    }
    if (bridge.kind === "pcie-to-pci" && "secondary" in bridge.self) ids.add(bridge.self.secondary * 256);
  }
  return ids;
}

/** What is on a conventional bus is seen by all that is on it. */
function isShared({ one }: Node): boolean {
  return one.kind === "pcie-to-pci" || one.kind === "pci-to-pci";
}

function isPort({ one }: Node): boolean {
  return one.kind === "root-port" || one.kind === "switch-downstream";
}

/** On a conventional bus there are no translated requests. */
function settle(kind: Kind): Kind {
  return kind === "translated" ? "untranslated" : kind;
}

function controlsOf(one: LocatedFunction): Controls {
  const inherited = one.self.acs ?? 0;
  const isVirtual = one.kind === "virtual-function" && "sriov" in one.self;
  const bits = isVirtual ? (one.self.sriov?.vfAcs ?? inherited) : inherited;
  const [validates, blocksTranslated, redirectsRequests, redirectsCompletions, ...others] = Array.from(
    { length: 7 },
    (_, bit) => Math.floor(bits / 2 ** bit) % 2 === 1,
  ) as [boolean, boolean, boolean, boolean, boolean, boolean, boolean];
  const [forwards, restrictsEgress, letsTranslatedPass] = others;
  return {
    validates,
    blocksTranslated,
    redirectsRequests,
    redirectsCompletions,
    forwards,
    restrictsEgress,
    letsTranslatedPass,
  };
}

/** Peer-to-peer traffic at a function with these controls. */
function decide(controls: Controls, kind: Kind): "delivered" | "up" | "stopped" {
  if (kind === "completion") return controls.redirectsCompletions ? "up" : "delivered";
  if (kind === "translated" && controls.letsTranslatedPass) return "delivered";
  if (controls.redirectsRequests) return "up";
  return controls.restrictsEgress ? "stopped" : "delivered";
}
