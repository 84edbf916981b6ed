/** A bench for the AMD-Vi driver. */
import { AmdViOracle } from "../../../model/amdvi/oracle.js";
import { type AmdViProfile, platformOf } from "../../../model/amdvi/profile.js";
import {
  DEVICE_TABLE_ENTRY_WORDS,
  deviceTableEntryAt,
  deviceTableEntryLayout,
} from "../../../model/amdvi/tables.js";
import { decode } from "../../../model/words/layout.js";
import type { DriverFactory } from "../interface.js";
import { type BenchSetup, DriverBench } from "../shared/testing.js";

export { deviceA, deviceB } from "../shared/testing.js";

const ROOT = 0x2000;
const PAGES = { rootPage: ROOT, rootPages: 3, queuePage: 0x2003, statusPage: 0x2004, logPage: 0x2005 };

export type AmdViBenchSetup = Omit<BenchSetup, "invalidation">;

export class Bench extends DriverBench {
  constructor(profile: AmdViProfile, setup: AmdViBenchSetup, create: DriverFactory) {
    const oracle = new AmdViOracle(platformOf(profile));
    // PR = 1, IR = IW = 1.
    const leftover = { low: 0x3001, high: 0x60000000 };
    super(profile, { ...setup, invalidation: "queue" }, create, { oracle, pages: PAGES, leftover });
  }

  domainIdOf(requester: number): number {
    return this.deviceEntryOf(requester).DomainID!;
  }

  /** The fields of a requester's device table entry. */
  deviceEntryOf(requester: number): Readonly<Record<string, number>> {
    const { page, word } = deviceTableEntryAt(requester);
    const words = Array.from({ length: DEVICE_TABLE_ENTRY_WORDS }, (_, index) =>
      this.word(ROOT + page, word + index),
    );
    return decode(deviceTableEntryLayout, words);
  }
}
