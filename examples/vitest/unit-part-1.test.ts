import { iommuTests } from "iommu-spec/vitest";
import { MyUnit } from "./unit.js";

iommuTests("my unit, part 1 of 2", () => new MyUnit(), {
  profiles: ["gm45", "skylake-sp"],
  scenarios: 1000,
  part: { first: 0, every: 2 },
});
