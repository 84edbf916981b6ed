/** What goes wrong with recorded faults, and with devices behind no unit. */
import type { Declare, PlatformVariant } from "./variant.js";

export function containmentVariants(variant: Declare): PlatformVariant[] {
  return [
    variant(
      "bounce-skipped",
      "a device behind no unit is told the page that was lent to it, not a bounce page",
      ["I18"],
      1,
      "a page has to be lent",
      { lendsPageItself: true },
    ),
    variant(
      "overflow-left",
      "when a fault was lost, fault recording is not started again",
      ["I19"],
      4,
      "a storm has to be handled, and a request to be blocked after it and handled again",
      { leavesOverflow: true },
      ["Linux 5.16.13: event log restart"],
    ),
    variant(
      "latest-fault-only",
      "of several recorded faults only the latest is reported",
      ["I19"],
      2,
      "several requests have to be blocked and faults to be handled",
      { reportsLatestOnly: true },
    ),
    variant(
      "never-contained",
      "devices fault as often as they like",
      ["I19"],
      2,
      "a storm has to be handled",
      { neverContains: true },
    ),
    variant(
      "others-disabled",
      "with a device that faults too often, the others of its unit are disabled",
      ["I19"],
      2,
      "a storm has to be handled",
      { disablesOthers: true },
    ),
  ];
}
