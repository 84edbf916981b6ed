/**
 * What of a protocol run an abstraction made by hand has too: the books, and which pages that were unmapped may be reached
 * still, taken from the exposure of the model.
 */
import { PageState, type ProtocolConfiguration } from "./configuration.js";
import type { ProtocolRun } from "./run.js";
import { newNumber, type Renaming, renamingsOf } from "./symmetry.js";

/** An abstract state: the books with a mark for every page that is not mapped any more and may be reached. */
interface AbstractState {
  readonly attached: readonly number[];
  readonly pages: readonly { state: number; domain: number; iova: number; isCached: boolean }[];
  readonly flushing: number;
}

function abstractionOf({ books, model, pages }: ProtocolRun): AbstractState {
  const reached = new Set(model.exposure().map((one) => one.page));
  return {
    attached: books.attached,
    flushing: books.flushing,
    pages: books.pages.map((page, index) => ({
      ...page,
      isCached: page.state !== PageState.mapped && reached.has(pages[index]!),
    })),
  };
}

/** Counts abstract states under every name. */
export class AbstractStates {
  private readonly known = new Set<string>();
  private readonly renamings: readonly Renaming[];

  constructor(configuration: ProtocolConfiguration) {
    this.renamings = renamingsOf(configuration);
  }

  /** Adds the abstraction of a run's present state, and all that differ from it in names only. */
  add(run: ProtocolRun): void {
    const state = abstractionOf(run);
    for (const renaming of this.renamings) this.known.add(underNames(state, renaming));
  }

  get count(): number {
    return this.known.size;
  }
}

function underNames({ attached, pages, flushing }: AbstractState, names: Renaming): string {
  const newAttached: number[] = [];
  attached.forEach((domain, one) => {
    newAttached[names.requesters[one]!] = newNumber(names.domains, domain);
  });
  const newPages: string[] = [];
  pages.forEach(({ state, domain, iova, isCached }, one) => {
    const place = `${newNumber(names.domains, domain)} ${newNumber(names.iovas, iova)}`;
    newPages[names.pages[one]!] = `${state} ${place} ${isCached}`;
  });
  return `${newAttached} / ${newPages} / ${newNumber(names.domains, flushing)}`;
}
