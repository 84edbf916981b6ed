/** IVRSs that are correct by themselves, with every kind of block and device entry. Their devices are of no machine. */
import { make, type Structure } from "../../model/acpi/structure.js";
import { bytesOfTable } from "../../model/acpi/table.js";
import { featuresOf, flagsOf } from "../../model/amdvi/ivrs/features.js";
import * as layouts from "../../model/amdvi/ivrs/layouts.js";
import type { RequesterId } from "../../model/words/address.js";
import { Chance } from "../../model/words/chance.js";

const HALF = 128;
const QUARTER = 64;

/** Bytes of an IVRS that the seed stands for. */
export function generateIvrs(seed: number): Uint8Array {
  return new IvrsDraw(seed).table();
}

/** What is said of a unit in IVHDs of every type. */
interface DrawnUnit {
  readonly common: ReturnType<IvrsDraw["commonValues"]>;
  readonly counters: { readonly pnCounters: number; readonly pnBanks: number; readonly msiNumPPR: number };
  readonly efr: bigint;
  readonly efr2: bigint;
  readonly hatDis: number;
  readonly entries: readonly Structure[];
  /** In IVHDs of type 40h only. */
  readonly acpiDevices: readonly Structure[];
}

class IvrsDraw {
  private readonly chance = new Chance();
  private nextBase = 0xfd00_0000n;
  private nextPage = 0x1000n;
  private handle = 0;
  /** Devices of units, by segment. */
  private readonly devices = new Map<number, RequesterId[]>();

  constructor(seed: number) {
    this.chance.seed(seed);
  }

  table(): Uint8Array {
    const { chance } = this;
    const units = this.segments().flatMap((segment) => this.units(segment));
    const types = [0x10, 0x11, 0x40].filter(() => chance.happens(HALF + QUARTER));
    if (types.length === 0) types.push(0x11);
    const ivhds = types.flatMap((type) => units.map((unit) => ivhdOf(type, unit)));
    const memory = Array.from({ length: chance.below(5) }, (_, index) => this.memory(index === 0));
    const values = {
      signature: "IVRS",
      tableLength: 0,
      revision: types.includes(0x40) ? 2 : 1 + chance.below(2),
      checksum: 0,
      oemId: "MAKER ",
      oemTableId: "MACHINE ",
      oemRevision: chance.bits(),
      creatorId: "TEST",
      creatorRevision: chance.bits(),
      efrSup: chance.below(2),
      dmaRemap: chance.below(2),
      gvaSize: 2,
      paSize: 40 + chance.below(13),
      vaSize: chance.happens(HALF) ? 64 : 48,
      htAtsResv: chance.below(2),
    };
    return bytesOfTable(make(layouts.ivrsLayout, values, [...ivhds, ...memory]));
  }

  private segments(): number[] {
    const first = this.chance.happens(HALF) ? 0 : this.chance.below(0x8000);
    return this.chance.happens(QUARTER) ? [first, first + 1 + this.chance.below(0x1000)] : [first];
  }

  private units(segment: number): DrawnUnit[] {
    const devices: RequesterId[] = [];
    this.devices.set(segment, devices);
    const count = 1 + this.chance.below(3);
    return Array.from({ length: count }, (_, index) => {
      const from = Math.floor((0x10000 / count) * index);
      return this.unit(segment, index, new EntryDraw(this.chance, devices, from + 8), count === 1);
    });
  }

  private unit(segment: number, index: number, draw: EntryDraw, alone: boolean): DrawnUnit {
    const { chance } = this;
    const efr = (BigInt(chance.bits()) << 32n) | BigInt(chance.bits());
    const specials = Array.from({ length: chance.below(3) }, () => draw.special(this.handle++ & 0xff));
    return {
      common: this.commonValues(segment, index),
      counters: {
        pnCounters: chance.below(16),
        pnBanks: chance.below(64),
        msiNumPPR: chance.below(32),
      },
      efr,
      efr2: BigInt(chance.bits()),
      hatDis: chance.below(2),
      entries: [...draw.entries(alone), ...specials],
      acpiDevices: Array.from({ length: chance.below(3) }, () => draw.acpiDevice()),
    };
  }

  commonValues(segment: number, index: number) {
    const { chance } = this;
    this.nextBase += 0x8_0000n;
    return {
      htTunEn: chance.below(2),
      passPW: chance.below(2),
      resPassPW: chance.below(2),
      isoc: chance.below(2),
      iotlbSup: chance.below(2),
      coherent: chance.below(2),
      deviceId: 2 + index,
      capabilityOffset: 0x40 + 4 * chance.below(16),
      base: this.nextBase,
      segment,
      msiNumber: chance.below(32),
      unitId: chance.below(32),
    };
  }

