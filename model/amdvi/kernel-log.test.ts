/** Messages as they were found in public bug reports and mailing lists; forms of which none was found are from format strings. */
import { describe, expect, it } from "vitest";
import { bareLog } from "../kernel-log.js";
import { numberOf } from "../words/shown-fields.js";
import { amdViMessages } from "./kernel-log.js";
import { faultRules } from "./rules.js";

const messages = (...lines: string[]) => amdViMessages(bareLog(lines.join("\n")));

function only(...lines: string[]) {
  const found = messages(...lines);
  expect(found).toHaveLength(1);
  const { facts, flags, ...rest } = found[0]!;
  return {
    ...rest,
    facts: Object.fromEntries(facts.map(({ name, value }) => [name, value])),
    set: flags.filter((one) => one.value !== "0").map((one) => one.name),
  };
}

describe("IO_PAGE_FAULT", () => {
  it.each([
    [
      "Linux 4",
      "[12916.740184] AMD-Vi: Event logged [IO_PAGE_FAULT device=00:13.1 domain=0x0000 address=0x6f2163200 flags=0x0050]",
      { requester: "00:13.1", access: "read", domain: "0x0" },
      0x6f2163200n,
      ["PR", "PE"],
    ],
    [
      "Linux 4, in two lines",
      "kernel: [  221.562629] AMD-Vi: Event logged [\nkernel: [  221.565929] IO_PAGE_FAULT device=05:00.0 domain=0x0012 address=0x00000000ff6101b0 flags=0x0070]",
      { requester: "05:00.0", access: "write", domain: "0x12" },
      0xff6101b0n,
      ["PR", "RW", "PE"],
    ],
    [
      "Linux 5, the device in front",
      "[   40.182570] ath10k_pci 0000:01:00.0: AMD-Vi: Event logged [IO_PAGE_FAULT domain=0x000d address=0xcff49550 flags=0x0070]",
      { requester: "01:00.0", access: "write", domain: "0xd" },
      0xcff49550n,
      ["PR", "RW", "PE"],
    ],
    [
      "Linux 6, an interrupt",
      "[    1.120969] AMD-Vi: Event logged [IO_PAGE_FAULT device=0000:00:14.0 domain=0x0000 address=0xfdf800ff98 flags=0x0008]",
      { requester: "00:14.0", access: "interrupt", domain: "0x0" },
      0xfdf800ff98n,
      ["I"],
    ],
    [
      "Xen",
      "(XEN) AMD-Vi: IO_PAGE_FAULT: 0000:00:14.0 d0 addr 000000fdf8010140 flags 0x8 I",
      { requester: "00:14.0", access: "interrupt", guest: "d0" },
      0xfdf8010140n,
      ["I"],
    ],
    [
      "Xen before 4.12",
      "(XEN) AMD-Vi: IO_PAGE_FAULT: domain = 0, device id = 0x2600, fault address = 0xfffffffdf8000000, flags = 0x8",
      { requester: "26:00.0", access: "interrupt", domain: "0x0" },
      0xfffffffdf8000000n,
      ["I"],
    ],
  ])("%s", (_, line, facts, address, set) => {
    expect(only(line)).toMatchObject({ facts, address, set });
  });

  it("names the checks that are reported with its flags", () => {
    const flags = (value: string) =>
      only(`AMD-Vi: Event logged [IO_PAGE_FAULT device=00:01.0 domain=0x1 address=0x1000 flags=${value}]`)
        .rules;
    expect(flags("0x0070")).toEqual([faultRules.devicePermission, faultRules.tablePermission]);
    expect(flags("0x0020")).toEqual([
      faultRules.deviceIdOutOfTable,
      faultRules.translationValid,
      faultRules.notPresent,
    ]);
    expect(flags("0x0090")).toEqual([faultRules.tableReserved]);
    expect(flags("0x0008")).toEqual([]);
  });
});

