/** The chains on which the unit may read entries from a page: what they consist of down to the entry that points there. */
import { ChainMoments, NOTHING_KNOWN } from "./chain-moments.js";
import { ContextWindows } from "./context-windows.js";
import { type CopiedChain, copyChain } from "./links.js";
import type { VtdOracle } from "./oracle.js";
import { Translation, walk } from "./walk.js";
import { Link, WindowReader } from "./window-reader.js";

export class TableChains {
  private readonly reader: WindowReader;
  private readonly translation = new Translation();
  private readonly moments: ChainMoments;
  private readonly contexts: ContextWindows;

  /** For translations of the page `iova` at step `now`. */
  constructor(
    private readonly oracle: VtdOracle,
    private readonly iova: number,
    private readonly now: number,
  ) {
    const { platform, memory, steering, log, functions } = oracle;
    this.reader = new WindowReader(memory, steering, platform.cachingMode);
    this.contexts = new ContextWindows(platform, memory, steering, functions);
    this.contexts.begin(now, iova);
    this.moments = new ChainMoments(log, () => this.contexts.all());
    this.moments.begin(now, iova, NOTHING_KNOWN);
  }

  /** Visits the part above `page` of every chain on which a request of the requester may read an entry from it. */
  each(requester: number, page: number, visit: (chain: CopiedChain) => void): void {
    const { oracle, reader, translation } = this;
    const { platform, memory, steering, functions } = oracle;
    for (const sourceId of functions) {
      reader.begin(this.now);
      do {
        if (!reader.translationEnabled()) continue;
        walk(platform, reader, sourceId, this.iova, translation);
        for (let position: number = Link.root; position < reader.length; position++) {
          if (reader.page[position] !== page || !this.reads(sourceId, requester, position)) continue;
          const chain = copyChain(memory, steering, reader, sourceId);
          visit({ ...chain, links: chain.links.filter((link) => link.position < position) });
        }
      } while (reader.next(sourceId === requester ? 0 : Link.rootPointer));
    }
  }

  /** The entries above a position can be in use for the requester now. */
  private reads(sourceId: number, requester: number, position: number): boolean {
    const { reader, moments, now } = this;
    const { since, until, buffered, level } = reader;
    const domainId = this.translation.firstLevel === 0 ? 0 : this.translation.domainId;
    const chain = { since, until, buffered, level, sourceId, domainId };
    if (position > Link.firstLevel) {
      const own = this.contexts.of(requester);
      const walks = moments.usedFrom(own, domainId, now, NOTHING_KNOWN) === now;
      return walks && moments.inUse(chain, position - 1, now, NOTHING_KNOWN);
    }
    if (sourceId !== requester) return false;
    if (position === Link.firstLevel) return moments.inUse(chain, Link.context, now, NOTHING_KNOWN);
    return until[Link.rootPointer]! > now && (position === Link.root || until[Link.root]! > now);
  }
}
