/** Registers of a memory-mapped unit: declared layouts with access types, and what plain registers hold. */
import { type Field, field, fieldMask, ignored, type Layout, layout } from "./layout.js";

/**
 * Access types as the specifications print them: read-only, read-write, write-only, write 1 to clear, write 1 to set.
 * Bits of no field are reserved and read as zero.
 */
export type Access = "RO" | "RW" | "WO" | "RW1C" | "RW1S";

export interface Register {
  readonly name: string;
  /** Byte offset from the base of the registers. */
  readonly offset: number;
  readonly layout: Layout;
  readonly access: Readonly<Record<string, Access>>;
}

export type FieldRow = readonly [
  name: string,
  bits: string,
  access: Access,
  meaning: string,
  says?: Field["says"],
];

/** Declares a register of fields; bits between them are reserved. */
export function register(
  name: string,
  section: string,
  offset: number,
  width: 32 | 64 | 128,
  rows: readonly FieldRow[],
): Register {
  const fields = rows.map(([fieldName, bits, , meaning, says]) => {
    const one = field(fieldName, bits, meaning);
    return says ? { ...one, says } : one;
  });
  const gaps: string[] = [];
  let free = 0;
  for (const one of [...fields].sort((a, b) => a.low - b.low)) {
    if (one.low > free) gaps.push(`${one.low - 1}:${free}`);
    free = one.high + 1;
  }
  if (free < width) gaps.push(`${width - 1}:${free}`);
  return {
    name,
    offset,
    layout: layout(name, section, width, [...fields, ...gaps.map((bits) => ignored(bits))]),
    access: Object.fromEntries(rows.map(([fieldName, , access]) => [fieldName, access])),
  };
}

/** Name of the register that takes the byte at an offset; null where there is none. */
export function registerAt(
  registers: readonly Pick<Register, "name" | "offset" | "layout">[],
  offset: number,
): string | null {
  const isThere = (one: Pick<Register, "offset" | "layout">) =>
    offset >= one.offset && offset < one.offset + one.layout.width / 8;
  return registers.find(isThere)?.name ?? null;
}

/** What plain registers hold. Registers whose reads or writes do something have their own state beside it. */
export class RegisterFile {
  private readonly values: Uint32Array;
  private readonly writable: Uint32Array;
  private readonly clearable: Uint32Array;
  private readonly settable: Uint32Array;
  private readonly known: Uint8Array;

  constructor(registers: readonly Register[]) {
    const halves = Math.max(...registers.map((one) => one.offset + one.layout.width / 8)) / 4;
    this.values = new Uint32Array(halves);
    this.writable = new Uint32Array(halves);
    this.clearable = new Uint32Array(halves);
    this.settable = new Uint32Array(halves);
    this.known = new Uint8Array(halves);
    for (const one of registers) this.declare(one);
  }

  private declare({ offset, layout: of, access }: Register): void {
    for (let half = 0; half < of.width / 32; half++) this.known[offset / 4 + half] = 1;
    for (const [name, kind] of Object.entries(access)) {
      const masks = this.masksOf(kind);
      if (!masks) continue;
      fieldMask(of, name).forEach((word, index) => {
        const at = offset / 4 + index * 2;
        masks[at]! |= word.low;
        if (at + 1 < masks.length) masks[at + 1]! |= word.high;
      });
    }
  }

  private masksOf(kind: Access): Uint32Array | null {
    if (kind === "RW") return this.writable;
    if (kind === "RW1C") return this.clearable;
    return kind === "RW1S" ? this.settable : null;
  }

  /** Every register holds zero. */
  clear(): void {
    this.values.fill(0);
  }

  /** True when a register is declared at this 32-bit offset. */
  has(offset: number): boolean {
    return this.known[offset / 4] === 1;
  }

  /** Reads 32 bits; undeclared offsets read as zero. */
  read(offset: number): number {
    return this.values[offset / 4] ?? 0;
  }

  /** Software writes 32 bits: each field takes them as its access type says. */
  write(offset: number, value: number): void {
    const at = offset / 4;
    if (!this.has(offset)) return;
    const kept = this.values[at]! & ~this.writable[at]! & ~(value & this.clearable[at]!);
    this.values[at] = kept | (value & (this.writable[at]! | this.settable[at]!));
  }

  /** Hardware changes 32 bits, whatever their access type. */
  set(offset: number, value: number): void {
    this.values[offset / 4] = value;
  }
}
