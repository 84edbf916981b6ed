import { describe, expect, it } from "vitest";
import type { BusNumbers } from "../acpi/firmware-table.js";
import { requesterId } from "../words/address.js";
import { locatedFunctions } from "./functions.js";
import { type NamedFunction, showFunction, skeletonOf } from "./skeleton.js";

const named = (bus: number, device: number, fn = 0, bridge = false, segment = 0): NamedFunction => ({
  segment,
  requester: requesterId(bus, device, fn),
  bridge,
});

const bridge = (bus: number, device: number, secondary: number, subordinate: number): BusNumbers => ({
  segment: 0,
  bus,
  device,
  function: 0,
  secondary,
  subordinate,
});

/** A root port at 00:01.0 above a switch with two ports, and another root port at 00:02.0. */
const buses = [
  bridge(0, 1, 1, 4),
  bridge(1, 0, 2, 4),
  bridge(2, 0, 3, 3),
  bridge(2, 1, 4, 4),
  bridge(0, 2, 5, 9),
];

const shown = (functions: readonly NamedFunction[], numbers: readonly BusNumbers[]) =>
  locatedFunctions(skeletonOf(functions, numbers)).map((one) => [one.name, one.kind, one.above.length]);

describe("skeletons", () => {
  it("are empty when nothing is named", () => {
    expect(skeletonOf([], buses)).toEqual({ segments: [] });
  });

  it("have the bridges on the way to what is named, and no others", () => {
    expect(shown([named(4, 0), named(0, 31, 2)], buses)).toEqual([
      ["0000:00:01.0", "root-port", 0],
      ["0000:01:00.0", "switch-upstream", 1],
      ["0000:02:01.0", "switch-downstream", 2],
      ["0000:04:00.0", "endpoint", 3],
      ["0000:00:1f.2", "integrated-endpoint", 0],
    ]);
  });

  it("take a function for a bridge if bus numbers say so, or anyone who names it", () => {
    expect(shown([named(0, 2)], buses)).toEqual([["0000:00:02.0", "root-port", 0]]);
    expect(shown([named(0, 3), named(0, 3, 0, true)], [])).toEqual([["0000:00:03.0", "root-port", 0]]);
  });

  it("have no buses below bridges whose numbers are not known", () => {
    const [port] = locatedFunctions(skeletonOf([named(0, 0, 0, true), named(0, 1)], []));
    expect(port!.self).toMatchObject({ secondary: 0, subordinate: 0, devices: [] });
  });

  it("leave out what is on a bus below a bridge that does not lead there", () => {
    expect(shown([named(6, 0), named(5, 0)], buses)).toEqual([
      ["0000:00:02.0", "root-port", 0],
      ["0000:05:00.0", "endpoint", 1],
    ]);
  });

  it("have a root bus for each bus that is below nothing, and segments of their own", () => {
    const { segments } = skeletonOf([named(0x80, 0), named(0, 0), named(1, 0, 0, false, 3)], buses);
    expect(segments.map((one) => [one.segment, one.roots.map((root) => root.bus)])).toEqual([
      [0, [0, 0x80]],
      [3, [1]],
    ]);
    expect(showFunction(3, requesterId(1, 0, 0))).toBe("0003:01:00.0");
  });

  it("order functions by their numbers", () => {
    const functions = [named(0, 3, 1), named(0, 3, 0), named(0, 1)];
    expect(shown(functions, []).map(([name]) => name)).toEqual([
      "0000:00:01.0",
      "0000:00:03.0",
      "0000:00:03.1",
    ]);
  });

  it("do not follow bus numbers in a circle", () => {
    const circle = [bridge(1, 0, 1, 1), bridge(2, 0, 3, 3), bridge(3, 0, 2, 2)];
    expect(shown([named(1, 0), named(3, 0)], circle)).toEqual([
      ["0000:01:00.0", "integrated-endpoint", 0],
      ["0000:02:00.0", "root-port", 0],
      ["0000:03:00.0", "endpoint", 1],
    ]);
  });
});
