/** Events as kernels were seen to print them, and positions of fields written out from the specification's figures. */
import { describe, expect, it } from "vitest";
import type { Request, RequestType, Word } from "../trace.js";
import { NO_DOMAIN } from "../windows/walk.js";
import { fieldOf } from "../words/layout.js";
import { decodeEvent, EventCode, encodeEvent, eventLayouts, eventOf, illegalCommandEvent } from "./events.js";
import { faultRules } from "./rules.js";

const hex = ({ low, high }: Word) => ((BigInt(high) << 32n) | BigInt(low)).toString(16);

const request = (type: RequestType, requester = 0x20, page = 0x12345, offset = 0x678): Request => ({
  requester,
  page,
  offset,
  length: 4,
  type,
});

describe("2.5 events as kernels print them", () => {
  it("IO_PAGE_FAULT device=05:00.0 domain=0x0012 address=0xff6101b0 flags=0x0070", () => {
    const words = eventOf(faultRules.tablePermission, request("write", 0x500, 0xff610, 0x1b0), 0x12);
    expect(words.map(hex)).toEqual(["2070001200000500", "ff6101b0"]);
    expect(decodeEvent(words)).toMatchObject({
      code: 2,
      name: "IO_PAGE_FAULT",
      flags: 0x70,
      place: { page: 0xff610, offset: 0x1b0 },
      fields: { DeviceID: 0x500, DomainID: 0x12, PR: 1, RW: 1, PE: 1, RZ: 0 },
    });
  });

  it("INVALID_DEVICE_REQUEST device=00:00.1 address=0xfdf8000020 flags=0x0a00", () => {
    const words = encodeEvent(
      EventCode.invalidDeviceRequest,
      { page: 0xfdf8000, offset: 0x20 },
      { DeviceID: 1, Type: 5 },
    );
    expect(words.map(hex)).toEqual(["8a00000000000001", "fdf8000020"]);
    expect(decodeEvent(words)).toMatchObject({ flags: 0xa00, place: { page: 0xfdf8000, offset: 0x20 } });
  });
});

describe("the event of a request that was blocked", () => {
  const first = (rule: keyof typeof faultRules, type: RequestType, domainId = 0x7) =>
    hex(eventOf(faultRules[rule], request(type), domainId)[0]!);

  it("names the event, PR, PE, RZ, RW, the device and the domain", () => {
    expect(first("notPresent", "read")).toBe("2000000700000020");
    expect(first("notPresent", "write")).toBe("2020000700000020");
    expect(first("tablePermission", "read")).toBe("2050000700000020");
    expect(first("devicePermission", "atomic")).toBe("2070000700000020");
    expect(first("tableReserved", "read")).toBe("2090000700000020");
    expect(first("levelIllegal", "zero-length-read")).toBe("2010000700000020");
    expect(first("translationValid", "write")).toBe("2020000700000020");
  });

  it("the domain is 0 where there is none", () => {
    expect(first("deviceIdOutOfTable", "read", NO_DOMAIN)).toBe("2000000000000020");
  });

  it("ILLEGAL_DEV_TABLE_ENTRY has no domain; its address is one of DWORDs", () => {
    expect(first("deviceReserved", "write")).toBe("10a0000000000020");
    expect(first("mode", "read")).toBe("1000000000000020");
    const [, address] = eventOf(faultRules.mode, request("read", 0x20, 0xabcdef12345, 0xffe), 7);
    expect(hex(address!)).toBe("abcdef12345ffc");
  });

  it("INVALID_DEVICE_REQUEST has its Type and no RW", () => {
    expect(first("interruptRange", "write")).toBe("8200000000000020");
    expect(first("portIo", "write")).toBe("8600000000000020");
    expect(first("systemManagement", "write")).toBe("8800000000000020");
    expect(first("reservedInterruptRange", "write")).toBe("8c00000000000020");
  });

  it("errors of hardware have a Type and the address of the entry", () => {
    const device = eventOf(faultRules.deviceFetch, request("write"), NO_DOMAIN, {
      page: 0x20000,
      offset: 0x418,
    });
    expect(device.map(hex)).toEqual(["3220000000000020", "20000410"]);
    const table = eventOf(faultRules.tableFetch, request("read"), 7, { page: 0x20000, offset: 0x418 });
    expect(table.map(hex)).toEqual(["4200000700000020", "20000418"]);
  });
});

describe("2.5.6 ILLEGAL_COMMAND_ERROR", () => {
  it("has the address of the command", () => {
    const words = illegalCommandEvent({ page: 0x100835, offset: 0x230 });
    expect(words.map(hex)).toEqual(["5000000000000000", "100835230"]);
    expect(decodeEvent(words)).toMatchObject({
      name: "ILLEGAL_COMMAND_ERROR",
      place: { page: 0x100835, offset: 0x230 },
    });
  });
});

describe("layouts", () => {
  it("flags are at the same bits in every event that has them", () => {
    const places = { GN: 48, NX: 49, US: 50, I: 51, PR: 52, RW: 53, PE: 54, RZ: 55, TR: 56 };
    for (const of of Object.values(eventLayouts)) {
      expect(fieldOf(of, "EventCode")).toMatchObject({ high: 63, low: 60 });
      for (const { name, low } of of.fields)
        if (name in places) expect(low).toBe(places[name as keyof typeof places]);
    }
    const flags = (code: number) =>
      eventLayouts[code]!.fields.map((one) => one.name).filter((name) => name in places);
    expect(flags(1)).toEqual(["GN", "I", "RW", "RZ", "TR"]);
    expect(flags(2)).toEqual(["GN", "NX", "US", "I", "PR", "RW", "PE", "RZ", "TR"]);
    expect(flags(3)).toEqual(["I", "RW", "TR"]);
    expect(flags(4)).toEqual(["GN", "I", "RW", "TR"]);
    expect(flags(8)).toEqual(["GN", "NX", "US", "TR"]);
  });

  it("names by code", () => {
    expect(Object.entries(eventLayouts).map(([code, of]) => `${code} ${of.name}`)).toEqual([
      "1 ILLEGAL_DEV_TABLE_ENTRY",
      "2 IO_PAGE_FAULT",
      "3 DEV_TAB_HARDWARE_ERROR",
      "4 PAGE_TAB_HARDWARE_ERROR",
      "5 ILLEGAL_COMMAND_ERROR",
      "6 COMMAND_HARDWARE_ERROR",
      "7 IOTLB_INV_TIMEOUT",
      "8 INVALID_DEVICE_REQUEST",
      "9 INVALID_PPR_REQUEST",
      "10 EVENT_COUNTER_ZERO",
    ]);
  });

  it("an entry of zeros is no event", () => {
    expect(
      decodeEvent([
        { low: 0, high: 0 },
        { low: 0, high: 0 },
      ]),
    ).toBeNull();
    expect(
      decodeEvent([
        { low: 0, high: 0xf0000000 },
        { low: 0, high: 0 },
      ]),
    ).toBeNull();
  });
});
