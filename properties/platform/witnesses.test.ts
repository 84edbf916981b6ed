import { describe, expect, it } from "vitest";
import { defaultPlatformOptions } from "../../generators/platform/generate.js";
import { platformSoftware } from "../../implementations/driver/platform/built-in.js";
import { type PlatformWitness, platformWitnessShares } from "./witnesses.js";

const RUNS = 300;
/** What every share has to be above where nothing else is said. */
const FLOOR = 0.05;
const FLOORS: Partial<Record<PlatformWitness, number>> = { others: 0.015, flood: 0.003, "shared-id": 0.03 };

describe.each(platformSoftware.map((one) => [one.name, one] as const))(
  "generated platform scenarios of %s",
  (_, { architecture, software }) => {
    const shares = platformWitnessShares(software, RUNS, defaultPlatformOptions(architecture));
    const reachable = [...shares].filter(([one]) => architecture === "vtd" || one !== "left-protected");
    if (process.env.SHOW) console.log(architecture, Object.fromEntries(shares));
    it.each(reachable)("reach %s", (witness, share) => {
      expect(share).toBeGreaterThan(FLOORS[witness] ?? FLOOR);
    });
  },
);
