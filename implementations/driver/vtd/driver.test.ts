import { beforeEach, describe, expect, it } from "vitest";
import { Right } from "../../../model/isolation/events.js";
import { Effect } from "../../../model/trace.js";
import { platformOf } from "../../../model/vtd/profile.js";
import { profileNamed, profiles } from "../../../model/vtd/profiles.js";
import { Offset } from "../../../model/vtd/registers.js";
import { vtdDriver, vtdDriverNamed, vtdDriverVariants } from "./index.js";
import { Bench, type BenchSetup, deviceA, deviceB, deviceC } from "./testing.js";

const BLOCKED = [Effect.blocked];
const REGION = 0x1000;
const both = Right.both;

/** Every platform with every way of driving it. */
const setups = profiles.flatMap((profile) => {
  const { queuedInvalidation, registerInvalidation } = platformOf(profile);
  const interfaces = [
    ...(queuedInvalidation ? (["queue"] as const) : []),
    ...(registerInvalidation ? (["registers"] as const) : []),
  ];
  return interfaces.flatMap((invalidation) =>
    (["strict", "deferred"] as const).flatMap((flushing) =>
      (["reset", "translating"] as const).map((start) => {
        const name = `${profile.id}, ${invalidation}, ${flushing}, from ${start}`;
        return [name, profile, { invalidation, flushing, start }] as const;
      }),
    ),
  );
});

const run = (iova: number, pages: number, access: number = both, page = iova + 0x4000) => ({
  iova,
  page,
  pages,
  access,
});

