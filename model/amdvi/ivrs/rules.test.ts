import { describe, expect, it } from "vitest";
import { make, type Structure } from "../../acpi/structure.js";
import { bytesOfTable, withChecksum } from "../../acpi/table.js";
import type { Endpoint, Topology } from "../../pci/topology.js";
import { featuresOf, flagsOf } from "./features.js";
import { ivrsTables } from "./index.js";
import * as layouts from "./layouts.js";

const EFR = 0x000f_77ef_2229_4adan;
const FIRST = 0x08;
const SECOND = 0x0100;

const HEADER = {
  signature: "IVRS",
  tableLength: 0,
  revision: 2,
  checksum: 0,
  oemId: "MAKER ",
  oemTableId: "MACHINE ",
  oemRevision: 1,
  creatorId: "TEST",
  creatorRevision: 1,
  efrSup: 1,
  dmaRemap: 0,
  gvaSize: 2,
  paSize: 48,
  vaSize: 64,
  htAtsResv: 0,
};

const COMMON = {
  htTunEn: 0,
  passPW: 0,
  resPassPW: 0,
  isoc: 0,
  iotlbSup: 1,
  coherent: 1,
  ...flagsOf(EFR),
  deviceId: 2,
  capabilityOffset: 0x40,
  base: 0xfeb8_0000n,
  segment: 0,
  msiNumber: 0,
  unitId: 0,
  pnCounters: 4,
  pnBanks: 2,
  msiNumPPR: 0,
};

type Values11 = Partial<layouts.IvhdWithEfr["values"]>;

const select = (deviceId: number) =>
  make(layouts.selectLayout, { type: 2, deviceId, ...layouts.NO_DTE_SETTING });
const start = (deviceId: number) =>
  make(layouts.startLayout, { type: 3, deviceId, ...layouts.NO_DTE_SETTING });
const end = (deviceId: number) => make(layouts.endLayout, { type: 4, deviceId });
const aliasSelect = (deviceId: number, alias: number) =>
  make(layouts.aliasSelectLayout, { type: 66, deviceId, alias, ...layouts.NO_DTE_SETTING });
const special = (variety: number, handle = 1, deviceId = FIRST) =>
  make(layouts.specialLayout, { type: 72, handle, deviceId, variety, ...layouts.NO_DTE_SETTING });

const acpi = (values: { hid?: string; uidFormat?: number }, uid = new Uint8Array()) =>
  make(
    layouts.hidLayout,
    {
      type: 240,
      deviceId: FIRST,
      ...layouts.NO_DTE_SETTING,
      hid: "AMDI0020",
      cid: "\0".repeat(8),
      uidFormat: layouts.UidFormat.none,
      uidLength: uid.length,
      ...values,
    },
    [],
    uid,
  );

const EVERYTHING = [select(FIRST), select(SECOND)];

const unit10 = (
  values: Partial<layouts.IvhdWithFeatures["values"]> = {},
  entries = EVERYTHING as Structure[],
) => make(layouts.ivhd10Layout, { ...COMMON, ...featuresOf(EFR), type: 0x10, ...values }, entries);
const unit11 = (values: Values11 = {}, entries = EVERYTHING as Structure[]) =>
  make(layouts.ivhd11Layout, { ...COMMON, hatDis: 0, efr: EFR, efr2: 0n, type: 0x11, ...values }, entries);
const unit40 = (values: Values11 = {}, entries = EVERYTHING as Structure[]) =>
  make(layouts.ivhd40Layout, { ...COMMON, hatDis: 0, efr: EFR, efr2: 0n, type: 0x40, ...values }, entries);
/** Another unit than the others. */
const other11 = (values: Values11, entries: Structure[]) =>
  unit11({ deviceId: 3, base: 0xfed0_0000n, ...values }, entries);

const memory = (values: Partial<layouts.Ivmd["values"]> = {}) =>
  make(layouts.ivmdLayout, {
    type: layouts.IvmdType.one,
    unity: 1,
    ir: 1,
    iw: 1,
    exclusion: 0,
    deviceId: FIRST,
    lastDeviceId: 0,
    segment: 0,
    start: 0x1000_0000n,
    bytes: 0x4000n,
    ...values,
  });
const excluded = (values: Partial<layouts.Ivmd["values"]> = {}) =>
  memory({ unity: 0, ir: 0, iw: 0, exclusion: 1, ...values });

const table = (blocks: readonly Structure[], values: Partial<layouts.Ivrs["values"]> = {}) =>
  bytesOfTable(make(layouts.ivrsLayout, { ...HEADER, ...values }, blocks));

/** The table with one byte changed, and its checksum made again. */
function changed(bytes: Uint8Array, at: number, value: number): Uint8Array {
  const other = bytes.slice();
  other[at] = value;
  return withChecksum(other);
}