  /** Only one region is excluded: a unit cannot exclude two. */
  private memory(first: boolean): Structure {
    const { chance } = this;
    const segments = [...this.devices.keys()];
    const segment = segments[chance.below(segments.length)]!;
    const devices = this.devices.get(segment)!;
    const one = devices[chance.below(devices.length)]!;
    const other = devices[chance.below(devices.length)]!;
    const type = [layouts.IvmdType.all, layouts.IvmdType.one, layouts.IvmdType.range][chance.below(3)]!;
    const exclusion = first && chance.happens(HALF) ? 1 : 0;
    const rights = exclusion === 1 ? 0 : 1 + chance.below(3);
    const start = this.nextPage * 4096n;
    const pages = BigInt(1 + chance.below(0x100));
    this.nextPage += pages;
    return make(layouts.ivmdLayout, {
      type,
      unity: 1 - exclusion,
      exclusion,
      ir: rights & 1,
      iw: rights >>> 1,
      deviceId: type === layouts.IvmdType.all ? 0 : Math.min(one, other),
      lastDeviceId: type === layouts.IvmdType.range ? Math.max(one, other) : 0,
      segment,
      start,
      bytes: pages * 4096n,
    });
  }
}

function ivhdOf(type: number, unit: DrawnUnit): Structure {
  const values = { ...unit.common, ...flagsOf(unit.efr), ...unit.counters, type };
  if (type === 0x10) return make(layouts.ivhd10Layout, { ...values, ...featuresOf(unit.efr) }, unit.entries);
  const { hatDis, efr, efr2 } = unit;
  const layout = type === 0x11 ? layouts.ivhd11Layout : layouts.ivhd40Layout;
  const entries = type === 0x11 ? unit.entries : [...unit.entries, ...unit.acpiDevices];
  return make(layout, { ...values, hatDis, efr, efr2 }, entries);
}

/** Draws the entries of one unit, in ascending order. */
class EntryDraw {
  private readonly first: RequesterId;

  constructor(
    private readonly chance: Chance,
    private readonly devices: RequesterId[],
    private next: RequesterId,
  ) {
    this.first = next;
  }

  entries(alone: boolean): Structure[] {
    const all = alone && this.chance.happens(HALF) ? [this.all()] : [];
    return [
      ...all,
      this.select(),
      ...Array.from({ length: this.chance.below(8) }, () => this.entry()).flat(),
    ];
  }

  private all(): Structure {
    return make(layouts.allLayout, { type: 1, ...this.setting() });
  }

  private select(): Structure {
    return make(layouts.selectLayout, { type: 2, deviceId: this.device(), ...this.setting() });
  }

  private entry(): Structure[] {
    const setting = this.setting();
    const alias = this.first;
    const atsDisabled = this.chance.below(2);
    switch (this.chance.below(8)) {
      case 0:
        return [make(layouts.pad4Layout, { type: 0 })];
      case 1:
        return [make(layouts.pad8Layout, { type: 64 })];
      case 2:
        return [this.select()];
      case 3:
        return [make(layouts.startLayout, { type: 3, deviceId: this.device(), ...setting }), this.end()];
      case 4:
        return [make(layouts.aliasSelectLayout, { type: 66, deviceId: this.device(), alias, ...setting })];
      case 5:
        return [
          make(layouts.aliasStartLayout, { type: 67, deviceId: this.device(), alias, ...setting }),
          this.end(),
        ];
      case 6:
        return [
          make(layouts.extendedSelectLayout, { type: 70, deviceId: this.device(), atsDisabled, ...setting }),
        ];
      default:
        return [
          make(layouts.extendedStartLayout, { type: 71, deviceId: this.device(), atsDisabled, ...setting }),
          this.end(),
        ];
    }
  }

  private end(): Structure {
    return make(layouts.endLayout, { type: 4, deviceId: this.device() });
  }

  /** Its requests carry the id of a device of the unit. */
  special(handle: number): Structure {
    const deviceId = this.first;
    return make(layouts.specialLayout, {
      type: 72,
      ...this.setting(),
      handle,
      deviceId,
      variety: 1 + this.chance.below(2),
    });
  }

  acpiDevice(): Structure {
    const { chance } = this;
    const uidFormat = chance.below(3);
    const uidLength = [0, 8, 1 + chance.below(20)][uidFormat]!;
    const rest = Uint8Array.from({ length: uidLength }, () => 0x41 + chance.below(26));
    const hid = `AMDI00${10 + chance.below(90)}`;
    const cid = chance.happens(HALF) ? "\0".repeat(8) : "PNP0D40\0";
    const values = { type: 240, deviceId: ++this.next, ...this.setting(), hid, cid, uidFormat, uidLength };
    return make(layouts.hidLayout, values, [], rest);
  }

  private device(): RequesterId {
    this.next += 1 + this.chance.below(this.chance.happens(HALF) ? 4 : 0x100);
    this.devices.push(this.next);
    return this.next;
  }

  private setting() {
    const { chance } = this;
    if (chance.happens(HALF)) return layouts.NO_DTE_SETTING;
    return {
      initPass: chance.below(2),
      eIntPass: chance.below(2),
      nmiPass: chance.below(2),
      sysMgt: chance.below(4),
      lint0Pass: chance.below(2),
      lint1Pass: chance.below(2),
    };
  }
}
