import { iommuTests } from "iommu-spec/vitest";
import { MyUnit } from "./unit.js";

iommuTests("my unit, part 2 of 2", () => new MyUnit(), {
  profiles: ["gm45", "skylake-sp"],
  scenarios: 1000,
  part: { first: 1, every: 2 },
});
