/**
 * Scenarios for platform software as plain data: the machine, how firmware leaves it behind, and what is asked of the
 * operating system's platform layer and done by devices. Checked on the way in; they round-trip through JSON.
 */
import * as t from "io-ts";
import { checked, name, oneOf, page, range } from "../codec.js";
import { platformCodec } from "./platform-codec.js";

export const platformStepCodec = t.union(
  [
    /** The device is to go to the owner of the domain. */
    t.strict({ do: t.literal("assign"), device: name, domain: name }),
    /** The device comes back. */
    t.strict({ do: t.literal("release"), device: name }),
    /** The guest of a domain gets pages, for its processors and its devices. Processors cannot write without reading. */
    t.strict({
      do: t.literal("map"),
      mapping: name,
      domain: name,
      iova: page,
      page,
      pages: range(1, 512),
      access: oneOf("r", "rw"),
    }),
    /** The guest gives the pages of a mapping back. */
    t.strict({ do: t.literal("unmap"), mapping: name }),
    /** A mapping gets other host pages. */
    t.strict({ do: t.literal("remap"), mapping: name, page }),
    /** A page is lent to a device behind no unit. */
    t.strict({ do: t.literal("lend"), device: name, page }),
    /** A request of a device, under one of the ids that its requests may carry. */
    t.strict({
      do: t.literal("dma"),
      device: name,
      as: range(0, 0xff),
      iova: page,
      type: oneOf("read", "write", "atomic", "zero-length-read"),
    }),
    /** A function that is absent comes, with all that is below it. */
    t.strict({ do: t.literal("plug"), device: name }),
    /** It goes. */
    t.strict({ do: t.literal("unplug"), device: name }),
    /** VF Enable with NumVFs; 0 disables virtual functions. Those that were enabled before go first. */
    t.strict({ do: t.literal("enable-vfs"), device: name, count: range(0, 64) }),
    /** A device makes requests for addresses that nobody has given it. */
    t.strict({ do: t.literal("storm"), device: name, count: range(1, 400) }),
    t.strict({ do: t.literal("handle-faults") }),
    /** Another operating system takes over from the one that runs, which hears nothing of it. */
    t.strict({ do: t.literal("hand-over") }),
  ],
  "a step of a known kind",
);

export const platformScenarioCodec = t.strict({
  format: t.literal("iommu-spec platform scenario 1"),
  architecture: oneOf("vtd", "amdvi"),
  profile: t.string,
  invalidation: oneOf("queue", "registers"),
  /** Seed of what the hardware leaves to chance. */
  timing: range(0, 0xffffffff),
  /** How firmware leaves the machine behind. */
  leaves: oneOf("off", "protected", "translating", "stale"),
  /** The machine with everything that is ever plugged in; virtual functions as they are at first. */
  platform: platformCodec,
  /** Functions that are not there at first, each with all that is below it. */
  absent: t.array(name),
  steps: t.array(platformStepCodec, "a list of steps"),
});

export type PlatformStep = t.TypeOf<typeof platformStepCodec>;
export type PlatformScenario = t.TypeOf<typeof platformScenarioCodec>;

/**
 * A scenario from its parsed JSON.
 * @throws ScenarioError naming the first place that does not fit
 */
export function platformScenarioFrom(data: unknown): PlatformScenario {
  return checked(platformScenarioCodec, data);
}
