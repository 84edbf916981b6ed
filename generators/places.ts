/**
 * Where scenarios put things in memory and in address spaces. Small pools: a handful of pages and addresses, so that
 * reuse, neighbours and overlaps happen within a dozen steps.
 */
import type { ArchitectureId } from "../model/profile.js";
import { type HostPage, type IovaPage, type RequesterId, requesterId } from "../model/words/address.js";

/** Offsets in a 2 MiB region that scenarios use: its first pages, one that is never mapped alone, its last. */
const PAGES_OF_REGION = [0, 1, 2, 3, 4, 511];
/** The 2 MiB regions used, numbered in their 1 GiB region; the same for device addresses and host pages. */
const REGIONS = [8, 9];

/** Host pages that devices read and write: where a page of a superpage lands is one of them too. */
export const dataPages: readonly HostPage[] = REGIONS.flatMap((region) =>
  PAGES_OF_REGION.map((page) => region * 512 + page),
);

/** Software's own memory, where scenarios say whose memory is whose: nothing maps it. */
export const protectedPage: HostPage = dataPages[dataPages.length - 1]!;

/** Host pages of the two regions as superpages. */
export const dataRegions: readonly HostPage[] = REGIONS.map((region) => region * 512);

/** Host pages for tables, commands, status words and logs. */
export const tablePages: readonly HostPage[] = Array.from({ length: 64 }, (_, index) => 0x2000 + index);

/** What an architecture uses {@link tablePages} for. */
export interface Places {
  /** First pages of the root or device tables that software has, the one in force at the start first. */
  readonly roots: readonly HostPage[];
  /** Pages of each of them, one after the other. */
  readonly rootPages: number;
  /** The invalidation queue or command buffer: 256 entries of 128 bits. */
  readonly queuePage: HostPage;
  /** What software sees completion by. */
  readonly statusPage: HostPage;
  /** The event log: 256 entries of 128 bits; null where faults are logged in registers. */
  readonly logPage: HostPage | null;
  /** Tables that scenarios move subtrees to, whichever domain and level needs one. */
  readonly spareTables: readonly HostPage[];
  /** The rest, handed out in order of first use. */
  readonly freeTables: readonly HostPage[];
}

/** VT-d: root tables of a page each; context and second-stage tables are free tables. */
export const vtdPlaces: Places = {
  roots: tablePages.slice(0, 2),
  rootPages: 1,
  queuePage: tablePages[2]!,
  statusPage: tablePages[3]!,
  logPage: null,
  spareTables: tablePages.slice(4, 7),
  freeTables: tablePages.slice(7),
};

/** AMD-Vi: device tables of five pages each, for the DeviceIDs below 280h; page tables are free tables. */
export const amdViPlaces = {
  roots: [tablePages[0]!, tablePages[5]!],
  rootPages: 5,
  queuePage: tablePages[10]!,
  statusPage: tablePages[11]!,
  logPage: tablePages[12]!,
  spareTables: tablePages.slice(13, 16),
  freeTables: tablePages.slice(16),
} as const satisfies Places;

const PLACES: Readonly<Record<ArchitectureId, Places>> = { vtd: vtdPlaces, amdvi: amdViPlaces };

/** Where the scenarios of an architecture put its structures. */
export function placesOf(architecture: ArchitectureId): Places {
  return PLACES[architecture];
}

/** Where a table pointer leads when it does not lead to memory: beyond that of any profile, below 2^36. */
export const absentPage: HostPage = 0x800000;

/** Pages that mappings lead to although no memory is there: the interrupt address range, first and last, and beyond. */
export const interruptPages: readonly HostPage[] = [0xfee00, 0xfee00, 0xfeeff, 0xfef00];
/** Device addresses in and around it. */
export const interruptAddresses: readonly IovaPage[] = [0xfee00, 0xfee01, 0xfeeff, 0xfedff, 0xfef00];
/** A superpage whose first half is the interrupt address range. */
export const interruptRegion: HostPage = 0xfee00;

function poolOver(gigabytes: readonly number[]): readonly IovaPage[] {
  return gigabytes.flatMap((gigabyte) =>
    REGIONS.flatMap((region) => PAGES_OF_REGION.map((page) => gigabyte * 0x40000 + region * 512 + page)),
  );
}

const poolOfOneLevel: readonly IovaPage[] = PAGES_OF_REGION;
const poolOfTwoLevels = poolOver([0]);
const poolOfThreeLevels = poolOver([0, 1]);
const poolOfMoreLevels = poolOver([0, 1, 512]);

/** Device addresses of a domain with this many levels, mapped or not. */
export function iovaPool(levels: number): readonly IovaPage[] {
  if (levels >= 4) return poolOfMoreLevels;
  return levels === 3 ? poolOfThreeLevels : levels === 2 ? poolOfTwoLevels : poolOfOneLevel;
}

/** Pages of a mapping by its size. */
export const PAGES_OF_SIZE = {
  "4K": 1,
  "8K": 2,
  "16K": 4,
  "32K": 8,
  "64K": 16,
  "128K": 32,
  "256K": 64,
  "512K": 128,
  "1M": 256,
  "2M": 512,
  "4M": 1024,
  "8M": 2048,
  "16M": 4096,
  "32M": 8192,
  "64M": 16384,
  "128M": 32768,
  "256M": 65536,
  "512M": 131072,
  "1G": 262144,
  "2G": 524288,
  "4G": 1048576,
} as const;
export type PageSize = keyof typeof PAGES_OF_SIZE;

/** Every size, the smallest first. */
export const PAGE_SIZES = Object.keys(PAGES_OF_SIZE) as [PageSize, PageSize, ...PageSize[]];

/** The requester ids of a device tree shape. */
export const topologies = {
  flat: [requesterId(0, 4, 0), requesterId(0, 5, 0), requesterId(0, 6, 0)],
  multifunction: [requesterId(0, 4, 0), requesterId(0, 4, 1), requesterId(0, 4, 5)],
  /** Functions on the root bus and behind root ports. */
  ports: [requesterId(0, 4, 0), requesterId(1, 0, 0), requesterId(2, 0, 0)],
  /** One of them has no entry in a device table. */
  far: [requesterId(0, 4, 0), requesterId(2, 0, 0), requesterId(3, 0, 0)],
} as const satisfies Readonly<Record<string, readonly RequesterId[]>>;

export type TopologyName = keyof typeof topologies;

/** Device trees in which every function has an entry in every table. */
export const nearTopologies = ["flat", "multifunction", "ports"] as const;
