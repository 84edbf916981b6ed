/** Translation by `amd-iommu` that sorts requests by a byte of their DeviceID. */
import { encodeCommand, Opcode } from "../../../../model/amdvi/commands.js";
import {
  DEVICE_TABLE_ENTRIES_PER_PAGE,
  deviceTableEntryLayout,
  NextLevel,
  pteLayout,
} from "../../../../model/amdvi/tables.js";
import type { Word } from "../../../../model/trace.js";
import { encode } from "../../../../model/words/layout.js";
import { ADDRESS, COMMAND_BYTES, Control, Register } from "../amdvi/registers.js";
import { PAGE_BYTES } from "../memory.js";
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

const DEVICE_TABLE = FIRST_TABLE;
const DEVICE_TABLE_PAGES = 512;
const BUFFER = DEVICE_TABLE + DEVICE_TABLE_PAGES;
/** The length field for 512 commands, in the high half of the base register: two pages, filled in turn. */
const BUFFER_LENGTH = 0x09000000;
const BUFFER_PAGES = 2;
const COMMANDS_PER_PAGE = 256;

const ONE_LEVEL = { V: 1, TV: 1, Mode: 1, IR: 1, IW: 1 };

/** A device table of all 65,536 ids, each with a table of one level. */
export const sortByAmdVi: Sort = (platform, byte) => {
  const leaf = { PR: 1, NextLevel: NextLevel.leaf, IR: 1, IW: 1 };
  writePlaces(platform, (page) => encode(pteLayout, { ...leaf, Address: page }));
  const entries = VALUES.map((value) =>
    image(
      encode(deviceTableEntryLayout, { ...ONE_LEVEL, HostPTRoot: FIRST_PLACE + value, DomainID: value + 1 }),
    ),
  );
  for (let page = 0; page < DEVICE_TABLE_PAGES; page++) {
    const first = page * DEVICE_TABLE_ENTRIES_PER_PAGE;
    const ofPage = Array.from(
      { length: DEVICE_TABLE_ENTRIES_PER_PAGE },
      (_, index) => entries[keyOf(first + index, byte)]!,
    );
    writeEntries(platform, DEVICE_TABLE + page, ofPage);
  }
  start(platform);
  invalidateAll(platform);
};

function start({ qtest }: QemuPlatform): void {
  const write = (register: number, low: number, high = 0) => qtest.write64(ADDRESS + register, low, high);
  write(Register.control, 0);
  write(Register.deviceTableBase, DEVICE_TABLE * PAGE_BYTES + DEVICE_TABLE_PAGES - 1);
  write(Register.commandBase, BUFFER * PAGE_BYTES, BUFFER_LENGTH);
  write(Register.commandHead, 0);
  write(Register.commandTail, 0);
  write(Register.control, Control.iommu | Control.commandBuffer);
  qtest.exchange();
}

/** QEMU from 10.2 on learns from an invalidation of its entry, and from nothing else, that a device is translated. */
function invalidateAll(platform: QemuPlatform): void {
  const commands = platform.buses.flatMap((bus) =>
    VALUES.map((low) => encodeCommand(Opcode.invalidateDevtabEntry, { DeviceID: (bus << 8) | low })),
  );
  issue(platform, [...commands, encodeCommand(Opcode.invalidateIommuAll)]);
}

function issue(platform: QemuPlatform, commands: readonly (readonly Word[])[]): void {
  const { qtest } = platform;
  for (let at = 0, page = 0; at < commands.length; at += COMMANDS_PER_PAGE, page ^= 1) {
    const batch = commands.slice(at, at + COMMANDS_PER_PAGE);
    writeEntries(platform, BUFFER + page, batch.map(image));
    const tail = (page * COMMANDS_PER_PAGE + batch.length) * COMMAND_BYTES;
    qtest.write64(ADDRESS + Register.commandTail, tail % (BUFFER_PAGES * PAGE_BYTES), 0);
    qtest.exchange();
  }
}
