/**
 * The files that QEMU hands to the firmware of its guest (fw_cfg), read as firmware does: through the DMA interface, which
 * copies a file to memory. No processor has to run for that.
 */
import { readSync, writeSync } from "node:fs";
import { BreakdownError } from "../../../process/waiting.js";
import { PAGE_BYTES } from "../memory.js";
import type { QemuPlatform } from "./platform.js";

/** I/O ports of the address of a DMA descriptor, upper half first; writing the lower half starts the transfer. */
const ADDRESS_HIGH = 0x514;
const ADDRESS_LOW = 0x518;
const DIRECTORY_KEY = 0x19;
const DIRECTORY_ENTRY_BYTES = 64;
const NAME_BYTES = 56;
const Control = { error: 1, read: 2, select: 8 } as const;

const DESCRIPTOR_PAGE = 0x100;
const DATA_PAGE = 0x101;

/**
 * The contents of a file of the firmware configuration, such as `etc/acpi/tables`. QEMU makes the ACPI tables anew when
 * they are first read after a reset, with the bus numbers of that moment.
 * @throws ImplementationError when there is no such file
 */
export function firmwareFile(platform: QemuPlatform, name: string): Uint8Array {
  return platform.guard(() => {
    const count = Buffer.from(transfer(platform, DIRECTORY_KEY, 4)).readUInt32BE(0);
    const directory = Buffer.from(transfer(platform, DIRECTORY_KEY, 4 + count * DIRECTORY_ENTRY_BYTES));
    for (let at = 4; at < directory.length; at += DIRECTORY_ENTRY_BYTES) {
      const entry = directory.subarray(at, at + DIRECTORY_ENTRY_BYTES);
      if (text(entry.subarray(8, 8 + NAME_BYTES)) !== name) continue;
      return transfer(platform, entry.readUInt16BE(4), entry.readUInt32BE(0));
    }
    throw new BreakdownError("nonsense", `it hands no file ${name} to firmware`);
  });
}

/** Characters up to the first NUL. */
export function text(bytes: Uint8Array): string {
  const end = bytes.indexOf(0);
  return Buffer.from(end < 0 ? bytes : bytes.subarray(0, end)).toString("latin1");
}

function transfer({ qtest, memory }: QemuPlatform, key: number, length: number): Uint8Array {
  const descriptor = Buffer.alloc(16);
  descriptor.writeUInt32BE(key * 0x10000 + Control.select + Control.read, 0);
  descriptor.writeUInt32BE(length, 4);
  descriptor.writeUInt32BE(DATA_PAGE * PAGE_BYTES, 12);
  const address = DESCRIPTOR_PAGE * PAGE_BYTES;
  writeSync(memory, descriptor, 0, descriptor.length, address);
  qtest.out32(ADDRESS_HIGH, 0);
  qtest.out32(ADDRESS_LOW, Buffer.from(Uint32Array.of(address).buffer).readUInt32BE(0));
  qtest.exchange();
  readSync(memory, descriptor, 0, descriptor.length, address);
  if (descriptor.readUInt32BE(0) !== 0)
    throw new BreakdownError("nonsense", `it does not hand over item ${key}`);
  const bytes = new Uint8Array(length);
  readSync(memory, bytes, 0, length, DATA_PAGE * PAGE_BYTES);
  return bytes;
}
