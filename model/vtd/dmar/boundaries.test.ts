/** Where the rules of a DMAR begin to be broken, to the byte (VT-d 8.4 to 8.8), with what is said of it. */
import { describe, expect, it } from "vitest";
import { make, type Structure } from "../../acpi/structure.js";
import { tableOf, topology } from "./dmar.testing.js";
import { dmarTables } from "./index.js";
import {
  anddLayout,
  atsrLayout,
  drhdLayout,
  type Hop,
  rmrrLayout,
  ScopeType,
  satcLayout,
  scopeLayout,
} from "./layouts.js";
import { Paths } from "./paths.js";
import { scopeEntry } from "./write.js";

const { endpoint, subHierarchy } = ScopeType;
const hop = (device: number, fn = 0): Hop => ({ device, function: fn });
const usb = scopeEntry(endpoint, 0, [hop(2)]);
const graphics = scopeEntry(endpoint, 0, [hop(4)]);
const port = scopeEntry(subHierarchy, 0, [hop(1)]);
const all = make(
  drhdLayout,
  { type: 0, includePciAll: 1, size: 0, segment: 0, registerBase: 0xfed90000n },
  [],
);
const rmrr = (base: bigint, limit: bigint, scopes: readonly Structure[] = [usb]) =>
  make(rmrrLayout, { type: 1, segment: 0, base, limit }, scopes);
const atsr = (allPorts: number, scopes: readonly Structure[]) =>
  make(atsrLayout, { type: 2, allPorts, segment: 0 }, scopes);
const satc = (atcRequired: number, scopes: readonly Structure[] = [graphics]) =>
  make(satcLayout, { type: 5, atcRequired, segment: 0 }, scopes);

/** `rule: message` of everything that is found in a table with these structures behind a unit for all. */
function found(...structures: Structure[]): string[] {
  const table = dmarTables.read(tableOf([all, ...structures]));
  return [...table.findings, ...table.findingsIn(topology)].map((one) => `${one.rule.id}: ${one.message}`);
}

describe("reserved memory regions", () => {
  it("are one page at least", () => {
    expect(found(rmrr(0x7a000000n, 0x7a000fffn))).toEqual([]);
    expect(found(rmrr(0x7a000000n, 0x7a000000n))).toEqual([
      "dmar.rmrr.limit: the limit 0x7a000000 is not above the base 0x7a000000",
    ]);
    expect(found(rmrr(0x7a000000n, 0x79ffffffn))).toEqual([
      "dmar.rmrr.limit: the limit 0x79ffffff is not above the base 0x7a000000",
    ]);
  });

  it("are whole pages from a page on", () => {
    expect(found(rmrr(0x7a000000n, 0x7a000ffen))).toEqual(["dmar.rmrr.limit: the region has 0xfff bytes"]);
    expect(found(rmrr(0x7a000000n, 0x7a001000n))).toEqual(["dmar.rmrr.limit: the region has 0x1001 bytes"]);
    expect(found(rmrr(0x7a000010n, 0x7a00100fn))).toEqual(["dmar.rmrr.base: the base is 0x7a000010"]);
  });

  it("end below 2^39 on a machine whose table says 38", () => {
    expect(found(rmrr(0x7ffffff000n, 0x7fffffffffn))).toEqual([]);
    expect(found(rmrr(0x8000000000n, 0x8000000fffn))).toEqual([
      "dmar.table.address-width: the limit 0x8000000fff is not below 2^39",
    ]);
  });

  it("are for some device", () => {
    expect(found(rmrr(0x7a000000n, 0x7a000fffn, []))).toEqual([
      "dmar.rmrr.scope: the region is for no device",
    ]);
  });

  it("are the same, or share nothing", () => {
    const first = rmrr(0x7a001000n, 0x7a002fffn);
    const ids = (base: bigint, limit: bigint) =>
      found(first, rmrr(base, limit, [graphics])).map((one) => one.split(":")[0]);
    expect(ids(0x7a003000n, 0x7a003fffn)).toEqual([]);
    expect(ids(0x7a000000n, 0x7a000fffn)).toEqual([]);
    expect(ids(0x7a001000n, 0x7a002fffn)).toEqual([]);
    for (const [base, limit] of [
      [0x7a002000n, 0x7a003fffn],
      [0x7a000000n, 0x7a001fffn],
      [0x7a001000n, 0x7a001fffn],
      [0x7a002000n, 0x7a002fffn],
      [0x7a000000n, 0x7a003fffn],
    ] as const)
      expect(ids(base, limit)).toEqual(["dmar.rmrr.overlap"]);
    expect(found(first, rmrr(0x7a002000n, 0x7a002fffn))).toEqual([
      "dmar.rmrr.overlap: 0x7a002000 to 0x7a002fff overlaps 0x7a001000 to 0x7a002fff",
    ]);
  });
});

