/** Protected memory (VT-d 11.4.8): hand-made histories of PMEN and the regions, judged by the oracle and by the judge of software. */
import { describe, expect, it } from "vitest";
import { type Finding, OutsideModel } from "../finding.js";
import { Right } from "../isolation/events.js";
import type { GrantCheck } from "../isolation/exposure.js";
import { describeWitness } from "../isolation/witness.js";
import type { StartState } from "../run-start.js";
import { type Action, Effect, type RequestType } from "../trace.js";
import type { PlatformProfile } from "./profile.js";
import { profileNamed } from "./profiles.js";
import { GlobalBit, Offset } from "./registers.js";
import { A, grant, ROOT, Software } from "./software.testing.js";

const { PMEN, PLMBASE, PLMLIMIT, PHMBASE, PHMLIMIT } = Offset;
const [EPM, PRS] = [0x80000000, 1];
/** Pages of a block of 2 MiB. */
const BLOCK = 512;
const MIB_2 = 0x200000;

/** One run of the registers, with requests between. */
class Run {
  readonly software: Software;
  private taken = 0;

  constructor(profile: string | PlatformProfile = "skylake-sp", start: StartState = "reset") {
    this.software = new Software(typeof profile === "string" ? profileNamed(profile) : profile, start);
  }

  /** The index of the next action. */
  get index(): number {
    return this.software.judge.lastAction + 1 + this.taken;
  }

  private perform(action: Action, low = 0, high = 0): Finding["kind"] | null {
    const { model } = this.software;
    const finding = model.perform(action, { low, high }, this.index);
    model.addedReach(() => null);
    this.taken++;
    return finding?.kind ?? null;
  }

  write(offset: number, low: number, high?: number): this {
    const width = high === undefined ? 4 : 8;
    this.perform({ do: "write-register", offset, width, low: low >>> 0, high: (high ?? 0) >>> 0 });
    return this;
  }

  /** The kind of the finding when a register reads so; null when it may. */
  reads(offset: number, low: number, high?: number): Finding["kind"] | null {
    const width = high === undefined ? 4 : 8;
    return this.perform({ do: "read-register", offset, width }, low >>> 0, (high ?? 0) >>> 0);
  }

  polls(mask: number, value: number, isSeen = true): Finding["kind"] | null {
    return this.perform({ do: "poll-register", offset: PMEN, mask, value }, Number(isSeen));
  }

  /** The low region, in force. */
  protects(first: number, limit: number): this {
    this.write(PLMBASE, first).write(PLMLIMIT, limit).write(PHMBASE, MIB_2, 0).write(PMEN, EPM);
    expect(this.polls(PRS, PRS)).toBeNull();
    return this;
  }

  /** Effects that a request may have, with `protected` for one that is blocked for that. */
  effects(page: number, type: RequestType = "read"): (number | string)[] {
    const request = { requester: A, page, offset: 0, length: type === "zero-length-read" ? 0 : 4, type };
    const outcomes = this.software.model.oracle.outcomesOf(request, this.index);
    expect(outcomes.every((one) => one.rule?.id !== "vtd.protected-memory" || !one.recorded)).toBe(true);
    return outcomes.map(({ effect, rule }) => (rule?.id === "vtd.protected-memory" ? "protected" : effect));
  }
}

describe("PMEN and the regions as they read", () => {
  it("EPM reads as it was written; PRS follows at some time, and stays once it was seen", () => {
    const run = new Run();
    expect([run.reads(PMEN, 0), run.reads(PMEN, PRS)]).toEqual([null, "register"]);
    run.write(PMEN, EPM);
    expect([run.reads(PMEN, EPM), run.reads(PMEN, 0)]).toEqual([null, "register"]);
    expect([run.reads(PMEN, EPM + PRS), run.reads(PMEN, EPM)]).toEqual([null, "register"]);
    run.write(PMEN, 0);
    expect([run.reads(PMEN, PRS), run.reads(PMEN, 0), run.reads(PMEN, PRS)]).toEqual([
      null,
      null,
      "register",
    ]);
  });

  it("reserved bits of PMEN may read as anything", () => {
    expect(new Run().reads(PMEN, 0x7ffffffe)).toBeNull();
  });

  it("PRS has to come", () => {
    const run = new Run().write(PMEN, EPM);
    expect(run.polls(PRS, 0, false)).toBeNull();
    expect(run.polls(PRS, PRS, false)).toBe("completion");
  });

  it("all ones written to base and limit show where the blocks begin", () => {
    const run = new Run();
    for (const offset of [PLMBASE, PLMLIMIT]) {
      run.write(offset, 0xffffffff);
      expect([run.reads(offset, 0xffe00000), run.reads(offset, 0xffffffff)]).toEqual([null, "register"]);
    }
    for (const offset of [PHMBASE, PHMLIMIT]) {
      run.write(offset, 0xffffffff, 0xffffffff);
      // Bits from HAW = 46 on may be there or not.
      expect(run.reads(offset, 0xffe00000, 0x3fff)).toBeNull();
      expect(run.reads(offset, 0xffe00000, 0xffffffff)).toBeNull();
      expect(run.reads(offset, 0xffe00000, 0x1fff)).toBe("register");
    }
  });

  it("are read-only, and nothing is protected, without the capability", () => {
    const run = new Run("qemu-48").write(PLMBASE, MIB_2).write(PLMLIMIT, MIB_2).write(PMEN, EPM);
    expect([run.reads(PMEN, 0), run.reads(PMEN, EPM)]).toEqual([null, "register"]);
    expect([run.reads(PLMBASE, 0), run.reads(PLMLIMIT, MIB_2)]).toEqual([null, "register"]);
    expect(run.effects(BLOCK)).toEqual([BLOCK]);
  });
});

