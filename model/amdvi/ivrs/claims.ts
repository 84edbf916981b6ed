/** What the device entries of an IVHD say together, in their order (AMD-Vi 5.2.2.1). */
import type { TableFinding } from "../../acpi/firmware-table.js";
import { isA, placed, type Structure, type StructureOf } from "../../acpi/structure.js";
import { type RequesterId, showRequester } from "../../words/address.js";
import type { Rule } from "../../words/rule.js";
import { LAST_ID } from "./device-ids.js";
import * as layouts from "./layouts.js";
import * as rules from "./rules.js";

/** Devices that an entry, or the start and end of a range, gives to a unit. */
export interface Claim {
  /** Byte in the table at which its first entry begins. */
  readonly offset: number;
  readonly form: "all" | "one" | "range" | "acpi";
  readonly first: RequesterId;
  readonly last: RequesterId;
  /** The id that their requests carry, where it is another. */
  readonly alias: RequesterId | null;
  readonly atsDisabled: boolean;
}

type Special = StructureOf<typeof layouts.specialLayout>;
type AcpiDevice = StructureOf<typeof layouts.hidLayout>;

/** A structure with the byte in the table at which it begins. */
export interface Placed<One> {
  readonly offset: number;
  readonly structure: One;
}

export interface Entries {
  readonly claims: readonly Claim[];
  readonly specials: readonly Placed<Special>[];
  readonly acpiDevices: readonly Placed<AcpiDevice>[];
  /** What is wrong with ranges and with the order. */
  readonly findings: readonly TableFinding[];
}

/** The first half of a claim: what an entry says of the device that it names, and of those up to the end of a range. */
type Opening = Omit<Claim, "last" | "form"> & { readonly form: "one" | "range" };

/** What an entry says that is for one device or starts a range; null for other entries. */
function openingOf(entry: Structure, offset: number): Opening | null {
  const plain = { offset, alias: null, atsDisabled: false };
  if (isA(entry, layouts.selectLayout)) return { ...plain, form: "one", first: entry.values.deviceId };
  if (isA(entry, layouts.startLayout)) return { ...plain, form: "range", first: entry.values.deviceId };
  if (isA(entry, layouts.aliasSelectLayout) || isA(entry, layouts.aliasStartLayout)) {
    const { deviceId, alias } = entry.values;
    const form = isA(entry, layouts.aliasSelectLayout) ? "one" : "range";
    return { ...plain, form, first: deviceId, alias };
  }
  if (isA(entry, layouts.extendedSelectLayout) || isA(entry, layouts.extendedStartLayout)) {
    const { deviceId, atsDisabled } = entry.values;
    const form = isA(entry, layouts.extendedSelectLayout) ? "one" : "range";
    return { ...plain, form, first: deviceId, atsDisabled: atsDisabled === 1 };
  }
  return null;
}

/** Takes the entries of an IVHD one by one. */
class EntryReader implements Entries {
  readonly claims: Claim[] = [];
  readonly specials: Placed<Special>[] = [];
  readonly acpiDevices: Placed<AcpiDevice>[] = [];
  readonly findings: TableFinding[] = [];
  private open: Opening | null = null;

  take(entry: Structure, offset: number): void {
    if (isA(entry, layouts.endLayout)) {
      this.close(entry.values.deviceId, offset);
      return;
    }
    this.leaveOpen();
    const opening = openingOf(entry, offset);
    if (opening) this.begin(opening);
    else if (isA(entry, layouts.allLayout)) this.claimAll(offset);
    else if (isA(entry, layouts.specialLayout)) this.specials.push({ offset, structure: entry });
    else if (isA(entry, layouts.hidLayout)) this.takeAcpiDevice(entry, offset);
  }

  /** A range that no end follows gives nothing. Choice: nor does it if other entries come before the end. */
  leaveOpen(): void {
    if (this.open) this.wrong(rules.range, this.open.offset, `${this.name(this.open)} has no end`);
    this.open = null;
  }

  private begin(opening: Opening): void {
    if (opening.form === "range") this.open = opening;
    else this.claims.push({ ...opening, last: opening.first });
  }

  private close(last: RequesterId, offset: number): void {
    const { open } = this;
    this.open = null;
    if (!open)
      this.wrong(rules.range, offset, `the range that ends with ${showRequester(last)} has no start`);
    else if (last < open.first)
      this.wrong(rules.range, open.offset, `${this.name(open)} ends before, with ${showRequester(last)}`);
    else this.claims.push({ ...open, last });
  }

  private claimAll(offset: number): void {
    this.claims.push({ offset, form: "all", first: 0, last: LAST_ID, alias: null, atsDisabled: false });
  }

  private takeAcpiDevice(structure: AcpiDevice, offset: number): void {
    const { deviceId } = structure.values;
    this.acpiDevices.push({ offset, structure });
    this.claims.push({
      offset,
      form: "acpi",
      first: deviceId,
      last: deviceId,
      alias: null,
      atsDisabled: false,
    });
  }

  private name({ form, first }: Opening): string {
    return form === "one" ? `the entry of ${showRequester(first)}` : `the range from ${showRequester(first)}`;
  }

  private wrong(rule: Rule, offset: number, message: string): void {
    this.findings.push({ rule, offset, message });
  }
}

/** What the entries of an IVHD that begins at `offset` say. */
export function entriesOf(ivhd: layouts.Ivhd, offset: number): Entries {
  const reader = new EntryReader();
  for (const entry of placed(ivhd.parts, offset + ivhd.layout.bytes))
    reader.take(entry.structure, entry.offset);
  reader.leaveOpen();
  return reader;
}
