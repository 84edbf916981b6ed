import { describe, expect, it } from "vitest";
import { decodes } from "./decode.testing.js";
import { ExitCode } from "./errors.js";

/** A structure, its words, and what is told of it. */
const LEGAL: readonly (readonly [string, string[], string])[] = [
  ["vtd.GSTS", ["0xc7000000"], "31  TES    1  translation enable status"],
  ["cap_reg", ["0xd2008c40660462"], "second-stage widths: 48 bits"],
  ["vtd.register", ["0x1c", "0x80000000"], "vtd.GSTS: GSTS_REG (VT-d 11.4.4.2), 32 bits"],
  ["root", ["0x10303e001", "0"], "CTP  0x10303e000  context-table pointer"],
  ["context", ["0x10303f005", "0x102"], "address width: 48 bits, 4 levels"],
  ["second-stage-3", ["0x40000083"], "maps a page of 1 GiB"],
  ["vtd.second-stage-4", ["0x12345003"], "points to a table, for 512 GiB of addresses"],
  ["first-stage-1", ["0x12345067"], "FS-PTE (VT-d 9.7)"],
  ["scalable-root", ["0x44dd3f001", "0"], "note: UP = 0: nothing else of that half is looked at"],
  ["scalable-context", ["0x435460e1d", "0x100000", "0", "0"], "PASID directory size: 16384 entries"],
  [
    "pasid-table",
    ["0x49", "2", "0x105a86000", "0", "0", "0", "0", "0"],
    "translation type: first stage only",
  ],
  ["vtd.interrupt-entry", ["0x800024000d", "0x40050"], "source id: 00:0a.0"],
  [
    "vtd.descriptor",
    ["0x500f2", "0x1040"],
    "IOTLB invalidation of 1 page at 0x1000 in domain 5, leaf entries only",
  ],
  ["vtd.descriptor", ["0x700000025", "0x3008"], "writes 0x7 to 0x3008"],
  ["vtd.descriptor", ["0x900050026", "0", "0", "0"], "PASID-based IOTLB invalidate (VT-d 6.5.2.4), 256 bits"],
  ["fault-record", ["0x13000", "0xc000000600000020"], "a read: a read or AtomicOp without read permission"],
  ["amdvi.dte", ["0x6000000114d7b603", "0x38", "0x20000001373b8013", "0"], "host tables of 3 levels"],
  ["dte", ["0x7d90000000000003", "0x100103fc0009", "0x2000000117840013", "0"], "GCR3 table at 0x101fe7000"],
  ["page-table-2", ["0x60000000009ffe01"], "maps 1024 pages at 0x800000"],
  ["page-table-3", ["0x6000000012345401"], "points to the table of level 2 at 0x12345000"],
  ["command", ["0x3000000500000000", "0x00000000002ff003"], "512 pages from 0x200000"],
  ["event", ["0x2070001200000500", "0xff6101b0"], "IO_PAGE_FAULT of 05:00.0 at 0xff6101b0"],
  ["interrupt-entry-32", ["0x310245"], "interrupt type: arbitrated"],
  ["gcr3", ["0x101fe7001"], "GCR3 table entry (AMD-Vi 2.2.6)"],
  ["amdvi.CmdBase", ["0x0900000100000000"], "length of the buffer: 512 entries"],
];

describe("decode of legal entries", () => {
  it.each(LEGAL)("%s %j", (structure, words, told) => {
    const { exit, text, complaints } = decodes(structure, ...words);
    expect(complaints).toEqual([]);
    expect(text).toContain(told);
    expect(text).toContain("breaks no rule that holds on every platform");
    expect(exit).toBe(ExitCode.holds);
  });
});

