/** What every driver has to do on every platform, whatever its architecture. */
import { beforeEach, expect, it } from "vitest";
import { Right } from "../../../model/isolation/events.js";
import { Effect } from "../../../model/trace.js";
import type { DriverMapping } from "../interface.js";
import { type DriverBench, deviceA, deviceB, deviceC } from "./testing.js";

export const BLOCKED = [Effect.blocked];
/** The first page of a 2 MiB region. */
export const REGION = 0x1000;
const both = Right.both;

/** A bench that knows where its architecture keeps domain ids. */
export type IntentBench = DriverBench & { domainIdOf(requester: number): number };

/** Pages of a mapping, by default in step with their addresses. */
export const run = (
  iova: number,
  pages: number,
  access: number = both,
  page = iova + 0x4000,
): DriverMapping => ({ iova, page, pages, access });

/**
 * Tests of intents, one after the other and of two CPUs.
 * @param superpages the platform maps 512 pages by one entry
 */
export function itCarriesOutIntents(create: () => IntentBench, superpages: boolean): void {
  let bench: IntentBench;

  beforeEach(() => {
    bench = create();
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
    expect(bench.tables.size).toBe(superpages ? split - 1 : split);
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
}

/**
 * Tests of deferred flushing.
 * @param create a bench whose driver flushes deferred
 */
export function itFlushesDeferred(create: () => DriverBench): void {
  it("settles what it takes away at sync, and not before", () => {
    const bench = create();
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
    const bench = create();
    bench.attach(deviceA, "d1");
    bench.map("d1", run(REGION, 4));
    for (const page of [0, 1, 2]) bench.unmap("d1", run(REGION + page, 1));
    expect(bench.settledTickets).toEqual([1, 2]);
    bench.unmap("d1", run(REGION + 3, 1));
    expect(bench.settledTickets).toEqual([1, 2, 3, 4, 5, 6]);
  });

  it("flushes before an address is mapped again, or another one below a table that was unlinked", () => {
    for (const page of [0, 5]) {
      const bench = create();
      bench.attach(deviceA, "d1");
      bench.map("d1", run(REGION, 1));
      bench.unmap("d1", run(REGION, 1));
      bench.map("d1", run(REGION + page, 1, both, 0x7000));
      expect(bench.settledTickets).toEqual([1, 2, 3, 4]);
      expect(bench.reaches(deviceA, REGION + page)).toEqual([0x7000]);
    }
  });

  it("flushes before a device that was detached is attached again", () => {
    const bench = create();
    bench.attach(deviceA, "d1");
    bench.detach(deviceA);
    expect(bench.resets).toEqual([]);
    bench.attach(deviceA, "d2");
    expect(bench.resets).toEqual(deviceA.requesters);
    expect(bench.settledTickets).toEqual([1, 2, 3]);
  });
}

/** Has a driver do something of everything. */
export function workOut(bench: DriverBench): void {
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
}
