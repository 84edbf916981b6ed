/**
 * The protected memory registers (VT-d 11.4.8): the pages that they name, and what reads of them may show. They are plain
 * registers but for EPM and PRS.
 */
import { OutsideModel } from "../finding.js";
import type { Complaint } from "../windows/oracle.js";
import type { Protection } from "../windows/protection.js";
import type { Pages } from "../windows/unit.js";
import type { Coverage } from "../words/rule.js";
import { registerRules } from "./behaviour-rules.js";
import type { Platform } from "./profile.js";
import { Offset, type RegisterFile } from "./registers.js";

/** Fields of PMEN_REG. */
export const ProtectedMemoryBit = { enable: 0x80000000, status: 1 } as const;

/** Every half of the registers that say what is protected. */
const RANGE_OFFSETS = [
  Offset.PLMBASE,
  Offset.PLMLIMIT,
  Offset.PHMBASE,
  Offset.PHMBASE + 4,
  Offset.PHMLIMIT,
  Offset.PHMLIMIT + 4,
];

/** The pages that base and limit registers name: none, or those of one region or two. */
export function protectedPages(platform: Platform, file: RegisterFile): readonly Pages[] {
  const { protectsLow, protectsHigh } = platform;
  const pagesOfBlock = 2 ** (platform.protectedMemoryAlignment - 12);
  const low = { first: file.read(Offset.PLMBASE) >>> 12, last: file.read(Offset.PLMLIMIT) >>> 12 };
  const high = { first: pageIn(file, Offset.PHMBASE), last: pageIn(file, Offset.PHMLIMIT) };
  return [...(protectsLow ? [low] : []), ...(protectsHigh ? [high] : [])]
    .filter(({ first, last }) => first <= last)
    .map(({ first, last }) => ({ first, last: last + pagesOfBlock - 1 }));
}

function pageIn(file: RegisterFile, offset: number): number {
  return (file.read(offset) >>> 12) + file.read(offset + 4) * 0x100000;
}

/** The bits of half a register at `offset` that reads must show as they were written. */
export function tellingBits(platform: Platform, offset: number): number {
  const isHigh = offset === Offset.PHMBASE + 4 || offset === Offset.PHMLIMIT + 4;
  // 11.4.8.4: bits from HAW on may be there or not.
  return isHigh ? 2 ** (platform.hostAddressWidth - 32) - 1 : 0xffffffff;
}

export class ProtectedMemoryView {
  /** What the registers said when EPM was written. */
  private held: readonly number[] = [];

  constructor(
    private readonly platform: Platform,
    private readonly file: RegisterFile,
    private readonly protection: Protection,
    private readonly coverage: Coverage,
  ) {}

  /**
   * Software wrote half a register, which holds that now.
   * @throws OutsideModel where software does what 11.4.8 asks it not to
   */
  written(offset: number, step: number): void {
    if (offset === Offset.PMEN) this.enable(step);
    else if (RANGE_OFFSETS.includes(offset)) this.move(step);
  }

  private enable(step: number): void {
    const { protection, file, platform } = this;
    const on = file.read(Offset.PMEN) >>> 31 === 1;
    if (on === protection.isOn) return;
    if (protection.isPending(step))
      throw new OutsideModel("EPM is changed before PRS has followed (11.4.8.1)");
    this.held = this.ranges();
    protection.commanded(on ? protectedPages(platform, file) : null, step);
  }

  private move(step: number): void {
    const { protection } = this;
    if (!protection.isOn && !protection.isPending(step)) return;
    if (this.ranges().some((half, index) => half !== this.held[index]))
      throw new OutsideModel("a protected region is changed while it is enabled (11.4.8.2)");
  }

  private ranges(): number[] {
    return RANGE_OFFSETS.map((offset) => this.file.read(offset));
  }

  /** PMEN once the last command is done. */
  get settled(): number {
    const { enable, status } = ProtectedMemoryBit;
    return this.protection.isOn ? (enable | status) >>> 0 : 0;
  }

  /** Software read PMEN; null when it may show that, else what is wrong. */
  saw(value: number, mask: number, step: number): Complaint {
    const { enable, status } = ProtectedMemoryBit;
    const { protection } = this;
    const rule = registerRules.protectedMemory;
    const differs = (value ^ this.settled) & mask;
    this.coverage.hit(rule);
    if ((mask & status) !== 0 && (differs & status) === 0) protection.observed(step);
    if ((differs & enable) === 0 && ((differs & status) === 0 || protection.isPending(step))) return null;
    const message = `PMEN reads 0x${(value >>> 0).toString(16)}; once its command is done it reads 0x${this.settled.toString(16)}`;
    return { kind: "register", rules: [rule.id], message };
  }
}
