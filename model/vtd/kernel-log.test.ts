/** Messages as they were found in public bug reports, mailing lists and documentation. */
import { describe, expect, it } from "vitest";
import { bareLog } from "../kernel-log.js";
import { numberOf } from "../words/shown-fields.js";
import { faultReasons } from "./fault-reasons.js";
import { vtdMessages } from "./kernel-log.js";
import { faultRules } from "./rules.js";
import { scalableRules } from "./scalable-rules.js";

const messages = (...lines: string[]) => vtdMessages(bareLog(lines.join("\n")));

/** The one message of a log, with its facts by name. */
function only(...lines: string[]) {
  const found = messages(...lines);
  expect(found).toHaveLength(1);
  const { facts, ...rest } = found[0]!;
  return { ...rest, facts: Object.fromEntries(facts.map(({ name, value }) => [name, value])) };
}

describe("faults of DMA", () => {
  it.each([
    [
      "Linux 4",
      [
        "[10672.868940] DMAR: [DMA Write] Request device [00:02.0] fault addr bdf8e000 [fault reason 05] PTE Write access is not set",
      ],
      ["00:02.0", "write", 0xbdf8e000n, "fault 5h, LGN.2: "],
    ],
    [
      "Linux 2.6, the reason in the next line",
      [
        "DMAR:[DMA Write] Request device [00:02.0] fault addr 6df084000",
        "DMAR:[fault reason 05] PTE Write access is not set",
      ],
      ["00:02.0", "write", 0x6df084000n, "fault 5h, LGN.2: "],
    ],
    [
      "Linux 5.10, with a PASID that is none",
      [
        "kernel: DMAR: [DMA Read] Request device [06:00.0] PASID ffffffff fault addr 1a5e12000 [fault reason 06] PTE Read access is not set",
      ],
      ["06:00.0", "read", 0x1a5e12000n, "fault 6h, LGN.3: "],
    ],
    [
      "Linux 5.14",
      [
        "[    0.938401] kernel: DMAR: [DMA Read NO_PASID] Request device [0x00:0x02.0] fault addr 0x70ad5000 [fault reason 0x07] Next page table ptr is invalid",
      ],
      ["00:02.0", "read", 0x70ad5000n, "fault 7h, LSS.1: "],
    ],
    [
      "Linux 6, broken in two by a mail program",
      [
        "> [    0.555805] DMAR: [DMA Read NO_PASID] Request device [00:0d.2] fault",
        "> addr 0x1026a4000 [fault reason 0x51] SM: Present bit in Directory Entry is clear",
      ],
      ["00:0d.2", "read", 0x1026a4000n, "fault 51h, SPD.2: "],
    ],
    [
      "Linux 6 on another segment",
      [
        "DMAR: [DMA Write NO_PASID] Request device [10000:01:00.0] fault addr 0x0 [fault reason 0x02] Present bit in context entry is clear",
      ],
      ["10000:01:00.0", "write", 0n, "fault 2h, LCT.2: "],
    ],
    [
      "Xen 4.18, in two lines",
      [
        "(XEN) [   37.201160] [VT-D]DMAR:[DMA Write] Request device [0000:00:1e.6] fault addr 0",
        "(XEN) [   37.201164] [VT-D]DMAR: reason 02 - Present bit in context entry is clear",
      ],
      ["00:1e.6", "write", 0n, "fault 2h, LCT.2: "],
    ],
    [
      "Xen 4.11, with a register address",
      [
        "Oct 14 18:41:49.056589 VM hypervisor: (XEN) [VT-D]DMAR:[DMA Read] Request device [0000:00:02.0] fault addr 39b5845000, iommu reg = ffff82c00021d000",
        "Oct 14 18:41:49.056594 VM hypervisor: (XEN) [VT-D]DMAR: reason 06 - PTE Read access is not set",
      ],
      ["00:02.0", "read", 0x39b5845000n, "fault 6h, LGN.3: "],
    ],
    [
      "Xen, the reason in hex behind the address",
      ["(XEN) [VT-D]DMAR:[DMA Write] Request device [0000:00:02.0] fault addr bdf8e000, reason 05h"],
      ["00:02.0", "write", 0xbdf8e000n, "fault 5h, LGN.2: "],
    ],
  ])("%s", (_, lines, [requester, access, address, what]) => {
    const found = only(...lines);
    expect(found.facts).toEqual({ requester, access });
    expect(found.address).toBe(address);
    expect(found.what.startsWith(String(what))).toBe(true);
    expect(found.causes.length).toBeGreaterThan(0);
  });

  it("with a PASID", () => {
    const line =
      "DMAR: [DMA Read PASID 0x3] Request device [0000:03:00.0] fault addr 0x7f0000001000 [fault reason 0x71] SM: Present bit in first-level paging entry is clear";
    expect(only(line)).toMatchObject({
      what: "fault 71h, SFS.2: a first-stage entry is not present",
      facts: { requester: "03:00.0", access: "read", PASID: "0x3" },
    });
  });

  it("name the model's rules that have the reason", () => {
    const reason = (code: string) =>
      only(`DMAR: [DMA Write] Request device [00:02.0] fault addr 0 [fault reason ${code}] x`);
    expect(reason("05").rules).toEqual([faultRules.writePermission]);
    expect(reason("12").rules).toEqual([faultRules.secondStageReserved]);
    expect(reason("0x0c").rules).toEqual([faultRules.secondStageReserved]);
  });

  it("of which the reason is missing or unknown are told as far as they go", () => {
    expect(only("DMAR: [DMA Write] Request device [00:02.0] fault addr 1000").what).toContain(
      "does not have",
    );
    const line =
      "DMAR: [DMA Write NO_PASID] Request device [00:02.0] fault addr 0x0 [fault reason 0xf0] Unknown";
    expect(only(line).what).toBe("fault F0h, which no known revision defines: Unknown");
  });
});

