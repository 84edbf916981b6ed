/** What a DMAR must be like, as rules with names (VT-d chapter 8). */
import { commonRules } from "../../acpi/checks.js";
import type { Rule } from "../../words/rule.js";

const common = commonRules("dmar", "VT-d 8.1", "VT-d 8.2");

const rule = (id: string, section: string, statement: string): Rule => ({
  id: `dmar.${id}`,
  section: `VT-d ${section}`,
  statement,
});

/** The rules by the names under which the checks use them. */
export const dmar = {
  ...common,
  revision: rule("table.revision", "8.1", "the revision of the table is 1"),
  addressWidth: rule(
    "table.address-width",
    "8.1",
    "the host address width is one that machines have, and addresses stay below it",
  ),
  x2apicOptOut: rule("table.x2apic-opt-out", "8.1", "X2APIC_OPT_OUT is valid with INTR_REMAP only"),
  order: rule("structure.order", "8.2", "structures come in the order of their types"),

  noUnit: rule("drhd.missing", "8.1", "there is a remapping unit"),
  registers: rule("drhd.registers", "8.3", "a unit has registers: their address is not 0 or all ones"),
  registerAlignment: rule(
    "drhd.register-alignment",
    "8.3",
    "the address of registers is aligned to the size of the register set",
  ),
  registerOverlap: rule("drhd.register-overlap", "8.3", "no two units share registers"),
  includePciAll: rule(
    "drhd.include-pci-all",
    "8.3",
    // Choice: 8.3 does not demand it. It is said all the same, as nobody translates for what comes into no scope later.
    "a segment has a unit with INCLUDE_PCI_ALL: without one nothing translates for what is in no scope (advice)",
  ),
  includePciAllOnce: rule("drhd.include-pci-all-once", "8.3", "a segment has one unit with INCLUDE_PCI_ALL"),
  includePciAllLast: rule(
    "drhd.include-pci-all-last",
    "8.3",
    "the unit with INCLUDE_PCI_ALL comes behind all others of its segment",
  ),
  claimedTwice: rule("drhd.claimed-twice", "8.3", "a device is in the scope of one unit only"),

  path: rule("scope.path-length", "8.3.1", "a path has one {device, function} pair or more"),
  singlePath: rule(
    "scope.single-path",
    "8.3.1",
    "the path of an HPET, of a name-space device and of what is integrated is one {device, function} pair",
  ),
  hop: rule("scope.hop", "8.3.1", "a path has device numbers up to 31 and function numbers up to 7"),
  scopeType: rule("scope.type", "8.3.1", "a scope has only types of entries that are for its structure"),
  scopeFlags: rule(
    "scope.flags",
    "8.3.1",
    "flags of a scope entry are for endpoints and name-space devices of an SIDP",
  ),
  enumerationId: rule(
    "scope.enumeration-id",
    "8.3.1",
    "an enumeration id is for interrupt sources and name-space devices",
  ),
  sourceTwice: rule("scope.source-twice", "8.3.1.1", "an I/O APIC or HPET is in the scope of one unit"),
  undeclaredDevice: rule(
    "scope.namespace-device",
    "8.3.1.3",
    "a name-space device in a scope is declared by an ANDD",
  ),

  rmrrBase: rule("rmrr.base", "8.4", "the base of a reserved region is aligned to 4 KiB"),
  rmrrLimit: rule(
    "rmrr.limit",
    "8.4",
    "the limit of a reserved region is above its base, its size a multiple of 4 KiB",
  ),
  rmrrOverlap: rule("rmrr.overlap", "8.4", "reserved regions do not overlap"),
  rmrrScope: rule("rmrr.scope", "8.4", "a reserved region is for one device or more"),

  atsrAllPorts: rule("atsr.all-ports", "8.5", "an ATSR with ALL_PORTS has no scope"),
  rhsaUnit: rule("rhsa.unit", "8.6", "an RHSA is of a unit that a DRHD reports"),
  rhsaOnce: rule("rhsa.once", "8.6", "a unit has one RHSA"),
  anddName: rule("andd.name", "8.7", "the object name is ASCII, and ends with NUL"),
  anddNumber: rule("andd.number", "8.7", "ACPI device numbers are unique"),
  satcOnce: rule("satc.once", "8.8", "one SATC lists all devices of a segment with the same flags"),

  leadsNowhere: rule("scope.path", "8.3.1", "a path leads to a function"),
  startBus: rule("scope.start-bus", "8.3.1", "a path starts on a bus that a host bridge opens"),
  kind: rule(
    "scope.kind",
    "8.3.1",
    "the type of a scope entry is that of the function to which its path leads",
  ),
  virtualFunction: rule(
    "scope.virtual-function",
    "8.3.3",
    "virtual functions go with their physical function",
  ),
  atsrPort: rule("atsr.root-port", "8.5", "an ATSR lists root ports"),
  integrated: rule("scope.integrated", "8.8", "an SATC and an SIDP list devices that are integrated"),
  rmrrUncovered: rule("rmrr.covered", "8.4", "devices with reserved regions are in the scope of a unit"),
  uncovered: rule("drhd.coverage", "8.3", "every function is in the scope of a unit"),
} as const satisfies Record<string, Rule>;

export const dmarRules: readonly Rule[] = Object.values(dmar);
