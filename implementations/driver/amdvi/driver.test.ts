import { describe, expect, it } from "vitest";
import type { AmdViProfile } from "../../../model/amdvi/profile.js";
import { profileNamed, profiles } from "../../../model/amdvi/profiles.js";
import { Offset } from "../../../model/amdvi/registers.js";
import { Right } from "../../../model/isolation/events.js";
import type { Word } from "../../../model/trace.js";
import {
  BLOCKED,
  itCarriesOutIntents,
  itFlushesDeferred,
  REGION,
  run,
  workOut,
} from "../shared/intents.testing.js";
import { amdViDriver, amdViDriverNamed, amdViDriverVariants } from "./index.js";
import { type AmdViBenchSetup, Bench, deviceA, deviceB } from "./testing.js";

/** Addresses from here on need a third level. */
const GIGABYTE = 0x40000;

/** Every platform, driven in every way. */
const setups = profiles.flatMap((profile) =>
  (["strict", "deferred"] as const).flatMap((flushing) =>
    (["reset", "translating"] as const).map(
      (start) => [`${profile.id}, ${flushing}, from ${start}`, profile, { flushing, start }] as const,
    ),
  ),
);

describe.each(setups)("%s", (_, profile, setup) => {
  itCarriesOutIntents(() => new Bench(profile, setup, amdViDriver), true);
});

const zen = profileNamed("zen1");
const strict: AmdViBenchSetup = { flushing: "strict", start: "reset" };
const deferred: AmdViBenchSetup = { ...strict, flushing: "deferred" };
const benchOn = (profile: AmdViProfile = zen, setup = strict) => new Bench(profile, setup, amdViDriver);

describe("deferred flushing", () => {
  itFlushesDeferred(() => benchOn(zen, deferred));
});

describe("device table entries", () => {
  it("block from the start, for every DeviceID of the table", () => {
    const bench = benchOn();
    for (const requester of [0, 0x17f]) {
      const { V, TV } = bench.deviceEntryOf(requester);
      expect([V, TV]).toEqual([1, 0]);
    }
    const stray = { name: "stray", requesters: [0x180] };
    expect(bench.reaches(stray, REGION)).toEqual(BLOCKED);
  });

  it("block again after a detach", () => {
    const bench = benchOn();
    bench.attach(deviceA, "d1");
    expect(bench.deviceEntryOf(0x20)).toMatchObject({ V: 1, TV: 1, Mode: 2, DomainID: 1, IR: 1, IW: 1 });
    bench.detach(deviceA);
    expect(bench.deviceEntryOf(0x20)).toMatchObject({ V: 1, TV: 0, IR: 0, IW: 0, HostPTRoot: 0 });
  });

  it("of every requester id get the Mode that the highest address needs", () => {
    const bench = benchOn();
    bench.attach(deviceB, "d1");
    bench.map("d1", run(REGION, 1));
    for (const [iova, mode] of [
      [GIGABYTE - 1, 2],
      [GIGABYTE, 3],
      [GIGABYTE * 512 - 1, 3],
      [GIGABYTE * 512, 4],
    ] as const) {
      bench.map("d1", run(iova, 1, Right.both, 0x7000));
      for (const requester of deviceB.requesters) expect(bench.deviceEntryOf(requester).Mode).toBe(mode);
      expect(bench.reaches(deviceB, iova)).toEqual([0x7000]);
      expect(bench.reaches(deviceB, REGION)).toEqual([REGION + 0x4000]);
    }
    expect(bench.complaints).toEqual([]);
  });

  it("of a DeviceID beyond the table are refused", () => {
    const stray = { name: "stray", requesters: [0x180] };
    expect(() => benchOn().attach(stray, "d1")).toThrow("DeviceID 384 is beyond the device table");
  });
});

