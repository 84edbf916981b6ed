import { describe, expect, it } from "vitest";
import { make, type Structure } from "../../acpi/structure.js";
import { withChecksum } from "../../acpi/table.js";
import { tableOf, topology } from "./dmar.testing.js";
import { dmarTables } from "./index.js";
import {
  anddLayout,
  atsrLayout,
  drhdLayout,
  type Hop,
  rhsaLayout,
  rmrrLayout,
  type Scope,
  ScopeType,
  satcLayout,
  sidpLayout,
} from "./layouts.js";
import { scopeEntry } from "./write.js";

const { endpoint, subHierarchy, ioApic, hpet, namespaceDevice } = ScopeType;
const BASE = 0xfed90000n;

const hop = (device: number, fn = 0): Hop => ({ device, function: fn });
const usb = scopeEntry(endpoint, 0, [hop(2)]);
const graphics = scopeEntry(endpoint, 0, [hop(4)]);
const port = scopeEntry(subHierarchy, 0, [hop(1)]);
const nic = scopeEntry(endpoint, 0, [hop(1), hop(0)]);
const apic = scopeEntry(ioApic, 0xf0, [hop(31)], 2);

const drhd = (scopes: readonly Structure[], values: Partial<ReturnType<typeof unitFields>> = {}) =>
  make(drhdLayout, { ...unitFields(), ...values }, scopes);
const unitFields = () => ({ type: 0, includePciAll: 0, size: 0, segment: 0, registerBase: BASE });
const all = (scopes: readonly Structure[] = [], registerBase = BASE + 0x1000n) =>
  drhd(scopes, { includePciAll: 1, registerBase });
const rmrr = (base: bigint, limit: bigint, scopes: readonly Structure[] = [usb]) =>
  make(rmrrLayout, { type: 1, segment: 0, base, limit }, scopes);
const atsr = (allPorts: number, scopes: readonly Structure[]) =>
  make(atsrLayout, { type: 2, allPorts, segment: 0 }, scopes);
const rhsa = (registerBase: bigint) => make(rhsaLayout, { type: 3, registerBase, proximityDomain: 0 });
const andd = (deviceNumber: number, name = "\\_SB.I2C0\0") =>
  make(anddLayout, { type: 4, deviceNumber }, [], new TextEncoder().encode(name));
const satc = (scopes: readonly Structure[]) =>
  make(satcLayout, { type: 5, atcRequired: 1, segment: 0 }, scopes);
const sidp = (scopes: readonly Structure[]) => make(sidpLayout, { type: 6, segment: 0 }, scopes);
const flagged = (entry: Scope): Scope => ({ ...entry, values: { ...entry.values, atcHardened: 1 } });

/** A correct table of that machine, with every kind of structure. */
const correct = [
  drhd([graphics]),
  all([apic, scopeEntry(hpet, 0, [hop(31)], 0), scopeEntry(namespaceDevice, 0, [hop(21)], 1)]),
  rmrr(0x7a000000n, 0x7a01ffffn),
  rmrr(0x7b000000n, 0x7b7fffffn, [graphics]),
  atsr(0, [port]),
  rhsa(BASE),
  rhsa(BASE + 0x1000n),
  andd(1),
  satc([graphics]),
  sidp([flagged(graphics)]),
];

function changed(offset: number, value: number): Uint8Array {
  const bytes = tableOf(correct).slice();
  bytes[offset] = value;
  return withChecksum(bytes);
}

/** Where the first unit, and its scope entry, begin. */
const UNIT = 48;
const ENTRY = 64;

