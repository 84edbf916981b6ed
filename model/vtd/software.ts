/** VT-d as the judge of software sees it. */
import { WindowsSoftware } from "../windows/software.js";
import { VtdOracle } from "./oracle.js";
import type { WalkPlatform } from "./walk.js";

export class VtdSoftware extends WindowsSoftware<VtdOracle> {
  constructor(platform: WalkPlatform) {
    super(new VtdOracle(platform));
  }
}
