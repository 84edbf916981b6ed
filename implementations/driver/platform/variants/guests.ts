/** What goes wrong between a guest's processors and its devices. */
import type { Declare, PlatformVariant } from "./variant.js";

export function guestVariants(variant: Declare): PlatformVariant[] {
  return [
    variant(
      "balloon-keeps-processors",
      "pages that a guest gives back are taken from its devices only",
      ["I17"],
      2,
      "pages have to be mapped and given back",
      { balloonsDevicesOnly: true },
    ),
    variant(
      "balloon-keeps-devices",
      "pages that a guest gives back are taken from its processors only",
      ["I1"],
      3,
      "pages have to be mapped and given back while the guest has a device",
      { balloonsProcessorOnly: true },
    ),
    variant(
      "remap-keeps-devices",
      "pages are exchanged for the guest's processors only",
      ["I1"],
      3,
      "pages have to be mapped and exchanged while the guest has a device",
      { remapsProcessorOnly: true },
    ),
  ];
}
