import { describe, expect, it } from "vitest";
import { generateTopology } from "../../generators/pci/topology.js";
import { locatedFunctions } from "./functions.js";
import { isolationGroups } from "./groups.js";
import { requesterIdsOf } from "./requester-ids.js";
import { peersReachedBy, routeOf } from "./routing.js";
import { at, bridge, conventional, endpoint, machine, switched } from "./topologies.testing.js";
import { Acs, ISOLATING_ACS } from "./topology.js";

const LEFT_CARD = 0x0300;
const RIGHT_CARD = 0x0400;
const toRight = { from: "left card", to: "right card" };

describe("a request to memory", () => {
  it("reaches the IOMMU under the id of its function", () => {
    expect(routeOf(switched({}), { from: "left card", to: null })).toEqual({
      arrives: "iommu",
      ids: [LEFT_CARD],
    });
  });

  it("arrives under one of two ids from behind a PCIe-to-PCI bridge", () => {
    const hidden = bridge("pcie-to-pci", "bridge", [2], [at(4, conventional("net"))]);
    const topology = machine(at(1, bridge("root-port", "port", [1, 2], [at(0, hidden)])));
    expect(routeOf(topology, { from: "net", to: null })).toEqual({ arrives: "iommu", ids: [0x0220, 0x0200] });
  });

  it("arrives under the id of a conventional bridge, whatever id it was given", () => {
    const topology = machine(at(0x1e, bridge("pci-to-pci", "legacy", [1], [at(4, conventional("sound"))])));
    expect(routeOf(topology, { from: "sound", to: null, as: 0x0010 })).toEqual({
      arrives: "iommu",
      ids: [0x00f0],
    });
  });

  it("comes from nobody that the topology does not have", () => {
    expect(() => routeOf(switched({}), { from: "nobody", to: null })).toThrow(RangeError);
  });
});

describe("a forged requester id", () => {
  const forged = { from: "left card", to: null, as: RIGHT_CARD };

  it("is refused by the first port that validates sources", () => {
    const refused = { arrives: "nowhere", reason: "its ACS Source Validation refuses the requester id" };
    expect(routeOf(switched({}), forged)).toEqual({ ...refused, at: "left" });
    expect(routeOf(switched({ acs: 0 }), { ...forged, as: 0x0010 })).toEqual({ ...refused, at: "port" });
  });

  it("passes ports that do not validate, and those with its bus behind them", () => {
    expect(routeOf(switched({ acs: 0 }), forged)).toEqual({ arrives: "iommu", ids: [RIGHT_CARD] });
    const open = switched({ acs: null }, {}, { acs: null });
    expect(routeOf(open, { ...forged, as: 0x0010 })).toEqual({ arrives: "iommu", ids: [0x0010] });
  });

  it("is not noticed where it is of the same bus", () => {
    expect(routeOf(switched({}), { ...forged, as: LEFT_CARD + 1 })).toEqual({
      arrives: "iommu",
      ids: [LEFT_CARD + 1],
    });
  });

  it("leaves the id that a PCIe-to-PCI bridge makes up, where a port above refuses it", () => {
    const hidden = bridge("pcie-to-pci", "bridge", [2], [at(4, conventional("net"))]);
    const topology = machine(at(1, bridge("root-port", "port", [1, 2], [at(0, hidden)])));
    expect(routeOf(topology, { from: "net", to: null, as: 0x0010 })).toEqual({
      arrives: "iommu",
      ids: [0x0200],
    });
  });
});

