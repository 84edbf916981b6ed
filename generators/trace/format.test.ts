import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { allProfiles, platformNamed } from "../../model/architectures.js";
import type { TraceRecord } from "../../model/isolation/events.js";
import { recordFrom, recordLine } from "./format.js";
import { headerFrom, headerLine } from "./format-header.js";

const half = fc.integer({ min: 0, max: 0xffffffff });
const page = fc.integer({ min: 0, max: 2 ** 40 });
const pages = fc.integer({ min: 1, max: 2 ** 20 });
const requester = fc.integer({ min: 0, max: 0xffff });
const index = fc.nat(511);
const access = fc.constantFrom(1, 2, 3);
const name = fc.string({ maxLength: 5 });
const nothing = fc.constant({ low: 0, high: 0 });
const shown = fc.record({ low: fc.integer({ min: -4, max: 2 ** 40 }), high: half });
const grant = { domain: name, iova: page, page, pages, access };
const be = <Name extends string>(text: Name) => fc.constant(text);

const record: fc.Arbitrary<TraceRecord> = fc.oneof(
  fc.record({
    action: fc.record({ do: be("store"), page, word: index, low: half, high: half }),
    seen: nothing,
  }),
  fc.record({ action: fc.record({ do: be("flush-line"), page, line: fc.nat(63) }), seen: nothing }),
  fc.record({
    action: fc.record({
      do: be("write-register"),
      offset: fc.nat(0xfff),
      width: fc.constantFrom(4 as const, 8 as const),
      low: half,
      high: half,
    }),
    seen: nothing,
  }),
  fc.record({
    action: fc.record({
      do: be("poll-register"),
      offset: fc.nat(0xfff),
      mask: half,
      value: half,
    }),
    seen: shown,
  }),
  fc.record({ action: fc.record({ do: be("read-memory"), page, word: index }), seen: shown }),
  fc.record({ action: fc.record({ do: be("poll-memory"), page, word: index, value: half }), seen: shown }),
  fc.record({
    action: fc.record({
      do: be("request"),
      request: fc.record({
        requester,
        page,
        offset: fc.nat(4095),
        length: fc.constantFrom(0, 4, 8),
        type: fc.constantFrom("read" as const, "write" as const, "atomic" as const),
      }),
      slot: fc.nat(1000),
    }),
    seen: shown,
  }),
  fc.record({ event: be("allocate"), page, pages, owner: name }),
  fc.record({ event: be("free-table"), page }),
  fc.record({ event: be("grant"), ...grant }),
  fc.record({ event: be("retire"), ...grant }),
  fc.record({ event: be("assign"), requester, domain: name }),
  fc.record({ event: be("program"), requester, iova: page, access }),
  fc.record({ event: be("update"), begins: fc.boolean() }),
);

const HEADER = {
  format: "iommu-spec trace 1",
  architecture: "vtd",
  profile: "skylake-sp",
  start: "translating",
  requesters: [32],
  rootPage: "0x2000",
  queuePage: "0x2001",
};

const AMDVI_HEADER = {
  ...HEADER,
  architecture: "amdvi",
  profile: "zen1",
  rootPages: 5,
  queuePage: "0x200a",
  logPage: "0x200c",
};

