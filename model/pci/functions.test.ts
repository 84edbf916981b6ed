import { describe, expect, it } from "vitest";
import { busNumbersOf, functionNamed, locatedFunctions, nameOfVirtualFunction } from "./functions.js";
import { at, bridge, endpoint, machine, switched } from "./topologies.testing.js";

const sriov = { totalVfs: 8, numVfs: 3, firstVfOffset: 128, vfStride: 2, vfAcs: null };

describe("the functions of a topology", () => {
  it("come depth first, each with its id and the bridges above it", () => {
    const all = locatedFunctions(switched({}));
    expect(all.map(({ name, requester, above }) => [name, requester, above.map((one) => one.name)])).toEqual([
      ["port", 0x0008, []],
      ["switch", 0x0100, ["port"]],
      ["left", 0x0200, ["port", "switch"]],
      ["left card", 0x0300, ["port", "switch", "left"]],
      ["right", 0x0208, ["port", "switch"]],
      ["right card", 0x0400, ["port", "switch", "right"]],
    ]);
  });

  it("include virtual functions, whose ids are computed from those of the physical function and may carry", () => {
    const card = endpoint("card", { sriov });
    const topology = machine(at(0, bridge("root-port", "port", [5, 6], [at(0, card)])));
    const virtual = [1, 2, 3].map((index) => functionNamed(topology, nameOfVirtualFunction("card", index))!);
    expect(virtual.map((one) => one.requester)).toEqual([0x0580, 0x0582, 0x0584]);
    expect(virtual.map(({ device, function: fn }) => [device, fn])).toEqual([
      [16, 0],
      [16, 2],
      [16, 4],
    ]);
    const further = { ...card, sriov: { ...sriov, firstVfOffset: 0xfe } };
    const carrying = machine(at(0, bridge("root-port", "port", [5, 6], [at(0, further)])));
    expect(
      locatedFunctions(carrying)
        .slice(2)
        .map((one) => one.requester),
    ).toEqual([0x05fe, 0x0600, 0x0602]);
    expect(functionNamed(carrying, "card.vf2")).toMatchObject({
      bus: 6,
      physical: "card",
      kind: "virtual-function",
    });
    expect(functionNamed(carrying, "card.vf4")).toBeUndefined();
  });

  it("are numbered with 8 bits where the device has ARI", () => {
    const functions = [endpoint("first"), endpoint("last", { function: 0x2a })];
    const topology = machine(at(0, bridge("root-port", "port", [1], [at(0, ...functions)])));
    expect(functionNamed(topology, "last")?.requester).toBe(0x012a);
  });

  it("show the bus numbers of bridges", () => {
    expect(busNumbersOf(switched({}))).toEqual([
      { segment: 0, bus: 0, device: 1, function: 0, secondary: 1, subordinate: 4 },
      { segment: 0, bus: 1, device: 0, function: 0, secondary: 2, subordinate: 4 },
      { segment: 0, bus: 2, device: 0, function: 0, secondary: 3, subordinate: 3 },
      { segment: 0, bus: 2, device: 1, function: 0, secondary: 4, subordinate: 4 },
    ]);
  });
});
