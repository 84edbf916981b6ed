import { describe, expect, it } from "vitest";
import { requesterId, showAddress, showRequester } from "./address.js";

describe("requester ids", () => {
  it("PCI: bus 15:8, device 7:3, function 2:0", () => {
    expect(requesterId(0, 4, 0)).toBe(0x20);
    expect(requesterId(0x80, 0x1f, 7)).toBe(0x80ff);
    expect(requesterId(0xff, 0, 1)).toBe(0xff01);
  });

  it("print as lspci prints them", () => {
    expect(showRequester(0x20)).toBe("00:04.0");
    expect(showRequester(0x80ff)).toBe("80:1f.7");
    expect(showRequester(requesterId(0xff, 0, 1))).toBe("ff:00.1");
  });
});

describe("addresses", () => {
  it("print with their offset, exact up to the largest page number", () => {
    expect(showAddress(0)).toBe("0x0");
    expect(showAddress(0x1000, 0x200)).toBe("0x1000200");
    expect(showAddress(0xfee00, 0xfff)).toBe("0xfee00fff");
    expect(showAddress(2 ** 52 - 1, 0xffc)).toBe("0xfffffffffffffffc");
  });
});
