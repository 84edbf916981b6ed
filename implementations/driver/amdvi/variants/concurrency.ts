/** Variants in which two CPUs get in each other's way. */
import { variant } from "./variant.js";

export const concurrencyVariants = [
  variant(
    "no-lock",
    "Intents of two CPUs are carried out at the same time, without a lock",
    ["I17"],
    2,
    "attach, two maps at the same time that need the same table",
    { takesNoLock: true },
    ["Xen XSA-379 (2021)"],
  ),
  variant(
    "commands-unlocked",
    "The lock is given back while commands are submitted: one overwrites another",
    ["I17"],
    2,
    "attach and two maps at the same time where not-present entries are cached; else attach, map of two pages, two unmaps at the same time",
    { flushesUnlocked: true },
    ["CVE-2026-43220, Linux 6.12.88"],
  ),
];
