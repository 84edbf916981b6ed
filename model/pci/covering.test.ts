import { describe, expect, it } from "vitest";
import { unitCovering } from "./covering.js";
import type { FirmwarePlatform, RemappingUnit } from "./platform.js";
import { at, endpoint, machine, switched } from "./topologies.testing.js";
import type { Topology } from "./topology.js";

function unit(name: string, covers: RemappingUnit["covers"], segment = 0): RemappingUnit {
  return { name, segment, registers: 0xfed90, covers, itself: null };
}

function platform(topology: Topology, ...units: RemappingUnit[]): FirmwarePlatform {
  const rest = { hostAddressWidth: 39, interruptRemapping: true, optIn: false, atsPorts: [] };
  return { topology, units, reserved: [], interruptSources: [], ...rest };
}

describe("the unit that translates for a function", () => {
  it("is that of the nearest bridge above, whatever the order of the units", () => {
    const units = [unit("far", ["port"]), unit("near", ["left"]), unit("others", "rest")];
    for (const order of [units, units.toReversed()]) {
      const one = platform(switched({}), ...order);
      expect(unitCovering(one, "left card")?.name).toBe("near");
      expect(unitCovering(one, "left")?.name).toBe("near");
      expect(unitCovering(one, "right card")?.name).toBe("far");
    }
  });

  it("is that of the function itself before that of a bridge", () => {
    const one = platform(switched({}), unit("far", ["left"]), unit("own", ["left card"]));
    expect(unitCovering(one, "left card")?.name).toBe("own");
    expect(unitCovering(one, "left")?.name).toBe("far");
  });

  it("is that of the physical function for a virtual function", () => {
    const sriov = { totalVfs: 1, numVfs: 1, firstVfOffset: 256, vfStride: 1, vfAcs: null };
    const one = platform(
      machine(at(0, endpoint("card", { sriov }))),
      unit("own", ["card"]),
      unit("others", "rest"),
    );
    expect(unitCovering(one, "card.vf1")?.name).toBe("own");
  });

  it("is the one for the rest of the same segment, or none", () => {
    const one = platform(switched({}), unit("own", ["left"]), unit("elsewhere", "rest", 1));
    expect(unitCovering(one, "right card")).toBeNull();
    expect(unitCovering(one, "nobody")).toBeNull();
    expect(unitCovering({ ...one, units: [...one.units, unit("here", "rest")] }, "right card")?.name).toBe(
      "here",
    );
  });
});
