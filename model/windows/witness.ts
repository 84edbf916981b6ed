/** Why a page is reached: the chain of entries, the action that stored each, and what should have excluded the old ones. */

import { Right } from "../isolation/events.js";
import type { Excuse, Reach, Witness, WitnessLink } from "../isolation/exposure.js";
import type { Request } from "../trace.js";
import { showRequester } from "../words/address.js";
import { OPEN } from "../words/memory.js";
import { ChainMoments, ReadChain } from "./chain-moments.js";
import { DeviceWindows } from "./device-windows.js";
import { drainExcuse, excuseFor, type Usage } from "./excuses.js";
import {
  type ChainLink,
  type CopiedChain,
  chainEntry,
  copyChain,
  linkName,
  linksToTell,
  supersededLinks,
} from "./links.js";
import type { WindowsOracle } from "./oracle.js";
import { PostedWrites } from "./posted-writes.js";
import { TableChains } from "./table-chains.js";
import { Link } from "./unit.js";
import { NO_DOMAIN, Translation } from "./walk.js";
import { WindowReader } from "./window-reader.js";
import { sizeOf } from "./wording.js";

/**
 * The chain behind a reach that the model has found at step `now`, with an excuse for every old value in it.
 * @throws RangeError when nothing leads to the page
 */
export function witnessOf(oracle: WindowsOracle, reach: Reach, now: number): Witness {
  const usage = usageBehind(oracle, reach, now);
  if (!usage) throw new RangeError(`nothing leads to page 0x${reach.page.toString(16)}`);
  const { chain } = usage;
  const own = chain.requester === reach.requester;
  const told = linksToTell(chain).map((link) => witnessLink(oracle, usage, link));
  const links = own ? told : [...lookedUp(oracle, usage, reach.requester), ...told];
  const filledThrough = own ? null : chain.requester;
  if (reach.way === "posted-write") {
    // It was translated while its entries could be in use: only draining is to blame.
    const blameless = links.map((link) => ({ ...link, excuse: null }));
    return {
      reach,
      links: blameless,
      filledThrough,
      excuse: drainExcuse(oracle, usage, reach.requester, now),
      current: false,
    };
  }
  const current = own && chain.links.every((link) => link.replaced === OPEN);
  return { reach, links, filledThrough, excuse: openStill(oracle, reach, now), current };
}

/** Memory is to be protected, which was not seen done. */
function openStill({ steering, unit }: WindowsOracle, { page, way }: Reach, now: number): Excuse | null {
  const { protection } = steering;
  const since = way === "request" && protection.isOn ? protection.changingSince(page, now) : 0;
  if (since === 0) return null;
  const text = `the command of action ${since - 1} that protects the page was not seen complete ${unit.protection!.status}`;
  return { kind: "not-complete", text };
}

/** How the page is reached: the chain with the fewest old values, the requester's own before those of others. */
function usageBehind(oracle: WindowsOracle, reach: Reach, now: number): Usage | null {
  const page = reach.iova;
  switch (reach.way) {
    case "request": {
      const chain = chainTo(oracle, reach, now);
      return chain && { chain, page, at: now, known: [], result: chain.pages };
    }
    case "posted-write": {
      const { unit, memory, steering, functions } = oracle;
      const { requester } = reach;
      const posted = new PostedWrites(oracle);
      const devices = new DeviceWindows(unit, memory, steering, functions);
      devices.begin(now, page);
      for (const { domainId } of devices.of(requester)) {
        const drained = posted.drained(now, { requester, domainId, page, pages: 1 });
        const { known } = drained;
        for (const at of posted.moments(now, drained)) {
          const chain = chainTo(oracle, reach, at, known, domainId);
          if (chain) return { chain, page, at, known, result: chain.pages };
        }
      }
      return null;
    }
    case "table": {
      let best: CopiedChain | null = null;
      new TableChains(oracle, reach.requester, reach.iova, now).each(reach.page, (chain) => {
        best = better(best, chain, reach.requester, now);
      });
      return best && { chain: best, page, at: now, known: [], result: null };
    }
  }
}