/** A structure, its words, the profile or none, and the rules it breaks. */
const BROKEN: readonly (readonly [string, string[], string | null, string[]])[] = [
  ["root", ["0x10303e003", "0"], null, ["vtd.root.reserved-bits"]],
  ["root", ["0x8000000001", "0"], "qemu-39", ["vtd.root.reserved-bits"]],
  ["context", ["0x10303f011", "0x106"], null, ["vtd.context.reserved-bits", "vtd.context.address-width"]],
  ["context", ["0x10303f005", "0x102"], "qemu-48", ["vtd.context.translation-type"]],
  ["context", ["0x10303f00d", "0x102"], null, ["vtd.context.translation-type"]],
  ["second-stage-1", ["0x4000000012345003"], null, ["vtd.second-stage.reserved-bits"]],
  ["second-stage-1", ["0x12345803"], "qemu-48", ["vtd.second-stage.reserved-bits"]],
  ["second-stage-1", ["0x8000000012345003"], "ivy-bridge", ["vtd.second-stage.reserved-bits"]],
  ["second-stage-1", ["0xfee00003"], null, ["vtd.address.output-in-interrupt-range"]],
  ["scalable-root", ["0x44dd3f003", "0x2"], null, ["vtd.scalable-root.reserved-bits"]],
  ["scalable-context", ["0x435460011", "0", "0", "0"], null, ["vtd.scalable-context.page-requests"]],
  ["scalable-context", ["0x435460001", "0x2000", "0", "0"], null, ["vtd.scalable-context.rid-pasid"]],
  ["scalable-context", ["0x435460041", "0", "0", "0"], null, ["vtd.scalable-context.translated-pasid"]],
  ["pasid-directory", ["0x12345005"], null, ["vtd.pasid-directory.reserved-bits"]],
  ["pasid-table", ["0x9", "2", ..."0 0 0 0 0 0".split(" ")], null, ["vtd.pasid-entry.translation-type"]],
  ["pasid-table", ["0x81", "2", ..."0 0 0 0 0 0".split(" ")], null, ["vtd.pasid-entry.address-width"]],
  ["pasid-table", ["0x49", "2", "0x8", ..."0 0 0 0 0".split(" ")], null, ["vtd.pasid-entry.paging-mode"]],
  [
    "pasid-table",
    ["0xc5", "2", "0x8000000000", ..."0 0 0 0 0".split(" ")],
    null,
    ["vtd.pasid-entry.first-stage-pointer"],
  ],
  ["first-stage-4", ["0x12345087"], null, ["vtd.first-stage.reserved-bits"]],
  ["vtd.interrupt-entry", ["0x8000240061", "0xc0000"], null, ["vtd.interrupt-entry.encodings"]],
  ["vtd.interrupt-entry", ["0x241001", "0"], null, ["vtd.interrupt-entry.reserved-bits"]],
  ["posted-descriptor", [..."0 0 0 0 4 0 0 0".split(" ")], null, ["vtd.posted-descriptor.reserved-bits"]],
  ["permission-3", ["0x4", "0"], null, ["vtd.permission-table.reserved-bits"]],
  ["vtd.descriptor", ["0", "0"], null, ["vtd.queue.descriptor-type"]],
  ["vtd.descriptor", ["0x1", "0x1"], null, ["vtd.queue.reserved-bits", "vtd.queue.granularity"]],
  ["vtd.descriptor", ["0x3", "0"], "qemu-48", ["vtd.queue.descriptor-type"]],
  ["vtd.descriptor", ["0x500f2", "0x1000"], "haswell-graphics", ["vtd.queue.granularity"]],
  ["vtd.descriptor", ["0x11", "0", "1", "0"], null, ["vtd.queue.reserved-bits"]],
  ["vtd.descriptor", ["0x6", "0", "0", "1"], null, ["vtd.queue.reserved-bits", "vtd.queue.granularity"]],
  ["vtd.GCMD", ["0x49000000"], null, ["vtd.registers.one-control"]],
  ["vtd.GCMD", ["0x04000000"], "gm45", ["vtd.registers.unsupported-control"]],
  ["vtd.RTADDR", ["0x12345800"], null, ["vtd.registers.root-table-mode"]],
  ["vtd.CCMD", ["0x8000000000000000"], null, ["vtd.registers.granularity"]],
  ["vtd.IOTLB", ["0x8000000000000000"], null, ["vtd.registers.granularity"]],
  ["vtd.IQA", ["0x12345800"], "qemu-48", ["vtd.registers.queue-width"]],
  ["vtd.IRTA", ["0x12345800"], "qemu-48", ["vtd.registers.extended-interrupt-mode"]],
  ["dte", ["0x6000000114d7b607", "0x38", "0", "0"], null, ["amdvi.dte.reserved-bits"]],
  [
    "dte",
    ["0x7d90000000000003", "0x100103fc0009", "0x2000000117840013", "0"],
    "milan",
    ["amdvi.dte.reserved-bits"],
  ],
  [
    "dte",
    ["0x6000000114d7bf03", "0x1800000000", "0", "0"],
    null,
    ["amdvi.dte.io-control-illegal", "amdvi.dte.mode-illegal", "amdvi.dte.host-accessed-dirty-illegal"],
  ],
  ["dte", ["0x6380000000000003", "0", "0", "0"], null, ["amdvi.dte.guest-levels-illegal"]],
  [
    "dte",
    ["0", "0", "0x3010000000000019", "0"],
    null,
    [
      "amdvi.dte.interrupt-reserved-bits",
      "amdvi.dte.interrupt-table-length-illegal",
      "amdvi.dte.interrupt-control-illegal",
    ],
  ],
  ["page-table-1", ["0x6000000012345401"], null, ["amdvi.page-table.level-illegal"]],
  ["page-table-1", ["0x60000000001ffe01"], null, ["amdvi.page-table.page-size"]],
  ["page-table-1", ["0x6010000012345001"], null, ["amdvi.page-table.reserved-bits"]],
  ["gcr3", ["0x101fe7003"], null, ["amdvi.gcr3.reserved-bits"]],
  ["guest-table-4", ["0x12345087"], null, ["amdvi.guest-table.reserved-bits"]],
  [
    "interrupt-entry-32",
    ["0x1000009"],
    null,
    ["amdvi.interrupt-entry.reserved-bits", "amdvi.interrupt-entry.type-illegal"],
  ],
  ["interrupt-entry-128", ["0x81", "0x100"], null, ["amdvi.interrupt-entry.reserved-bits"]],
  ["command", ["0xf000000000000000", "0"], null, ["amdvi.commands.opcode"]],
  ["command", ["0x2000000000010000", "0"], null, ["amdvi.commands.reserved-bits"]],
  ["command", ["0x9000000000000000", "0"], "amd-qemu", ["amdvi.commands.unsupported"]],
  ["amdvi.EvtBase", ["0x0500000100000000"], null, ["amdvi.registers.buffer-length"]],
];

