/** The register file: every register of legacy mode, its fields and their access types (VT-d 11.2, 11.3, 11.4). */
import { fieldMask } from "../words/layout.js";
import { type Access, type FieldRow, type Register, register } from "../words/register-file.js";
import { asAddress, asPowerOfTwo, asRequester, names } from "../words/shown-fields.js";
import { faultReason } from "./fault-reasons.js";
import type { Platform } from "./profile.js";

export type { Access, Register } from "../words/register-file.js";

/** Byte offsets that do not depend on the platform. */
export const Offset = {
  VER: 0x00,
  CAP: 0x08,
  ECAP: 0x10,
  GCMD: 0x18,
  GSTS: 0x1c,
  RTADDR: 0x20,
  CCMD: 0x28,
  FSTS: 0x34,
  FECTL: 0x38,
  FEDATA: 0x3c,
  FEADDR: 0x40,
  FEUADDR: 0x44,
  PMEN: 0x64,
  PLMBASE: 0x68,
  PLMLIMIT: 0x6c,
  PHMBASE: 0x70,
  PHMLIMIT: 0x78,
  IQH: 0x80,
  IQT: 0x88,
  IQA: 0x90,
  ICS: 0x9c,
  IECTL: 0xa0,
  IEDATA: 0xa4,
  IEADDR: 0xa8,
  IEUADDR: 0xac,
  IQERCD: 0xb0,
} as const;

const granularities = (finest: string) =>
  names({ 0: "none", 1: "global", 2: "domain-selective", 3: `${finest}-selective` });

/** 11.4.9.9: values of IQEI. */
export const QUEUE_ERRORS: Readonly<Record<number, string>> = {
  0: "not reported",
  1: "the tail is not in the queue",
  2: "a descriptor could not be fetched",
  3: "descriptor type",
  4: "reserved bits of a descriptor",
  5: "descriptor width",
  6: "the tail is not aligned to descriptors of 256 bits",
  7: "translation table mode",
};

const asReason = (reason: number) => faultReason(reason)?.statement;

const globalBits = (access: Access, suffix: "command" | "status"): FieldRow[] => [
  [suffix === "command" ? "TE" : "TES", "31", access, `translation enable ${suffix}`],
  [suffix === "command" ? "SRTP" : "RTPS", "30", access, `root-table pointer ${suffix}`],
  [suffix === "command" ? "WBF" : "WBFS", "27", access, `write-buffer flush ${suffix}`],
  [suffix === "command" ? "QIE" : "QIES", "26", access, `queued invalidation enable ${suffix}`],
  [suffix === "command" ? "IRE" : "IRES", "25", access, `interrupt remapping enable ${suffix}`],
  [suffix === "command" ? "SIRTP" : "IRTPS", "24", access, `interrupt remapping table pointer ${suffix}`],
  [suffix === "command" ? "CFI" : "CFIS", "23", access, `compatibility format interrupt ${suffix}`],
];

const event = (
  control: string,
  data: string,
  address: string,
  upper: string,
  section: (n: number) => string,
): Register[] => [
  register(control, section(0), Offset[control.replace("_REG", "") as keyof typeof Offset], 32, [
    ["IM", "31", "RW", "interrupt mask"],
    ["IP", "30", "RO", "interrupt pending"],
  ]),
  register(data, section(1), Offset[data.replace("_REG", "") as keyof typeof Offset], 32, [
    ["IMD", "15:0", "RW", "data"],
  ]),
  register(address, section(2), Offset[address.replace("_REG", "") as keyof typeof Offset], 32, [
    ["MA", "31:2", "RW", "message address", asAddress(2)],
  ]),
  register(upper, section(3), Offset[upper.replace("_REG", "") as keyof typeof Offset], 32, [
    ["MUA", "31:0", "RW", "message upper address"],
  ]),
];

