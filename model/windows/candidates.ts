/** Runs of pages that some entry may lead to, cut so that each piece is led to by the same entries throughout. */

import type { Pages, SpecialPages } from "./unit.js";

/** Pages at consecutive addresses, and the rights that some entry gives to them. */
export interface Candidate {
  readonly iova: number;
  readonly page: number;
  readonly pages: number;
  readonly access: number;
}

/**
 * The pieces of all candidates, in order of address, each once. Whatever excludes an entry excludes it for every page it
 * maps, so one page of a piece stands for the piece.
 * @param boundaries addresses to cut at as well
 */
export function pieces(candidates: readonly Candidate[], boundaries: readonly number[] = []): Candidate[] {
  const byDistance = new Map<number, Candidate[]>();
  for (const one of candidates) {
    const distance = one.page - one.iova;
    const same = byDistance.get(distance);
    if (same) same.push(one);
    else byDistance.set(distance, [one]);
  }
  const all = [...byDistance].flatMap(([distance, same]) => cut(distance, same, boundaries));
  return all.sort((one, other) => one.iova - other.iova || one.page - other.page);
}

/** The candidate, cut where its addresses, or what they lead to, have a meaning of their own from there on, or no longer. */
export function aroundSpecial(
  candidate: Candidate,
  special: Pick<SpecialPages, "input" | "output">,
): Candidate[] {
  const { iova, page, pages, access } = candidate;
  const cuts = [...edges(special.input, iova), ...edges(special.output, page)];
  const starts = [0, ...cuts.filter((at) => at > 0 && at < pages)].sort((one, other) => one - other);
  return starts.map((at, index) => {
    const end = starts[index + 1] ?? pages;
    return { iova: iova + at, page: page + at, pages: end - at, access };
  });
}

function edges(runs: readonly Pages[], from: number): number[] {
  return runs.flatMap(({ first, last }) => [first - from, last + 1 - from]);
}

/** The pieces of candidates whose pages are at the same distance from their addresses. */
function cut(distance: number, candidates: readonly Candidate[], boundaries: readonly number[]): Candidate[] {
  const open = [...candidates].sort((one, other) => one.iova - other.iova);
  const ends = open.flatMap((one) => [one.iova, one.iova + one.pages]);
  ends.push(...boundaries);
  ends.sort((one, other) => one - other);
  const found: Candidate[] = [];
  let covering: Candidate[] = [];
  let next = 0;
  ends.forEach((iova, index) => {
    const end = ends[index + 1];
    if (end === undefined || end === iova) return;
    while (open[next] && open[next]!.iova <= iova) covering.push(open[next++]!);
    covering = covering.filter((one) => one.iova + one.pages > iova);
    const access = covering.reduce((rights, one) => rights | one.access, 0);
    if (access !== 0) found.push({ iova, page: iova + distance, pages: end - iova, access });
  });
  return found;
}
