/** Values of replies in words. */
import { NOWHERE, type Pattern } from "../../implementations/iommu/qemu/reproducer/lines.js";
import type { Word } from "../../model/trace.js";

function digits8(half: number): string {
  return (half >>> 0).toString(16).padStart(8, "0");
}

/** All 16 hexadecimal digits. */
export function digits16({ low, high }: Word): string {
  return digits8(high) + digits8(low);
}

/** `0x10`. */
export function showValue(value: Word): string {
  return `0x${digits16(value).replace(/^0+(?=.)/, "")}`;
}

/** What a look gave, with what that stands for. */
export function showSeen(value: Word, words: string): string {
  const number = digits16(value) === digits16(NOWHERE) && words !== "" ? "nowhere" : showValue(value);
  return words === "" ? number : `${number} (${words})`;
}

/** `0x10 under mask 0x70 (the queue has stopped)`. */
export function showPattern({ mask, value, words }: Pattern): string {
  const isWhole = (mask.low & mask.high) >>> 0 === 0xffffffff;
  const isHalf = mask.low >>> 0 === 0xffffffff && mask.high === 0;
  const under = isWhole || isHalf ? "" : ` under mask ${showValue(mask)}`;
  const number = digits16(value) === digits16(NOWHERE) && words !== "" ? "nowhere" : showValue(value);
  return `${number}${under}${words === "" ? "" : ` (${words})`}`;
}