/** Every register of the unit, those at platform-dependent offsets included. */
export function registersOf(platform: Platform): readonly Register[] {
  const iotlb = platform.iotlbRegisterOffset;
  return [
    register("VER_REG", "11.4.1", Offset.VER, 32, [
      ["MIN", "3:0", "RO", "minor version"],
      ["MAX", "7:4", "RO", "major version"],
    ]),
    register("CAP_REG", "11.4.2", Offset.CAP, 64, [["CAP", "63:0", "RO", "capabilities"]]),
    register("ECAP_REG", "11.4.3", Offset.ECAP, 64, [["ECAP", "63:0", "RO", "extended capabilities"]]),
    register("GCMD_REG", "11.4.4.1", Offset.GCMD, 32, globalBits("WO", "command")),
    register("GSTS_REG", "11.4.4.2", Offset.GSTS, 32, globalBits("RO", "status")),
    register("RTADDR_REG", "11.4.5", Offset.RTADDR, 64, [
      [
        "TTM",
        "11:10",
        "RW",
        "translation table mode",
        names({ 0: "legacy", 1: "scalable", 2: "reserved", 3: "abort-DMA" }),
      ],
      ["RTA", "63:12", "RW", "root table address", asAddress(12)],
    ]),
    register("CCMD_REG", "11.4.6.1", Offset.CCMD, 64, [
      ["DID", "15:0", "RW", "domain id"],
      ["SID", "31:16", "WO", "source id", asRequester],
      ["FM", "33:32", "WO", "function mask"],
      ["CAIG", "60:59", "RO", "context actual invalidation granularity", granularities("device")],
      ["CIRG", "62:61", "RW", "context invalidation request granularity", granularities("device")],
      ["ICC", "63", "RW", "invalidate context cache"],
    ]),
    register("FSTS_REG", "11.4.7.1", Offset.FSTS, 32, [
      ["PFO", "0", "RW1C", "primary fault overflow"],
      ["PPF", "1", "RO", "primary pending fault"],
      ["IQE", "4", "RW1C", "invalidation queue error"],
      ["ICE", "5", "RW1C", "invalidation completion error"],
      ["ITE", "6", "RW1C", "invalidation time-out error"],
      ["FRI", "15:8", "RO", "fault record index"],
    ]),
    ...event("FECTL_REG", "FEDATA_REG", "FEADDR_REG", "FEUADDR_REG", (n) => `11.4.7.${2 + n}`),
    ...protectedMemory(platform),
    register("IQH_REG", "11.4.9.1", Offset.IQH, 64, [["QH", "18:4", "RO", "queue head", asAddress(4)]]),
    register("IQT_REG", "11.4.9.2", Offset.IQT, 64, [["QT", "18:4", "RW", "queue tail", asAddress(4)]]),
    register("IQA_REG", "11.4.9.3", Offset.IQA, 64, [
      ["QS", "2:0", "RW", "queue size", asPowerOfTwo("descriptors of 128 bits", 8)],
      ["DW", "11", "RW", "descriptor width: 1 for 256 bits"],
      ["IQA", "63:12", "RW", "queue address", asAddress(12)],
    ]),
    register("ICS_REG", "11.4.9.4", Offset.ICS, 32, [
      ["IWC", "0", "RW1C", "invalidation wait descriptor complete"],
    ]),
    ...event("IECTL_REG", "IEDATA_REG", "IEADDR_REG", "IEUADDR_REG", (n) => `11.4.9.${5 + n}`),
    register("IQERCD_REG", "11.4.9.9", Offset.IQERCD, 64, [
      ["IQEI", "3:0", "RO", "invalidation queue error information", names(QUEUE_ERRORS)],
      ["ITESID", "47:32", "RO", "invalidation time-out error source id", asRequester],
      ["ICESID", "63:48", "RO", "invalidation completion error source id", asRequester],
    ]),
    register("IVA_REG", "11.4.6.4", iotlb, 64, [
      ["AM", "5:0", "WO", "address mask"],
      ["IH", "6", "WO", "invalidation hint"],
      ["ADDR", "63:12", "WO", "address", asAddress(12)],
    ]),
    register("IOTLB_REG", "11.4.6.3", iotlb + 8, 64, [
      ["DID", "47:32", "RW", "domain id"],
      ["DW", "48", "RW", "drain writes"],
      ["DR", "49", "RW", "drain reads"],
      ["IAIG", "58:57", "RO", "IOTLB actual invalidation granularity", granularities("page")],
      ["IIRG", "61:60", "RW", "IOTLB invalidation request granularity", granularities("page")],
      ["IVT", "63", "RW", "invalidate IOTLB"],
    ]),
    ...Array.from({ length: platform.faultRecords }, (_, index) => faultRecordRegister(platform, index)),
  ];
}

/** 11.4.8: registers without the capability are there all the same, and read-only. */
function protectedMemory(platform: Platform): Register[] {
  const { protectsLow, protectsHigh, protectedMemoryAlignment: lowest, hostAddressWidth } = platform;
  const access = (protects: boolean): Access => (protects ? "RW" : "RO");
  const [low, high] = [`31:${lowest}`, `${hostAddressWidth - 1}:${lowest}`];
  return [
    register("PMEN_REG", "11.4.8.1", Offset.PMEN, 32, [
      ["PRS", "0", "RO", "protected region status"],
      ["EPM", "31", access(protectsLow || protectsHigh), "enable protected memory"],
    ]),
    register("PLMBASE_REG", "11.4.8.2", Offset.PLMBASE, 32, [
      ["PLMB", low, access(protectsLow), "protected low-memory base"],
    ]),
    register("PLMLIMIT_REG", "11.4.8.3", Offset.PLMLIMIT, 32, [
      ["PLML", low, access(protectsLow), "protected low-memory limit"],
    ]),
    register("PHMBASE_REG", "11.4.8.4", Offset.PHMBASE, 64, [
      ["PHMB", high, access(protectsHigh), "protected high-memory base"],
    ]),
    register("PHMLIMIT_REG", "11.4.8.5", Offset.PHMLIMIT, 64, [
      ["PHML", high, access(protectsHigh), "protected high-memory limit"],
    ]),
  ];
}