describe("what 11.4.8 asks software not to do has no answer", () => {
  it("EPM changed before PRS has followed", () => {
    expect(() => new Run().write(PMEN, EPM).write(PMEN, 0)).toThrow(OutsideModel);
    expect(() => new Run().write(PMEN, EPM).write(PMEN, EPM)).not.toThrow();
  });

  it("base or limit changed while PRS is set, or may be", () => {
    for (const offset of [PLMBASE, PLMLIMIT, PHMBASE, PHMLIMIT, PHMBASE + 4, PHMLIMIT + 4])
      expect(() => new Run().protects(0, 0).write(offset, 2 * MIB_2 + 1)).toThrow(OutsideModel);
    const released = new Run().protects(0, 0).write(PMEN, 0);
    expect(() => released.write(PLMBASE, MIB_2)).toThrow(OutsideModel);
    expect(() => new Run().protects(0, 0).write(PLMBASE, 0x1fffff)).not.toThrow();
  });
});

describe("requests without translation", () => {
  it("are blocked from base to the end of the block of the limit, without a record", () => {
    const run = new Run().protects(MIB_2, 2 * MIB_2);
    expect([BLOCK - 1, BLOCK, 3 * BLOCK - 1, 3 * BLOCK].map((page) => run.effects(page))).toEqual([
      [BLOCK - 1],
      ["protected"],
      ["protected"],
      [3 * BLOCK],
    ]);
    for (const type of ["write", "atomic"] as const) expect(run.effects(BLOCK, type)).toEqual(["protected"]);
  });

  it("base equal to limit is one block, base above limit none", () => {
    expect(new Run().protects(MIB_2, MIB_2).effects(BLOCK)).toEqual(["protected"]);
    expect(new Run().protects(MIB_2, 0).effects(BLOCK)).toEqual([BLOCK]);
    expect(new Run().protects(MIB_2, 0).effects(0)).toEqual([0]);
  });

  it("the high region is another one, above 4 GiB or below", () => {
    const run = new Run();
    run.write(PLMBASE, 0).write(PLMLIMIT, 0);
    run.write(PHMBASE, MIB_2, 1).write(PHMLIMIT, MIB_2, 1).write(PMEN, EPM);
    expect(run.polls(PRS, PRS)).toBeNull();
    expect(run.effects(0x100000 + BLOCK)).toEqual(["protected"]);
    expect(run.effects(BLOCK)).toEqual([BLOCK]);
    expect(run.effects(0)).toEqual(["protected"]);
  });

  it("either may happen from the write of EPM until PRS is seen to follow", () => {
    const run = new Run().write(PLMBASE, 0).write(PLMLIMIT, 0).write(PHMBASE, MIB_2, 0).write(PMEN, EPM);
    expect(run.effects(5)).toEqual([5, "protected"]);
    expect([run.reads(PMEN, EPM + PRS), ...run.effects(5)]).toEqual([null, "protected"]);
    run.write(PMEN, 0);
    expect(run.effects(5)).toEqual([5, "protected"]);
    expect([run.reads(PMEN, 0), ...run.effects(5)]).toEqual([null, 5]);
  });

  it("a zero-length read touches nothing, and may be blocked or not", () => {
    expect(new Run().protects(0, 0).effects(5, "zero-length-read")).toEqual([Effect.done, "protected"]);
  });

  it("that reach protected memory all the same are found", () => {
    const run = new Run().protects(0, 0);
    const request = { requester: A, page: 5, offset: 0, length: 4, type: "read" } as const;
    const finding = run.software.model.oracle.perform(
      { do: "request", request, slot: 0 },
      { low: 5, high: 0 },
      run.index,
    );
    expect(finding).toMatchObject({
      kind: "forbidden",
      rules: ["vtd.protected-memory"],
      message:
        "read of 0x5000 by 00:04.0 reaches page 0x5000; admissible: it is blocked, vtd.protected-memory, not recorded",
      witness: ["the page is protected memory, whatever tables say"],
    });
  });
});

