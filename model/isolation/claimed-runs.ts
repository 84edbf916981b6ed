/** Mappings of a domain in order of address, so that the few that a change is about are found among thousands. */

/** A mapping that is in force. */
export interface Claim {
  readonly iova: number;
  readonly page: number;
  readonly pages: number;
  readonly access: number;
}

export class ClaimedRuns {
  private readonly sorted: Claim[] = [];
  /** Pages of the longest that ever was: no other reaches an address from further away. */
  private longest = 0;

  add(claim: Claim): void {
    this.longest = Math.max(this.longest, claim.pages);
    this.sorted.splice(this.firstFrom(claim.iova), 0, claim);
  }

  /** Those over some of these addresses, in order. */
  over(iova: number, pages: number): Claim[] {
    const [first, end] = this.range(iova, pages);
    return this.sorted.slice(first, end).filter((one) => one.iova + one.pages > iova);
  }

  /** Puts other claims, of the same addresses or fewer, in the place of those over some of these addresses. */
  replace(iova: number, pages: number, by: (claim: Claim) => readonly Claim[]): void {
    const [first, end] = this.range(iova, pages);
    const left = this.sorted.slice(first, end).flatMap(by);
    left.sort((one, other) => one.iova - other.iova);
    this.sorted.splice(first, end - first, ...left);
  }

  /** Indices of all that may be over these addresses. */
  private range(iova: number, pages: number): [first: number, end: number] {
    return [this.firstFrom(iova - this.longest), this.firstFrom(iova + pages)];
  }

  /** Index of the first that begins at this address or behind it. */
  private firstFrom(iova: number): number {
    let low = 0;
    let high = this.sorted.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.sorted[middle]!.iova < iova) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