/** The best chain through which a request may be answered with the page at step `at`. */
function chainTo(
  { admissible, unit, memory, steering }: WindowsOracle,
  { requester, iova, page, access }: Reach,
  at: number,
  known?: readonly number[],
  domainId?: number,
): CopiedChain | null {
  const type = access === Right.write ? "write" : "read";
  const request: Request = { requester, page: iova, offset: 0, length: 4, type };
  let best: CopiedChain | null = null;
  admissible.observer = (outcome, chain) => {
    if (outcome.effect !== page) return;
    best = better(best, copyChain(unit, memory, steering, chain), requester, at, access);
    // With the outcome taken out again, further chains that lead to it are reported too.
    admissible.found = admissible.found.filter((one) => one !== outcome);
  };
  try {
    admissible.compute(request, at, known, domainId);
  } finally {
    admissible.observer = null;
  }
  return best;
}

/**
 * The requester's own chain before others', one whose device entry gives the rights that are used before one that was
 * cached with the rights of another, and then the one with the fewest old values.
 */
function better(
  best: CopiedChain | null,
  chain: CopiedChain,
  requester: number,
  at: number,
  access = 0,
): CopiedChain {
  if (!best) return chain;
  const foreign = (one: CopiedChain) => Number(one.requester !== requester);
  const short = (one: CopiedChain) => Number((one.deviceAccess & access) !== access);
  const order =
    foreign(chain) - foreign(best) ||
    short(chain) - short(best) ||
    supersededLinks(chain, at) - supersededLinks(best, at);
  return order < 0 ? chain : best;
}

/**
 * The requester's own device entry with the domain id under which it finds what another function filled: one that is in
 * use where there is one, else one through which a cache was filled that keeps the result.
 */
function lookedUp(oracle: WindowsOracle, usage: Usage, requester: number): WitnessLink[] {
  const { unit, memory, steering, log, functions } = oracle;
  const { at, page, known } = usage;
  const chain = new ReadChain(new WindowReader(unit, memory, steering));
  const { reader } = chain;
  const devices = new DeviceWindows(unit, memory, steering, functions);
  devices.begin(at, page);
  const moments = new ChainMoments(unit, log, () => devices.all());
  moments.begin(at, page, known);
  const translation = new Translation();
  let inUse: CopiedChain | null = null;
  let other: CopiedChain | null = null;
  reader.begin(at);
  do {
    reader.translationEnabled();
    if (!unit.lookUpDevice(reader, requester, page, translation)) continue;
    if (translation.domainId !== usage.chain.domainId) continue;
    chain.found(unit, requester, true, translation);
    const copied = copyChain(unit, memory, steering, chain);
    if (moments.inUse(chain, unit.shape.lastDevice, at, known)) inUse = better(inUse, copied, requester, at);
    else other = better(other, copied, requester, at);
  } while (reader.next(Link.pointer));
  const best = inUse ?? other;
  if (!best) return [];
  const own: Usage = { ...usage, chain: best };
  return own.chain.links
    .filter((link) => link.position >= unit.shape.device)
    .map((link) => witnessLink(oracle, own, link));
}

function witnessLink(oracle: WindowsOracle, usage: Usage, link: ChainLink): WitnessLink {
  const excuse: Excuse | null = link.replaced <= usage.at ? excuseFor(oracle, usage, link) : null;
  return { ...chainEntry(oracle.unit, link, nameOf(oracle, usage, link)), excuse };
}

/** The name, with what the whole of a device entry says, and the size of a large page. */
function nameOf({ unit }: WindowsOracle, { chain, result }: Usage, link: ChainLink): string {
  const name = linkName(unit, link);
  const { lastDevice } = unit.shape;
  if (link.position === lastDevice) {
    const domain = chain.domainId === NO_DOMAIN ? "no domain" : `domain ${chain.domainId}`;
    const how = chain.passThrough ? ", pass-through" : "";
    return `${name} of ${showRequester(chain.requester)} (${domain}${how})`;
  }
  const isLarge = link === chain.links.at(-1) && link.position > lastDevice && (result ?? 0) > 1;
  return isLarge ? `${name} (${sizeOf(result!)} page)` : name;
}