/** 11.4.7.6: fault recording register `index`. */
function faultRecordRegister(platform: Platform, index: number): Register {
  return register(`FRCD_REG[${index}]`, "11.4.7.6", platform.faultRecordOffset + 16 * index, 128, [
    ["FI", "63:12", "RO", "fault info: page of the address in the request", asAddress(12)],
    ["SID", "79:64", "RO", "source id", asRequester],
    ["T2", "92", "RO", "type, second bit"],
    ["PRIV", "93", "RO", "privilege mode requested"],
    ["EXE", "94", "RO", "execute permission requested"],
    ["PP", "95", "RO", "PASID present"],
    ["FR", "103:96", "RO", "fault reason", asReason],
    ["PV", "123:104", "RO", "PASID value"],
    ["AT", "125:124", "RO", "address type"],
    ["T1", "126", "RO", "type, first bit"],
    ["F", "127", "RW1C", "fault"],
  ]);
}

/** 32-bit field masks of GCMD and GSTS, which have the same bit for the same thing. */
export const GlobalBit = {
  translationEnable: 0x80000000,
  setRootTablePointer: 0x40000000,
  writeBufferFlush: 0x08000000,
  queuedInvalidationEnable: 0x04000000,
  interruptRemappingEnable: 0x02000000,
  setInterruptTablePointer: 0x01000000,
  compatibilityFormat: 0x00800000,
} as const;

/** GCMD bits that keep their level; the others act once. */
export const GLOBAL_LEVEL_BITS =
  (GlobalBit.translationEnable |
    GlobalBit.queuedInvalidationEnable |
    GlobalBit.interruptRemappingEnable |
    GlobalBit.compatibilityFormat) >>>
  0;

/** Bits of FECTL and IECTL. */
export const EventBit = { mask: 0x80000000, pending: 0x40000000 } as const;

export const FaultStatusBit = { overflow: 1, pending: 2, queueError: 0x10 } as const;

/** What plain registers hold. Commands, status and fault registers have their own state beside it. */
export class RegisterFile {
  private readonly values: Uint32Array;
  private readonly writable: Uint32Array;
  private readonly known: Uint8Array;

  constructor(private readonly platform: Platform) {
    const registers = registersOf(platform);
    const end = Math.max(...registers.map((one) => one.offset + one.layout.width / 8));
    this.values = new Uint32Array(end / 4);
    this.writable = new Uint32Array(end / 4);
    this.known = new Uint8Array(end / 4);
    for (const one of registers) this.declare(one);
    this.reset();
  }

  private declare({ offset, layout: of, access }: Register): void {
    for (let half = 0; half < of.width / 32; half++) this.known[offset / 4 + half] = 1;
    for (const [name, kind] of Object.entries(access)) {
      if (kind === "RO" || kind === "RW1C") continue;
      fieldMask(of, name).forEach((word, index) => {
        const at = offset / 4 + index * 2;
        this.writable[at]! |= word.low;
        if (at + 1 < this.writable.length) this.writable[at + 1]! |= word.high;
      });
    }
  }

  /** 11.4: reset values. */
  reset(): void {
    const { profile } = this.platform;
    this.values.fill(0);
    this.values[Offset.VER / 4] = (profile.version.major << 4) | profile.version.minor;
    this.values[Offset.CAP / 4] = profile.capability.low;
    this.values[Offset.CAP / 4 + 1] = profile.capability.high;
    this.values[Offset.ECAP / 4] = profile.extendedCapability.low;
    this.values[Offset.ECAP / 4 + 1] = profile.extendedCapability.high;
    this.values[Offset.FECTL / 4] = 0x80000000;
    this.values[Offset.IECTL / 4] = 0x80000000;
  }

  /** True when a register is declared at this 32-bit offset. */
  has(offset: number): boolean {
    return this.known[offset / 4] === 1;
  }

  /** Reads 32 bits; undeclared offsets read as zero. */
  read(offset: number): number {
    return this.values[offset / 4] ?? 0;
  }

  /** Software writes 32 bits: only writable fields change. */
  write(offset: number, value: number): void {
    const at = offset / 4;
    const mask = this.writable[at] ?? 0;
    if (mask !== 0) this.values[at] = (this.values[at]! & ~mask) | (value & mask);
  }

  /** Hardware changes 32 bits, whatever their access type. */
  set(offset: number, value: number): void {
    this.values[offset / 4] = value;
  }
}

/** By 32-bit offset: 1 for registers that read what they were given. */
export function plainRegisters(platform: Platform, file: RegisterFile): Uint8Array {
  return Uint8Array.from({ length: 0x40 }, (_, at) =>
    file.has(at * 4) && isPlain(platform, at * 4) ? 1 : 0,
  );
}

function isPlain(platform: Platform, offset: number): boolean {
  const iva = platform.iotlbRegisterOffset;
  const changing: number[] = [Offset.CCMD, Offset.IQH + 4, Offset.IQT, Offset.IQERCD + 4];
  const commands = [iva, iva + 4, iva + 8];
  return !changing.includes(offset) && !commands.includes(offset) && offset !== Offset.GCMD;
}
