/**
 * The state of a protocol run as numbers: the books, and by domain what leaf entries say, what they said before that may be
 * in use still, and which of that the flush under way is going to exclude.
 *
 * Steps need not be told: device entries and tables above are never changed once they are there, so a leaf entry that was
 * replaced is in use until a flush is complete that was submitted later, and what nobody could read any more is forgotten
 * by the model. Entries that are not present are not cached, so they count while they are there only.
 */
import { OPEN } from "../../../model/words/memory.js";
import { NONE } from "./configuration.js";
import type { ProtocolRun } from "./run.js";

/** By domain and address: the page that is mapped, and a number for every page that was and may still be in use. */
export type LeafStates = readonly (readonly { readonly page: number; readonly old: readonly OldValue[] }[])[];

interface OldValue {
  readonly page: number;
  /** 1 when the flush under way was submitted before it was replaced, and excludes nothing of it; else 0. */
  readonly spared: number;
}

/** What the leaf entries of a run say and may be taken to say. */
export function leafStatesOf(run: ProtocolRun): LeafStates {
  const { entries, rules } = run.model.oracle.log;
  return run.domains.map(({ domainId }, domain) => {
    const underWay = entries.find((one) => one.observed === OPEN && rules.domainOf(one.target) === domainId);
    return Array.from({ length: run.configuration.iovas }, (_, iova) =>
      leafState(run, domain, iova, underWay?.submitted ?? OPEN),
    );
  });
}

function leafState(
  run: ProtocolRun,
  domain: number,
  iova: number,
  submitted: number,
): LeafStates[number][number] {
  const { memory } = run.model.oracle;
  const { page, word } = run.leafOf(domain, iova);
  let version = memory.newestVersion(memory.frameOf(page), word);
  if (version === 0) return { page: NONE, old: [] };
  const mapped = pageIn(run, memory.lowOf(version));
  const old: OldValue[] = [];
  for (version = memory.olderVersion(version); version !== 0; version = memory.olderVersion(version)) {
    const spared = memory.untilOf(version) > submitted ? 1 : 0;
    const page = pageIn(run, memory.lowOf(version));
    if (page !== NONE && !old.some((one) => one.page === page && one.spared === spared))
      old.push({ page, spared });
  }
  return { page: mapped, old };
}

function pageIn(run: ProtocolRun, low: number): number {
  return low === 0 ? NONE : run.pages.indexOf(low >>> 12);
}

/** Takes the numbers of a state one after the other; false when it has seen enough. */
export type Taker = (value: number) => boolean;

type Numbers = readonly number[];

/** A renaming both ways: old numbers by new ones, and new ones by old ones. */
export interface Names {
  readonly old: {
    readonly requesters: Numbers;
    readonly domains: Numbers;
    readonly iovas: Numbers;
    readonly pages: Numbers;
  };
  readonly next: { readonly domains: Numbers; readonly iovas: Numbers; readonly pages: Numbers };
}

/** Gives the numbers of a state under other names, the same for runs that differ in names only. False when stopped. */
export function giveNumbers(
  run: ProtocolRun,
  leaves: LeafStates,
  { old, next }: Names,
  take: Taker,
): boolean {
  const { attached, pages, flushing } = run.books;
  for (const requester of old.requesters) if (!take(named(next.domains, attached[requester]!))) return false;
  for (const page of old.pages) {
    const { state, domain, iova } = pages[page]!;
    if (!take(state) || !take(named(next.domains, domain)) || !take(named(next.iovas, iova))) return false;
  }
  if (!take(named(next.domains, flushing))) return false;
  for (const domain of old.domains)
    for (const iova of old.iovas) {
      const leaf = leaves[domain]![iova]!;
      if (!take(named(next.pages, leaf.page)) || !take(usesOf(leaf.old, next.pages))) return false;
    }
  return true;
}

function named(numbers: Numbers, one: number): number {
  return one === NONE ? NONE : numbers[one]!;
}

/** Two bits for every page: whether an old value that maps it may be in use, and whether one is spared. */
function usesOf(old: readonly OldValue[], pages: Numbers): number {
  let uses = 0;
  for (const { page, spared } of old) uses |= 1 << (2 * pages[page]! + spared);
  return uses;
}
