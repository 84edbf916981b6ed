/** Entries and commands as the driver writes them on one platform, worked out once from their declared layouts. */
import {
  ALL_PAGES,
  completionWaitLayout,
  invalidateDevtabEntryLayout,
  invalidateIommuAllLayout,
  invalidateIommuPagesLayout,
  Opcode,
} from "../../../model/amdvi/commands.js";
import { type AmdViProfile, platformOf } from "../../../model/amdvi/profile.js";
import {
  defaultPages,
  deviceTableEntryLayout,
  largePageAddress,
  NextLevel,
  pdeLayout,
  pteLayout,
} from "../../../model/amdvi/tables.js";
import type { Word } from "../../../model/trace.js";
import type { HostPage, IovaPage, RequesterId } from "../../../model/words/address.js";
import { encode, encoderOf } from "../../../model/words/layout.js";
import type { EntryFormat } from "../shared/page-tables.js";
import type { Status } from "../shared/ring.js";
import { pointingTo } from "../shared/steps.js";
import type { AmdViFaults } from "./faults.js";

/** Rights are two bits. */
const ACCESSES = [0, 1, 2, 3];
/** Leaves have up to 2^18 pages, 1 GiB. */
const LARGEST_LEAF_ORDER = 18;
const WORDS_OF_PAGE = 512;

/** A command as it stands in the command buffer. */
export type Command = readonly Word[];

const encodeDeviceEntry = encoderOf(deviceTableEntryLayout, ["V", "TV", "Mode", "HostPTRoot", "IR", "IW"]);
const encodeDomain = encoderOf(deviceTableEntryLayout, ["DomainID"]);
const encodeWait = encoderOf(completionWaitLayout, ["Opcode", "s", "StoreAddress", "StoreDataLow"]);
const encodeDevtab = encoderOf(invalidateDevtabEntryLayout, ["Opcode", "DeviceID"]);
const encodePages = encoderOf(invalidateIommuPagesLayout, ["Opcode", "DomainID", "S", "PDE", "Address"]);
const barrier = encode(completionWaitLayout, { Opcode: Opcode.completionWait, f: 1 });
const barrierWithoutFlush = encode(completionWaitLayout, { Opcode: Opcode.completionWait });
const invalidateAll = encode(invalidateIommuAllLayout, { Opcode: Opcode.invalidateIommuAll });

export class Encodings implements EntryFormat {
  readonly platform;
  /** 2.2.3: every power of two, by its size in the address where it is not the default one of a level. */
  readonly leafOrders = Array.from({ length: LARGEST_LEAF_ORDER + 1 }, (_, order) => order);
  /** 2.4.8: of every device and domain; null where the unit does not have it. */
  readonly invalidateAll: Command | null;
  /** 2.4.1: nothing behind it starts before everything ahead of it is complete. */
  readonly barrier: Command;
  /** Entries without an address: tables by level, leaves by the kind of their size and by rights. */
  private readonly tables: readonly Word[];
  private readonly defaultLeaves: readonly Word[];
  private readonly codedLeaves: readonly Word[];

  constructor(
    profile: AmdViProfile,
    private readonly faults: AmdViFaults,
  ) {
    this.platform = platformOf(profile);
    this.invalidateAll = this.platform.invalidateAll || faults.invalidatesAllAlways ? invalidateAll : null;
    this.barrier = faults.barrierWithoutFlush ? barrierWithoutFlush : barrier;
    this.tables = [2, 3, 4, 5, 6].map(
      (level) => encode(pdeLayout, { PR: 1, NextLevel: level - 1, IR: 1, IW: 1 })[0]!,
    );
    const leaves = (nextLevel: number) =>
      ACCESSES.map(
        (access) => encode(pteLayout, { PR: 1, NextLevel: nextLevel, IR: access & 1, IW: access >> 1 })[0]!,
      );
    this.defaultLeaves = leaves(NextLevel.leaf);
    this.codedLeaves = leaves(NextLevel.sizeCoded);
  }

  /** An entry of `level` that points to a table of the level below. Rights are given by leaves, so it has both. */
  table(level: number, page: HostPage): Word {
    return pointingTo(page, this.tables[level - 2]!);
  }

  leaf(level: number, page: HostPage, pages: number, access: number): Word {
    if (pages === defaultPages(level)) return pointingTo(page, this.defaultLeaves[access]!);
    const coded = this.faults.doublesCodedSize ? pages * 2 : pages;
    const address = largePageAddress(page - (page % coded), coded);
    return pointingTo(address, this.codedLeaves[access]!);
  }

  /** The half of a device table entry with V, TV and the top table, of as many levels. */
  deviceRoot(topTable: HostPage, levels: number): Word {
    const Mode = levels - (this.faults.understatesMode ? 1 : 0);
    return encodeDeviceEntry({ V: 1, TV: 1, Mode, HostPTRoot: topTable, IR: 1, IW: 1 })[0]!;
  }

  /** The half with the DomainID. */
  deviceDomain(domainId: number): Word {
    return encodeDomain({ DomainID: domainId })[1]!;
  }

  /** 2.4.1 */
  completionWait({ page, word, value }: Status): Command {
    const StoreAddress = page * WORDS_OF_PAGE + word;
    return encodeWait({ Opcode: Opcode.completionWait, s: 1, StoreAddress, StoreDataLow: value });
  }

  /** 2.4.2 */
  invalidateDevice(requester: RequesterId): Command {
    return encodeDevtab({ Opcode: Opcode.invalidateDevtabEntry, DeviceID: requester });
  }

  /** 2.4.3: everything under a DomainID, PDEs too. */
  invalidateDomain(domainId: number): Command {
    const S = this.faults.allPagesWithoutSize ? 0 : 1;
    return this.invalidatePages(domainId, largePageAddress(0, ALL_PAGES), S, 1);
  }

  /** 2.4.3: the aligned range of 2^mask pages that `iova` is in; PDEs too where entries that point to tables changed. */
  invalidateRange(domainId: number, iova: IovaPage, mask: number, leafOnly: boolean): Command {
    const pages = 2 ** mask;
    const first = this.faults.codesUnalignedBase ? iova : iova - (iova % pages);
    const PDE = leafOnly ? 0 : 1;
    if (pages === 1) return this.invalidatePages(domainId, first, 0, PDE);
    return this.invalidatePages(domainId, largePageAddress(first, pages), 1, PDE);
  }

  private invalidatePages(DomainID: number, Address: number, S: 0 | 1, PDE: 0 | 1): Command {
    return encodePages({ Opcode: Opcode.invalidateIommuPages, DomainID, S, PDE, Address });
  }
}
