/** Configuration space byte by byte: offsets and bits of PCI Local Bus 6, PCIe Base 7 and SR-IOV 3, written out by hand. */
import { describe, expect, it } from "vitest";
import { type ConfigurationSpace, enumerated, nameOf } from "./configuration-space.js";

type Patch = Readonly<Record<number, readonly number[]>>;

function space(bus: number, device: number, patch: Patch, size = 4096, fn = 0): ConfigurationSpace {
  const bytes = new Uint8Array(size);
  for (const [offset, values] of Object.entries(patch)) bytes.set(values, Number(offset));
  return { segment: 0, bus, device, function: fn, bytes };
}

/** Status bit 4, and a list that begins with something else: power management at 50h, PCI Express at 60h. */
function express(type: number, more: Patch = {}): Patch {
  return { 6: [0x10], 52: [0x50], 80: [0x01, 0x60], 96: [0x10, 0, (type << 4) | 2, 0], ...more };
}

/** Header type 1 with its bus numbers. */
function bridge(secondary: number, subordinate: number, more: Patch): Patch {
  return { 14: [1], 24: [0, secondary, subordinate], ...more };
}

function functionsOf(...spaces: ConfigurationSpace[]) {
  return enumerated(spaces).topology.segments[0]!.roots[0]!.devices.flatMap((one) => one.functions);
}

function only(patch: Patch, size = 4096) {
  const [first] = functionsOf(space(0, 1, patch, size));
  return first!;
}

describe("the list of capabilities", () => {
  it("is followed to the second entry", () => {
    expect(only(bridge(1, 1, express(4))).kind).toBe("root-port");
  });

  it("is none without bit 4 of Status", () => {
    expect(only(bridge(1, 1, express(4, { 6: [0xef] }))).kind).toBe("pci-to-pci");
  });

  it("leaves out the two low bits of a pointer", () => {
    const patch = bridge(1, 1, express(5, { 52: [0x53], 80: [0x01, 0x62] }));
    expect(only(patch).kind).toBe("switch-upstream");
  });

  it("begins behind the header, at 40h at the earliest", () => {
    const at = (offset: number): Patch => ({ 52: [offset], [offset]: [0x10, 0, 0x42, 0] });
    expect(only(bridge(1, 1, { 6: [0x10], ...at(0x40) })).kind).toBe("root-port");
    expect(only(bridge(1, 1, { 6: [0x10], ...at(0x3c) })).kind).toBe("pci-to-pci");
  });
});

describe("the Device/Port Type", () => {
  it.each([
    [4, "root-port"],
    [5, "switch-upstream"],
    [6, "switch-downstream"],
    [7, "pcie-to-pci"],
    [8, "pci-to-pcie"],
    [3, "pci-to-pci"],
  ])("%i of a bridge is %s", (type, kind) => {
    expect(only(bridge(1, 1, express(type))).kind).toBe(kind);
  });

  it.each([
    [0, "endpoint"],
    [1, "endpoint"],
    [9, "integrated-endpoint"],
    [10, "integrated-endpoint"],
    [11, "endpoint"],
  ])("%i of an endpoint is %s", (type, kind) => {
    expect(only(express(type)).kind).toBe(kind);
  });

  it("without a PCI Express capability an endpoint is what its bus is", () => {
    expect(only({}).kind).toBe("integrated-endpoint");
    const [port] = functionsOf(space(0, 1, bridge(1, 1, express(4))), space(1, 0, {}));
    expect(port).toHaveProperty("devices.0.functions.0.kind", "endpoint");
    const [old] = functionsOf(space(0, 1, bridge(1, 1, {})), space(1, 0, express(0)));
    expect(old).toHaveProperty("devices.0.functions.0.kind", "endpoint");
  });
});

describe("the header type", () => {
  it.each([
    [0x00, false],
    [0x01, true],
    [0x02, true],
    [0x03, false],
    [0x80, false],
    [0x81, true],
    [0x82, true],
  ])("%i: a bridge or not, whatever bit 7 says of further functions", (type, isBridge) => {
    expect("secondary" in only({ 14: [type], 24: [9, 3, 7] })).toBe(isBridge);
  });

  it("tells the buses at 19h and 1Ah, of a CardBus bridge too", () => {
    for (const type of [1, 2])
      expect(only({ 14: [type], 24: [9, 3, 7] })).toMatchObject({ secondary: 3, subordinate: 7 });
  });
});

describe("hot-plug", () => {
  it.each([
    ["slot implemented and hot-plug capable", [0x42, 1], [0x40], true],
    ["no slot", [0x42, 0], [0x40], false],
    ["a slot without it", [0x42, 1], [0xbf], false],
    ["other bits of the flags", [0x42, 0xfe], [0xff], false],
  ])("%s", (_, flags, slot, hotPlug) => {
    const patch = express(4, { 98: flags, 116: slot });
    expect(only(bridge(1, 1, patch))).toHaveProperty("hotPlug", hotPlug);
  });

  it("is not there without PCI Express", () => {
    expect(only(bridge(1, 1, { 2: [0, 1], 20: [0x40] }))).toHaveProperty("hotPlug", false);
  });
});

