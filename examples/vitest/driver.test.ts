/** A driver is a factory; this one comes with the suite as an example. */
import createDriver from "iommu-spec/examples/driver/minimal.mjs";
import { driverTests } from "iommu-spec/vitest";

driverTests("minimal driver", createDriver, { profiles: ["gm45", "skylake-sp"], scenarios: 200 });
