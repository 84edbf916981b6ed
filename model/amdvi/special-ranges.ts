/** Address ranges with a meaning of their own: interrupts, and the HyperTransport ranges (AMD-Vi 2.1.2). */
import { fieldMask } from "../words/layout.js";
import type { AmdViFeatures } from "./profile.js";
import { type AmdViFaultRule, faultRules } from "./rules.js";
import { deviceTableEntryLayout } from "./tables.js";

/** First and last page of the interrupt address range FEE0_0000h to FEEF_FFFFh. */
export const INTERRUPT_RANGE_FIRST_PAGE = 0xfee00;
export const INTERRUPT_RANGE_LAST_PAGE = 0xfeeff;

export function inInterruptRange(page: number): boolean {
  return page >= INTERRUPT_RANGE_FIRST_PAGE && page <= INTERRUPT_RANGE_LAST_PAGE;
}

/** First and last page of the HyperTransport ranges FD_0000_0000h to FF_FFFF_FFFFh. */
export const HYPERTRANSPORT_FIRST_PAGE = 0xfd00000;
export const HYPERTRANSPORT_LAST_PAGE = 0xfffffff;

export function inHyperTransportRanges(platform: AmdViFeatures, page: number): boolean {
  const inRanges = page >= HYPERTRANSPORT_FIRST_PAGE && page <= HYPERTRANSPORT_LAST_PAGE;
  return inRanges && !platform.ignoresHyperTransportRanges;
}

/** A HyperTransport range whose requests a field of the device table entry, or the range's nature, blocks. */
interface SpecialRange {
  readonly first: number;
  readonly last: number;
  /** The field in bits 127:96 of the device table entry: 0 blocks requests. Null when they are always blocked. */
  readonly control: { readonly mask: number; readonly translates: number } | null;
  readonly rule: AmdViFaultRule;
}

/** A field of two bits, and its value that has requests translated like any other. */
function control(name: "IoCtl" | "SysMgt", translates: number): SpecialRange["control"] {
  const mask = fieldMask(deviceTableEntryLayout, name)[1]!.high;
  return { mask, translates: (mask & -mask) * translates };
}

const blockedRanges: readonly SpecialRange[] = [
  { first: 0xfd00000, last: 0xfdf7fff, control: null, rule: faultRules.reservedInterruptRange },
  { first: 0xfdf9100, last: 0xfdf91ff, control: control("SysMgt", 3), rule: faultRules.systemManagement },
  { first: 0xfdfc000, last: 0xfdfdfff, control: control("IoCtl", 2), rule: faultRules.portIo },
];

/** What becomes of requests to a page because of a special range: `memory` when it is an ordinary one. */
export type RangeDecision = "memory" | "forwarded" | AmdViFaultRule;

/**
 * What a special range does to requests to this page; a rule is the check that they may fail, depending on their type.
 * Choice: of the HyperTransport ranges that nothing blocks, requests are forwarded to what is no memory.
 * @param high2 bits 127:96 of a valid device table entry
 */
export function rangeDecision(platform: AmdViFeatures, page: number, high2: number): RangeDecision {
  if (inInterruptRange(page)) return faultRules.interruptRange;
  if (!inHyperTransportRanges(platform, page)) return "memory";
  const found = blockedRanges.find((one) => page >= one.first && page <= one.last);
  if (!found) return "forwarded";
  const value = found.control ? high2 & found.control.mask : 0;
  if (value === 0) return found.rule;
  return value === found.control!.translates ? "memory" : "forwarded";
}