const PLAIN = table([unit10(), unit11(), unit40(), memory()]);
const wrongChecksum = () => {
  const bytes = PLAIN.slice();
  bytes[9]!++;
  return bytes;
};

/** By the id of a rule without `ivrs.`: tables that break that rule and no other. */
const BROKEN: Readonly<Record<string, readonly Uint8Array[]>> = {
  "table.signature": [changed(PLAIN, 0, 0x4a)],
  "table.length": [new Uint8Array(), PLAIN.slice(0, 40), Uint8Array.of(...PLAIN, 0)],
  "table.checksum": [wrongChecksum()],
  reserved: [
    changed(PLAIN, 40, 1),
    table([
      unit11(),
      { ...memory(), reserved: Uint8Array.from({ length: 32 }, (_, at) => Number(at === 10)) },
    ]),
    table([
      unit11({}, [
        ...EVERYTHING,
        { ...make(layouts.pad4Layout, { type: 0 }), reserved: Uint8Array.of(0, 0, 0, 1) },
      ]),
    ]),
  ],
  "structure.length": [
    table([{ ...unit11(), rest: new Uint8Array(2) }]),
    table([unit11(), { ...memory(), rest: new Uint8Array(4) }]),
  ],
  "structure.unknown": [
    table([unit11(), make(layouts.blockHeadLayout, { type: 0x23, flags: 0 })]),
    table([unit11({}, [...EVERYTHING, make(layouts.entryHeadLayout, { type: 5, content: 0 })])]),
  ],
  "table.revision": [table([unit11()], { revision: 3 }), table([unit40()], { revision: 1 })],
  "table.no-unit": [table([])],
  "ivinfo.sizes": [table([unit11()], { paSize: 0 }), table([unit11()], { vaSize: 65 })],
  "ivhd.order": [table([unit11(), unit10()])],
  "ivhd.repeated": [table([unit11(), unit11()])],
  "ivhd.base": [
    table([unit11({ base: 0n })]),
    table([unit11({ base: 0xfeb8_1000n })]),
    table([unit11({ base: 1n << 50n })]),
  ],
  "ivhd.registers": [table([unit11({}, [select(FIRST)]), other11({ base: COMMON.base }, [select(SECOND)])])],
  "ivhd.capability": [table([unit11({ capabilityOffset: 0 })]), table([unit11({ capabilityOffset: 0x42 })])],
  "ivhd.same-registers": [
    table([unit10({ base: 0xfed0_0000n }), unit11()]),
    table([unit10(), unit11({ capabilityOffset: 0x44 })]),
  ],
  "ivhd.same-features": [
    table([unit10({ pasMax: 3 }), unit11()]),
    table([unit11({ preFSup: 1 })]),
    table([unit10({ iotlbSup: 0 }), unit11()]),
    table([unit11(), unit40({ efr2: 1n })]),
  ],
  "ivhd.same-devices": [table([unit10({}, [select(FIRST)]), unit11()])],
  "entry.range": [
    table([unit11({}, [select(FIRST), start(SECOND)])]),
    table([unit11({}, [select(FIRST), end(SECOND)])]),
    table([unit11({}, [start(SECOND), end(FIRST)])]),
    table([unit11({}, [start(FIRST), start(SECOND), end(0x200)])]),
  ],
  "entry.overlap": [table([unit11(), other11({}, [start(0x80), end(SECOND)])])],
  "entry.alias": [table([unit11({}, [aliasSelect(FIRST, SECOND)]), other11({}, [select(SECOND)])])],
  "special.variety": [table([unit11({}, [...EVERYTHING, special(3)])])],
  "special.handle": [table([unit11({}, [...EVERYTHING, special(1), special(1)])])],
  "special.unit": [
    table([unit11({}, [select(FIRST), special(1, 1, SECOND)]), other11({}, [select(SECOND)])]),
  ],
  "acpi.type": [table([unit11({}, [acpi({})])])],
  "acpi.hid": [table([unit40({}, [acpi({ hid: "\0".repeat(8) })])])],
  "acpi.uid": [
    table([unit40({}, [acpi({ uidFormat: layouts.UidFormat.integer }, Uint8Array.of(1))])]),
    table([unit40({}, [acpi({}, Uint8Array.of(1))])]),
    table([unit40({}, [acpi({ uidFormat: layouts.UidFormat.string })])]),
    table([unit40({}, [acpi({ uidFormat: 3 })])]),
  ],
  "ivmd.flags": [
    table([unit11(), excluded({ unity: 1, ir: 1 })]),
    table([unit11(), memory({ unity: 0, ir: 0, iw: 0 })]),
    table([unit11(), memory({ ir: 0, iw: 0 })]),
    table([unit11(), excluded({ iw: 1 })]),
  ],
  "ivmd.alignment": [
    table([unit11(), memory({ start: 0x1000_0800n })]),
    table([unit11(), memory({ bytes: 0x800n })]),
  ],
  "ivmd.length": [
    table([unit11(), memory({ bytes: 0n })]),
    table([unit11(), memory({ start: (1n << 48n) - 0x1000n })]),
  ],
  "ivmd.devices": [
    table([unit11(), memory({ lastDeviceId: SECOND })]),
    table([unit11(), memory({ type: layouts.IvmdType.all })]),
  ],
  "ivmd.overlap": [table([unit11(), memory(), memory({ start: 0x1000_3000n })])],
  "ivmd.unit": [table([unit11(), memory({ deviceId: 0x300 })]), table([unit11(), memory({ segment: 1 })])],
  "ivmd.exclusion": [table([unit11(), excluded(), excluded({ deviceId: SECOND, start: 0x2000_0000n })])],
};

