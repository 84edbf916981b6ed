import { describe, expect, it } from "vitest";
import { isDownstreamPort } from "../../model/pci/acs.js";
import { locatedFunctions } from "../../model/pci/functions.js";
import { type Device, isBridge } from "../../model/pci/topology.js";
import { topologyCodec } from "../platform/platform-codec.js";
import { featureNames, featuresOf } from "./features.js";
import { generateTopology } from "./topology.js";

const COUNT = 2000;
const topologies = Array.from({ length: COUNT }, (_, seed) => generateTopology(seed));
const features = topologies.flatMap(featuresOf);

describe("generated topologies", () => {
  it("are the same for the same seed, and data", () => {
    expect(generateTopology(7)).toEqual(topologies[7]);
    expect(topologies.every((one) => topologyCodec.is(JSON.parse(JSON.stringify(one))))).toBe(true);
  });

  it.each(featureNames)("have every feature in a reasonable share: %s", (feature) => {
    const share = features.filter((one) => one === feature).length / COUNT;
    expect(share).toBeGreaterThan(0.015);
    expect(share).toBeLessThan(0.95);
  });

  it("have names that differ, and requester ids that differ in a segment", () => {
    for (const topology of topologies) {
      const written = topology.segments.flatMap(({ roots }) =>
        roots.flatMap((root) => namesOf(root.devices)),
      );
      expect(new Set(written).size).toBe(written.length);
      const all = locatedFunctions(topology);
      expect(new Set(all.map(({ segment, requester }) => `${segment} ${requester}`)).size).toBe(all.length);
    }
  });

  it("have bus numbers as enumeration gives them", () => {
    for (const [seed, { segments }] of topologies.entries())
      for (const { roots } of segments) {
        let last = -1;
        for (const root of roots) {
          expect(root.bus, `seed ${seed}`).toBeGreaterThan(last);
          last = lastBus(root.devices, root.bus, 255);
          expect(last, `seed ${seed}`).not.toBeNaN();
        }
      }
  });

  it("have virtual functions on buses of the port above, and nobody else's", () => {
    const strays = topologies.flatMap((topology) =>
      locatedFunctions(topology).filter(({ bus, above, physical }) => {
        const port = above.at(-1);
        if (physical === null || port === undefined) return false;
        const others = port.devices.flatMap(({ functions }) => functions.filter(isBridge));
        return bus < port.secondary || bus > port.subordinate || others.some((one) => one.secondary === bus);
      }),
    );
    expect(strays).toEqual([]);
  });

  it("have functions in ascending order, function 0 first, and one device behind each port", () => {
    const odd = topologies.flatMap((topology) =>
      locatedFunctions(topology).filter(({ of, above }) => {
        const numbers = of.functions.map((one) => one.function);
        const isOrdered = numbers.every((one, index) =>
          index === 0 ? one === 0 : one > numbers[index - 1]!,
        );
        const port = above.at(-1);
        return !isOrdered || (port !== undefined && isDownstreamPort(port) && port.devices.length !== 1);
      }),
    );
    expect(odd).toEqual([]);
  });

  it("keep to the bounds that they are given", () => {
    for (let seed = 0; seed < 200; seed++) {
      const topology = generateTopology(seed, { segments: 1, roots: 1, depth: 2, lastBus: 4 });
      expect(topology.segments).toHaveLength(1);
      for (const { bus, above } of locatedFunctions(topology)) {
        expect(bus).toBeLessThanOrEqual(4);
        expect(above.every((one) => one.subordinate <= 4)).toBe(true);
      }
    }
  });
});

function namesOf(devices: readonly Device[]): string[] {
  return devices.flatMap(({ functions }) =>
    functions.flatMap((one) => [one.name, ...(isBridge(one) ? namesOf(one.devices) : [])]),
  );
}

/** The last bus below `bus` and up to `limit`; NaN unless bridges have ranges one after the other, each in that of the one above. */
function lastBus(devices: readonly Device[], bus: number, limit: number): number {
  let last = bus;
  for (const { secondary, subordinate, devices: below } of devices.flatMap(({ functions }) =>
    functions.filter(isBridge),
  )) {
    const isInside = secondary > last && subordinate >= secondary && subordinate <= limit;
    if (!isInside || Number.isNaN(lastBus(below, secondary, subordinate))) return Number.NaN;
    last = subordinate;
  }
  return last;
}
