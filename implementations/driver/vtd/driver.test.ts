import { describe, expect, it } from "vitest";
import { platformOf } from "../../../model/vtd/profile.js";
import { profileNamed, profiles } from "../../../model/vtd/profiles.js";
import { Offset } from "../../../model/vtd/registers.js";
import { itCarriesOutIntents, itFlushesDeferred, REGION, run, workOut } from "../shared/intents.testing.js";
import { vtdDriver, vtdDriverNamed, vtdDriverVariants } from "./index.js";
import { Bench, type BenchSetup, deviceA } from "./testing.js";

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

describe.each(setups)("%s", (_, profile, setup) => {
  itCarriesOutIntents(() => new Bench(profile, setup, vtdDriver), platformOf(profile).superpages2M);
});

const skylake = profileNamed("skylake-sp");
const strict: BenchSetup = { invalidation: "queue", flushing: "strict", start: "reset" };
const deferred: BenchSetup = { ...strict, flushing: "deferred" };

describe("deferred flushing", () => {
  itFlushesDeferred(() => new Bench(skylake, deferred, vtdDriver));
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
      workOut(bench);
      expect(bench.settledTickets.length).toBe(bench.tickets);
    }
  });

  it("are found by name; an unknown name lists the known ones", () => {
    expect(vtdDriverNamed("vtd")).toBe(vtdDriver);
    expect(vtdDriverNamed("no-flush")).toBe(vtdDriverVariants[0]!.create);
    expect(() => vtdDriverNamed("perfect")).toThrow(/^unknown driver "perfect"; known: vtd, no-flush, /);
  });
});
