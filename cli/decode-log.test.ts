import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { decodes } from "./decode.testing.js";
import { ExitCode } from "./errors.js";

let folder = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "iommu-spec-log-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

const decode = (...args: string[]) => decodes("log", ...args);

function log(...lines: string[]): string {
  const path = join(folder, "dmesg");
  writeFileSync(path, `${lines.join("\n")}\n`);
  return path;
}

const FAULT =
  "DMAR: [DMA Write] Request device [00:02.0] fault addr bdf8e123 [fault reason 05] PTE Write access is not set";

describe("decode log", () => {
  it("explains the line itself", () => {
    const { text, exit } = decode(FAULT);
    expect(exit).toBe(ExitCode.violated);
    expect(text.split("\n").slice(0, 6)).toEqual([
      `line 1: ${FAULT}`,
      "  fault 5h, LGN.2: a write or AtomicOp without write permission in the second-stage tables (VT-d 7.1.3)",
      "  requester: 00:02.0",
      "  access: write",
      "  address: 0xbdf8e123: page 0xbdf8e, offset 0x123",
      "  broken rule vtd.second-stage.write-permission (VT-d 3.7.1): A write or AtomicOp needs W = 1 at every level",
    ]);
    expect(decode(...FAULT.split(" ")).text).toBe(text);
  });

  it("reads a file, tells what is alike once, and passes the rest over with a count", () => {
    const path = log(
      "usb 1-1: new device",
      "",
      ...[0x1000, 0x2000, 0x1000].map((at) => `[ 1.0] ${FAULT.replace("bdf8e123", at.toString(16))}`),
      "e1000e: link up",
    );
    const { text } = decode(path);
    expect(text).toContain("line 3 (and 2 more like it): ");
    expect(text).toContain("  2 addresses: 0x1000, 0x2000");
    expect(text.split("\n").at(-1)).toBe("2 other lines passed over");
  });

  it("decodes the entries in it, on the platform that is named", () => {
    const path = log(
      "iommu ivhd0: AMD-Vi: Event logged [ILLEGAL_DEV_TABLE_ENTRY device=0000:06:00.0 pasid=0x00000 address=0x135300000 flags=0x0080]",
      "AMD-Vi: DTE[0]: 7d90000000000003",
      "AMD-Vi: DTE[1]: 0000100103fc0009",
      "AMD-Vi: DTE[2]: 2000000117840013",
      "AMD-Vi: DTE[3]: 0000000000000000",
    );
    const { text } = decode(path, "--profile", "amd-qemu");
    expect(text).toContain("  breaks amdvi.dte.reserved-bits on amd-qemu");
    expect(text).toContain("PPR (bit 52), which the platform does not have, is 1");
    expect(text.split("\n").at(-1)).toBe("0 other lines passed over");
  });

  it("decodes a descriptor of which only the lower half is printed", () => {
    const line = "DMAR: QI HEAD: PASID-based IOTLB Invalidation qw0 = 0x900050026, qw1 = 0x0";
    expect(decode(line).text).toContain("G (5:4) = 2: granularity: PASID-selective");
  });

  it("finds nothing in a log without faults", () => {
    const { text, exit } = decode(log("AMD-Vi: Interrupt remapping enabled", "DMAR: IOMMU enabled"));
    expect(exit).toBe(ExitCode.holds);
    expect(text).toBe("no message about a fault is understood; 2 other lines passed over");
  });

  it("gives everything as JSON", () => {
    const { text } = decode(log(FAULT, "DMAR: DRHD: handling fault status reg 2"), "--json");
    const { messages, passedOver } = JSON.parse(text);
    expect(passedOver).toBe(0);
    expect(messages[0]).toMatchObject({
      lines: [1],
      architecture: "vtd",
      addresses: ["0xbdf8e123"],
      rules: [{ id: "vtd.second-stage.write-permission" }],
      entry: null,
    });
    expect(messages[1].entry.structure).toBe("vtd.FSTS");
  });

  it("looks for one architecture only when told so", () => {
    const { text } = decode(log(FAULT), "--architecture", "amdvi");
    expect(text).toContain("1 other line passed over");
  });

  it("takes only files that there are", () => {
    const { exit, complaints } = decode(join(folder, "none"));
    expect([exit, complaints.length]).toEqual([ExitCode.usage, 1]);
    expect(complaints[0]).toContain("no such file");
  });

  it("reads thousands of lines in seconds", () => {
    const flood = Array.from({ length: 4_000 }, (_, at) => [
      `[ ${at}.5] ${FAULT.replace("bdf8e123", (at * 4096).toString(16))}`,
      `[ ${at}.6] DMAR: DRHD: handling fault status reg 2`,
    ]);
    const before = process.cpuUsage();
    const { text } = decode(log(...flood.flat()));
    const { user, system } = process.cpuUsage(before);
    expect(text).toContain("line 1 (and 3999 more like it): ");
    expect((user + system) / 1e6).toBeLessThan(5);
  });
});
