/**
 * Firmware whose only purpose is that the processor does nothing: no memory is touched and no interrupt, not
 * even one that cannot be masked and that the IOMMU was made to send, brings it back.
 */

const SIZE = 0x10000;
const RESET_VECTOR = 0xfff0;
const CODE = 0xe000;
const TABLE_POINTER = 0xe080;
const TABLE = 0xe100;
const VECTORS = 256;

/** Where the last 64 KiB of the firmware appear in low memory, as a real-mode segment and as an address. */
const SEGMENT = 0xf000;
const SEGMENT_ADDRESS = 0xf0000;

/** Code that sets a stack (in read-only memory) and an interrupt table, and then halts for ever. */
const setUp = [
  ...[0xb8, ...word(SEGMENT)], // mov ax, SEGMENT
  ...[0x8e, 0xd0], // mov ss, ax
  ...[0xbc, ...word(0x8000)], // mov sp, 8000h
  ...[0x2e, 0x0f, 0x01, 0x1e, ...word(TABLE_POINTER)], // lidt cs:[TABLE_POINTER]
];
const halt = [0xfa, 0xf4, 0xeb, 0xfd]; // cli; hlt; jmp to the hlt

/** The firmware image: 64 KiB that end below 4 GiB. */
export function firmware(): Uint8Array {
  const image = new Uint8Array(SIZE);
  const handler = CODE + setUp.length;
  image.set([0xe9, ...word(CODE - (RESET_VECTOR + 3))], RESET_VECTOR); // jmp CODE
  image.set([...setUp, ...halt], CODE);
  image.set(
    [...word(4 * VECTORS - 1), ...word(SEGMENT_ADDRESS + TABLE), SEGMENT_ADDRESS >>> 16, 0],
    TABLE_POINTER,
  );
  for (let vector = 0; vector < VECTORS; vector++) {
    image.set([...word(handler), ...word(SEGMENT)], TABLE + 4 * vector);
  }
  return image;
}

function word(value: number): [number, number] {
  return [value & 0xff, (value >>> 8) & 0xff];
}
