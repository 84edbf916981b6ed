/**
 * Where scenarios put things in memory and in address spaces. Small pools: a handful of pages and addresses, so that
 * reuse, neighbours and overlaps happen within a dozen steps.
 */
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

/** Host pages for root, context and second-stage tables, the invalidation queue and status words. */
export const tablePages: readonly HostPage[] = Array.from({ length: 64 }, (_, index) => 0x2000 + index);

export const rootPages: readonly HostPage[] = tablePages.slice(0, 2);
/** Where the root-table pointer leads when it does not lead to memory: beyond that of any profile, below 2^36. */
export const absentPage: HostPage = 0x800000;
export const queuePage: HostPage = tablePages[2]!;
export const statusPage: HostPage = tablePages[3]!;
/** Tables that scenarios move subtrees to, whichever domain and level needs one. */
export const spareTables: readonly HostPage[] = tablePages.slice(4, 7);
/** The rest: context tables and second-stage tables, handed out in order of first use. */
export const freeTables: readonly HostPage[] = tablePages.slice(7);

/** Pages that mappings lead to although no memory is there: the interrupt address range, first and last, and beyond. */
export const interruptPages: readonly HostPage[] = [0xfee00, 0xfee00, 0xfeeff, 0xfef00];
/** A superpage whose first half is the interrupt address range. */
export const interruptRegion: HostPage = 0xfee00;

function poolOver(gigabytes: readonly number[]): readonly IovaPage[] {
  return gigabytes.flatMap((gigabyte) =>
    REGIONS.flatMap((region) => PAGES_OF_REGION.map((page) => gigabyte * 0x40000 + region * 512 + page)),
  );
}

const poolOfThreeLevels = poolOver([0, 1]);
const poolOfMoreLevels = poolOver([0, 1, 512]);

/** Device addresses of a domain with this many levels, mapped or not. */
export function iovaPool(levels: number): readonly IovaPage[] {
  return levels >= 4 ? poolOfMoreLevels : poolOfThreeLevels;
}

export type PageSize = "4K" | "2M" | "1G";

/** Pages of a mapping by its size. */
export const PAGES_OF_SIZE = { "4K": 1, "2M": 512, "1G": 0x40000 } as const;

/** Level of the entry that maps a page of a size. */
export const LEVEL_OF_SIZE = { "4K": 1, "2M": 2, "1G": 3 } as const;

/** The requester ids of a device tree shape: functions on the root bus and behind root ports. */
export const topologies: Readonly<Record<string, readonly RequesterId[]>> = {
  flat: [requesterId(0, 4, 0), requesterId(0, 5, 0), requesterId(0, 6, 0)],
  multifunction: [requesterId(0, 4, 0), requesterId(0, 4, 1), requesterId(0, 4, 5)],
  ports: [requesterId(0, 4, 0), requesterId(1, 0, 0), requesterId(2, 0, 0)],
};
