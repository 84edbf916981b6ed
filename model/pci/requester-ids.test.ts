import { describe, expect, it } from "vitest";
import { requesterIdsOf } from "./requester-ids.js";
import { at, bridge, conventional, endpoint, machine, switched } from "./topologies.testing.js";

describe("the requester ids that arrive at the IOMMU", () => {
  it("are the own id of a PCI Express function, whatever ports are above", () => {
    expect(requesterIdsOf(switched({}), "left card")).toEqual([0x0300]);
    expect(requesterIdsOf(switched({}), "nobody")).toEqual([]);
  });

  it.each([
    [1, [0x00, 0x04]],
    [2, [0x00, 0x02, 0x04, 0x06]],
    [3, [0x00, 0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07]],
  ] as const)("are those of phantom functions too: %i bits", (phantomBits, functions) => {
    const topology = machine(at(2, endpoint("card", { phantomBits })));
    expect(requesterIdsOf(topology, "card")).toEqual(functions.map((fn) => 0x10 | fn));
  });

  it("have the own id first when the function is not function 0", () => {
    const functions = [endpoint("first"), endpoint("card", { function: 1, phantomBits: 1 })];
    expect(requesterIdsOf(machine(at(0, ...functions)), "card")).toEqual([1, 5]);
  });

  it("are those of other functions where silicon has the erratum", () => {
    const topology = machine(at(3, endpoint("disk", { alsoFunctions: [1] })));
    expect(requesterIdsOf(topology, "disk")).toEqual([0x18, 0x19]);
  });

  it("behind a PCIe-to-PCI bridge are the own id or that of device 0 on its secondary bus", () => {
    const sound = conventional("sound", { function: 1 });
    const hidden = bridge("pcie-to-pci", "bridge", [2], [at(4, conventional("net"), sound)]);
    const topology = machine(at(1, bridge("root-port", "port", [1, 2], [at(0, hidden)])));
    expect(requesterIdsOf(topology, "net")).toEqual([0x0220, 0x0200]);
    expect(requesterIdsOf(topology, "sound")).toEqual([0x0221, 0x0200]);
    expect(requesterIdsOf(topology, "bridge")).toEqual([0x0100]);
  });

  it("behind a conventional bridge are that of the bridge alone", () => {
    const legacy = bridge("pci-to-pci", "legacy", [1], [at(4, conventional("sound"))]);
    const topology = machine(at(0x1e, legacy));
    expect(requesterIdsOf(topology, "sound")).toEqual([0x00f0]);
    expect(requesterIdsOf(topology, "legacy")).toEqual([0x00f0]);
  });

  it("behind a reverse bridge are its id, which a PCIe-to-PCI bridge above may hide", () => {
    const reverse = bridge("pci-to-pcie", "reverse", [3], [at(0, endpoint("card", { phantomBits: 3 }))]);
    const hidden = bridge("pcie-to-pci", "bridge", [2, 3], [at(5, reverse)]);
    const topology = machine(at(1, bridge("root-port", "port", [1, 3], [at(0, hidden)])));
    expect(requesterIdsOf(topology, "card")).toEqual([0x0228, 0x0200]);
  });

  it("of a virtual function are its own, even if the physical function has stray ones", () => {
    const sriov = { totalVfs: 1, numVfs: 1, firstVfOffset: 16, vfStride: 1, vfAcs: null };
    const topology = machine(at(0, endpoint("card", { sriov, alsoFunctions: [1] })));
    expect(requesterIdsOf(topology, "card")).toEqual([0, 1]);
    expect(requesterIdsOf(topology, "card.vf1")).toEqual([16]);
  });
});
