/**
 * Under which requester ids the requests of devices reach the IOMMU, seen by where they arrive: translation is set up so
 * that a byte of the id decides about the page, for all 65,536 ids at once, first one byte and then the other.
 */
import { readSync } from "node:fs";
import type { ArchitectureId } from "../../../../model/profile.js";
import { writeTag } from "../../../../model/trace.js";
import type { HostPage, RequesterId } from "../../../../model/words/address.js";
import { SLOT_BYTES } from "../edu.js";
import { PAGE_BYTES, writePage } from "../memory.js";
import { sortByAmdVi } from "./amdvi-sorting.js";
import type { QemuPlatform } from "./platform.js";
import { FIRST_PLACE, type Sort, VALUES } from "./sorting.js";
import { sortByVtd } from "./vtd-sorting.js";

/** What became of the requests of a device: the id they were translated for, or why there is none. */
export type SeenAs = RequesterId | "untranslated" | "blocked";

const sorts: Readonly<Record<ArchitectureId, Sort>> = { vtd: sortByVtd, amdvi: sortByAmdVi };

/**
 * What the IOMMU takes each device for; devices are known by their addresses in configuration space. The machine is left
 * with translation on.
 * @throws ImplementationError when QEMU does not answer
 */
export function requestersSeen(platform: QemuPlatform): ReadonlyMap<RequesterId, SeenAs> {
  return platform.guard(() => {
    const functions = arrivals(platform, "function");
    const buses = arrivals(platform, "bus");
    return new Map([...platform.devices.keys()].map((id) => [id, join(buses.get(id)!, functions.get(id)!)]));
  });
}

type Arrival = number | "untranslated" | "blocked";

function join(bus: Arrival, low: Arrival): SeenAs {
  if (typeof bus === "number" && typeof low === "number") return (bus << 8) | low;
  return bus === "untranslated" && low === "untranslated" ? "untranslated" : "blocked";
}

/** Has every device write to IOVA page 0, each to an offset of its own, and looks where the writes have arrived. */
function arrivals(platform: QemuPlatform, byte: "bus" | "function"): Map<RequesterId, Arrival> {
  sorts[platform.architecture](platform, byte);
  writePage(platform.memory, 0, new Uint8Array(PAGE_BYTES));
  for (const [index, edu] of [...platform.devices.values()].entries()) {
    edu.write({ low: offsetOf(index), high: 0 }, index, SLOT_BYTES);
  }
  platform.qtest.exchange();
  const places = VALUES.map((value) => contents(platform, FIRST_PLACE + value));
  const untranslated = contents(platform, 0);
  const arrived = (index: number) => (page: Buffer) => page.readUInt32LE(offsetOf(index)) === writeTag(index);
  const arrival = (index: number): Arrival => {
    const value = places.findIndex(arrived(index));
    if (value >= 0) return value;
    return arrived(index)(untranslated) ? "untranslated" : "blocked";
  };
  return new Map([...platform.devices.keys()].map((id, index) => [id, arrival(index)]));
}

/** The first entry of a page is taken: see {@link FIRST_PLACE}. */
function offsetOf(index: number): number {
  return SLOT_BYTES * (index + 1);
}

function contents({ memory }: QemuPlatform, page: HostPage): Buffer {
  const bytes = Buffer.alloc(PAGE_BYTES);
  readSync(memory, bytes, 0, PAGE_BYTES, page * PAGE_BYTES);
  return bytes;
}
