/** The device table and special ranges, over what memory says now: each fault with the least that triggers it. */
import { describe, expect, it } from "vitest";
import { NO_DOMAIN } from "../windows/walk.js";
import {
  answer,
  DATA,
  DEVICE_TABLE,
  DTE,
  IR,
  IW,
  mapped,
  NO_MEMORY,
  outcome,
  RW,
  read,
  request,
  Tables,
  write,
} from "./walk.testing.js";

const HERE = `page ${DATA.toString(16)}`;
/** With four levels the first table is this. */
const L4 = 3;

describe("2.2.2 the device table", () => {
  it("an entry is found by DeviceID: 128 to a page", () => {
    const tables = mapped(4)
      .set(DEVICE_TABLE + 3, 4 * 0x7f, 0x3803, RW)
      .set(DEVICE_TABLE + 3, 4 * 0x7f + 1, 9);
    tables.pointer = DEVICE_TABLE * 512 + 3;
    // The table's pages 3 to 5 hold page table entries here, which is as well for this test.
    const out = answer(tables, { ...request("read"), requester: 0x1ff });
    expect(out).toMatchObject({ effect: DATA, domainId: 9, rule: null });
  });

  it("a DeviceID beyond Size has no entry", () => {
    const tables = mapped(4);
    expect(outcome(tables, { ...request("read"), requester: 0x80 })).toBe("dte.out-of-table");
    tables.pointer += 1;
    expect(outcome(tables, { ...request("read"), requester: 0xff })).toBe("page 0");
    expect(outcome(tables, { ...request("read"), requester: 0x100 })).toBe("dte.out-of-table");
  });

  it("a device table that is not memory is an error", () => {
    const tables = mapped(4);
    tables.pointer = NO_MEMORY * 512;
    expect(answer(tables, request("read"))).toMatchObject({
      rule: { id: "amdvi.dte.fetch" },
      domainId: NO_DOMAIN,
    });
  });

  it("V = 0: untranslated with every right, whatever the rest says, under no domain", () => {
    const tables = new Tables()
      .set(DEVICE_TABLE, DTE, 0xfffffffe, 0x9fffffff)
      .set(DEVICE_TABLE, DTE + 1, -1, -1);
    for (const type of ["read", "write", "atomic"] as const)
      expect(outcome(tables, request(type, 0x123))).toBe("page 123");
    expect(outcome(tables, request("zero-length-read", 0x123))).toBe("done");
    expect(answer(tables, request("read"))).toMatchObject({
      domainId: NO_DOMAIN,
      passThrough: true,
      pages: 0,
    });
  });

  it("reserved bits 6:2, 63 and those of absent features", () => {
    for (const bit of [2, 3, 4, 5, 6]) {
      expect(read(mapped(4).set(DEVICE_TABLE, DTE, 0x3803 | (1 << bit), RW))).toBe("dte.reserved-bits");
    }
    expect(read(mapped(4).set(DEVICE_TABLE, DTE, 0x3803, RW | 0x80000000))).toBe("dte.reserved-bits");
    const secure = mapped(4).set(DEVICE_TABLE, DTE + 1, 5, 1 << 10); // SATS
    expect(read(secure)).toBe("dte.reserved-bits");
    expect(read(secure, 0, "raphael")).toBe(HERE);
    const pointer = mapped(4).set(DEVICE_TABLE, DTE + 1, 0x10005); // GCR3 table pointer bit 15
    expect(read(pointer)).toBe(HERE);
    expect(read(pointer, 0, "milan")).toBe("dte.reserved-bits");
  });

  it("bits 255:128 concern interrupts only", () => {
    expect(
      read(
        mapped(4)
          .set(DEVICE_TABLE, DTE + 2, -1, -1)
          .set(DEVICE_TABLE, DTE + 3, -1, -1),
      ),
    ).toBe(HERE);
  });

  it("IoCtl = 11b is illegal, also with TV = 0", () => {
    const tables = mapped(4).set(DEVICE_TABLE, DTE + 1, 5, 3 << 3);
    expect(read(tables)).toBe("dte.io-control-illegal");
    expect(read(tables.set(DEVICE_TABLE, DTE, 1))).toBe("dte.io-control-illegal");
  });

  it("TV = 0: nothing gets through; Mode and rights are not looked at", () => {
    expect(read(mapped(4).set(DEVICE_TABLE, DTE, 1))).toBe("dte.translation-valid");
    expect(write(mapped(4).set(DEVICE_TABLE, DTE, 0x3e01))).toBe("dte.translation-valid");
  });

  it("Mode is at most the levels that HATS allows; 7 is illegal everywhere", () => {
    const withMode = (mode: number) => mapped(4).set(DEVICE_TABLE, DTE, 0x3003 | (mode << 9), RW);
    expect([4, 5, 6, 7].map((mode) => read(withMode(mode), 0, "family-15h"))).toEqual([
      HERE,
      "dte.mode-illegal",
      "dte.mode-illegal",
      "dte.mode-illegal",
    ]);
    expect(read(withMode(6))).toBe(HERE); // two levels are skipped
    expect(read(withMode(7))).toBe("dte.mode-illegal");
  });

  it("HAD = 10b is illegal; where the unit lacks the updates HAD may be reserved", () => {
    const withHad = (had: number) => mapped(4).set(DEVICE_TABLE, DTE, 0x3803 | (had << 7), RW);
    expect(read(withHad(1), 0, "genoa")).toBe(HERE);
    expect(read(withHad(2), 0, "genoa")).toBe("dte.host-accessed-dirty-illegal");
    expect(answer(withHad(3), request("read"), "genoa").optionalFault).toBeNull();
    expect(answer(withHad(3), request("read"), "zen1").optionalFault?.id).toBe("amdvi.dte.reserved-bits");
    expect(answer(withHad(1), request("read"), "cezanne")).toMatchObject({
      effect: DATA,
      optionalFault: { id: "amdvi.dte.reserved-bits" },
    });
  });

  it("GV = 1: requests without PASID take the host tables; GLX = 11b is illegal where GLX exists", () => {
    const guest = (bits: number) => mapped(4).set(DEVICE_TABLE, DTE, 0x3803, RW | bits);
    expect(read(guest(1 << 23))).toBe(HERE);
    expect(read(guest((1 << 23) | (3 << 24)))).toBe("dte.guest-levels-illegal");
    expect(read(guest((1 << 23) | (3 << 24)), 0, "amd-qemu")).toBe(HERE);
    expect(read(guest(3 << 24))).toBe(HERE);
    expect(read(guest(1 << 22))).toBe(HERE);
    expect(() => read(guest(3 << 22))).toThrow(/GIoV = 1/);
  });

  it("SA is taken from a valid entry", () => {
    const tables = mapped(4).set(DEVICE_TABLE, DTE + 1, 5, 4);
    expect(answer(tables, request("read")).suppresses).toBe(true);
    expect(answer(tables.set(DEVICE_TABLE, DTE, 1), request("read")).suppresses).toBe(true);
    expect(answer(tables.set(DEVICE_TABLE, DTE, 0), request("read")).suppresses).toBe(false);
  });
});

