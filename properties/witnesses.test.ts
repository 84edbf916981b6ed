import { describe, expect, it } from "vitest";
import { defaultOptions } from "../generators/generate.js";
import { ReferenceIommu } from "../implementations/iommu/reference/reference.js";
import { architectures } from "../model/architectures.js";
import { witnessShares } from "./witnesses.js";

const RUNS = 3000;

describe.each(architectures.map((one) => [one.name, one.id] as const))(
  "generated scenarios of %s",
  (_, id) => {
    const shares = witnessShares(new ReferenceIommu(), RUNS, defaultOptions(id));

    it.each([...shares])("reach %s", (_, share) => {
      expect(share).toBeGreaterThan(0);
    });
  },
);