describe("other events", () => {
  it.each([
    [
      "[   13.137925] AMD-Vi: Event logged [INVALID_DEVICE_REQUEST device=00:00.1 address=0x000000fdf8000020 flags=0x0a00]",
      "INVALID_DEVICE_REQUEST: a posted write to the interrupt range with IntCtl = 00b",
      { requester: "00:00.1" },
    ],
    [
      "iommu ivhd0: AMD-Vi: Event logged [ILLEGAL_DEV_TABLE_ENTRY device=0000:06:00.0 pasid=0x00000 address=0x135300000 flags=0x0080]",
      "ILLEGAL_DEV_TABLE_ENTRY: reserved bits of the device table entry are not zero",
      { requester: "06:00.0", access: "read", PASID: "0x0" },
    ],
    [
      "iommu ivhd0: AMD-Vi: Event logged [ILLEGAL_DEV_TABLE_ENTRY device=c0:00.1 pasid=0x00000 \naddress=0xfffffffdf8140000 flags=0x0008]",
      "ILLEGAL_DEV_TABLE_ENTRY: an illegal encoding in the device table entry",
      { requester: "c0:00.1", access: "interrupt", PASID: "0x0" },
    ],
    [
      "iommu ivhd0: AMD-Vi: Event logged [IOTLB_INV_TIMEOUT device=63:00.0 address=0x42b5b01a0]",
      "IOTLB_INV_TIMEOUT: a device has not answered an invalidation of its TLB in time",
      { requester: "63:00.0", "address of the command": "0x42b5b01a0" },
    ],
    [
      "AMD-Vi: Event logged [DEV_TAB_HARDWARE_ERROR device=00:01.0 address=0x1000 flags=0x0200]",
      "DEV_TAB_HARDWARE_ERROR: the device table entry cannot be read",
      { requester: "00:01.0", "address of the device table entry": "0x1000" },
    ],
    [
      "AMD-Vi: Event logged [PAGE_TAB_HARDWARE_ERROR device=00:01.0 domain=0x0003 address=0x1000 flags=0x0200]",
      "PAGE_TAB_HARDWARE_ERROR: a page table entry cannot be read",
      { requester: "00:01.0", domain: "0x3", "address of the page table entry": "0x1000" },
    ],
    [
      "AMD-Vi: Event logged [ILLEGAL_COMMAND_ERROR address=0x0000000100835000]",
      "ILLEGAL_COMMAND_ERROR: the command buffer has halted at an illegal command",
      { "address of the command": "0x100835000" },
    ],
    [
      "AMD-Vi: Event logged [COMMAND_HARDWARE_ERROR address=0x100835000 flags=0x0200]",
      "COMMAND_HARDWARE_ERROR: a command cannot be read, or its completion cannot be stored",
      { "address of the command": "0x100835000" },
    ],
    [
      "AMD-Vi: Event logged [INVALID_PPR_REQUEST device=0000:03:00.0 pasid=0x00007 address=0x7f0000001000 flags=0x0000 tag=0x055]",
      "INVALID_PPR_REQUEST: a page request that the device may not make",
      { requester: "03:00.0", PASID: "0x7", "page request group": "0x55" },
    ],
    [
      "nvme 0000:43:00.0: AMD-Vi: Event logged [RMP_PAGE_FAULT vmg_tag=0x0001, gpa=0x12345000, flags_rmp=0x0004, flags=0x0020]",
      "RMP_PAGE_FAULT: the reverse map does not allow the access (secure nested paging)",
      { requester: "43:00.0", "guest tag": "0x1", "flags of the reverse map check": "0x4" },
    ],
    [
      "AMD-Vi: Event logged [RMP_HW_ERROR device=0000:43:00.0, vmg_tag=0x0001, spa=0x12345000, flags=0x0020]",
      "RMP_HARDWARE_ERROR: an entry of the reverse map cannot be read",
      { requester: "43:00.0", "guest tag": "0x1" },
    ],
    [
      "(XEN) AMD-Vi: INVALID_DEV_REQUEST 00000001 8a000000 f8000020 000000fd",
      "INVALID_DEVICE_REQUEST: a posted write to the interrupt range with IntCtl = 00b",
      { requester: "00:00.1" },
    ],
    [
      "[    1.864369] AMD-Vi: Completion-Wait loop timed out",
      "a COMPLETION_WAIT command was not completed in the time that the kernel waits",
      {},
    ],
  ])("%s", (line, what, facts) => {
    const found = only(line);
    expect([found.what, found.facts]).toEqual([what, facts]);
    expect(found.causes.length).toBeGreaterThan(0);
  });

  it("that were lost or not printed are told of", () => {
    expect(only("[  1.0] amd_iommu_report_page_fault: 12 callbacks suppressed").what).toContain("12 further");
    expect(only("AMD-Vi: IOMMU Event log restarting").what).toBe("the Event log was full: entries were lost");
  });

  it("of no known name are passed over", () => {
    expect(messages("AMD-Vi: Event logged [SOMETHING_ELSE device=00:01.0 flags=0x0000]")).toEqual([]);
  });
});

describe("entries behind an event", () => {
  const entry = (...lines: string[]) => {
    const { structure, words } = only(...lines).entry!;
    return [structure, numberOf(words)];
  };

  it("the device table entry", () => {
    const lines = ["7d90000000000003", "0000100103fc0009", "2000000117840013", "0000000000000000"];
    expect(
      entry(...lines.map((word, at) => `Nov 14 11:52:19 Thinkbook kernel: AMD-Vi: DTE[${at}]: ${word}`)),
    ).toEqual(["dte", 0x2000000117840013_0000100103fc0009_7d90000000000003n]);
  });

  it("the command", () => {
    const lines = ["00000000", "30000005", "fffff003", "7fffffff"];
    expect(entry(...lines.map((word, at) => `AMD-Vi: CMD[${at}]: ${word}`))).toEqual([
      "command",
      0x7ffffffffffff003_3000000500000000n,
    ]);
  });

  it("the control register, and an event in words", () => {
    expect(entry("iommu ivhd3: AMD-Vi: Control Reg : 0xc22000142148d")).toEqual([
      "Control",
      0xc22000142148dn,
    ]);
    const unknown =
      "AMD-Vi: Event logged [UNKNOWN event[0]=0x00000300 event[1]=0xd0200007 event[2]=0x12345000 event[3]=0x00000000";
    expect(entry(unknown)).toEqual(["event", 0x12345000_d020000700000300n]);
  });
});
