/** Layouts of the DMA Remapping Reporting table (VT-d 8.1 to 8.9). */
import { bits, length, number, reserved, reservedBits, wide } from "../../acpi/fields.js";
import { hexBytes, quoted } from "../../acpi/show.js";
import { declare, type Family, type StructureOf } from "../../acpi/structure.js";
import { headerFields } from "../../acpi/table.js";

/** Types of device scope entries. */
export const ScopeType = {
  endpoint: 1,
  /** The bridge with everything below it. */
  subHierarchy: 2,
  ioApic: 3,
  hpet: 4,
  /** A device that the ACPI name space declares. */
  namespaceDevice: 5,
} as const;

const SCOPE_NAMES = [
  "?",
  "endpoint",
  "sub-hierarchy",
  "IOAPIC",
  "MSI-capable HPET",
  "ACPI name-space device",
];
const scopeName = (type: number) => `${type} (${SCOPE_NAMES[type] ?? "?"})`;

/** A {device, function} pair of a path. */
export interface Hop {
  readonly device: number;
  readonly function: number;
}

/** The whole pairs of a path. */
export function hopsOf(path: Uint8Array): Hop[] {
  const pairs = Math.floor(path.length / 2);
  return Array.from({ length: pairs }, (_, index) => ({
    device: path[2 * index]!,
    function: path[2 * index + 1]!,
  }));
}

/** The bytes of a path. */
export function bytesOfHops(hops: readonly Hop[]): Uint8Array {
  return Uint8Array.from(hops.flatMap((one) => [one.device, one.function]));
}

function showPath(path: Uint8Array): string {
  if (path.length % 2 !== 0) return hexBytes(path);
  const hex = (value: number) => value.toString(16).padStart(2, "0");
  return hopsOf(path)
    .map((one) => `${hex(one.device)}.${one.function.toString(16)}`)
    .join(" ");
}

const scopeFlags = "of the SIDP only";

export const scopeLayout = declare(
  "device scope",
  "VT-d 8.3.1",
  Object.values(ScopeType),
  [
    number("type", 0, 1, "what the path leads to", scopeName),
    length(1, 1),
    bits("noNested", 2, "0", `no nested translation for requests without PASID; ${scopeFlags}`),
    bits("noPwsnp", 2, "1", `PWSNP must be clear for requests without PASID; ${scopeFlags}`),
    bits("noPgsnp", 2, "2", `PGSNP and SNP must be clear for requests without PASID; ${scopeFlags}`),
    bits("atcHardened", 2, "3", `the address translation cache is validated; ${scopeFlags}`),
    bits("atcRequired", 2, "4", `the device needs its address translation cache; ${scopeFlags}`),
    reservedBits(2, "7:5"),
    reserved(3, 1),
    number("enumerationId", 4, 1, "I/O APIC id, HPET number, or ACPI device number"),
    number("startBus", 5, 1, "bus that the path begins on", (bus) => bus.toString(16).padStart(2, "0")),
  ],
  { tail: { name: "path", show: showPath } },
);
export type Scope = StructureOf<typeof scopeLayout>;

const scopes: Family = {
  name: "device scope entry",
  head: declare(
    "device scope",
    "VT-d 8.3.1",
    [],
    [number("type", 0, 1, "not known", scopeName), length(1, 1)],
    { tail: { name: "bytes", show: hexBytes } },
  ),
  layouts: [scopeLayout],
};

const type = number("type", 0, 2, "of the remapping structure");
const segment = number("segment", 6, 2, "PCI segment");

export const drhdLayout = declare(
  "DRHD",
  "VT-d 8.3",
  [0],
  [
    type,
    length(2, 2),
    bits("includePciAll", 4, "0", "translates for what no other unit of the segment has in its scope"),
    reservedBits(4, "7:1"),
    bits("size", 5, "3:0", "N: the registers take 2^N pages"),
    reservedBits(5, "7:4"),
    segment,
    wide("registerBase", 8, "address of the registers"),
  ],
  { parts: scopes },
);
export type Drhd = StructureOf<typeof drhdLayout>;

export const rmrrLayout = declare(
  "RMRR",
  "VT-d 8.4",
  [1],
  [
    type,
    length(2, 2),
    reserved(4, 2),
    segment,
    wide("base", 8, "first address of the region"),
    wide("limit", 16, "last address of the region"),
  ],
  { parts: scopes },
);
export type Rmrr = StructureOf<typeof rmrrLayout>;

export const atsrLayout = declare(
  "ATSR",
  "VT-d 8.5",
  [2],
  [
    type,
    length(2, 2),
    bits("allPorts", 4, "0", "every root port of the segment supports ATS"),
    reservedBits(4, "7:1"),
    reserved(5, 1),
    segment,
  ],
  { parts: scopes },
);
export type Atsr = StructureOf<typeof atsrLayout>;

export const rhsaLayout = declare(
  "RHSA",
  "VT-d 8.6",
  [3],
  [
    type,
    length(2, 2),
    reserved(4, 4),
    wide("registerBase", 8, "address of the unit's registers"),
    number("proximityDomain", 16, 4, "memory that is near the unit"),
  ],
);

export const anddLayout = declare(
  "ANDD",
  "VT-d 8.7",
  [4],
  [type, length(2, 2), reserved(4, 3), number("deviceNumber", 7, 1, "ACPI device number")],
  { tail: { name: "objectName", show: (rest) => quoted(String.fromCharCode(...rest)) } },
);

export const satcLayout = declare(
  "SATC",
  "VT-d 8.8",
  [5],
  [
    type,
    length(2, 2),
    bits("atcRequired", 4, "0", "the devices need their address translation caches"),
    reservedBits(4, "7:1"),
    reserved(5, 1),
    segment,
  ],
  { parts: scopes },
);

export const sidpLayout = declare("SIDP", "VT-d 8.9", [6], [type, length(2, 2), reserved(4, 2), segment], {
  parts: scopes,
});

const remappingStructures: Family = {
  name: "remapping structure",
  head: declare("remapping structure", "VT-d 8.2", [], [type, length(2, 2)], {
    tail: { name: "bytes", show: hexBytes },
  }),
  layouts: [drhdLayout, rmrrLayout, atsrLayout, rhsaLayout, anddLayout, satcLayout, sidpLayout],
};

export const dmarLayout = declare(
  "DMAR",
  "VT-d 8.1",
  [],
  [
    ...headerFields,
    number("addressWidth", 36, 1, "host address width", (value) => `${value + 1} bits`),
    bits("interruptRemapping", 37, "0", "the platform supports interrupt remapping"),
    bits("x2apicOptOut", 37, "1", "firmware asks software not to use x2APIC mode"),
    bits("optIn", 37, "2", "until hand-over, firmware has devices use reserved regions only"),
    reservedBits(37, "7:3"),
    reserved(38, 10),
  ],
  { parts: remappingStructures },
);
export type Dmar = StructureOf<typeof dmarLayout>;