describe("root ports", () => {
  it("are listed unless ALL_PORTS is set", () => {
    expect(found(atsr(0, [port]))).toEqual([]);
    expect(found(atsr(1, []))).toEqual([]);
    expect(found(atsr(1, [port]))).toEqual([
      "dmar.atsr.all-ports: ALL_PORTS is set, and 1 scope entries follow",
    ]);
  });
});

describe("names of ACPI devices", () => {
  const andd = (name: readonly number[], deviceNumber = 1) =>
    make(anddLayout, { type: 4, deviceNumber }, [], Uint8Array.from(name));
  const isGood = (...name: number[]) => found(andd(name)).length === 0;

  it("are printable ASCII with a NUL behind it, and nothing but NULs there", () => {
    expect(isGood(0x5c, 0x41, 0)).toBe(true);
    expect(isGood(0x21, 0x7e, 0, 0, 0)).toBe(true);
    expect(isGood(0x41, 0)).toBe(true);
    expect(isGood(0)).toBe(false);
    expect(isGood(0x41)).toBe(false);
    expect(isGood(0x20, 0)).toBe(false);
    expect(isGood(0x7f, 0)).toBe(false);
    expect(isGood(0x41, 0, 0x41, 0)).toBe(false);
  });

  it("are declared once for each number", () => {
    const name = [0x41, 0];
    expect(found(andd(name, 1), andd(name, 2))).toEqual([]);
    expect(found(andd(name, 7), andd(name, 7))).toEqual([
      "dmar.andd.number: ACPI device 7 was declared before",
    ]);
  });
});

describe("properties of integrated devices", () => {
  it("stand once for a segment and flags", () => {
    expect(found(satc(0), satc(1, [usb]))).toEqual([]);
    expect(found(satc(1), satc(1, [usb]))).toEqual([
      "dmar.satc.once: segment 0 had one with these flags before",
    ]);
  });
});

describe("paths", () => {
  const paths = new Paths(topology);

  it("lead through bridges: device and function of each", () => {
    expect(paths.pathTo("graphics")).toEqual({ segment: 0, startBus: 0, hops: [hop(4)] });
    expect(paths.pathTo("nic")).toEqual({ segment: 0, startBus: 0, hops: [hop(1), hop(0)] });
    const deep = new Paths({
      segments: [
        {
          segment: 3,
          roots: [
            {
              bus: 0x20,
              devices: [
                {
                  device: 29,
                  functions: [
                    {
                      name: "upper",
                      kind: "root-port",
                      function: 5,
                      acs: null,
                      hotPlug: false,
                      secondary: 0x21,
                      subordinate: 0x22,
                      devices: [],
                    },
                  ],
                },
              ],
            },
          ],
        },
      ],
    });
    expect(deep.pathTo("upper")).toEqual({ segment: 3, startBus: 0x20, hops: [hop(29, 5)] });
  });

  it("of virtual functions are those of their physical function", () => {
    expect(paths.pathTo("nic.vf2")).toEqual(paths.pathTo("nic"));
  });

  it("lead to requester ids, of functions or of nothing, as long as bridges are on them", () => {
    const id = (startBus: number, ...hops: Hop[]) => paths.idOf(0, scopeEntry(endpoint, startBus, hops));
    expect(id(0, hop(4))).toBe(0x20);
    expect(id(0, hop(31, 7))).toBe(0xff);
    expect(id(0, hop(1), hop(0))).toBe(0x100);
    expect(id(0, hop(1), hop(3, 2))).toBe(0x11a);
    expect(id(1, hop(0))).toBe(0x100);
    expect(id(0, hop(4), hop(0))).toBeNull();
    expect(id(0, hop(32))).toBeNull();
    expect(id(0, hop(31, 8))).toBeNull();
    expect(id(0, hop(1), hop(0), hop(0))).toBeNull();
    expect(id(0)).toBeNull();
  });

  it("lead to functions", () => {
    const at = (...hops: Hop[]) => paths.functionAt(0, scopeEntry(endpoint, 0, hops))?.name ?? null;
    expect([at(hop(4)), at(hop(1), hop(0)), at(hop(5)), at(hop(4), hop(0))]).toEqual([
      "graphics",
      "nic",
      null,
      null,
    ]);
    expect(at(hop(1), hop(1, 0))).toBe("nic.vf1");
    expect(paths.functionAt(1, graphics)).toBeNull();
  });
});

describe("a path as it is shown", () => {
  const shown = (...bytes: number[]) => scopeLayout.tail!.show(Uint8Array.from(bytes));

  it("is device and function of each hop, or its bytes when there is half a hop", () => {
    expect(shown(0x1f, 0x03)).toBe("1f.3");
    expect(shown(1, 0, 0x0a, 7)).toBe("01.0 0a.7");
    expect(shown(1, 0, 0x1c)).toBe("01 00 1c");
    expect(shown()).toBe("");
  });
});
