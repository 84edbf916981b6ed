/** The structures of a DMAR with the places where they are. */
import type { TableFinding } from "../../acpi/firmware-table.js";
import { isA, placed, type Structure, type StructureLayout, type StructureOf } from "../../acpi/structure.js";
import type { Rule } from "../../words/rule.js";
import {
  atsrLayout,
  type Dmar,
  dmarLayout,
  drhdLayout,
  rmrrLayout,
  type Scope,
  satcLayout,
  scopeLayout,
  sidpLayout,
} from "./layouts.js";

/** A structure, and the byte of the table at which it begins. */
export interface Placed<One extends Structure> {
  readonly offset: number;
  readonly structure: One;
}

/** A remapping structure with the entries of its device scope; those of unknown types are left out. */
export interface Part<One extends Structure = Structure> extends Placed<One> {
  readonly scopes: readonly Placed<Scope>[];
}

/** A remapping structure that speaks of devices of a segment. */
export interface Owner extends Part {
  readonly segment: number;
}

const OWNERS: readonly StructureLayout[] = [drhdLayout, rmrrLayout, atsrLayout, satcLayout, sidpLayout];

/** The remapping structures of a table. */
export class DmarParts {
  readonly all: readonly Part[];
  /** Those with a device scope. */
  readonly owners: readonly Owner[];

  constructor(readonly table: Dmar) {
    this.all = placed(table.parts, dmarLayout.bytes).map(({ offset, structure }) => ({
      offset,
      structure,
      scopes: scopesIn(structure, offset),
    }));
    this.owners = this.all
      .filter(({ structure }) => OWNERS.includes(structure.layout))
      .map((one) => ({ ...one, segment: Number(one.structure.values.segment) }));
  }

  /** Those of one layout. */
  of<Layout extends StructureLayout>(layout: Layout): Part<StructureOf<Layout>>[] {
    return this.all.flatMap(({ structure, ...where }) =>
      isA(structure, layout) ? [{ ...where, structure }] : [],
    );
  }
}

function scopesIn({ layout, parts }: Structure, offset: number): Placed<Scope>[] {
  return placed(parts, offset + layout.bytes).flatMap(({ offset: at, structure }) =>
    isA(structure, scopeLayout) ? [{ offset: at, structure }] : [],
  );
}

/** A finding about the structure that begins at `offset`. */
export function finding(rule: Rule, { offset }: { readonly offset: number }, message: string): TableFinding {
  return { rule, offset, message };
}

export const hex = (value: number | bigint) => `0x${value.toString(16)}`;