describe("large pages", () => {
  const MIDDLE = 2 * GIGABYTE;

  it.each([
    [2, 2],
    [16, 16],
    [256, 256],
    [512, 1],
    [1024, 2],
    [0x20000, 256],
    [GIGABYTE, 1],
  ])("%i pages are mapped by %i entries", (pages, entries) => {
    const bench = benchOn();
    bench.attach(deviceA, "d1");
    bench.map("d1", run(MIDDLE - 1, 1, Right.both, 0x7000));
    const before = bench.actions.length;
    bench.map("d1", run(MIDDLE, pages, Right.both, GIGABYTE));
    const pageOf = ({ low, high }: Word) => (low >>> 12) + (high & 0xfffff) * 0x100000;
    const stores = bench.actions.slice(before).filter((one) => one.do === "store" && pageOf(one) >= GIGABYTE);
    expect(stores.length).toBe(entries);
    expect([0, 1, pages - 1, pages].map((page) => bench.reaches(deviceA, MIDDLE + page))).toEqual([
      [GIGABYTE],
      [GIGABYTE + 1],
      [GIGABYTE + pages - 1],
      BLOCKED,
    ]);
  });

  it.each([16, 512, 1024, GIGABYTE])("of %i pages one is taken out, and put back by a merge", (pages) => {
    const bench = benchOn();
    bench.attach(deviceA, "d1");
    bench.map("d1", run(MIDDLE - 1, 1, Right.both, 0x7000));
    const tables = bench.tables.size;
    bench.map("d1", run(MIDDLE, pages, Right.read, GIGABYTE));
    bench.unmap("d1", run(MIDDLE + 5, 1));
    const reach = () => [4, 5, 6, pages - 1].map((page) => bench.reaches(deviceA, MIDDLE + page, "read"));
    expect(reach()).toEqual([[GIGABYTE + 4], BLOCKED, [GIGABYTE + 6], [GIGABYTE + pages - 1]]);
    expect(bench.reaches(deviceA, MIDDLE + 4)).toEqual(BLOCKED);
    bench.map("d1", run(MIDDLE + 5, 1, Right.read, GIGABYTE + 5));
    bench.merge("d1", run(MIDDLE, pages, Right.read, GIGABYTE));
    expect(reach()).toEqual([4, 5, 6, pages - 1].map((page) => [GIGABYTE + page]));
    bench.unmap("d1", run(MIDDLE, pages));
    expect(reach()).toEqual([BLOCKED, BLOCKED, BLOCKED, BLOCKED]);
    expect(bench.tables.size).toBe(tables);
    expect(bench.complaints).toEqual([]);
  });
});

describe("the command buffer", () => {
  it("wraps around at its end", () => {
    const bench = benchOn();
    bench.attach(deviceA, "d1");
    for (let round = 0; round < 300; round++) {
      bench.map("d1", run(REGION, 1));
      bench.unmap("d1", run(REGION, 1));
    }
    const tails = bench.actions.flatMap((one) =>
      one.do === "write-register" && one.offset === Offset.CmdTail ? [one.low >>> 4] : [],
    );
    expect(Math.max(...tails)).toBeLessThan(256);
    expect(tails.filter((tail, index) => index > 0 && tail < tails[index - 1]!).length).toBe(2);
    expect(bench.complaints).toEqual([]);
  });
});

describe("faulty variants", () => {
  it("have ids and descriptions of their own", () => {
    expect(new Set(amdViDriverVariants.map((one) => one.id)).size).toBe(amdViDriverVariants.length);
    expect(new Set(amdViDriverVariants.map((one) => one.description)).size).toBe(amdViDriverVariants.length);
  });

  it.each(amdViDriverVariants.map((one) => [one.id, one.create] as const))(
    "%s does its work",
    (_, create) => {
      for (const setup of [strict, deferred]) {
        const bench = new Bench(profileNamed("zen1-np-cache"), setup, create);
        workOut(bench);
        expect(bench.settledTickets.length).toBe(bench.tickets);
      }
    },
  );

  it("are found by name; an unknown name lists the known ones", () => {
    expect(amdViDriverNamed("amdvi")).toBe(amdViDriver);
    expect(amdViDriverNamed("no-flush")).toBe(amdViDriverVariants[0]!.create);
    expect(() => amdViDriverNamed("perfect")).toThrow(/^unknown driver "perfect"; known: amdvi, no-flush, /);
  });
});