describe("faults of interrupts", () => {
  it.each([
    [
      "DMAR: [INTR-REMAP] Request device [42:00.2] fault index 1600 [fault reason 37] Blocked a compatibility format interrupt request",
      "42:00.2",
      "0x1600",
      "fault 25h",
    ],
    [
      "DMAR: [INTR-REMAP] Request device [0x64:0x00.5] fault index 0x8800 [fault reason 0x25] Blocked a compatibility format interrupt request",
      "64:00.5",
      "0x8800",
      "fault 25h",
    ],
    [
      "DMAR: [INTR-REMAP] Request device [00:1c.1] fault index 0x20 [fault reason 0x26] Blocked an interrupt request due to source-id verification failure",
      "00:1c.1",
      "0x20",
      "fault 26h",
    ],
    [
      "(XEN) [VT-D]INTR-REMAP: Request device [0000:f0:1f.0] fault index 0, iommu reg = ffff82c00021f000\n(XEN) [VT-D]INTR-REMAP: reason 22 - Present field in the IRTE entry is clear",
      "f0:1f.0",
      "0x0",
      "fault 22h",
    ],
  ])("%s", (line, requester, index, what) => {
    const found = only(line);
    expect(found.facts).toEqual({ requester, access: "interrupt", "interrupt index": index });
    expect(found.what.startsWith(what)).toBe(true);
    expect(found.address).toBeNull();
  });
});

describe("status and the invalidation queue", () => {
  it("the fault status register, in hex", () => {
    const { entry } = only("[  827.262614] DMAR: DRHD: handling fault status reg 402");
    expect([entry!.structure, numberOf(entry!.words)]).toEqual(["FSTS", 0x402n]);
  });

  it("queue errors, time-outs, completions, descriptors", () => {
    const found = messages(
      "  DMAR: VT-d detected Invalidation Queue Error: Reason 4",
      "  DMAR: VT-d detected Invalidation Time-out Error: SID 5300",
      "  DMAR: VT-d detected Invalidation Completion Error: SID ffff",
      "  DMAR: QI HEAD: UNKNOWN qw0 = 0x0, qw1 = 0x0",
      "  DMAR: QI PRIOR: Device-TLB Invalidation qw0 = 0x5300530000000003, qw1 = 0x7ffffffffffff001",
      "  DMAR: Invalidation Time-out Error (ITE) cleared",
    );
    expect(found.map((one) => one.what)).toEqual([
      "the invalidation queue has stopped: reserved bits of a descriptor",
      "a device has not answered an invalidation of its Device-TLB in time",
      "a device has answered an invalidation that nobody sent it, or answered wrongly",
      "the descriptor at the head of the queue",
      "the descriptor before it",
    ]);
    expect(found[1]!.facts).toEqual([{ name: "source id", value: "53:00.0" }]);
    expect(found[2]!.causes.at(-1)).toContain("all ones");
    expect(numberOf(found[4]!.entry!.words)).toBe(0x7ffffffffffff001_5300530000000003n);
  });

  it("all ones of a unit that does not answer are told as that", () => {
    expect(only("DMAR: VT-d detected Invalidation Queue Error: Reason f").causes[0]).toContain("all ones");
  });
});

