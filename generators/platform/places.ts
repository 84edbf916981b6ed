/** Where platform scenarios put things in memory and in address spaces. */
import type { UnitPlaces } from "../../implementations/driver/platform/interface.js";
import { busNumbersOf } from "../../model/pci/functions.js";
import type { FirmwarePlatform } from "../../model/pci/platform.js";
import type { ArchitectureId } from "../../model/profile.js";
import type { HostPage, IovaPage } from "../../model/words/address.js";
import { dataPages as guestPages } from "../places.js";

/** Software's own memory: structures and tables of firmware and of every operating system. */
export const ownMemory = { page: 0x2000, pages: 512 } as const;

/** Most units of a platform. */
export const MOST_UNITS = 3;

/** Operating systems that run one after the other at most. */
export const MOST_SYSTEMS = 3;

/** Buses of a platform at most: 0 to 4. */
export const MOST_BUSES = 5;

/** Pages that a root table needs, or a device table with an entry of 32 bytes for each function of so many buses. */
const ROOT_PAGES: Readonly<Record<ArchitectureId, (buses: number) => number>> = {
  vtd: () => 1,
  amdvi: (buses) => (buses * 256 * 32) / 4096,
};
/** The most that any architecture needs, with queue, status words and log. */
const PAGES_OF_UNIT = ROOT_PAGES.amdvi(MOST_BUSES) + 3;
const PAGES_OF_SOFTWARE = PAGES_OF_UNIT * MOST_UNITS;

/** What a scenario says of its machine. */
interface Machine {
  readonly architecture: ArchitectureId;
  readonly platform: FirmwarePlatform;
}

/**
 * What a piece of software has for the structures of a unit.
 * @param software 0 is the firmware, 1 the first operating system
 * @param unit its index in the platform
 */
export function placesOf({ architecture, platform }: Machine, software: number, unit: number): UnitPlaces {
  const rootPages = ROOT_PAGES[architecture](busesOf(platform));
  const rootPage = ownMemory.page + software * PAGES_OF_SOFTWARE + unit * PAGES_OF_UNIT;
  const next = rootPage + rootPages;
  const logPage = architecture === "amdvi" ? next + 2 : null;
  return { rootPage, rootPages, queuePage: next, statusPage: next + 1, logPage };
}

function busesOf({ topology }: FirmwarePlatform): number {
  return 1 + Math.max(0, ...busNumbersOf(topology).map((one) => one.subordinate));
}

/** Pages of software's own memory in which it may have tables. */
export const tablePool: readonly HostPage[] = run(
  ownMemory.page + PAGES_OF_SOFTWARE * (1 + MOST_SYSTEMS),
  ownMemory.page + ownMemory.pages,
);

/** All of software's own memory. */
export const ownPages: readonly HostPage[] = run(ownMemory.page, ownMemory.page + ownMemory.pages);

/** Pages that reserved regions are made of. */
export const reservedPages: readonly HostPage[] = run(0x1800, 0x1810);

/** Pages that devices behind no unit may use. */
export const bouncePages: readonly HostPage[] = run(0x1c00, 0x1c04);

export { guestPages };

/** Every page that devices read and write. */
export const dataPages: readonly HostPage[] = [...guestPages, ...reservedPages, ...bouncePages];

/** Where devices make requests that nobody wants: no scenario maps anything there. */
export const stormPage: IovaPage = 0x3f000;

/** The pages from `from` to the one before `end`. */
function run(from: number, end: number): number[] {
  return Array.from({ length: end - from }, (_, index) => from + index);
}
