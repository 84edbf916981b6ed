/** The chains on which the unit may read entries from a page: what they consist of down to the entry that points there. */

import { ChainMoments, NOTHING_KNOWN, ReadChain } from "./chain-moments.js";
import { DeviceWindows } from "./device-windows.js";
import { Feasibility } from "./feasibility.js";
import { type CopiedChain, copyChain } from "./links.js";
import type { WindowsOracle } from "./oracle.js";
import { Link } from "./unit.js";
import { Translation } from "./walk.js";
import { WindowReader } from "./window-reader.js";

export class TableChains {
  private readonly chain: ReadChain;
  private readonly translation = new Translation();
  private readonly feasibility: Feasibility;

  /** For translations of the page `iova` for a requester at step `now`. */
  constructor(
    private readonly oracle: WindowsOracle,
    private readonly requester: number,
    private readonly iova: number,
    private readonly now: number,
  ) {
    const { unit, memory, steering, log, functions } = oracle;
    this.chain = new ReadChain(new WindowReader(unit, memory, steering));
    const devices = new DeviceWindows(unit, memory, steering, functions);
    devices.begin(now, iova);
    const moments = new ChainMoments(unit, log, () => devices.all());
    moments.begin(now, iova, NOTHING_KNOWN);
    this.feasibility = new Feasibility(unit, moments, devices, this.translation);
    this.feasibility.begin(requester, now, NOTHING_KNOWN);
  }

  /** Visits the part above `page` of every chain on which a request of the requester may read an entry from it. */
  each(page: number, visit: (chain: CopiedChain) => void): void {
    const { oracle, chain, translation } = this;
    const { unit, memory, steering, functions } = oracle;
    const { reader } = chain;
    for (const one of functions) {
      const own = one === this.requester;
      reader.begin(this.now);
      do {
        // Whether the request is translated is asked of its own chain: others have filled caches at any time before.
        if (!reader.translationEnabled() && own) continue;
        const passed = unit.lookUpDevice(reader, one, this.iova, translation);
        if (passed) unit.translate(reader, translation);
        chain.found(unit, one, passed, translation);
        for (let position: number = Link.firstEntry; position <= chain.last; position++) {
          if (reader.page[position] !== page || !this.feasibility.reads(chain, position)) continue;
          const copied = copyChain(unit, memory, steering, chain);
          visit({ ...copied, links: copied.links.filter((link) => link.position < position) });
        }
      } while (reader.next(own ? 0 : Link.pointer));
    }
  }
}
