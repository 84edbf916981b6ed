/** Host permission table entries, which say what translated requests may do (VT-d 9.12). */
import { address, field, ignored, type Layout, layout, reserved } from "../words/layout.js";
import { saying } from "../words/shown-fields.js";
import type { Platform } from "./profile.js";

const RIGHTS = { 0: "nothing here", 1: "reads", 2: "writes", 3: "reads and writes" };

/** `count` permissions of four bits, of which the upper two are reserved. */
function permissions(count: number) {
  return Array.from({ length: count }, (_, at) => [
    saying(field<Platform>(`PP${at}`, `${4 * at + 1}:${4 * at}`, `page permission ${at}`), RIGHTS),
    reserved<Platform>(`${4 * at + 3}:${4 * at + 2}`),
  ]).flat();
}

const pointer = [
  field<Platform>("AV", "64", "the address is valid"),
  reserved<Platform>("75:65"),
  address<Platform>("ADDR", "115:76", "next table"),
  ignored<Platform>("127:116"),
];

/** By level, from 1 on. */
export const permissionLayouts: readonly Layout<Platform>[] = [
  layout("HPTL1E", "9.12.4", 128, permissions(32)),
  layout("HPTL2E", "9.12.3", 128, [...permissions(16), ...pointer]),
  layout("HPTL3E", "9.12.2", 128, [...permissions(8), reserved("63:32"), ...pointer]),
  layout("HPTL4E", "9.12.1", 128, [reserved("63:0"), ...pointer]),
];