describe("phantom functions", () => {
  it.each([
    ["supported for one, two and three bits", 0x08, 0x02, 1],
    ["two", 0x10, 0x02, 2],
    ["three", 0x18, 0x02, 3],
    ["other bits of the capabilities", 0xe7, 0x02, 0],
    ["not enabled", 0x18, 0xfd, 0],
  ])("%s", (_, capabilities, control, bits) => {
    const patch = express(0, { 100: [capabilities], 105: [control] });
    expect(only(patch)).toHaveProperty("phantomBits", bits);
  });

  it("are none without PCI Express", () => {
    expect(only({ 4: [0x18], 9: [0x02] })).toHaveProperty("phantomBits", 0);
  });
});

/** An extended capability: id, version 1, next. */
function extended(id: number, next: number): number[] {
  return [id & 0xff, id >>> 8, 1 | ((next & 0xf) << 4), next >>> 4];
}

describe("extended capabilities", () => {
  it("are followed from 100h on: ACS at the end, seven bits of it", () => {
    const patch = express(4, {
      256: extended(0x0001, 0x148),
      328: extended(0x000d, 0),
      334: [0xdf],
    });
    expect(only(bridge(1, 1, patch)).acs).toBe(0x5f);
  });

  it("are none without the extended part, which is said once for all functions", () => {
    const patch = express(4, { 80: [0x01, 0x60] });
    const spaces = [space(0, 1, bridge(1, 1, patch), 256), space(0, 2, express(9), 256)];
    expect(functionsOf(...spaces).map((one) => one.acs)).toEqual([null, null]);
    const { gaps } = enumerated([...spaces, space(0, 3, {}, 256)]);
    expect(gaps).toEqual([
      "no extended configuration space of 2 functions, such as 0000:00:01.0: ACS and SR-IOV are taken to be absent",
    ]);
  });

  it("end where they come back to one that was seen", () => {
    const patch = express(4, { 256: extended(1, 0x140), 320: extended(2, 0x100) });
    expect(only(bridge(1, 1, patch)).acs).toBeNull();
  });
});

describe("SR-IOV", () => {
  /** VF Enable at +8, TotalVFs at +Eh, NumVFs at +10h, First VF Offset at +14h, VF Stride at +16h. */
  const sriov = (control: number): Patch =>
    express(0, {
      256: extended(0x0010, 0),
      264: [control],
      268: [3, 0, 64, 1, 2, 0],
      276: [0x80, 0x01, 0x02, 0x01],
    });

  it("has its numbers where they belong", () => {
    expect(only(sriov(0x01))).toHaveProperty("sriov", {
      totalVfs: 0x140,
      numVfs: 2,
      firstVfOffset: 0x180,
      vfStride: 0x102,
      vfAcs: null,
    });
  });

  it("has no virtual functions while VF Enable is clear", () => {
    expect(only(sriov(0xfe))).toHaveProperty("sriov.numVfs", 0);
    expect(only(express(0))).toHaveProperty("sriov", null);
  });

  it("takes the function at offset and strides from it for virtual, and no other", () => {
    const acs = { 256: extended(0x000d, 0), 262: [0x5c] };
    const [, physical, ...others] = functionsOf(
      space(0, 0, {}),
      space(0, 1, sriov(0x01)),
      space(1, 17, express(0, acs)),
      space(2, 17, express(0), 4096, 2),
      space(2, 17, express(0), 4096, 3),
    );
    expect(physical).toHaveProperty("sriov.vfAcs", 0x5c);
    expect(others).toEqual([]);
    const { topology } = enumerated([space(0, 1, sriov(0x01)), space(2, 17, express(0), 4096, 3)]);
    expect(topology.segments[0]!.roots.map((one) => one.bus)).toEqual([0, 2]);
  });
});

describe("several segments and root buses", () => {
  it("are told apart, in order", () => {
    const spaces = [
      { ...space(0x80, 0, {}), segment: 2 },
      { ...space(0x00, 3, {}), segment: 2 },
      { ...space(0x00, 2, {}), segment: 2 },
      space(0x05, 0, {}),
    ];
    const { topology } = enumerated(spaces);
    const seen = topology.segments.map(({ segment, roots }) => [
      segment,
      roots.map((one) => [one.bus, one.devices.map((device) => device.device)]),
    ]);
    expect(seen).toEqual([
      [0, [[5, [0]]]],
      [
        2,
        [
          [0, [2, 3]],
          [0x80, [0]],
        ],
      ],
    ]);
  });
});

describe("names", () => {
  it("are as Linux writes them", () => {
    expect(nameOf({ segment: 0, bus: 0, device: 0x1f, function: 3 })).toBe("0000:00:1f.3");
    expect(nameOf({ segment: 0x10000, bus: 0xe0, device: 1, function: 0 })).toBe("10000:e0:01.0");
  });
});