describe("decode of broken entries", () => {
  it.each(BROKEN)("%s %j on %s", (structure, words, profile, rules) => {
    const options = profile === null ? [] : ["--profile", profile];
    const { exit, text, complaints } = decodes(structure, ...words, ...options, "--json");
    expect(complaints).toEqual([]);
    const { broken } = JSON.parse(text);
    expect(broken.map((one: { rule: { id: string } }) => one.rule.id).sort()).toEqual([...rules].sort());
    for (const { message } of broken) expect(message).not.toBe("");
    expect(exit).toBe(ExitCode.violated);
  });
});

describe("what depends on the platform", () => {
  it("is told with the platforms on which it is broken", () => {
    const { text, exit } = decodes("context", "0x10303f005", "0x102");
    expect(exit).toBe(ExitCode.holds);
    expect(text).toMatch(
      /depends on the platform: vtd\.context\.translation-type .*\n {2}broken on qemu-39, /,
    );
  });

  it("is not told for a platform that was named", () => {
    const { text } = decodes("context", "0x10303f001", "0x102", "--profile", "qemu-48");
    expect(text).toContain("breaks no rule on qemu-48");
    expect(text).not.toContain("depends");
  });

  it.each([
    ["second-stage-5", "0x12345003", "qemu-48", "note: the platform has no tables of level 5"],
    ["first-stage-1", "0x12345067", "qemu-48", "note: the platform has no use for it: ECAP.FSTS = 0"],
  ])("%s on a platform without: %s", (structure, words, profile, note) => {
    const { text, exit } = decodes(structure, words, "--profile", profile);
    expect([exit, text.includes(note)]).toEqual([ExitCode.holds, true]);
  });

  it("an entry that is not present breaks nothing", () => {
    const { text, exit } = decodes("second-stage-1", "0xfffffffffffffffc");
    expect(text).toContain("not present (R = W = 0)");
    expect(exit).toBe(ExitCode.holds);
  });

  it("a domain id of 0 is told of with caching mode", () => {
    const { text } = decodes("context", "0x10303f001", "0x2", "--profile", "qemu-48-caching-mode");
    expect(text).toContain("domain id 0 is not for software");
  });
});

describe("wrong usage of decode", () => {
  it.each([
    [["foo", "0x1"], 'unknown structure "foo"'],
    [["page-request", "1", "2"], '"page-request" may be vtd.page-request or amdvi.page-request'],
    [["context", "0x1"], "vtd.context has 128 bits: words of 64 bits, lowest first"],
    [["GSTS", "0x1ffffffff"], "vtd.GSTS has 32 bits; not a number of 9 digits"],
    [["context", "zz"], '"zz" is no hex number'],
    [["context"], "decode needs the bits of an entry in hex"],
    [["register", "x", "0"], 'register takes its byte offset first, such as 0x1c, not "x"'],
    [["register", "0x18", "0"], '"register" may be vtd.GCMD or amdvi.Control'],
    [["vtd.register", "0x5000", "0"], "no register is known at offset 0x5000"],
    [["0x1", "0x2"], "2 words may be vtd.context, vtd.scalable-root, "],
    [["0x6000000012345401"], "vtd.second-stage-1 to 5"],
    [["1 2 3"], "3 words are no entry that is known"],
    [["dte", "0", "0", "0", "0", "--profile", "gm45"], "dte is a structure of AMD-Vi"],
    [["context", "0", "0", "--profile", "a"], 'unknown profile "a"'],
    [["root", "0", "0", "--pci", "x"], "--pci goes with dmar|ivrs"],
    [["descriptor", "0x6", "0"], "a vtd.descriptor of this kind has more than 128 bits"],
  ])("%j", (args, message) => {
    const { exit, complaints } = decodes(...args);
    expect(exit).toBe(ExitCode.usage);
    expect(complaints).toHaveLength(1);
    expect(complaints[0]).toContain(message);
    expect(complaints[0]).not.toContain("\n");
  });
});

describe("decode without a structure", () => {
  it("takes the only one that it can be", () => {
    const { text } = decodes("0x6000000114d7b603", "0x38", "0", "0", "--architecture", "amdvi");
    expect(text).toContain("amdvi.dte: DTE");
  });
});