describe("a request to a peer", () => {
  it("reaches the IOMMU where every port redirects it", () => {
    expect(routeOf(switched({}), toRight)).toEqual({ arrives: "iommu", ids: [LEFT_CARD] });
  });

  it("goes to the peer past the IOMMU at the port that does not redirect it", () => {
    const open = switched({ acs: ISOLATING_ACS & ~Acs.requestRedirect });
    const reason = "its ACS P2P Request Redirect is clear";
    expect(routeOf(open, toRight)).toEqual({ arrives: "peer", at: "left", reason });
    expect(routeOf(open, { from: "right card", to: "left card" })).toEqual({
      arrives: "iommu",
      ids: [RIGHT_CARD],
    });
  });

  it("is stopped by egress control where it is not redirected", () => {
    const acs = (ISOLATING_ACS & ~Acs.requestRedirect) | Acs.egressControl;
    expect(routeOf(switched({ acs }), toRight)).toMatchObject({ arrives: "nowhere", at: "left" });
  });

  it("comes back from a port that does not forward upstream", () => {
    const topology = switched({}, {}, { acs: ISOLATING_ACS & ~Acs.upstreamForwarding });
    expect(routeOf(topology, toRight)).toMatchObject({ arrives: "peer", at: "port" });
  });

  it("is seen by everyone on a conventional bus", () => {
    const legacy = bridge(
      "pci-to-pci",
      "legacy",
      [1],
      [at(0, conventional("sound")), at(1, conventional("net"))],
    );
    const request = { from: "sound", to: "net" };
    expect(routeOf(machine(at(0x1e, legacy)), request)).toMatchObject({ arrives: "peer", at: "legacy" });
  });

  it("passes inside a device whose functions do not redirect", () => {
    const device = at(3, endpoint("one"), endpoint("other", { function: 1, acs: Acs.requestRedirect }));
    expect(routeOf(machine(device), { from: "one", to: "other" })).toMatchObject({
      arrives: "peer",
      at: "one",
    });
    expect(routeOf(machine(device), { from: "other", to: "one" })).toMatchObject({ arrives: "iommu" });
  });

  it("reaches everyone whom some packet reaches", () => {
    expect(peersReachedBy(switched({}), "left card")).toEqual([]);
    expect(peersReachedBy(switched({ acs: null }), "left card")).toEqual([
      "switch",
      "left",
      "right",
      "right card",
    ]);
    expect(peersReachedBy(switched({ acs: null }), "right card")).toEqual([]);
    const unredirected = switched({ acs: ISOLATING_ACS & ~Acs.completionRedirect });
    expect(peersReachedBy(unredirected, "left card")).toContain("right card");
  });

  it("of another segment or another device of the root bus passes the IOMMU", () => {
    const topology = machine(at(0, endpoint("one")), at(1, endpoint("other")));
    expect(routeOf(topology, { from: "one", to: "other" })).toEqual({ arrives: "iommu", ids: [0] });
  });
});

describe("a request that claims to be translated", () => {
  const translated = { ...toRight, packet: "translated" } as const;

  it("goes as others do, unless ports let it pass directly or block it", () => {
    expect(routeOf(switched({}), translated)).toEqual({ arrives: "iommu", ids: [LEFT_CARD] });
    const direct = ISOLATING_ACS | Acs.directTranslated;
    expect(routeOf(switched({ acs: direct }), translated)).toMatchObject({ arrives: "peer", at: "left" });
    expect(routeOf(switched({ acs: direct }), toRight)).toMatchObject({ arrives: "iommu" });
    const blocking = switched({ acs: direct | Acs.translationBlocking });
    expect(routeOf(blocking, translated)).toMatchObject({ arrives: "nowhere", at: "left" });
    expect(routeOf(blocking, { ...translated, to: null })).toMatchObject({ arrives: "nowhere", at: "left" });
  });
});

describe("routes and groups", () => {
  it("agree: who reaches a peer is in its group", () => {
    let reached = 0;
    for (let seed = 0; seed < 400; seed++) {
      const topology = generateTopology(seed, { functions: 12 });
      for (const { functions } of isolationGroups(topology))
        for (const from of functions) {
          const peers = peersReachedBy(topology, from);
          expect(functions, `seed ${seed}: ${from}`).toEqual(expect.arrayContaining([...peers]));
          reached += peers.length;
        }
    }
    expect(reached).toBeGreaterThan(1000);
  });

  it("agree: requests to memory arrive, under the ids that requests of the function may carry", () => {
    for (let seed = 0; seed < 400; seed++) {
      const topology = generateTopology(seed, { functions: 12 });
      for (const { name } of locatedFunctions(topology)) {
        const route = routeOf(topology, { from: name, to: null });
        const ids = requesterIdsOf(topology, name);
        expect(
          route.arrives === "iommu" && route.ids.every((id) => ids.includes(id)),
          `${seed} ${name}`,
        ).toBe(true);
      }
    }
  });
});
