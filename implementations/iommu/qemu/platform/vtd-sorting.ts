/** Translation by `intel-iommu` that sorts requests by a byte of their requester id. */
import { contextEntryLayout, rootEntryLayout, secondStageLayout } from "../../../../model/vtd/tables.js";
import { encode } from "../../../../model/words/layout.js";
import { PAGE_BYTES } from "../memory.js";
import { ADDRESS, Command, Register } from "../vtd/registers.js";
import type { QemuPlatform } from "./platform.js";
import {
  FIRST_PLACE,
  FIRST_TABLE,
  image,
  keyOf,
  type Sort,
  VALUES,
  writeEntries,
  writePlaces,
} from "./sorting.js";

const ROOT = FIRST_TABLE;
const FIRST_CONTEXT = FIRST_TABLE + 1;
const THREE_LEVELS = 1;
/** Invalidate everything: ICC and IVT in the upper half, granularity global. */
const INVALIDATE_CONTEXTS = 0xa0000000;
const INVALIDATE_IOTLB = 0x90000000;

/** Root and context tables of all 65,536 requester ids. */
export const sortByVtd: Sort = (platform, byte) => {
  // With bit 7 clear an entry that maps a page of the lowest level and one that points to a table are the same.
  writePlaces(platform, (page) => encode(secondStageLayout(1, true), { R: 1, W: 1, ADDR: page }));
  const roots = VALUES.map((bus) => image(encode(rootEntryLayout, { P: 1, CTP: FIRST_CONTEXT + bus })));
  writeEntries(platform, ROOT, roots);
  const contexts = VALUES.map((value) =>
    image(
      encode(contextEntryLayout, { P: 1, SSPTPTR: FIRST_PLACE + value, AW: THREE_LEVELS, DID: value + 1 }),
    ),
  );
  for (const bus of VALUES) {
    const ofBus = VALUES.map((low) => contexts[keyOf((bus << 8) | low, byte)]!);
    writeEntries(platform, FIRST_CONTEXT + bus, ofBus);
  }
  start(platform);
};

function start({ qtest }: QemuPlatform): void {
  qtest.write64(ADDRESS + Register.rootTable, ROOT * PAGE_BYTES, 0);
  qtest.write32(ADDRESS + Register.globalCommand, Command.setRoot);
  qtest.write64(ADDRESS + Register.contextCommand, 0, INVALIDATE_CONTEXTS);
  qtest.write64(ADDRESS + Register.iotlbInvalidate, 0, INVALIDATE_IOTLB);
  qtest.write32(ADDRESS + Register.globalCommand, Command.translation);
  qtest.exchange();
}