describe("records", () => {
  it("round-trip through their lines", () => {
    fc.assert(
      fc.property(record, (one) => {
        expect(recordFrom(JSON.parse(recordLine(one)))).toEqual(one);
      }),
    );
  });

  it("numbers may be written in hexadecimal, 64-bit values as one number", () => {
    const store = { do: "store", page: "0x2000", word: "0xa", value: "0x800000012345f003" };
    expect(recordFrom(store)).toEqual({
      action: { do: "store", page: 0x2000, word: 10, low: 0x2345f003, high: 0x80000001 },
      seen: { low: 0, high: 0 },
    });
    const small = { do: "store", page: 1, word: 0, value: 0x1_0000_0003 };
    expect(recordFrom(small)).toMatchObject({ action: { low: 3, high: 1 } });
  });

  it("what an action shows that shows nothing may be said, and is not looked at", () => {
    const line = { do: "flush-line", page: 1, line: 2, seen: [7, 7] };
    expect(recordFrom(line)).toEqual({
      action: { do: "flush-line", page: 1, line: 2 },
      seen: { low: 0, high: 0 },
    });
  });

  it.each([
    [7, "expected an object"],
    [{}, 'expected an action (with "do") or an event (with "event")'],
    [{ do: "fly" }, 'at do: unknown "fly"; known: store, flush-line'],
    [{ event: "toString" }, 'at event: unknown "toString"; known: allocate'],
    [
      { do: "store", page: 1, word: 512, value: 0 },
      "at word: expected a whole number from 0 to 511, found 512",
    ],
    [
      { do: "store", page: "2000", word: 0, value: 0 },
      'at page: expected a whole number from 0 to 4503599627370495, found "2000"',
    ],
    [
      { do: "store", page: 1, word: 0, value: 2 ** 60 },
      'at value: expected a 64-bit value such as "0x10001003"',
    ],
    [{ do: "store", page: 1, word: 0 }, "at value: expected a 64-bit value"],
    [{ do: "poll-memory", page: 1, word: 0, value: 1 }, "at seen: expected"],
    [{ do: "poll-memory", page: 1, word: 0, value: 1, seen: [1] }, "at seen.1: expected a whole number"],
    [{ do: "read-register", offset: 8, width: 2, seen: [0, 0] }, "at width: expected 4 or 8, found 2"],
    [
      {
        do: "request",
        request: { requester: 1, page: 1, offset: 0, length: 4, type: "dream" },
        slot: 1,
        seen: [0, 0],
      },
      'at request.type: expected "read" or "write"',
    ],
    [{ event: "free", page: 1, pages: 0 }, "at pages: expected a whole number from 1"],
    [{ event: "assign", requester: 1, domain: 4 }, "at domain: expected string, found 4"],
  ])("%j: the message says where and what was expected", (line, message) => {
    expect(() => recordFrom(line)).toThrow(message);
  });
});

describe("the header", () => {
  it("names a profile, and says where everything is", () => {
    const { profile, setup, protectedRuns } = headerFrom({ ...HEADER, protected: [{ page: 5, pages: 2 }] });
    expect(profile).toBe(platformNamed("skylake-sp"));
    expect(setup).toEqual({
      start: "translating",
      rootPage: 0x2000,
      rootPages: 1,
      queuePage: 0x2001,
      logPage: null,
      requesters: [32],
      dataPages: [],
      tablePages: [],
    });
    expect(protectedRuns).toEqual([{ page: 5, pages: 2 }]);
  });

  it("of AMD-Vi says where the device table ends and where events are logged", () => {
    const { profile, setup } = headerFrom(AMDVI_HEADER);
    expect(profile).toBe(platformNamed("zen1"));
    expect(setup).toMatchObject({ rootPage: 0x2000, rootPages: 5, queuePage: 0x200a, logPage: 0x200c });
  });

  it.each(allProfiles.map((one) => [one.id, one] as const))(
    "writes %s out, and reads it back",
    (_, profile) => {
      const written = { ...profile, memoryPages: 0x1000000 };
      const header = {
        ...headerFrom(profile.architecture === "vtd" ? HEADER : AMDVI_HEADER),
        profile: written,
      };
      expect(headerFrom(JSON.parse(headerLine(header)))).toEqual(header);
    },
  );

  it("a known profile may have other memory", () => {
    expect(headerFrom({ ...HEADER, memoryPages: "0x1000000" }).profile).toEqual({
      ...platformNamed("skylake-sp"),
      memoryPages: 0x1000000,
    });
  });

  it.each([
    [{ ...HEADER, format: "iommu-spec trace 2" }, 'at format: expected "iommu-spec trace 1"'],
    [{ ...HEADER, profile: "vax" }, 'at profile: unknown profile "vax"; known: qemu-39'],
    [{ ...HEADER, profile: { id: "mine" } }, "at profile.description: expected string, found nothing"],
    [{ ...HEADER, requesters: ["00:04.0"] }, "at requesters.0: expected a whole number from 0 to 65535"],
    [{ ...HEADER, start: "running" }, 'at start: expected "translating" or "reset", found "running"'],
    [{ ...HEADER, architecture: "smmu" }, 'at architecture: unknown "smmu"; known: vtd, amdvi'],
    [{ ...AMDVI_HEADER, profile: "skylake-sp" }, 'unknown profile "skylake-sp"; known: amd-qemu'],
    [{ ...AMDVI_HEADER, rootPages: 513 }, "at rootPages: expected a whole number from 1 to 512, found 513"],
    [{ ...HEADER, architecture: "amdvi", profile: "zen1" }, "at rootPages: expected a whole number"],
    [{ ...HEADER, protected: [{ page: 1 }] }, "at protected.0.pages: expected a whole number"],
  ])("%j: the message says where and what was expected", (line, message) => {
    expect(() => headerFrom(line)).toThrow(message);
  });
});
