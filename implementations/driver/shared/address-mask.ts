/** Aligned ranges of 2^mask pages: what invalidations of pages name (VT-d 6.5.2.3, AMD-Vi 2.4.3). */

/**
 * The smallest mask whose aligned range of 2^mask pages holds every one of these pages. An unaligned run may need a much
 * larger one than its size suggests: two pages on either side of a boundary of 2^n pages need n + 1.
 */
export function coveringMask(iova: number, pages: number): number {
  let mask = 0;
  let first = iova;
  let last = iova + pages - 1;
  while (first !== last) {
    first = Math.floor(first / 2);
    last = Math.floor(last / 2);
    mask++;
  }
  return mask;
}

/** The first page of the aligned range of 2^mask pages that a page is in. */
export function alignedTo(mask: number, page: number): number {
  return page - (page % 2 ** mask);
}