describe("2.2.2 rights of the device table entry", () => {
  const withRights = (rights: number) => mapped(4).set(DEVICE_TABLE, DTE, 0x3803, rights);

  it("IR for reads, IW for writes, both for AtomicOps, either for zero-length reads", () => {
    expect(read(withRights(IR))).toBe(HERE);
    expect(write(withRights(IR))).toBe("dte.permission");
    expect(read(withRights(IW))).toBe("dte.permission");
    expect(write(withRights(IW))).toBe(HERE);
    for (const rights of [IR, IW]) {
      expect(outcome(withRights(rights), request("atomic"))).toBe("dte.permission");
      expect(outcome(withRights(rights), request("zero-length-read"))).toBe("done");
    }
    expect(outcome(withRights(0), request("zero-length-read"))).toBe("dte.permission");
  });

  it("come before everything in the tables", () => {
    expect(write(withRights(IR).set(L4, 0, 0))).toBe("dte.permission");
    expect(write(withRights(IR), 2 ** 36)).toBe("dte.permission");
    expect(read(withRights(IR).set(L4, 0, 0))).toBe("page-table.present");
  });

  it("Mode 0: the address is the output, with those rights, under the DomainID", () => {
    const identity = (rights: number) =>
      new Tables().set(DEVICE_TABLE, DTE, 0x3003, rights).set(DEVICE_TABLE, DTE + 1, 7);
    expect(read(identity(IR), 0xabcdef)).toBe("page abcdef");
    expect(write(identity(IR), 0xabcdef)).toBe("dte.permission");
    expect(answer(identity(RW), request("read"))).toMatchObject({
      domainId: 7,
      passThrough: true,
      pages: 0,
      firstLevel: 0,
    });
  });
});

