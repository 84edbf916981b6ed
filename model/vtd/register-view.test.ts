/** What registers may read: hand-made histories of writes, reads and polls, judged by the oracle (VT-d 11.4). */
import { describe, expect, it } from "vitest";
import { Effect } from "../trace.js";
import {
  CCMD,
  DATA,
  FSTS,
  GCMD,
  GSTS,
  ICS,
  IQA,
  OTHER_ROOT,
  QIE,
  RegisterRun,
  ROOT,
  RTADDR,
  SRTP,
  TE,
  WBF,
} from "./register-run.testing.js";

describe("event registers", () => {
  const [FECTL, IECTL, IM, IP] = [0x38, 0xa0, 0x80000000, 0x40000000];
  const masked = (pending: boolean) => (pending ? IM | IP : IM) >>> 0;

  it("11.4.7.2: IP is 1 while a fault is pending, and no longer", () => {
    const run = new RegisterRun("qemu-39", "translating");
    expect([run.reads(FECTL, masked(true)), run.reads(FECTL, masked(false))]).toEqual(["fault-record", null]);
    run.blocked();
    expect([run.reads(FECTL, masked(false)), run.reads(FECTL, masked(true))]).toEqual(["fault-record", null]);
    run.write(0x22c, 0x80000000);
    expect([run.reads(FECTL, masked(true)), run.reads(FECTL, masked(false))]).toEqual(["fault-record", null]);
  });

  it("11.4.7.2: IP is 1 while a queue error is known; before that it may be", () => {
    const run = new RegisterRun("skylake-sp", "translating");
    run.submit(0xf);
    expect([run.reads(FECTL, masked(false)), run.reads(FECTL, masked(true))]).toEqual([null, null]);
    expect(run.polls(FSTS, 0x10, 0x10)).toBeNull();
    expect([run.reads(FECTL, masked(false)), run.reads(FECTL, masked(true))]).toEqual(["register", null]);
    run.write(FSTS, 0x10);
  });

  it("11.4.9.5: IP is 1 while IWC is", () => {
    const run = new RegisterRun("skylake-sp", "translating");
    expect([run.reads(IECTL, masked(true)), run.reads(IECTL, masked(false))]).toEqual(["completion", null]);
    run.submit(0x15);
    expect([run.reads(IECTL, masked(false)), run.reads(IECTL, masked(true))]).toEqual([null, null]);
    expect(run.reads(IECTL, masked(false))).toBe("completion");
    run.write(ICS, 1);
    expect(run.reads(IECTL, masked(false))).toBeNull();
  });

  it("IM reads what it was given; while it is 0, IP comes and goes", () => {
    const run = new RegisterRun("skylake-sp", "translating");
    expect(run.reads(FECTL, 0)).toBe("register");
    run.write(FECTL, 0);
    expect([run.reads(FECTL, IM), run.reads(FECTL, IP), run.reads(FECTL, 0)]).toEqual([
      "register",
      null,
      null,
    ]);
  });
});