describe.each(setups)("%s", (_, profile, setup) => {
  let bench: Bench;

  beforeEach(() => {
    bench = new Bench(profile, setup, vtdDriver);
  });

  it("lets nothing through until something is attached and mapped", () => {
    for (const device of [deviceA, deviceB, deviceC]) expect(bench.reaches(device, REGION)).toEqual(BLOCKED);
    bench.attach(deviceB, "d1");
    expect(bench.reaches(deviceB, REGION)).toEqual(BLOCKED);
    expect(bench.complaints).toEqual([]);
  });

  it("gives each device the pages of its domain, with their rights, and no others", () => {
    bench.map("d1", run(REGION + 1, 3));
    bench.attach(deviceB, "d1");
    bench.attach(deviceC, "d2");
    bench.map("d2", run(REGION + 2, 1, Right.read, 0x7000));
    expect([0, 1, 2, 3, 4].map((page) => bench.reaches(deviceB, REGION + page))).toEqual([
      BLOCKED,
      [REGION + 0x4001],
      [REGION + 0x4002],
      [REGION + 0x4003],
      BLOCKED,
    ]);
    expect(bench.reaches(deviceC, REGION + 2, "read")).toEqual([0x7000]);
    expect(bench.reaches(deviceC, REGION + 2)).toEqual(BLOCKED);
    expect(bench.settledTickets).toEqual([1, 2, 3, 4]);
    expect(bench.complaints).toEqual([]);
  });

  it("takes pages away, and gives their tables back", () => {
    bench.attach(deviceA, "d1");
    const tables = bench.tables.size;
    bench.map("d1", run(REGION + 0x1ff, 3));
    bench.unmap("d1", run(REGION + 0x1ff, 2));
    bench.sync();
    expect(bench.reaches(deviceA, REGION + 0x1ff)).toEqual(BLOCKED);
    expect(bench.reaches(deviceA, REGION + 0x200)).toEqual(BLOCKED);
    expect(bench.reaches(deviceA, REGION + 0x201)).toEqual([REGION + 0x4201]);
    bench.unmap("d1", run(REGION + 0x201, 1));
    bench.sync();
    expect(bench.reaches(deviceA, REGION + 0x201)).toEqual(BLOCKED);
    expect(bench.tables.size).toBe(tables);
    bench.map("d1", run(REGION, 1, both, 0x7000));
    expect(bench.reaches(deviceA, REGION)).toEqual([0x7000]);
    expect(bench.complaints).toEqual([]);
  });

  it("maps 512 pages, changes some, and puts them together again", () => {
    bench.attach(deviceA, "d1");
    bench.map("d1", run(REGION, 512));
    bench.protect("d1", run(REGION + 1, 1, Right.read));
    bench.unmap("d1", run(REGION + 2, 1));
    bench.sync();
    expect([0, 1, 2, 3, 511].map((page) => bench.reaches(deviceA, REGION + page))).toEqual([
      [REGION + 0x4000],
      BLOCKED,
      BLOCKED,
      [REGION + 0x4003],
      [REGION + 0x41ff],
    ]);
    expect(bench.reaches(deviceA, REGION + 1, "read")).toEqual([REGION + 0x4001]);
    bench.map("d1", run(REGION + 2, 1));
    bench.protect("d1", run(REGION + 1, 1));
    const split = bench.tables.size;
    bench.merge("d1", run(REGION, 512));
    bench.sync();
    expect(bench.tables.size).toBe(platformOf(profile).superpages2M ? split - 1 : split);
    for (const page of [0, 1, 2, 511])
      expect(bench.reaches(deviceA, REGION + page)).toEqual([REGION + 0x4000 + page]);
    bench.unmap("d1", run(REGION, 512));
    bench.sync();
    for (const page of [0, 1, 511]) expect(bench.reaches(deviceA, REGION + page)).toEqual(BLOCKED);
    expect(bench.complaints).toEqual([]);
  });

  it("switches a device and its alias over, and detaches them, with a reset each time", () => {
    bench.map("d1", run(REGION, 1));
    bench.map("d2", run(REGION, 1, both, 0x7000));
    bench.attach(deviceB, "d1");
    bench.attach(deviceB, "d2");
    expect(bench.reaches(deviceB, REGION)).toEqual([0x7000]);
    expect(bench.resets).toEqual(deviceB.requesters);
    bench.detach(deviceB);
    bench.sync();
    expect(bench.reaches(deviceB, REGION)).toEqual(BLOCKED);
    expect(bench.resets).toEqual([...deviceB.requesters, ...deviceB.requesters]);
    bench.attach(deviceB, "d1");
    expect(bench.reaches(deviceB, REGION)).toEqual([REGION + 0x4000]);
    expect(bench.complaints).toEqual([]);
  });

  it("uses the domain id of a domain that is gone again, without anything of it", () => {
    bench.map("d1", run(REGION, 1));
    bench.attach(deviceA, "d1");
    expect(bench.domainIdOf(0x20)).toBe(1);
    bench.attach(deviceB, "d2");
    expect(bench.domainIdOf(0x28)).toBe(2);
    bench.unmap("d1", run(REGION, 1));
    bench.detach(deviceA);
    bench.destroy("d1");
    bench.sync();
    bench.attach(deviceC, "d3");
    expect(bench.domainIdOf(0x100)).toBe(1);
    bench.map("d3", run(REGION + 1, 1));
    expect(bench.reaches(deviceC, REGION)).toEqual(BLOCKED);
    expect(bench.reaches(deviceA, REGION + 1)).toEqual(BLOCKED);
    expect(bench.reaches(deviceC, REGION + 1)).toEqual([REGION + 0x4001]);
    expect(bench.settledTickets.length).toBe(bench.tickets);
    expect(bench.complaints).toEqual([]);
  });

  it("carries out intents of two CPUs at the same time", () => {
    bench.attach(deviceA, "d1");
    bench.together(bench.mapping("d1", run(REGION, 2)), bench.mapping("d1", run(REGION + 2, 1)));
    bench.together(bench.unmapping("d1", run(REGION, 1)), bench.mapping("d2", run(REGION, 1)));
    bench.sync();
    expect(bench.reaches(deviceA, REGION)).toEqual(BLOCKED);
    expect(bench.reaches(deviceA, REGION + 1)).toEqual([REGION + 0x4001]);
    expect(bench.reaches(deviceA, REGION + 2)).toEqual([REGION + 0x4002]);
    expect(bench.complaints).toEqual([]);
  });
});

const skylake = profileNamed("skylake-sp");
const strict: BenchSetup = { invalidation: "queue", flushing: "strict", start: "reset" };
const deferred: BenchSetup = { ...strict, flushing: "deferred" };