describe("MMIO 0020h the exclusion range", () => {
  const range = (allow: boolean) => ({ allow, first: 0x100, last: 0x1ff });
  const excluded = (tables: Tables, page: number, allow: boolean, type: "read" | "write" = "write") =>
    outcome(tables, request(type, page), "zen1", range(allow));
  const withEx = (ex: number) =>
    mapped(4)
      .set(DEVICE_TABLE, DTE, 0x3801)
      .set(DEVICE_TABLE, DTE + 1, 5, ex << 7);

  it("with EX or Allow a page of it is its own output, without a look at TV or rights", () => {
    for (const page of [0x100, 0x1ff]) {
      expect(excluded(withEx(1), page, false)).toBe(`page ${page.toString(16)}`);
      expect(excluded(withEx(0), page, true)).toBe(`page ${page.toString(16)}`);
      expect(excluded(withEx(0), page, false)).toBe("dte.translation-valid");
    }
    for (const page of [0xff, 0x200]) expect(excluded(withEx(1), page, true)).toBe("dte.translation-valid");
  });

  it("comes after the reserved bits, and under no domain", () => {
    expect(excluded(withEx(1).set(DEVICE_TABLE, DTE, 5), 0x100, true)).toBe("dte.reserved-bits");
    expect(answer(withEx(1), request("read", 0x100), "zen1", range(true)).domainId).toBe(NO_DOMAIN);
  });
});

describe("2.1.2 special ranges", () => {
  const withControl = (high2: number, low = 0x3803) =>
    mapped(4)
      .set(DEVICE_TABLE, DTE, low, RW)
      .set(DEVICE_TABLE, DTE + 1, 5, high2);

  it("FEEx_xxxxh: a DWORD write is an interrupt, anything else an invalid request", () => {
    for (const page of [0xfee00, 0xfeeff]) {
      expect(outcome(mapped(4), request("write", page, 4))).toBe("interrupt");
      expect(outcome(mapped(4), request("write", page, 8))).toBe("request.interrupt-range");
      for (const type of ["read", "atomic", "zero-length-read"] as const)
        expect(outcome(mapped(4), request(type, page))).toBe("request.interrupt-range");
    }
    expect(read(mapped(4), 0xfedff)).toBe("page-table.present");
    expect(read(mapped(4), 0xfef00)).toBe("page-table.present");
  });

  it("interrupts do not need TV; they need a legal entry; with V = 0 other requests pass", () => {
    expect(outcome(withControl(0, 1), request("write", 0xfee00, 4))).toBe("interrupt");
    expect(outcome(withControl(0, 5), request("write", 0xfee00, 4))).toBe("dte.reserved-bits");
    expect(outcome(withControl(0, 0), request("write", 0xfee00, 4))).toBe("interrupt");
    expect(outcome(withControl(0, 0), request("read", 0xfee00))).toBe("page fee00");
  });

  it("FD_0000_0000h: writes to the reserved interrupt range, and its reads", () => {
    for (const page of [0xfd00000, 0xfdf7fff]) {
      expect(write(mapped(4), page)).toBe("request.reserved-interrupt-range");
      expect(read(mapped(4), page)).toBe("request.interrupt-range");
    }
  });

  it("FD_F910_0000h with SysMgt = 00b, FD_FC00_0000h with IoCtl = 00b", () => {
    for (const page of [0xfdf9100, 0xfdf91ff]) {
      expect(write(withControl(0), page)).toBe("request.system-management");
      expect(read(withControl(0), page)).toBe("request.system-management");
      expect(write(withControl(1 << 8), page)).toBe("nowhere");
      expect(write(withControl(3 << 8), page)).toBe("page-table.present");
    }
    for (const page of [0xfdfc000, 0xfdfdfff]) {
      expect(write(withControl(0), page)).toBe("request.port-io");
      expect(read(withControl(0), page)).toBe("request.port-io");
      expect(write(withControl(1 << 3), page)).toBe("nowhere");
      expect(write(withControl(2 << 3), page)).toBe("page-table.present");
    }
  });

  it("the rest of the HyperTransport ranges is no memory; what lies around is", () => {
    for (const page of [0xfdf8000, 0xfdf9200, 0xfdfe000, 0xfffffff])
      expect(read(mapped(4), page)).toBe("nowhere");
    expect(read(withControl(0, 0), 0xfd00000)).toBe("nowhere");
    expect(read(mapped(4), 0xfcfffff)).toBe("page-table.present");
    expect(read(mapped(4), 0x10000000)).toBe("page-table.present");
  });
});

describe("before any table", () => {
  it("IommuEn = 0: everything is forwarded untranslated", () => {
    const tables = new Tables();
    tables.enabled = false;
    expect(read(tables, 0x123)).toBe("page 123");
    expect(write(tables, 0xfee00)).toBe("page fee00");
    expect(outcome(tables, request("write", 0xfee00, 4))).toBe("interrupt");
    expect(outcome(tables, request("zero-length-read", 5))).toBe("done");
    expect(read(tables, 0xfd00000)).toBe("nowhere");
    expect(answer(tables, request("read")).domainId).toBe(NO_DOMAIN);
  });
});