describe("11.4.4 global commands", () => {
  it("SRTP: RTPS may be clear until it was seen set, then it stays", () => {
    const run = new RegisterRun("skylake-sp");
    expect(run.reads(GSTS, 0)).toBeNull();
    expect(run.reads(GSTS, SRTP)).toBe("register");
    run.write(RTADDR, ROOT << 12, 0);
    run.write(GCMD, SRTP);
    expect([run.reads(GSTS, 0), run.reads(GSTS, SRTP), run.reads(GSTS, SRTP)]).toEqual([null, null, null]);
    expect(run.reads(GSTS, 0)).toBe("register");
  });

  it("TE: requests are translated or not until TES was seen", () => {
    const run = new RegisterRun("skylake-sp");
    run.write(GCMD, SRTP);
    run.polls(GSTS, SRTP, SRTP);
    expect(run.effects()).toEqual([5]);
    run.write(GCMD, TE);
    expect(run.effects()).toEqual([Effect.blocked, 5]);
    expect([run.reads(GSTS, SRTP), run.effects()]).toEqual([null, [Effect.blocked, 5]]);
    expect([run.polls(GSTS, TE, TE), run.effects()]).toEqual([null, [Effect.blocked]]);
    expect(run.reads(GSTS, SRTP)).toBe("register");
    run.write(GCMD, 0);
    expect(run.effects()).toEqual([Effect.blocked, 5]);
    expect([run.polls(GSTS, TE, 0), run.effects()]).toEqual([null, [5]]);
    expect(run.reads(GSTS, (TE | SRTP) >>> 0)).toBe("register");
  });

  it("a level that is written again as it is commands nothing", () => {
    const run = new RegisterRun("skylake-sp", "translating");
    run.write(GCMD, (TE | QIE) >>> 0);
    expect(run.effects()).toEqual([Effect.blocked]);
    expect(run.reads(GSTS, (SRTP | QIE) >>> 0)).toBe("register");
  });

  it("the root table is the old or the new one until RTPS was seen", () => {
    const run = new RegisterRun("skylake-sp", "translating");
    for (const [page, low] of [
      [OTHER_ROOT, 0x3001],
      [3, 0x4001],
      [4, 0x5003],
      [5, 0x6003],
      [6, 0x7003],
    ] as const) {
      run.oracle.memory.fill(page, page === 3 ? 0x40 : 0, low, 0);
    }
    run.oracle.memory.fill(3, 0x41, 0x502, 0);
    run.oracle.memory.fill(7, 5, 0x10003, 0);
    run.write(RTADDR, OTHER_ROOT << 12, 0);
    expect(run.effects()).toEqual([Effect.blocked]);
    run.write(GCMD, (TE | QIE | SRTP) >>> 0);
    expect(run.effects()).toEqual([Effect.blocked, DATA]);
    run.polls(GSTS, SRTP, SRTP);
    expect(run.effects()).toEqual([DATA]);
  });

  it("giving up on a status that must come is a finding, on another it is not", () => {
    const run = new RegisterRun("skylake-sp");
    expect(run.polls(GSTS, TE, TE, false)).toBeNull();
    run.write(GCMD, SRTP);
    expect(run.polls(GSTS, SRTP, SRTP, false)).toBe("completion");
    run.write(GCMD, TE);
    expect(run.polls(GSTS, TE, TE, false)).toBe("completion");
    expect(run.polls(GSTS, TE, 0, false)).toBeNull();
  });

  it("6.8 WBF: WBFS ends with the flush; where RWBF = 0 it is never seen", () => {
    const run = new RegisterRun("gm45");
    expect(run.reads(GSTS, WBF)).toBe("register");
    run.write(GCMD, WBF);
    expect([run.reads(GSTS, WBF), run.reads(GSTS, 0), run.reads(GSTS, WBF)]).toEqual([
      null,
      null,
      "register",
    ]);
    const other = new RegisterRun("skylake-sp");
    other.write(GCMD, WBF);
    expect(other.reads(GSTS, WBF)).toBe("register");
  });

  it("another translation table mode than legacy, or 256-bit descriptors, end the verdict", () => {
    const run = new RegisterRun("sapphire-rapids");
    run.write(RTADDR, (ROOT << 12) | 0x400, 0);
    expect(() => run.write(GCMD, SRTP)).toThrow("a translation table mode other than legacy");
    expect(() => run.write(IQA, 0x8800, 0)).toThrow("256-bit descriptors");
  });
});

