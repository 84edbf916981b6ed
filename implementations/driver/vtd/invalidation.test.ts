import { describe, expect, it } from "vitest";
import { Granularity } from "../../../model/vtd/descriptors.js";
import type { PlatformProfile } from "../../../model/vtd/profile.js";
import { profileNamed } from "../../../model/vtd/profiles.js";
import { Offset } from "../../../model/vtd/registers.js";
import type { Access } from "../interface.js";
import { Encodings } from "./encodings.js";
import { contextInvalidation, VtdFlusher } from "./invalidation.js";
import { InvalidationQueue } from "./queue.js";
import { Unit } from "./unit.js";

const qemu = profileNamed("qemu-39");
const unitOf = (profile: PlatformProfile) => new Unit(new Encodings(profile, {}), {});

describe("invalidations of pages", () => {
  const changed = { domainId: 3, iova: 0x1001, pages: 3, leafOnly: true };
  const forPages = (profile: PlatformProfile, change = changed) => {
    const unit = unitOf(profile);
    return new VtdFlusher(unit, new InvalidationQueue(unit, 0x2001, 0x2002, 1)).forPages(change);
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
