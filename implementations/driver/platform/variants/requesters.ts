/** What goes wrong with who is who: requester ids, groups, units, and devices that come and go. */
import { isBridge } from "../../../../model/pci/topology.js";
import type { Declare, PlatformVariant } from "./variant.js";

export function requesterVariants(variant: Declare): PlatformVariant[] {
  return [
    variant(
      "group-split",
      "a device goes to a domain whoever has the others of its group",
      ["I15"],
      2,
      "two devices of a group and two domains: each has to be assigned",
      { splitsGroups: true },
    ),
    variant(
      "alias-not-programmed",
      "only a device's own requester id is programmed, not those that a bridge or a phantom function gives it",
      ["I17"],
      2,
      "a device has to be assigned, and something to be mapped that it should reach under the other id",
      { requesters: (_, ids) => ids.slice(0, 1) },
      ["Linux quirk_dma_func1_alias: Marvell 88SE91xx and others", "Linux: Xeon Phi x200 aliases"],
    ),
    variant(
      "alias-left",
      "when a device comes back, its aliases are left with what they had",
      ["I4"],
      3,
      "something has to be mapped, and a device with an alias assigned and released",
      { releasesOwnIdOnly: true },
      ["Linux 6.1.66: context entries of aliases"],
    ),
    variant(
      "release-stops-early",
      "a device keeps what it had as long as another one of its group has an owner",
      ["I4"],
      4,
      "something has to be mapped, two devices of a group assigned, and one of them released",
      { releasesWholeGroups: true },
      ["Xen XSA-386 (2021)"],
    ),
    variant(
      "released-to-host",
      "a device that comes back may use all of the host's memory",
      ["I6"],
      2,
      "a device comes back after it was assigned",
      { releasesToHost: true },
      ["Xen XSA-302 (2019)", "Xen XSA-306 (2019)"],
    ),
    variant(
      "virtual-function-off",
      "the requester id of a virtual function is one stride too high",
      ["I16"],
      2,
      "a virtual function has to be assigned, and something to be mapped that the next one then reaches",
      {
        requesters: ({ physical, self }, ids) =>
          physical === null || isBridge(self) || !self.sriov
            ? ids
            : ids.map((id) => (id + self.sriov!.vfStride) & 0xffff),
      },
    ),
    variant(
      "hot-plug-inherits",
      "what is unplugged is forgotten, and its entries stay for what is plugged in there next",
      ["I16"],
      3,
      "something has to be mapped, a device that can be unplugged assigned, and unplugged",
      { forgetsUnplugged: true },
    ),
    variant(
      "wrong-unit",
      "devices are programmed in the unit that takes the rest",
      ["I12"],
      0,
      "a device of another unit that has a reserved region loses it when translation is enabled",
      { usesRestUnit: true },
      ["Linux quirk_ioat_snb_local_iommu: Sandy Bridge IOAT"],
    ),
  ];
}
