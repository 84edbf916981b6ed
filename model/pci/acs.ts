/** What Access Control Services make of a request on its way up (PCIe Base 6.12.1). */
import type { LocatedFunction } from "./functions.js";
import { Acs, type Bridge, isBridge } from "./topology.js";

/** What a function may send to another: a request, one that claims to be translated already, or a completion. */
export const PACKETS = ["request", "translated", "completion"] as const;
export type Packet = (typeof PACKETS)[number];

/** Where a port or function sends what is for a peer. */
export type Turn = "direct" | "upstream" | "nowhere";

/**
 * The bits of its ACS Control Register that are set. Without the capability none is: what a port or a function of a
 * multifunction device does not promise to redirect is taken to pass directly.
 *
 * Choice: virtual functions without the capability are isolated as their physical function is.
 */
export function acsOf({ self, physical }: LocatedFunction): number {
  const virtual = physical === null || isBridge(self) ? null : self.sriov!.vfAcs;
  return virtual ?? self.acs ?? 0;
}

/**
 * Where what is for a peer goes with these bits.
 *
 * Choice: the Egress Control Vector, which the topology does not have, names every peer. So egress control stops requests
 * that are not redirected, and leaves others to redirection. Choice: completions with relaxed ordering are redirected too.
 */
export function turnOf(bits: number, packet: Packet): Turn {
  if (packet === "completion") return bits & Acs.completionRedirect ? "upstream" : "direct";
  if (packet === "translated" && bits & Acs.directTranslated) return "direct";
  if (bits & Acs.requestRedirect) return "upstream";
  return bits & Acs.egressControl ? "nowhere" : "direct";
}

/** Why {@link turnOf} lets a packet pass directly at a function, as the end of a sentence about it. */
export function whyDirect(one: LocatedFunction, packet: Packet): string {
  if (packet === "completion") return lacksAcs(one, "Completion Redirect");
  if (packet === "translated" && acsOf(one) & Acs.directTranslated)
    return "its ACS Direct Translated P2P is set";
  return lacksAcs(one, "P2P Request Redirect");
}

/** That a bit of its ACS Control Register is clear, or that it has none. */
export function lacksAcs({ self, physical }: LocatedFunction, bit: string): string {
  const virtual = physical === null || isBridge(self) ? null : self.sriov!.vfAcs;
  return (virtual ?? self.acs) === null ? "it has no ACS" : `its ACS ${bit} is clear`;
}

/** Is it the port above a link: what Source Validation, Translation Blocking and Upstream Forwarding apply to? */
export function isDownstreamPort({ kind }: Pick<Bridge, "kind"> | LocatedFunction): boolean {
  return kind === "root-port" || kind === "switch-downstream";
}

/** Is the bus below it a conventional one, on which everyone sees every request? */
export function opensConventionalBus({ kind }: Pick<Bridge, "kind"> | LocatedFunction): boolean {
  return kind === "pcie-to-pci" || kind === "pci-to-pci";
}

/** Does a request that claims to be translated pass it from below as such? Conventional buses have no such requests. */
export function passesTranslated({ kind, acs }: Bridge): boolean {
  if (isDownstreamPort({ kind })) return !((acs ?? 0) & Acs.translationBlocking);
  return kind === "switch-upstream";
}
