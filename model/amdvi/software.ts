/** AMD-Vi as the judge of software sees it. */
import { WindowsSoftware } from "../windows/software.js";
import { AmdViOracle } from "./oracle.js";
import type { AmdViPlatform } from "./profile.js";

export class AmdViSoftware extends WindowsSoftware<AmdViOracle> {
  constructor(platform: AmdViPlatform) {
    super(new AmdViOracle(platform));
  }
}
