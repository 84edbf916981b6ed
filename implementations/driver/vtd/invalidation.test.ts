import { describe, expect, it } from "vitest";
import { Granularity } from "../../../model/vtd/descriptors.js";
import type { PlatformProfile } from "../../../model/vtd/profile.js";
import { profileNamed } from "../../../model/vtd/profiles.js";
import { Offset } from "../../../model/vtd/registers.js";
import type { Access } from "../interface.js";
import { alignedTo, coveringMask } from "./address-mask.js";
import { DomainIds } from "./domain-ids.js";
import { Encodings } from "./encodings.js";
import { contextInvalidation, Flusher } from "./invalidation.js";
import { InvalidationQueue } from "./queue.js";
import { Unit } from "./unit.js";

const qemu = profileNamed("qemu-39");
const unitOf = (profile: PlatformProfile) => new Unit(new Encodings(profile, {}), {});

describe("address masks", () => {
  it.each([
    [0x1000, 1, 0],
    [0x1000, 2, 1],
    [0x1001, 2, 2],
    [0x1003, 2, 3],
    [0x1000, 3, 2],
    [0x1001, 3, 2],
    [0x1002, 3, 3],
    [0x1000, 512, 9],
    [0x1001, 512, 10],
    [0x1fff, 2, 14],
    [0x7ffffff, 2, 28],
  ])("page %i, %i pages: %i", (iova, pages, mask) => {
    expect(coveringMask(iova, pages)).toBe(mask);
  });

  it("cover every page of the run, and are no larger than that takes", () => {
    for (let iova = 0; iova < 40; iova++) {
      for (let pages = 1; pages < 40; pages++) {
        const mask = coveringMask(iova, pages);
        expect(alignedTo(mask, iova) + 2 ** mask).toBeGreaterThanOrEqual(iova + pages);
        if (mask > 0) expect(alignedTo(mask - 1, iova) + 2 ** (mask - 1)).toBeLessThan(iova + pages);
      }
    }
  });
});

describe("invalidations of pages", () => {
  const changed = { domainId: 3, iova: 0x1001, pages: 3, leafOnly: true };
  const forPages = (profile: PlatformProfile, change = changed) => {
    const unit = unitOf(profile);
    return new Flusher(unit, new InvalidationQueue(unit, 0x2001, 0x2002, 1)).forPages(change);
  };

  it("name the aligned range that holds them all", () => {
    expect(forPages(qemu)).toEqual({
      cache: "iotlb",
      granularity: Granularity.selective,
      domainId: 3,
      page: 0x1000,
      mask: 2,
      leafOnly: true,
    });
  });

  it("become one of the domain where the unit has no page-selective ones (CAP.PSI, bit 39)", () => {
    const { low, high } = qemu.capability;
    const without = { ...qemu, capability: { low, high: high & ~0x80 } };
    expect(forPages(without)).toMatchObject({ granularity: Granularity.domain, domainId: 3 });
  });

  it("become one of the domain where the mask is above CAP.MAMV", () => {
    expect(forPages(profileNamed("gm45"), { ...changed, pages: 512 })).toMatchObject({
      granularity: Granularity.domain,
    });
    expect(forPages(profileNamed("gm45"), { ...changed, iova: 0x1000, pages: 512 })).toMatchObject({
      mask: 9,
    });
  });
});

describe("the queue", () => {
  it("is never filled beyond what the ring holds", () => {
    const queue = new InvalidationQueue(unitOf(qemu), 0x2001, 0x2002, 1);
    const accesses: Access[] = [];
    const many = Array.from({ length: 600 }, () => contextInvalidation.global);
    const routine = queue.submit(many);
    for (let next = routine.next(); !next.done; next = routine.next({ low: 1, high: 0 }))
      accesses.push(next.value);
    let underWay = 0;
    let most = 0;
    for (const access of accesses) {
      if (access.do === "store" && access.word % 2 === 1) underWay++;
      if (access.do === "poll-memory") underWay = 0;
      most = Math.max(most, underWay);
    }
    expect(most).toBe(255);
    const tails = accesses.filter((one) => one.do === "write-register" && one.offset === Offset.IQT);
    expect(tails.length).toBe(3);
  });
});

describe("domain ids", () => {
  it("begin with 1 and come back as soon as they are free", () => {
    const ids = new DomainIds(4);
    expect([ids.allocate(), ids.allocate(), ids.allocate()]).toEqual([1, 2, 3]);
    expect(() => ids.allocate()).toThrow("all 3 domain ids are in use");
    ids.release(2);
    expect(ids.allocate()).toBe(2);
  });
});
