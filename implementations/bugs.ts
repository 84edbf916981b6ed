/** The bug library: every faulty variant of the reference IOMMU, of the drivers and of the platform software. */
import type { ArchitectureId } from "../model/profile.js";
import { builtInDrivers } from "./driver/built-in.js";
import type { DriverFactory } from "./driver/interface.js";
import { platformSoftware } from "./driver/platform/built-in.js";
import type { PlatformSoftware } from "./driver/platform/interface.js";
import { type Deviation, deviations } from "./iommu/reference/deviations.js";

interface BugFacts {
  /** As `--on` or `--driver` takes it. */
  readonly name: string;
  readonly architecture: ArchitectureId;
  readonly description: string;
  /** The rule that an IOMMU breaks; ids of the invariants that software breaks. */
  readonly breaks: readonly string[];
  /** Where it was published; none for one that was made up. */
  readonly sources: readonly string[];
  /** Steps of a smallest counterexample, and why no shorter one shows it. */
  readonly minimum: { readonly steps: number; readonly because: string };
}

/** A bug, with what has it. */
export type Bug =
  | (BugFacts & { readonly role: "iommu"; readonly deviation: Deviation })
  | (BugFacts & { readonly role: "driver"; readonly create: DriverFactory })
  | (BugFacts & { readonly role: "platform"; readonly software: PlatformSoftware });

const ofIommus = deviations.map((deviation): Bug => {
  const { id, architecture, description, rule, sources, minimum } = deviation;
  const name = `reference:${id}`;
  return { name, role: "iommu", architecture, description, breaks: [rule], sources, minimum, deviation };
});

const ofDrivers = builtInDrivers.flatMap(({ architecture, variants }) =>
  variants.map(
    ({ id, ...rest }): Bug => ({ ...rest, name: `${architecture}:${id}`, role: "driver", architecture }),
  ),
);

const ofPlatforms = platformSoftware.flatMap(({ architecture, name, variants }) =>
  variants.map(
    ({ id, ...rest }): Bug => ({ ...rest, name: `${name}:${id}`, role: "platform", architecture }),
  ),
);

/** Those of IOMMUs, then those of drivers, then those of platform software. */
export const bugs: readonly Bug[] = [...ofIommus, ...ofDrivers, ...ofPlatforms];

/** The bug of that name. @throws RangeError when there is none */
export function bugNamed(name: string): Bug {
  const found = bugs.find((one) => one.name === name);
  if (!found) throw new RangeError(`unknown bug "${name}"`);
  return found;
}