const function0 = (name: string, more: Partial<Endpoint> = {}): Endpoint => ({
  name,
  function: 0,
  acs: null,
  kind: "endpoint",
  phantomBits: 0,
  sriov: null,
  alsoFunctions: [],
  ...more,
});

/** Devices 00:01.0, and on bus 1 of the bridge 00:02.0 the conventional 01:01.0. */
const MACHINE: Topology = {
  segments: [
    {
      segment: 0,
      roots: [
        {
          bus: 0,
          devices: [
            { device: 1, functions: [function0("network", { kind: "integrated-endpoint" })] },
            {
              device: 2,
              functions: [
                {
                  name: "bridge",
                  function: 0,
                  acs: null,
                  kind: "pcie-to-pci",
                  secondary: 1,
                  subordinate: 1,
                  hotPlug: false,
                  devices: [{ device: 1, functions: [function0("sound", { kind: "conventional" })] }],
                },
              ],
            },
          ],
        },
      ],
    },
  ],
};
const SOUND = 0x0108;
const RIGHT = [select(FIRST), select(SECOND), aliasSelect(SOUND, SECOND)];

/** Tables that break that rule and no other on {@link MACHINE}. */
const BROKEN_THERE: Readonly<Record<string, readonly Uint8Array[]>> = {
  "topology.segment": [table([unit11({}, RIGHT), other11({ segment: 1 }, [select(FIRST)])])],
  "topology.function": [table([unit11({}, [...RIGHT, select(0x200)])])],
  "topology.unclaimed": [table([unit11({}, RIGHT.slice(1))])],
  "topology.requester": [table([unit11({}, [select(FIRST), aliasSelect(SOUND, SECOND)])])],
  "topology.alias": [table([unit11({}, [select(FIRST), select(SECOND), aliasSelect(SOUND, FIRST)])])],
  "topology.alias-missing": [table([unit11({}, [select(FIRST), select(SECOND), select(SOUND)])])],
  "topology.ivmd": [table([unit11({}, [...RIGHT, start(0x200), end(0x2ff)]), memory({ deviceId: 0x208 })])],
};

const idsOf = (findings: readonly { readonly rule: { readonly id: string } }[]) => [
  ...new Set(findings.map((one) => one.rule.id)),
];

describe("the rules of an IVRS", () => {
  it("are all shown broken here", () => {
    const shown = [...Object.keys(BROKEN), ...Object.keys(BROKEN_THERE)].map((id) => `ivrs.${id}`);
    expect(shown.sort()).toEqual(ivrsTables.rules.map((rule) => rule.id).sort());
  });

  it("hold for a table with nothing wrong", () => {
    expect(ivrsTables.read(PLAIN).findings).toEqual([]);
    expect(ivrsTables.read(table([unit11({}, RIGHT)])).findingsIn(MACHINE)).toEqual([]);
  });

  it("see a later entry for a device in place of an earlier one", () => {
    const all = make(layouts.allLayout, { type: 1, ...layouts.NO_DTE_SETTING });
    expect(ivrsTables.read(table([unit11({}, [all, RIGHT[2]!])])).findingsIn(MACHINE)).toEqual([]);
  });

  for (const [id, tables] of Object.entries(BROKEN))
    it(`${id}: nothing else is found`, () => {
      for (const bytes of tables) expect(idsOf(ivrsTables.read(bytes).findings)).toEqual([`ivrs.${id}`]);
    });

  for (const [id, tables] of Object.entries(BROKEN_THERE))
    it(`${id}: nothing else is found`, () => {
      for (const bytes of tables) {
        const read = ivrsTables.read(bytes);
        expect(idsOf([...read.findings, ...read.findingsIn(MACHINE)])).toEqual([`ivrs.${id}`]);
      }
    });
});