describe("what was not printed", () => {
  it("is told with its number", () => {
    expect(only("[  144.480629] dmar_fault: 893 callbacks suppressed").what).toContain("893 further lines");
  });
});

describe("tables behind a fault", () => {
  const entries = (...lines: string[]) =>
    messages(...lines).map(({ entry }) => [entry!.structure, numberOf(entry!.words)]);

  it("of Linux in scalable mode", () => {
    const table = Array.from(
      { length: 6 },
      (_, at) => `DMAR: pasid table entry[${at + 2}]: 0x0000000000000000`,
    );
    expect(
      entries(
        "[    0.556348] DMAR: Dump dmar1 table entries for IOVA 0x1026a4000",
        "[    0.556348] DMAR: scalable mode root entry: hi 0x0000000102448001, low 0x0000000101b3e001",
        "[    0.556348] DMAR: context entry: hi 0x0000000000000000, low 0x0000000101b4d401",
        "[    0.556348] DMAR: pasid dir entry: 0x0000000101b4e001",
        "[    0.556348] DMAR: pasid table entry[0]: 0x0000000000000109",
        "[    0.556348] DMAR: pasid table entry[1]: 0x0000000000000001",
        ...table,
        "[    0.556348] DMAR: PTE not present at level 4",
      ).sort(),
    ).toEqual([
      ["pasid-directory", 0x101b4e001n],
      ["pasid-table", 0x1_0000000000000109n],
      ["scalable-context", 0x101b4d401n],
      ["scalable-root", 0x102448001_0000000101b3e001n],
    ]);
  });

  it("of Linux in legacy mode, and below a first-stage PASID entry", () => {
    const legacy = [
      "DMAR: Dump dmar0 table entries for IOVA 0x10c176000",
      "DMAR: root entry: 0x00000001032b5001",
      "DMAR: context entry: hi 0x0000000000000102, low 0x000000010303f005",
      "DMAR: pte level: 2, pte value: 0x0000000012345003",
    ];
    expect(entries(...legacy)).toEqual([
      ["root", 0x1032b5001n],
      ["context", 0x102_000000010303f005n],
      ["second-stage-2", 0x12345003n],
    ]);
    const first = [
      "DMAR: pasid table entry[0]: 0x0000000000000049",
      "DMAR: pte level: 3, pte value: 0x0000000012345067",
    ];
    expect(entries(...first)).toEqual([["first-stage-3", 0x12345067n]]);
  });

  it("of Xen", () => {
    expect(
      entries(
        "(XEN) print_vtd_entries: iommu #0 dev 0000:00:02.0 gmfn ea0c4f",
        "(XEN)     root_entry[00] = 46e129001",
        "(XEN)     context[10] = 2_46e128001",
        "(XEN)     l4[000] = 46e11b003",
        "(XEN)     l3[03a] = 0",
        "(XEN)     l3[03a] not present",
      ),
    ).toEqual([
      ["root", 0x46e129001n],
      ["context", 0x2_000000046e128001n],
      ["second-stage-4", 0x46e11b003n],
      ["second-stage-3", 0n],
    ]);
  });
});

describe("fault reasons", () => {
  it("have every reason of the model's rules, and its condition", () => {
    for (const { reason, condition } of [...Object.values(faultRules), ...Object.values(scalableRules)]) {
      const known = faultReasons.find((one) => one.reason === reason)!;
      const codes = [...known.conditions, `${reason.toString(16).toUpperCase()}h`];
      expect(codes).toContain(condition);
    }
  });

  it("are each there once", () => {
    expect(new Set(faultReasons.map((one) => one.reason)).size).toBe(faultReasons.length);
  });
});
