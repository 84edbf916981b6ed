/** Domain ids: the lowest free one is used next, so a freed id comes back soon. */
export class DomainIds {
  private readonly used = new Set<number>();

  /** @param count ids 0 to `count - 1` fit the unit */
  constructor(private readonly count: number) {}

  /** A free id. Never 0, which entries that say nothing yet have, too. @throws RangeError when every id is in use */
  allocate(): number {
    let id = 1;
    while (this.used.has(id)) id++;
    if (id >= this.count) throw new RangeError(`all ${this.count - 1} domain ids are in use`);
    this.used.add(id);
    return id;
  }

  /** Ids that somebody else has used: translations may be cached under them until they are released. */
  withhold(ids: Iterable<number>): void {
    for (const id of ids) this.used.add(id);
  }

  /** Nothing that was cached under the id is left. */
  release(id: number): void {
    this.used.delete(id);
  }
}
