/** Entries and commands as the driver writes them on one platform, worked out once from their declared layouts. */
import type { Word } from "../../../model/trace.js";
import { type Platform, type PlatformProfile, platformOf } from "../../../model/vtd/profile.js";
import { type Register, registersOf } from "../../../model/vtd/registers.js";
import {
  contextEntryLayout,
  rootEntryLayout,
  secondStageLayout,
  TranslationType,
} from "../../../model/vtd/tables.js";
import type { HostPage } from "../../../model/words/address.js";
import { encode, encoderOf } from "../../../model/words/layout.js";
import type { EntryFormat } from "../shared/page-tables.js";
import { pointingTo } from "../shared/steps.js";
import type { DriverFaults } from "./faults.js";

/** A superpage has 2^9 pages. */
const SUPERPAGE_ORDER = 9;
/** Rights are two bits. */
const ACCESSES = [0, 1, 2, 3];
/** Bit 52, the lowest of those that 9.8 leaves to software. */
const SOFTWARE_MARK = 0x100000;

const encodeRoot = encoderOf(rootEntryLayout, ["P", "CTP"]);
const encodeContext = encoderOf(contextEntryLayout, ["P", "TT", "SSPTPTR", "AW", "DID"]);

export class Encodings implements EntryFormat {
  readonly platform: Platform;
  readonly leafOrders: readonly number[];
  /** CCMD_REG, IVA_REG and IOTLB_REG (11.4.6). */
  readonly contextCommand;
  readonly iotlbAddress;
  readonly iotlbCommand;
  /** Entries without an address: tables by level, leaves by level and rights. */
  private readonly tables: readonly Word[];
  private readonly leaves: readonly (readonly Word[])[];
  private readonly addressWidth: number;

  constructor(profile: PlatformProfile, faults: DriverFaults) {
    const platform = platformOf(profile);
    this.platform = platform;
    this.leafOrders = platform.superpages2M || faults.superpagesAlways ? [0, SUPERPAGE_ORDER] : [0];
    const registers = registersOf(platform);
    const layoutOf = (name: string) => (registers.find((one) => one.name === name) as Register).layout;
    this.contextCommand = encoderOf(layoutOf("CCMD_REG"), ["ICC", "CIRG", "DID", "SID"]);
    this.iotlbAddress = encoderOf(layoutOf("IVA_REG"), ["AM", "IH", "ADDR"]);
    this.iotlbCommand = encoderOf(layoutOf("IOTLB_REG"), ["IVT", "IIRG", "DR", "DW", "DID"]);
    this.tables = [2, 3, 4, 5].map((level) => encode(secondStageLayout(level, false), { R: 1, W: 1 })[0]!);
    // 9.8: SNP is reserved without snoop control.
    const SNP = platform.snoopControl || faults.snoopsAlways ? 1 : 0;
    const mark = faults.marksIgnoredBits ? SOFTWARE_MARK : 0;
    this.leaves = [{ SNP }, { SNP, PS: 1 }].map((fields, index) =>
      ACCESSES.map((access) => {
        const rights = { R: faults.losesReadRight && access === 3 ? 0 : access & 1, W: access >> 1 };
        const { low, high } = encode(secondStageLayout(index + 1, true), { ...rights, ...fields })[0]!;
        return { low, high: high | mark };
      }),
    );
    this.addressWidth = widthOf(platform, faults);
  }

  /** An entry of `level` that points to a table. Rights are given by leaves, so it has both. */
  table(level: number, page: HostPage): Word {
    return pointingTo(page, this.tables[level - 2]!);
  }

  /** An entry that maps a page of 4 KiB (level 1) or 2 MiB (level 2) with these rights. */
  leaf(level: number, page: HostPage, _: number, access: number): Word {
    return pointingTo(page, this.leaves[level - 1]![access]!);
  }

  root(contextTable: HostPage): readonly Word[] {
    return encodeRoot({ P: 1, CTP: contextTable });
  }

  context(topTable: HostPage, domainId: number): readonly Word[] {
    const TT = TranslationType.untranslatedOnly;
    return encodeContext({ P: 1, TT, SSPTPTR: topTable, AW: this.addressWidth, DID: domainId });
  }
}

/** 9.3: AW 1 stands for 3 levels, and so on. Tables have as many levels as the unit supports. */
function widthOf({ largestLevels, supportedLevels }: Platform, faults: DriverFaults): number {
  const understated = faults.understatesWidth && (supportedLevels >>> (largestLevels - 1)) & 1;
  return largestLevels - 2 - (understated ? 1 : 0);
}
