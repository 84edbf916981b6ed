/** What goes wrong with memory that firmware has devices use. */
import type { ReservedRegion } from "../../../../model/pci/platform.js";
import type { Declare, PlatformVariant } from "./variant.js";

/** A fault that is there when the operating system has taken over. */
const AT_ONCE = "whatever a device does meanwhile, and before anybody asks for anything";

/** Each region made into another one. */
function each(change: (region: ReservedRegion) => ReservedRegion) {
  return { reserved: (regions: readonly ReservedRegion[]) => regions.map(change) };
}

export function reservedVariants(variant: Declare): PlatformVariant[] {
  return [
    variant(
      "reserved-dropped",
      "reserved regions in the firmware table are not looked at",
      ["I12"],
      0,
      `the device loses its region when translation is enabled, ${AT_ONCE}`,
      { reserved: () => [] },
    ),
    variant(
      "reserved-for-everyone",
      "reserved regions are mapped for every device",
      ["I12"],
      0,
      `any other device reaches the region when translation is enabled, ${AT_ONCE}`,
      { reserved: (regions, functions) => regions.map((one) => ({ ...one, functions })) },
    ),
    variant(
      "reserved-one-page-short",
      "the end of a reserved region is taken to be behind it: one page fewer is mapped",
      ["I12"],
      0,
      `the last page is lost when translation is enabled, ${AT_ONCE}`,
      each((one) => ({ ...one, pages: one.pages - 1 })),
      ["Xen commit d41501fcf6 (2026)"],
    ),
    variant(
      "reserved-one-page-long",
      "the end of a reserved region is taken to be one page further: one page more is mapped",
      ["I2"],
      0,
      `where the region of another device follows, the device reaches it when translation is enabled, ${AT_ONCE}`,
      each((one) => ({ ...one, pages: one.pages + 1 })),
      ["Xen commit d41501fcf6 (2026)"],
    ),
    variant(
      "reserved-read-only",
      "reserved regions are mapped for reads only",
      ["I12"],
      0,
      `writes of the device are blocked when translation is enabled, ${AT_ONCE}`,
      each((one) => ({ ...one, kind: "unity", access: "r" })),
      ["Linux 5.4.7: ISA and RMRR regions"],
    ),
    variant(
      "reserved-assigned",
      "a device with a reserved region is given to a guest like any other",
      ["I12"],
      1,
      "until a device of its group is given away it has its region",
      { assignsReserved: true },
    ),
  ];
}

/** Those that need the flags of an IVMD. */
export function memoryBlockVariants(variant: Declare): PlatformVariant[] {
  return [
    variant(
      "unity-widened",
      "the rights of a unity mapping are lost on the way, and it gets both",
      ["I12"],
      0,
      `a device whose region is for reads can write to it when translation is enabled, ${AT_ONCE}`,
      each((one) => ({ ...one, access: "rw" })),
      ["Linux 5.8.14: IVMD flags overwritten"],
    ),
    variant(
      "exclusion-as-unity",
      "an exclusion range is mapped with the rights that its flags give, which are none",
      ["I12"],
      0,
      `the device loses the range when translation is enabled, ${AT_ONCE}`,
      { reserved: (regions) => regions.filter((one) => one.kind === "unity") },
    ),
  ];
}
