import { describe, expect, it } from "vitest";
import { ReferenceIommu } from "../implementations/iommu/reference/reference.js";
import { witnessShares } from "./witnesses.js";

const RUNS = 3000;

describe("generated scenarios", () => {
  const shares = witnessShares(new ReferenceIommu(), RUNS);

  it.each([...shares])("reach %s", (_, share) => {
    expect(share).toBeGreaterThan(0);
  });
});
