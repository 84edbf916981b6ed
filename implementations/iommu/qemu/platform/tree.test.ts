import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { showRequester } from "../../../../model/words/address.js";
import { layOut } from "./tree.js";
import { everyPlace, treeArbitrary } from "./tree.testing.js";

describe("a tree of PCI devices", () => {
  const { bridges, endpoints, roots, options } = layOut(everyPlace);

  it("has its buses numbered depth first", () => {
    expect(bridges.map((one) => [showRequester(one.id), one.secondary, one.subordinate])).toEqual([
      ["00:06.0", 1, 1],
      ["00:07.0", 2, 2],
      ["00:1c.0", 3, 3],
      ["00:1d.0", 4, 6],
      ["04:00.0", 5, 6],
      ["05:03.0", 6, 6],
      ["00:1d.1", 7, 10],
      ["07:00.0", 8, 10],
      ["08:00.0", 9, 9],
      ["08:01.0", 10, 10],
      ["00:1e.0", 11, 12],
      ["0b:03.0", 12, 12],
      ["40:00.0", 0x41, 0x41],
      ["60:00.0", 0x61, 0x61],
    ]);
    expect(roots).toEqual([0, 0x40, 0x60]);
  });

  it("has its endpoints in the order of their addresses", () => {
    expect(endpoints.map(showRequester).slice(0, 6)).toEqual([
      "00:04.0",
      "00:04.1",
      "01:01.0",
      "02:01.0",
      "03:00.0",
      "03:00.3",
    ]);
    expect(endpoints).toHaveLength(17);
  });

  it("becomes options that name the bus of every device", () => {
    expect(options).toContain("pci-bridge,id=bus6,bus=bus5,addr=3.0,multifunction=on,chassis_nr=6");
    expect(options).toContain("pxb-pcie,id=bus96,bus_nr=96,bus=pcie.0,addr=9.0,bypass_iommu=on");
    expect(options.filter((one) => one.startsWith("edu,"))).toHaveLength(17);
  });

  it("keeps bus numbers free where it is asked to", () => {
    const port = { model: "pcie-root-port", device: 1, behind: [] } as const;
    const tree = {
      functions: [
        { ...port, spare: 3 },
        { ...port, device: 2 },
      ],
      expanders: [],
    };
    expect(layOut(tree).bridges).toEqual([
      { id: 0x08, secondary: 1, subordinate: 4 },
      { id: 0x10, secondary: 5, subordinate: 5 },
    ]);
  });
});

describe("any tree of PCI devices", () => {
  it("has every bus number once, those of a bridge within those of the bridge above", () => {
    const property = fc.property(treeArbitrary, (tree) => {
      const { bridges, endpoints, roots } = layOut(tree);
      const buses = [...roots, ...bridges.map((one) => one.secondary)];
      expect(new Set(buses).size).toBe(buses.length);
      expect(new Set(endpoints).size).toBe(endpoints.length);
      for (const { id, secondary, subordinate } of bridges) {
        expect(secondary).toBeLessThanOrEqual(subordinate);
        const above = bridges.find((one) => one.secondary === id >>> 8);
        if (above === undefined) expect(roots).toContain(id >>> 8);
        else expect([above.secondary < secondary, subordinate <= above.subordinate]).toEqual([true, true]);
      }
    });
    fc.assert(property, { numRuns: 1000 });
  });

  it("reaches every kind of bridge, nested ones, and expanders of both kinds", () => {
    const trees = fc.sample(treeArbitrary, { numRuns: 300, seed: 1 }).map((one) => JSON.stringify(one));
    const share = (pattern: RegExp) => trees.filter((one) => pattern.test(one)).length / trees.length;
    for (const model of ["pcie-root-port", "x3130-upstream", "xio3130-downstream", "i82801b11-bridge"])
      expect(share(new RegExp(model)), model).toBeGreaterThan(0.1);
    expect(share(/"pcie-pci-bridge".*"pci-bridge"/)).toBeGreaterThan(0.05);
    expect(share(/"bypass":true/)).toBeGreaterThan(0.1);
    expect(share(/"bypass":false/)).toBeGreaterThan(0.1);
    expect(share(/"function":[1-7]/)).toBeGreaterThan(0.2);
  });
});
