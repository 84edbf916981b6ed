import { describe, expect, it } from "vitest";
import { architectures } from "../../../model/architectures.js";
import { Effect } from "../../../model/trace.js";
import { platformOf } from "../../../model/vtd/profile.js";
import { profileNamed, profiles as vtdProfiles } from "../../../model/vtd/profiles.js";
import { Offset } from "../../../model/vtd/registers.js";
import { owner, REGION, regionOf, stranger, UnitBench } from "./testing.js";

const PAGE = REGION.page;
const NOWHERE = [Effect.blocked];

/** Every platform with every way of driving it. */
const setups = architectures.flatMap((one) =>
  one.profiles.flatMap((profile) => {
    const vtd = vtdProfiles.find(({ id }) => id === profile.id);
    if (!vtd) return [[`${profile.id}, queue`, profile, "queue"] as const];
    const { queuedInvalidation, registerInvalidation } = platformOf(vtd);
    return [
      ...(queuedInvalidation ? [[`${profile.id}, queue`, profile, "queue"] as const] : []),
      ...(registerInvalidation ? [[`${profile.id}, registers`, profile, "registers"] as const] : []),
    ];
  }),
);

describe.each(setups)("%s", (_, profile, invalidation) => {
  it("takes a unit over from reset", () => {
    const bench = new UnitBench(profile, invalidation);
    const driver = bench.driver();
    bench.run(driver.takeOver(regionOf(driver)));
    expect(bench.reaches(owner, PAGE)).toEqual([PAGE]);
    expect(bench.reaches(stranger, PAGE)).toEqual(NOWHERE);
    expect(bench.complaints).toEqual([]);
  });

  it("takes a unit over that translates, twice, and nobody loses or gains anything at any moment", () => {
    const bench = new UnitBench(profile, invalidation);
    const first = bench.driver();
    bench.run(first.takeOver(regionOf(first)));
    const seen = new Set<string>();
    bench.watch = () => seen.add(`${bench.reaches(owner, PAGE + 1)} ${bench.reaches(stranger, PAGE + 1)}`);
    for (const driver of [bench.driver(), bench.driver()]) bench.run(driver.takeOver(regionOf(driver)));
    expect([...seen]).toEqual([`${PAGE + 1} ${NOWHERE}`]);
    expect(bench.complaints).toEqual([]);
  });

  it("leaves nothing of tables that were not its own", () => {
    const bench = new UnitBench(profile, invalidation);
    const former = bench.driver();
    bench.run(former.leaveTables(everything(former)));
    const driver = bench.driver();
    bench.run(driver.takeOver(regionOf(driver)));
    expect(bench.reaches(owner, PAGE)).toEqual([PAGE]);
    expect(bench.reaches(stranger, PAGE)).toEqual(NOWHERE);
    expect(bench.complaints).toEqual([]);
  });

  function* everything({ intents }: ReturnType<UnitBench["driver"]>) {
    yield* intents.map("everything", REGION, 0);
    yield* intents.attach({ name: "", requesters: [owner, stranger] }, "everything", 0);
  }
});

describe("domain ids of the system before", () => {
  const bench = new UnitBench(profileNamed("qemu-48"));
  const former = bench.driver();
  bench.run(former.takeOver(regionOf(former)));
  const driver = bench.driver();
  const idOf = (root: number) => {
    const contexts = bench.word(root, 0).low >>> 12;
    return (bench.word(contexts, owner * 2 + 1).low >>> 8) & 0xffff;
  };
  bench.run(driver.takeOver(regionOf(driver)));

  it("are not used for its own tables", () => {
    expect(idOf(0x2000)).toBe(1);
    expect(idOf(0x2008)).toBe(2);
  });

  it("are free again afterwards", () => {
    bench.run(driver.intents.attach({ name: "", requesters: [stranger] }, "other", 0));
    const contexts = bench.word(0x2008, 0).low >>> 12;
    expect((bench.word(contexts, stranger * 2 + 1).low >>> 8) & 0xffff).toBe(1);
  });
});

describe("protected memory", () => {
  const protecting = profileNamed("skylake-sp");

  it("stays protected until the unit translates", () => {
    const bench = new UnitBench(protecting);
    bench.run(bench.driver().protect(0x2000, 512));
    const reached: number[] = [];
    bench.watch = () => reached.push(...bench.reaches(stranger, 0x2100));
    const driver = bench.driver();
    bench.run(driver.takeOver(regionOf(driver)));
    expect(new Set(reached)).toEqual(new Set(NOWHERE));
    expect(bench.complaints).toEqual([]);
  });

  it("is released at the end", () => {
    const bench = new UnitBench(protecting);
    bench.run(bench.driver().protect(0x2000, 512));
    const driver = bench.driver();
    bench.run(driver.takeOver(regionOf(driver)));
    const writes = bench.actions.flatMap((one) =>
      one.do === "write-register" && one.offset === Offset.PMEN ? [one.low >>> 31] : [],
    );
    expect(writes).toEqual([1, 0]);
  });

  it("is not to be had from a unit without the registers", () => {
    const bench = new UnitBench(profileNamed("qemu-48"));
    expect(() => bench.run(bench.driver().protect(0x2000, 512))).toThrow(RangeError);
  });
});
