/** The context entries that functions may use for a page, in every value they have held, with their windows (VT-d 9.3). */
import type { PhysicalMemory } from "../words/memory.js";
import type { ContextWindow } from "./chain-moments.js";
import type { SteeringRegisters } from "./steering.js";
import { lookUpContext, Translation, type WalkPlatform } from "./walk.js";
import { Link, WindowReader } from "./window-reader.js";

const NO_LEVELS: readonly number[] = [];

export class ContextWindows {
  private readonly reader: WindowReader;
  private readonly translation = new Translation();
  private readonly byFunction = new Map<number, readonly ContextWindow[]>();
  private ofAll: readonly ContextWindow[] | null = null;
  private now = 0;
  private page = 0;

  constructor(
    private readonly platform: WalkPlatform,
    memory: PhysicalMemory,
    registers: SteeringRegisters,
    /** The functions that may fill caches under a domain id they share. */
    private readonly requesters: readonly number[],
  ) {
    this.reader = new WindowReader(memory, registers, platform.cachingMode);
  }

  /** Prepares for requests for `page` at step `now`. */
  begin(now: number, page: number): void {
    this.now = now;
    this.page = page;
    if (this.byFunction.size > 0) this.byFunction.clear();
    this.ofAll = null;
  }

  /** Those that some function may use. */
  all(): readonly ContextWindow[] {
    this.ofAll ??= this.requesters.flatMap((requester) => this.of(requester));
    return this.ofAll;
  }

  of(requester: number): readonly ContextWindow[] {
    let contexts = this.byFunction.get(requester);
    if (!contexts) {
      contexts = this.read(requester);
      this.byFunction.set(requester, contexts);
    }
    return contexts;
  }

  private read(requester: number): ContextWindow[] {
    const { platform, reader, translation } = this;
    const contexts: ContextWindow[] = [];
    reader.begin(this.now);
    do {
      reader.translationEnabled();
      if (lookUpContext(platform, reader, requester, this.page, translation))
        contexts.push(this.windowOf(requester));
    } while (reader.next(Link.rootPointer));
    return contexts;
  }

  private windowOf(sourceId: number): ContextWindow {
    const { reader, translation } = this;
    const { domainId, faultProcessingDisabled, passThrough, firstLevel } = translation;
    return {
      since: upperLinks(reader.since),
      until: upperLinks(reader.until),
      buffered: upperLinks(reader.buffered),
      level: NO_LEVELS,
      sourceId,
      domainId,
      walkLimit: passThrough ? 0 : this.platform.inputPageLimit[firstLevel]!,
      faultProcessingDisabled,
    };
  }
}

/** A copy of what belongs to the registers, the root entry and the context entry. */
function upperLinks(of: ArrayLike<number>): readonly number[] {
  return [of[Link.enabled]!, of[Link.rootPointer]!, of[Link.root]!, of[Link.context]!];
}
