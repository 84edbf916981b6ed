/** Random topologies and platforms for fast-check. */
import type fc from "fast-check";
import type { FirmwarePlatform } from "../../model/pci/platform.js";
import type { Topology } from "../../model/pci/topology.js";
import type { ArchitectureId } from "../../model/profile.js";
import { platformCodec, topologyCodec } from "../platform/platform-codec.js";
import { SeededArbitrary } from "../seeded-arbitrary.js";
import { generatePlatform } from "./platform.js";
import { simplerPlatforms, simplerTopologies } from "./shrink.js";
import { generateTopology, type TopologyOptions } from "./topology.js";

/**
 * Topologies that {@link generateTopology} draws, shrunk by {@link simplerTopologies}.
 *
 * @example
 * fc.assert(fc.property(topologyArbitrary(), (topology) => isolationGroups(topology).length > 0));
 */
export function topologyArbitrary(options: Partial<TopologyOptions> = {}): fc.Arbitrary<Topology> {
  return new SeededArbitrary({
    draw: (seed) => generateTopology(seed, options),
    is: (value): value is Topology => topologyCodec.is(value),
    simpler: simplerTopologies,
  });
}

/** Platforms that {@link generatePlatform} draws, shrunk by {@link simplerPlatforms}. */
export function platformArbitrary(
  architecture: ArchitectureId,
  options: Partial<TopologyOptions> = {},
): fc.Arbitrary<FirmwarePlatform> {
  return new SeededArbitrary({
    draw: (seed) => generatePlatform(seed, architecture, options),
    is: (value): value is FirmwarePlatform => platformCodec.is(value),
    simpler: simplerPlatforms,
  });
}