/** Translating, with page 5 mapped at address 100h, and protected. */
function mapped(profile: PlatformProfile, passThrough = false): Run {
  const run = new Run(profile, "translating");
  const { software } = run;
  software.says(
    { event: "allocate", page: 5, pages: 1, owner: "d1" },
    { event: "assign", requester: A, domain: "d1" },
    { event: "grant", ...grant("d1", 0x100, 5) },
  );
  software.map(software.tables(0x10), 0x100, 5);
  const [first, second] = software.contextWords(0x10, 7);
  const type = passThrough ? { low: first.low | 8, high: first.high } : first;
  software.store(2, A * 2 + 1, second).store(2, A * 2, type);
  return run.protects(0, 0);
}

describe("requests with translation", () => {
  const older = profileNamed("broadwell-ep-audio");

  it("are blocked whatever the tables say, by units from Skylake or major version 2 on", () => {
    for (const id of ["skylake-sp", "sapphire-rapids"])
      expect(mapped(profileNamed(id)).effects(0x100)).toEqual(["protected"]);
  });

  it("may reach it on older units, which are not told of", () => {
    expect(mapped(older).effects(0x100)).toEqual([5, "protected"]);
  });

  it("are blocked on older units too when they pass through", () => {
    expect(mapped(older, true).effects(5)).toEqual(["protected"]);
  });

  it("fault as they did where the tables do not allow them", () => {
    expect(mapped(profileNamed("skylake-sp")).effects(0x101)).toEqual([Effect.blocked]);
  });
});

describe("what software may rely on", () => {
  const NOTHING: GrantCheck = (_, page, __, access) => ({ page, access });

  it("the exposure leaves protected pages out, and no others", () => {
    const { software } = new Run().protects(MIB_2, MIB_2);
    const { model } = software;
    const reached = (page: number) =>
      model.exposure().some((one) => one.page <= page && page < one.page + one.pages);
    expect([BLOCK - 1, BLOCK, 2 * BLOCK - 1, 2 * BLOCK].map(reached)).toEqual([true, false, false, true]);
    expect(model.reachTo(BLOCK, BLOCK, Right.both, NOTHING)).toBeNull();
    expect(model.reachTo(BLOCK, BLOCK + 1, Right.both, NOTHING)).toMatchObject({ page: 2 * BLOCK });
    expect(model.answers(A, BLOCK, "write")).toEqual({
      pages: [],
      faults: ["vtd.protected-memory"],
      invalid: false,
    });
  });

  it("a witness tells of protection that was not seen in force", () => {
    const run = new Run().write(PHMBASE, MIB_2, 0).write(PMEN, EPM);
    const { model } = run.software;
    const reach = model.reachTo(5, 1, Right.write, NOTHING)!;
    expect(describeWitness(model.witness(reach)).slice(1)).toEqual([
      "the command of action 3 that protects the page was not seen complete in PMEN (VT-d 11.4.8.1)",
      "no cache is needed: this is what the unit reads now",
    ]);
    expect(run.polls(PRS, PRS)).toBeNull();
    expect(model.reachTo(5, 1, Right.write, NOTHING)).toBeNull();
  });

  it("tables in protected memory are read all the same", () => {
    const software = new Software(undefined, "reset");
    software.map(software.tables(0x10), 0, 2 * BLOCK).context(A, 0x10, 5);
    const write = (offset: number, low: number) =>
      software.act({ do: "write-register", offset, width: 4, low: low >>> 0, high: 0 });
    const seen = (offset: number, mask: number) =>
      software.act({ do: "poll-register", offset, mask, value: mask }, 1);
    write(PLMLIMIT, 0);
    write(PHMBASE, MIB_2);
    write(PMEN, EPM);
    seen(PMEN, PRS);
    write(Offset.RTADDR, ROOT << 12);
    write(Offset.GCMD, GlobalBit.setRootTablePointer);
    seen(Offset.GSTS, GlobalBit.setRootTablePointer);
    software.says(
      { event: "allocate", page: 2 * BLOCK, pages: 1, owner: "d1" },
      { event: "assign", requester: A, domain: "d1" },
      { event: "grant", ...grant("d1", 0, 2 * BLOCK) },
    );
    write(Offset.GCMD, GlobalBit.translationEnable);
    seen(Offset.GSTS, GlobalBit.translationEnable);
    software.says(
      { event: "attached", requester: A, domain: "d1" },
      { event: "usable", ...grant("d1", 0, 2 * BLOCK) },
    );
    expect(software.finding).toBeNull();
  });

  it("a page of the region that is mapped and said to work does not", () => {
    const run = mapped(profileNamed("skylake-sp"));
    const { finding } = run.software.says(
      { event: "attached", requester: A, domain: "d1" },
      { event: "usable", ...grant("d1", 0x100, 5) },
    );
    expect(finding).toMatchObject({ kind: "unserved", rules: ["vtd.protected-memory"] });
  });
});