/** For each rule, a table that breaks it on that machine. */
const broken: Readonly<Record<string, Uint8Array>> = {
  "dmar.table.signature": changed(0, 0x45),
  "dmar.table.length": withChecksum(Uint8Array.from([...tableOf(correct), 0])),
  "dmar.table.checksum": tableOf(correct).map((byte, index) => (index === 9 ? byte ^ 1 : byte)),
  "dmar.reserved": changed(40, 1),
  "dmar.structure.length": changed(UNIT + 2, 15),
  "dmar.structure.unknown": changed(UNIT, 9),
  "dmar.table.revision": tableOf(correct, { revision: 2 }),
  "dmar.table.address-width": tableOf(correct, { addressWidth: 63 }),
  "dmar.table.x2apic-opt-out": tableOf(correct, { interruptRemapping: 0, x2apicOptOut: 1 }),
  "dmar.structure.order": tableOf([rmrr(0x7a000000n, 0x7a000fffn), all()]),

  "dmar.drhd.missing": tableOf([]),
  "dmar.drhd.registers": tableOf([all([], 0n)]),
  "dmar.drhd.register-alignment": tableOf([
    drhd([], { includePciAll: 1, size: 1, registerBase: BASE + 0x1000n }),
  ]),
  "dmar.drhd.register-overlap": tableOf([drhd([graphics], { size: 1 }), all()]),
  "dmar.drhd.include-pci-all": tableOf([drhd([graphics])]),
  "dmar.drhd.include-pci-all-once": tableOf([all([], BASE), all()]),
  "dmar.drhd.include-pci-all-last": tableOf([all(), drhd([graphics])]),
  "dmar.drhd.claimed-twice": tableOf([
    drhd([graphics]),
    drhd([graphics], { registerBase: BASE + 0x2000n }),
    all(),
  ]),

  "dmar.scope.path-length": tableOf([drhd([scopeEntry(endpoint, 0, [])]), all()]),
  "dmar.scope.single-path": tableOf([all([scopeEntry(hpet, 0, [hop(1), hop(2)])])]),
  "dmar.scope.hop": tableOf([drhd([scopeEntry(endpoint, 0, [hop(32)])]), all()]),
  "dmar.scope.type": tableOf([all([graphics])]),
  "dmar.scope.flags": tableOf([drhd([flagged(graphics)]), all()]),
  "dmar.scope.enumeration-id": tableOf([drhd([scopeEntry(endpoint, 0, [hop(4)], 1)]), all()]),
  "dmar.scope.source-twice": tableOf([drhd([apic]), all([apic])]),
  "dmar.scope.namespace-device": tableOf([all([scopeEntry(namespaceDevice, 0, [hop(21)], 2)]), andd(1)]),

  "dmar.rmrr.base": tableOf([all(), rmrr(0x7a000800n, 0x7a0017ffn)]),
  "dmar.rmrr.limit": tableOf([all(), rmrr(0x7a000000n, 0x7a001000n)]),
  "dmar.rmrr.overlap": tableOf([all(), rmrr(0x7a000000n, 0x7a001fffn), rmrr(0x7a001000n, 0x7a002fffn)]),
  "dmar.rmrr.scope": tableOf([all(), rmrr(0x7a000000n, 0x7a000fffn, [])]),

  "dmar.atsr.all-ports": tableOf([all(), atsr(1, [port])]),
  "dmar.rhsa.unit": tableOf([all(), rhsa(BASE + 0x1000n), rhsa(BASE)]),
  "dmar.rhsa.once": tableOf([all(), rhsa(BASE + 0x1000n), rhsa(BASE + 0x1000n)]),
  "dmar.andd.name": tableOf([all(), andd(1, "\\_SB.I2C0")]),
  "dmar.andd.number": tableOf([all(), andd(1), andd(1)]),
  "dmar.satc.once": tableOf([all(), satc([graphics]), satc([usb])]),

  "dmar.scope.path": tableOf([drhd([scopeEntry(endpoint, 0, [hop(5)])]), all()]),
  "dmar.scope.start-bus": tableOf([drhd([scopeEntry(endpoint, 1, [hop(0)])]), all()]),
  "dmar.scope.kind": tableOf([drhd([scopeEntry(endpoint, 0, [hop(1)])]), all()]),
  "dmar.scope.virtual-function": tableOf([drhd([scopeEntry(endpoint, 0, [hop(1), hop(1, 0)])]), all()]),
  "dmar.atsr.root-port": tableOf([all(), atsr(0, [scopeEntry(subHierarchy, 0, [hop(2)])])]),
  "dmar.scope.integrated": tableOf([all(), satc([scopeEntry(endpoint, 1, [hop(0)])])]),
  "dmar.rmrr.covered": tableOf([drhd([graphics]), rmrr(0x7a000000n, 0x7a000fffn)]),
  "dmar.drhd.coverage": tableOf([drhd([graphics])]),
};

function findingsOf(bytes: Uint8Array) {
  const table = dmarTables.read(bytes);
  return [...table.findings, ...table.findingsIn(topology)];
}

const idsOf = (bytes: Uint8Array) => findingsOf(bytes).map((one) => one.rule.id);

describe("the rules of a DMAR", () => {
  it("find nothing in a correct table", () => {
    expect(findingsOf(tableOf(correct))).toEqual([]);
    expect(findingsOf(tableOf([all(), sidp([flagged(graphics)])]))).toEqual([]);
  });

  it("all have a table that breaks them", () => {
    expect(Object.keys(broken).sort()).toEqual(dmarTables.rules.map((one) => one.id).sort());
  });

  it.each(dmarTables.rules.map((one) => [one.id, one.statement]))("%s: %s", (id) => {
    expect(idsOf(broken[id]!)).toContain(id);
  });

  it("tell where the structure begins that they are about", () => {
    const wrong = findingsOf(changed(ENTRY + 3, 1));
    expect(wrong.map((one) => [one.rule.id, one.offset])).toEqual([["dmar.reserved", ENTRY]]);
    expect(wrong[0]!.message).toBe("device scope: reserved 3.7:0 is 0x1");
  });
});

describe("what breaks nothing else", () => {
  it("a structure of a later revision is noted, and skipped", () => {
    const later = { ...rhsa(BASE), layout: atsrLayout, values: { type: 7, allPorts: 0, segment: 0 } };
    const table = dmarTables.read(tableOf([all(), later]));
    expect(table.findings.map((one) => one.rule.id)).toEqual(["dmar.structure.unknown"]);
    expect(table.platformIn(topology).units).toHaveLength(1);
  });

  it("one region for devices in two structures", () => {
    const twice = [rmrr(0x7a000000n, 0x7a000fffn, [usb]), rmrr(0x7a000000n, 0x7a000fffn, [graphics])];
    expect(idsOf(tableOf([all(), ...twice]))).toEqual([]);
  });

  it("functions below a bridge in the scope of its own unit", () => {
    expect(idsOf(tableOf([drhd([port, nic]), all()]))).toEqual([]);
  });
});

describe("two units that claim one device", () => {
  const second = (scopes: readonly Structure[]) => drhd(scopes, { registerBase: BASE + 0x2000n });

  it("by different paths", () => {
    const short = scopeEntry(endpoint, 1, [hop(0)]);
    expect(idsOf(tableOf([drhd([nic]), second([short]), all()]))).toEqual([
      "dmar.scope.start-bus",
      "dmar.drhd.claimed-twice",
    ]);
  });

  it.each([
    ["above first", [drhd([port]), second([nic]), all()]],
    ["below first", [drhd([nic]), second([port]), all()]],
  ])("one by a bridge above it, %s", (_, structures) => {
    expect(idsOf(tableOf(structures))).toEqual(["dmar.drhd.claimed-twice"]);
  });
});
