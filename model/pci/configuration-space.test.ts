import { describe, expect, it } from "vitest";
import { enumerated } from "./configuration-space.js";
import { LspciError, parseLspci } from "./lspci.js";

type Patch = Readonly<Record<number, readonly number[]>>;

/** A dump of one function as lspci prints it: all zero but for the bytes at these offsets. */
function dump(address: string, size: number, patch: Patch): string {
  const bytes = new Array<number>(size).fill(0);
  for (const [offset, values] of Object.entries(patch))
    values.forEach((value, index) => {
      bytes[Number(offset) + index] = value;
    });
  const rows = Array.from({ length: size / 16 }, (_, row) => {
    const cells = bytes.slice(row * 16, row * 16 + 16).map((one) => one.toString(16).padStart(2, "0"));
    return `${(row * 16).toString(16).padStart(2, "0")}: ${cells.join(" ")}`;
  });
  return [`${address} Something: A name [1234:5678] (rev 01)`, "\tControl: I/O+", ...rows, ""].join("\n");
}

/** Status with a capability list, and a PCI Express capability of that Device/Port Type at 40h. */
function express(type: number, more: Patch = {}): Patch {
  return { 6: [0x10], 52: [0x40], 64: [0x10, 0, (type << 4) | 2, 0], ...more };
}

function bridge(secondary: number, subordinate: number, more: Patch): Patch {
  return { 14: [1], 24: [0, secondary, subordinate], ...more };
}

function topologyOf(...dumps: string[]) {
  return enumerated(parseLspci(dumps.join("\n")));
}

describe("configuration space", () => {
  it("tells ports with their buses, slots and ACS", () => {
    const { topology, gaps } = topologyOf(
      dump(
        "00:1c.0",
        4096,
        bridge(1, 5, { ...express(4), 66: [0x42, 1], 84: [0x40], 256: [0x0d, 0, 1, 0, 0, 0, 0x1d, 0] }),
      ),
      dump("01:00.0", 4096, express(0)),
    );
    const [port] = topology.segments[0]!.roots[0]!.devices[0]!.functions;
    expect(port).toMatchObject({
      name: "0000:00:1c.0",
      kind: "root-port",
      secondary: 1,
      subordinate: 5,
      hotPlug: true,
      acs: 0x1d,
    });
    expect(port).toHaveProperty("devices.0.functions.0.kind", "endpoint");
    expect(port).toHaveProperty("devices.0.functions.0.acs", null);
    expect(gaps).toEqual([]);
  });

  it("tells conventional buses, behind a bridge of either kind", () => {
    const { topology } = topologyOf(
      dump("00:1e.0", 256, bridge(3, 4, {})),
      dump("03:01.0", 256, bridge(4, 4, {})),
      dump("04:02.0", 256, {}),
      dump("00:02.0", 256, bridge(1, 2, express(7))),
      dump("01:05.0", 256, {}),
      dump("00:1f.3", 256, {}),
    );
    const functions = topology.segments[0]!.roots[0]!.devices.flatMap((one) => one.functions);
    expect(functions.map((one) => [one.name, one.kind])).toEqual([
      ["0000:00:02.0", "pcie-to-pci"],
      ["0000:00:1e.0", "pci-to-pci"],
      ["0000:00:1f.3", "integrated-endpoint"],
    ]);
    expect(functions[0]).toHaveProperty("devices.0.functions.0.kind", "conventional");
    expect(functions[1]).toHaveProperty("devices.0.functions.0.devices.0.functions.0.kind", "conventional");
  });

  it("tells virtual functions by their physical function, and has them once", () => {
    const sriov = { 256: [0x10, 0, 1, 0], 264: [1], 270: [8, 0, 2, 0], 276: [0x10, 0, 2, 0] };
    const { topology } = topologyOf(
      dump("00:01.0", 4096, bridge(1, 1, express(4))),
      dump("01:00.0", 4096, express(0, sriov)),
      dump("01:02.0", 4096, express(0, { 256: [0x0d, 0, 1, 0, 0, 0, 0x1d] })),
      dump("01:02.2", 4096, express(0)),
    );
    const [port] = topology.segments[0]!.roots[0]!.devices[0]!.functions;
    const expected = { totalVfs: 8, numVfs: 2, firstVfOffset: 0x10, vfStride: 2, vfAcs: 0x1d };
    expect(port).toHaveProperty("devices.0.functions.0.sriov", expected);
    expect(port).toHaveProperty("devices.0.functions.length", 1);
  });

  it("folds ARI functions below a port into one device", () => {
    const { topology } = topologyOf(
      dump("00:01.0", 4096, bridge(1, 1, express(4))),
      dump("01:00.0", 4096, express(0)),
      dump("01:01.2", 4096, express(0)),
    );
    const [port] = topology.segments[0]!.roots[0]!.devices[0]!.functions;
    expect(port).toHaveProperty("devices.length", 1);
    expect(port).toHaveProperty("devices.0.functions.1.function", 10);
  });

  it("counts phantom functions only where they are enabled", () => {
    const enabled = express(0, { 68: [0x10], 72: [0, 2] });
    const { topology } = topologyOf(
      dump("00:03.0", 256, enabled),
      dump("00:04.0", 256, express(0, { 68: [0x10] })),
    );
    const bits = topology.segments[0]!.roots[0]!.devices.map((one) => one.functions[0]);
    expect(bits.map((one) => one && "phantomBits" in one && one.phantomBits)).toEqual([2, 0]);
  });

  it("says what it could not see", () => {
    const { gaps } = topologyOf(dump("00:03.0", 256, express(0)));
    expect(gaps).toEqual([
      expect.stringContaining("no extended configuration space of 1 functions, such as 0000:00:03.0"),
    ]);
  });

  it("ends where bridges claim a bus again, or capabilities lead in circles", () => {
    const circle = { 6: [0x10], 52: [0x40], 64: [0x05, 0x48], 72: [0x05, 0x40] };
    const { topology } = topologyOf(
      dump("00:01.0", 256, bridge(1, 1, circle)),
      dump("01:00.0", 256, bridge(1, 1, {})),
    );
    const [port] = topology.segments[0]!.roots[0]!.devices[0]!.functions;
    expect(port).toHaveProperty("devices.0.functions.0.devices", []);
  });
});

describe("dumps of lspci", () => {
  it("have segments where there are several", () => {
    const spaces = parseLspci(dump("10000:e0:1d.0", 64, {}));
    expect(spaces).toMatchObject([{ segment: 0x10000, bus: 0xe0, device: 0x1d, function: 0 }]);
  });

  it.each([
    ["nothing in it", "hello", "no function in it"],
    ["bytes missing", "00:01.0 Bridge\n00: 00 01\n", "line 1: 2 bytes of configuration space follow"],
    ["rows missing", `${dump("00:01.0", 64, {}).replace(/^10: .*\n/m, "")}`, "expected the bytes from 10 on"],
  ])("are refused with %s", (_, text, message) => {
    expect(() => parseLspci(text)).toThrow(LspciError);
    expect(() => parseLspci(text)).toThrow(message);
  });
});
