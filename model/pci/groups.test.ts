import { describe, expect, it } from "vitest";
import { isolationGroups } from "./groups.js";
import { at, bridge, conventional, endpoint, machine, switched } from "./topologies.testing.js";
import { Acs, type Bridge, ISOLATING_ACS, type Topology } from "./topology.js";

const ISOLATING_FUNCTION = Acs.requestRedirect | Acs.completionRedirect;

/** The groups as lists of names, without those of one function. */
function shared(topology: Topology): (readonly string[])[] {
  return isolationGroups(topology).flatMap(({ functions }) => (functions.length > 1 ? [functions] : []));
}

function reasons(topology: Topology): string[] {
  return isolationGroups(topology).flatMap(({ because }) => because.map(({ reason }) => reason));
}

function without(bit: number): Partial<Bridge> {
  return { acs: ISOLATING_ACS & ~bit };
}

describe("a switch", () => {
  it("keeps devices apart where every port has the bits of ACS", () => {
    expect(shared(switched({}))).toEqual([]);
  });

  it("without ACS lets devices reach each other", () => {
    expect(shared(switched({ acs: null }, { acs: null }))).toEqual([
      ["switch", "left", "left card", "right", "right card"],
    ]);
    expect(reasons(switched({ acs: null }, { acs: null }))).toContain(
      "requests pass from peer to peer at left: it has no ACS",
    );
  });

  it("lets the device of one port without ACS reach the one of another that has it", () => {
    expect(shared(switched({ acs: null }))).toEqual([["switch", "left", "left card", "right", "right card"]]);
  });

  it("without source validation at a port: what is below it may send as the port", () => {
    expect(shared(switched(without(Acs.sourceValidation)))).toEqual([["left", "left card"]]);
  });

  it("without request redirect, or completion redirect, at a port: what is below it reaches all others", () => {
    const all = [["switch", "left", "left card", "right", "right card"]];
    expect(shared(switched(without(Acs.requestRedirect)))).toEqual(all);
    expect(shared(switched(without(Acs.completionRedirect)))).toEqual(all);
  });

  it("without upstream forwarding at a port with one function below it changes nothing", () => {
    expect(shared(switched(without(Acs.upstreamForwarding)))).toEqual([]);
  });

  it("below a port without upstream forwarding gets back what it redirected", () => {
    const topology = switched({}, {}, without(Acs.upstreamForwarding));
    expect(shared(topology)).toEqual([["switch", "left", "left card", "right", "right card"]]);
    expect(reasons(topology)[0]).toBe(
      "port returns what was redirected: its ACS Upstream Forwarding is clear",
    );
  });

  it.each([Acs.translationBlocking, Acs.egressControl])(
    "keeps devices apart with bit %i of ACS too",
    (bit) => {
      expect(shared(switched({ acs: ISOLATING_ACS | bit }))).toEqual([]);
    },
  );

  it("with direct translated requests lets devices reach each other, unless it blocks such requests", () => {
    const direct = ISOLATING_ACS | Acs.directTranslated;
    expect(shared(switched({ acs: direct }))).toEqual([
      ["switch", "left", "left card", "right", "right card"],
    ]);
    expect(shared(switched({ acs: direct | Acs.translationBlocking }))).toEqual([]);
  });

  it("with egress control keeps devices apart where it does not redirect", () => {
    const controlled = (ISOLATING_ACS & ~Acs.requestRedirect) | Acs.egressControl;
    expect(shared(switched({ acs: controlled }))).toEqual([]);
  });
});

describe("root ports", () => {
  const ports = (acs: number | null) => [
    bridge("root-port", "first", [1], [at(0, endpoint("first card"))], { acs }),
    bridge("root-port", "second", [2], [at(0, endpoint("second card"))], { acs, function: 1 }),
  ];

  it("without ACS share a group if they are functions of one device", () => {
    expect(shared(machine(at(0x1c, ...ports(null))))).toEqual([
      ["first", "first card", "second", "second card"],
    ]);
    expect(shared(machine(at(0x1c, ...ports(ISOLATING_ACS))))).toEqual([]);
  });

  it("that are devices of their own are kept apart by the root complex", () => {
    const [first, second] = ports(null);
    const topology = machine(at(1, first!), at(2, { ...second!, function: 0 }));
    expect(shared(topology)).toEqual([
      ["first", "first card"],
      ["second", "second card"],
    ]);
  });
});

