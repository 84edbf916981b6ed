/** Structures of firmware tables with arbitrary contents, in reserved places too: what any bytes could be read as. */
import type { FieldValue, TableField } from "../../model/acpi/fields.js";
import type { Family, Structure, StructureLayout } from "../../model/acpi/structure.js";
import type { Chance } from "../../model/words/chance.js";

const MOST_PARTS = 5;
const MOST_TAIL = 12;

/** Weight out of 256 of a structure with something in reserved places, and of one of an unknown type. */
const ODD = 40;

/** Up to `most` arbitrary bytes. */
export function drawBytes(chance: Chance, most: number): Uint8Array {
  return Uint8Array.from({ length: chance.below(most + 1) }, () => chance.below(256));
}

function drawValue({ kind, low, high }: TableField, chance: Chance): FieldValue {
  const width = high - low + 1;
  if (kind === "wide") return (BigInt(chance.bits()) << 32n) | BigInt(chance.bits());
  if (kind === "number") return width === 32 ? chance.bits() : chance.bits() % 2 ** width;
  return String.fromCharCode(...Array.from({ length: width / 8 }, () => chance.below(256)));
}

/** A structure of the layout. Its type, if it has one, is one by which the layout is recognised. */
export function drawStructure(layout: StructureLayout, chance: Chance): Structure {
  const values: Record<string, FieldValue> = {};
  for (const field of layout.fields) {
    if (field.kind !== "length" && field.kind !== "reserved") values[field.name] = drawValue(field, chance);
  }
  if (layout.types.length > 0) values.type = layout.types[chance.below(layout.types.length)]!;
  return {
    layout,
    values,
    reserved: drawReserved(layout, chance),
    parts: layout.parts ? drawParts(layout.parts, chance) : [],
    rest: layout.tail ? drawBytes(chance, MOST_TAIL) : new Uint8Array(),
  };
}

function drawReserved({ reservedMask }: StructureLayout, chance: Chance): Uint8Array | null {
  if (!chance.happens(ODD)) return null;
  const bytes = reservedMask.map((mask) => mask & chance.below(256));
  return bytes.some((byte) => byte !== 0) ? bytes : null;
}

function drawParts(family: Family, chance: Chance): Structure[] {
  return Array.from({ length: chance.below(MOST_PARTS + 1) }, () => {
    if (chance.happens(ODD)) return drawUnknown(family, chance);
    return drawStructure(family.layouts[chance.below(family.layouts.length)]!, chance);
  });
}

/** A structure of a type that the family does not know. */
function drawUnknown(family: Family, chance: Chance): Structure {
  const drawn = drawStructure(family.head, chance);
  const known = family.layouts.flatMap((one) => one.types);
  let type = Number(drawn.values.type);
  while (known.includes(type)) type = (type + 7) & 0xff;
  return { ...drawn, values: { ...drawn.values, type } };
}
