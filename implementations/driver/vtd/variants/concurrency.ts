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
    "queue-unlocked",
    "The lock is given back while invalidations are submitted: one descriptor overwrites another",
    ["I17"],
    2,
    "attach and two maps at the same time in caching mode; else attach, map of two pages, two unmaps at the same time",
    { flushesUnlocked: true },
  ),
];