describe("a multifunction device", () => {
  const below = (...acs: (number | null)[]) => {
    const functions = acs.map((one, index) => endpoint(`fn${index}`, { function: index, acs: one }));
    return machine(at(0, bridge("root-port", "port", [1], [at(0, ...functions)])));
  };

  it("without ACS is one group", () => {
    expect(shared(below(null, null))).toEqual([["fn0", "fn1"]]);
  });

  it("with redirection in every function is not", () => {
    expect(shared(below(ISOLATING_FUNCTION, ISOLATING_FUNCTION))).toEqual([]);
    expect(shared(below(ISOLATING_FUNCTION, Acs.requestRedirect))).toEqual([["fn0", "fn1"]]);
  });

  it("reaches, with one function that does not redirect, all of the others", () => {
    expect(shared(below(ISOLATING_FUNCTION, null, ISOLATING_FUNCTION))).toEqual([["fn0", "fn1", "fn2"]]);
  });

  it("gets back what it redirects below a port without upstream forwarding", () => {
    const functions = [0, 1].map((fn) => endpoint(`fn${fn}`, { function: fn, acs: ISOLATING_FUNCTION }));
    const port = bridge("root-port", "port", [1], [at(0, ...functions)], without(Acs.upstreamForwarding));
    expect(shared(machine(at(0, port)))).toEqual([["fn0", "fn1"]]);
  });
});

describe("virtual functions", () => {
  const card = (acs: number | null, vfAcs: number | null, port: Partial<Bridge> = {}) => {
    const sriov = { totalVfs: 2, numVfs: 2, firstVfOffset: 16, vfStride: 1, vfAcs };
    return machine(at(0, bridge("root-port", "port", [1], [at(0, endpoint("card", { acs, sriov }))], port)));
  };

  it("inherit the isolation of their physical function", () => {
    expect(shared(card(ISOLATING_FUNCTION, null))).toEqual([]);
    expect(shared(card(null, null))).toEqual([["card", "card.vf1", "card.vf2"]]);
  });

  it("have isolation of their own where they have ACS", () => {
    expect(shared(card(ISOLATING_FUNCTION, 0))).toEqual([["card", "card.vf1", "card.vf2"]]);
    expect(shared(card(ISOLATING_FUNCTION, ISOLATING_FUNCTION))).toEqual([]);
  });

  it("go with their physical function where a port above isolates nothing", () => {
    const all = [["port", "card", "card.vf1", "card.vf2"]];
    expect(shared(card(ISOLATING_FUNCTION, ISOLATING_FUNCTION, { acs: null }))).toEqual(all);
  });
});

describe("shared requester ids", () => {
  it("make one group of a conventional bus and what is behind it", () => {
    const inner = bridge("pci-to-pci", "inner", [3], [at(0, conventional("modem"))]);
    const outer = bridge("pcie-to-pci", "outer", [2, 3], [at(1, conventional("sound")), at(2, inner)]);
    const topology = machine(at(1, bridge("root-port", "port", [1, 3], [at(0, outer)])));
    expect(shared(topology)).toEqual([["outer", "sound", "inner", "modem"]]);
    expect(reasons(topology)).toContain("requests of both may carry requester id 02:00.0");
  });

  it("make one group of a conventional bridge on the root bus and what is behind it", () => {
    const legacy = bridge("pci-to-pci", "legacy", [1], [at(4, conventional("sound"))]);
    expect(shared(machine(at(0x1e, legacy), at(2, endpoint("graphics"))))).toEqual([["legacy", "sound"]]);
  });

  it("make one group of all that is behind a reverse bridge, ACS or not", () => {
    const left = bridge("switch-downstream", "left", [4], [at(0, endpoint("left card"))]);
    const right = bridge("switch-downstream", "right", [5], [at(0, endpoint("right card"))]);
    const upstream = bridge("switch-upstream", "switch", [3, 5], [at(0, left), at(1, right)]);
    const reverse = bridge("pci-to-pcie", "reverse", [2, 5], [at(0, upstream)]);
    const legacy = bridge("pci-to-pci", "legacy", [1, 5], [at(0, reverse)]);
    expect(shared(machine(at(0, legacy)))[0]).toHaveLength(7);
  });

  it("of phantom functions do not concern other devices", () => {
    const cards = [at(0, endpoint("phantom", { phantomBits: 3 })), at(1, endpoint("other"))];
    expect(shared(machine(...cards))).toEqual([]);
  });

  it("join a function and the one whose number it uses by mistake", () => {
    const disk = endpoint("disk", { acs: ISOLATING_FUNCTION, alsoFunctions: [1] });
    const old = endpoint("old disk", { acs: ISOLATING_FUNCTION, function: 1 });
    expect(shared(machine(at(0, disk, old)))).toEqual([["disk", "old disk"]]);
  });

  it("are compared in one segment only", () => {
    const roots = (name: string) => [{ bus: 0, devices: [at(0, endpoint(name))] }];
    const segments = [0, 1].map((segment) => ({ segment, roots: roots(`card${segment}`) }));
    expect(shared({ segments })).toEqual([]);
  });
});

it("reasons connect each group, with one fewer than it has functions", () => {
  const [group] = isolationGroups(switched({ acs: null }, { acs: 0 })).filter(
    (one) => one.functions.length > 1,
  );
  const connected = new Set([group!.functions[0]!]);
  for (let before = 0; before < connected.size; ) {
    before = connected.size;
    for (const { one, other } of group!.because)
      if (connected.has(one) || connected.has(other)) connected.add(one).add(other);
  }
  expect([...connected].sort()).toEqual([...group!.functions].sort());
  expect(group!.because).toHaveLength(group!.functions.length - 1);
});