describe("6.5.1 invalidation by register", () => {
  const [IOTLB, ICC] = [0x208, 0x80000000];

  it.each([
    ["global", 1, [1]],
    ["domain", 2, [1, 2]],
    ["device or page", 3, [1, 2, 3]],
  ])("%s: CAIG and IAIG may be coarser, not finer, and not zero", (_, asked, allowed) => {
    for (const actual of [0, 1, 2, 3]) {
      const expected = allowed.includes(actual) ? null : "register";
      const run = new RegisterRun("skylake-sp");
      run.write(CCMD, 0x00200005, (ICC | (asked << 29)) >>> 0);
      expect(run.reads(CCMD + 4, (ICC | (asked << 29)) >>> 0)).toBeNull();
      expect(run.reads(CCMD, 5, ((asked << 29) | (actual << 27)) >>> 0)).toBe(expected);
      run.write(IOTLB, 0, (ICC | (asked << 28) | 5) >>> 0);
      expect(run.reads(IOTLB, 0, (asked << 28) | (actual << 25) | 5)).toBe(expected);
    }
  });

  it("a mask above CAP.MAMV is not carried out: IAIG is zero", () => {
    for (const actual of [0, 3]) {
      const run = new RegisterRun("gm45");
      run.write(0x100, 0x500a, 0);
      run.write(0x108, 0, 0xb0000005);
      expect(run.reads(0x10c, (0x30000005 | (actual << 25)) >>> 0)).toBe(actual === 0 ? null : "register");
    }
  });

  it("from major version 6 on nothing is carried out and the granularity is zero", () => {
    const run = new RegisterRun("sapphire-rapids");
    run.write(CCMD, 0, 0xa0000000);
    expect([run.reads(CCMD + 4, 0x20000000), run.oracle.log.entries]).toEqual([null, []]);
    run.write(CCMD, 0, 0xa0000000);
    expect(run.reads(CCMD + 4, 0x28000000)).toBe("register");
  });

  it("is known to be complete once the busy bit was seen clear, not before", () => {
    const run = new RegisterRun("skylake-sp");
    run.write(CCMD, 0, 0xa0000000);
    run.reads(CCMD + 4, 0xa0000000);
    expect(run.oracle.log.entries).toMatchObject([{ submitted: 1, observed: 0x7fffffff, queued: false }]);
    run.polls(CCMD + 4, 0x80000000, 0);
    expect(run.oracle.log.entries).toMatchObject([{ submitted: 1, observed: 3 }]);
  });

  it("takes domain, source, mask, pages and hint from the registers", () => {
    const run = new RegisterRun("skylake-sp");
    run.write(CCMD, 0x00200005, 0xe0000002);
    run.write(0x200, 0x12345049, 0x7);
    run.write(IOTLB, 0, 0xb0000006);
    run.write(IOTLB, 0, 0xa0000007);
    expect(run.oracle.log.entries.map((one) => one.target)).toEqual([
      { cache: "context", granularity: "device", domainId: 5, sourceId: 0x20, ignoredSourceBits: 6 },
      {
        cache: "iotlb",
        granularity: "page",
        domainId: 6,
        firstPage: 0x712200,
        pageCount: 512,
        leafOnly: true,
      },
      { cache: "iotlb", granularity: "domain", domainId: 7 },
    ]);
  });

  it("begins with the write that covers the top byte (11.2)", () => {
    const run = new RegisterRun("skylake-sp");
    run.write(CCMD, 5);
    expect(run.oracle.log.entries).toEqual([]);
    run.write(CCMD + 4, 0xc0000000);
    expect(run.oracle.log.entries).toMatchObject([
      { target: { granularity: "domain", domainId: 5 }, submitted: 2 },
    ]);
  });

  it("a busy bit without a command is a finding, and so is giving up on a command", () => {
    const run = new RegisterRun("skylake-sp");
    expect(run.reads(CCMD + 4, 0x80000000)).toBe("register");
    expect(run.reads(IOTLB + 4, 0x80000000)).toBe("register");
    run.write(CCMD, 0, 0xa0000000);
    expect(run.polls(CCMD + 4, 0x80000000, 0, false)).toBe("completion");
  });

  it("while the queue is enabled ends the verdict", () => {
    const run = new RegisterRun("skylake-sp", "translating");
    expect(() => run.write(CCMD, 0, 0xa0000000)).toThrow(
      "a register invalidation while the queue is enabled (6.5.1)",
    );
  });
});

describe("11.4 plain registers", () => {
  it("VER, CAP and ECAP read what the platform is", () => {
    const run = new RegisterRun("skylake-sp");
    expect(run.reads(0x00, 0x10)).toBeNull();
    expect(run.reads(0x08, 0x106f0466, 0x08d2078c)).toBeNull();
    expect(run.reads(0x10, 0xf020df, 0)).toBeNull();
    expect([
      run.reads(0x00, 0x11),
      run.reads(0x08, 0x106f0466, 0x08d2078d),
      run.reads(0x10, 0xf020de, 0),
    ]).toEqual(["register", "register", "register"]);
  });

  it("RTADDR reads what it was given, without reserved bits, before and after SRTP", () => {
    const run = new RegisterRun("skylake-sp");
    expect(run.reads(RTADDR, 0, 0)).toBeNull();
    run.write(RTADDR, 0x0001_23ff, 0x7);
    expect([run.reads(RTADDR, 0x12000, 7), run.reads(RTADDR, 0x123ff, 7)]).toEqual([null, "register"]);
    expect(new RegisterRun("skylake-sp", "translating").reads(RTADDR, ROOT << 12, 0)).toBeNull();
  });

  it("registers that are not modelled, and bits that come and go, are not judged", () => {
    const run = new RegisterRun("skylake-sp");
    for (const offset of [0x58, 0xb8, 0xe0, 0x210]) expect(run.reads(offset, 0xc0000000)).toBeNull();
  });
});