describe("deferred flushing", () => {
  it("settles what it takes away at sync, and not before", () => {
    const bench = new Bench(skylake, deferred, vtdDriver);
    bench.attach(deviceA, "d1");
    bench.map("d1", run(REGION, 2));
    bench.unmap("d1", run(REGION, 1));
    bench.protect("d1", run(REGION + 1, 1, Right.read));
    expect(bench.settledTickets).toEqual([1, 2]);
    expect(bench.reaches(deviceA, REGION)).toEqual([Effect.blocked, REGION + 0x4000]);
    bench.sync();
    expect(bench.settledTickets).toEqual([1, 2, 3, 4]);
    expect(bench.reaches(deviceA, REGION)).toEqual(BLOCKED);
  });

  it("flushes by itself when four intents wait", () => {
    const bench = new Bench(skylake, deferred, vtdDriver);
    bench.attach(deviceA, "d1");
    bench.map("d1", run(REGION, 4));
    for (const page of [0, 1, 2]) bench.unmap("d1", run(REGION + page, 1));
    expect(bench.settledTickets).toEqual([1, 2]);
    bench.unmap("d1", run(REGION + 3, 1));
    expect(bench.settledTickets).toEqual([1, 2, 3, 4, 5, 6]);
  });

  it("flushes before an address is mapped again, or another one below a table that was unlinked", () => {
    for (const page of [0, 5]) {
      const bench = new Bench(skylake, deferred, vtdDriver);
      bench.attach(deviceA, "d1");
      bench.map("d1", run(REGION, 1));
      bench.unmap("d1", run(REGION, 1));
      bench.map("d1", run(REGION + page, 1, both, 0x7000));
      expect(bench.settledTickets).toEqual([1, 2, 3, 4]);
      expect(bench.reaches(deviceA, REGION + page)).toEqual([0x7000]);
    }
  });

  it("flushes before a device that was detached is attached again", () => {
    const bench = new Bench(skylake, deferred, vtdDriver);
    bench.attach(deviceA, "d1");
    bench.detach(deviceA);
    expect(bench.resets).toEqual([]);
    bench.attach(deviceA, "d2");
    expect(bench.resets).toEqual(deviceA.requesters);
    expect(bench.settledTickets).toEqual([1, 2, 3]);
  });
});

describe("the invalidation queue", () => {
  it("wraps around at its end", () => {
    const bench = new Bench(skylake, strict, vtdDriver);
    bench.attach(deviceA, "d1");
    for (let round = 0; round < 300; round++) {
      bench.map("d1", run(REGION, 1));
      bench.unmap("d1", run(REGION, 1));
    }
    const tails = bench.actions.flatMap((one) =>
      one.do === "write-register" && one.offset === Offset.IQT ? [one.low >>> 4] : [],
    );
    expect(Math.max(...tails)).toBeLessThan(256);
    expect(tails.filter((tail, index) => index > 0 && tail < tails[index - 1]!).length).toBe(2);
    expect(bench.complaints).toEqual([]);
  });
});

describe("faulty variants", () => {
  it("have ids and descriptions of their own", () => {
    expect(new Set(vtdDriverVariants.map((one) => one.id)).size).toBe(vtdDriverVariants.length);
    expect(new Set(vtdDriverVariants.map((one) => one.description)).size).toBe(vtdDriverVariants.length);
  });

  it.each(vtdDriverVariants.map((one) => [one.id, one.create] as const))("%s does its work", (_, create) => {
    for (const setup of [strict, deferred]) {
      const bench = new Bench(profileNamed("qemu-48-caching-mode"), setup, create);
      bench.attach(deviceB, "d1");
      bench.map("d1", run(REGION, 512));
      bench.protect("d1", run(REGION + 1, 1, Right.read));
      bench.protect("d1", run(REGION, 512));
      bench.merge("d1", run(REGION, 512));
      bench.unmap("d1", run(REGION, 512));
      bench.attach(deviceB, "d2");
      bench.map("d2", run(REGION + 1, 3));
      bench.detach(deviceB);
      bench.destroy("d1");
      bench.sync();
      expect(bench.settledTickets.length).toBe(bench.tickets);
    }
  });

  it("are found by name; an unknown name lists the known ones", () => {
    expect(vtdDriverNamed("vtd")).toBe(vtdDriver);
    expect(vtdDriverNamed("no-flush")).toBe(vtdDriverVariants[0]!.create);
    expect(() => vtdDriverNamed("perfect")).toThrow(/^unknown driver "perfect"; known: vtd, no-flush, /);
  });
});
