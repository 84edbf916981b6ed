/** What goes wrong when units are taken over. */
import type { Declare, PlatformVariant } from "./variant.js";

/** Why no step is needed. */
const LEFT = (what: string, then: string) =>
  `where firmware leaves ${what}, ${then} as soon as it is taken over`;
const TRANSLATING = "translation on";

export function handOverVariants(variant: Declare): PlatformVariant[] {
  return [
    variant(
      "second-unit-left",
      "of several units only the first is enabled",
      ["I12"],
      0,
      "devices of the other units reach everything when isolation is owed",
      { takesFirstUnitOnly: true },
    ),
    variant(
      "switched-off-at-hand-over",
      "translation is switched off while tables are exchanged",
      ["I2"],
      0,
      LEFT(TRANSLATING, "devices reach everything"),
      { switchesOff: true },
    ),
    variant(
      "old-root-kept",
      "where translation is on already, new tables are filled, and the old ones stay in force",
      ["I5"],
      0,
      LEFT(TRANSLATING, "the unit reads tables that are nobody's"),
      { keepsRoot: true },
    ),
    variant(
      "old-translations-kept",
      "what is cached of the tables before is not invalidated",
      ["I5"],
      0,
      LEFT(TRANSLATING, "the unit uses what it keeps of tables that are nobody's"),
      { skipsFlushAtTakeOver: true },
    ),
    variant(
      "domain-ids-reused",
      "domain ids are given out while translations of the system before are cached under them",
      ["I12"],
      0,
      LEFT(TRANSLATING, "devices with regions of their own reach each other's"),
      { reusesDomainIds: true },
    ),
    variant(
      "enabled-before-root",
      "translation is enabled before the new root or device table is in force",
      ["I14"],
      0,
      LEFT("a pointer to tables that let everything through", "devices reach what those tables say"),
      { enablesBeforeRoot: true },
    ),
  ];
}

/** Those of registers that AMD-Vi has. */
export function exclusionVariants(variant: Declare): PlatformVariant[] {
  return [
    variant(
      "exclusion-left-on",
      "the exclusion range that firmware has set is left as it is",
      ["I2"],
      0,
      LEFT("all memory excluded from translation", "devices reach all of it"),
      { leavesExclusion: true },
    ),
  ];
}

/** Those of registers that VT-d has. */
export function registerVariants(variant: Declare): PlatformVariant[] {
  return [
    variant(
      "protection-released-early",
      "protected memory is released before translation is on",
      ["I12"],
      0,
      LEFT("memory protected", "devices reach all of it"),
      { releasesProtectionFirst: true },
    ),
    variant(
      "levels-forgotten",
      "the root pointer is set by a command that repeats no bit in force: translation is off after it",
      ["I2"],
      0,
      LEFT(TRANSLATING, "devices reach everything"),
      { forgetsLevels: true },
      ["Linux 5.8.8: GCMD read-modify-write"],
    ),
    variant(
      "one-record-less",
      "the last fault recording register is never looked at",
      ["I19"],
      2,
      "a request has to be blocked and faults to be handled, where the unit has one register",
      { scansOneRecordLess: true },
      ["Xen commit 08826a044e"],
    ),
  ];
}
