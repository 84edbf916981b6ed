/** A bench for the VT-d driver. */
import { VtdOracle } from "../../../model/vtd/oracle.js";
import type { PlatformProfile } from "../../../model/vtd/profile.js";
import { contextEntryLayout, rootEntryLayout } from "../../../model/vtd/tables.js";
import { walkPlatformOf } from "../../../model/vtd/walk.js";
import { readField } from "../../../model/words/layout.js";
import type { DriverFactory } from "../interface.js";
import { type BenchSetup, DriverBench } from "../shared/testing.js";

export { type BenchSetup, deviceA, deviceB, deviceC } from "../shared/testing.js";

const ROOT = 0x2000;
const PAGES = { rootPage: ROOT, rootPages: 1, queuePage: 0x2001, statusPage: 0x2002, logPage: null };

export class Bench extends DriverBench {
  constructor(profile: PlatformProfile, setup: BenchSetup, create: DriverFactory) {
    const oracle = new VtdOracle(walkPlatformOf(profile));
    super(profile, setup, create, { oracle, pages: PAGES, leftover: { low: 0x3003, high: 0 } });
  }

  /** The domain id in the context entry of a requester. */
  domainIdOf(requester: number): number {
    const context = readField(rootEntryLayout, "CTP", this.pair(ROOT, (requester >>> 8) * 2));
    return readField(contextEntryLayout, "DID", this.pair(context, (requester & 0xff) * 2));
  }

  private pair(page: number, word: number) {
    return [this.word(page, word), this.word(page, word + 1)];
  }
}
