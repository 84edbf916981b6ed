/** Drivers from an architecture's own parts. */
import type { Profile } from "../../../model/profile.js";
import type { DriverFactory, DriverSetup } from "../interface.js";
import { type DriverParts, IntentDriver } from "./intent-driver.js";
import type { PageTables } from "./page-tables.js";
import { perProfile } from "./per-profile.js";

/**
 * Makes drivers of one name.
 * @param encodingsOf entries and commands on one platform, worked out once for each
 * @param partsOf the architecture's own parts of one driver
 */
export function driverFactory<Encodings, Domain extends PageTables, Invalidation>(
  name: string,
  encodingsOf: (profile: Profile) => Encodings,
  partsOf: (setup: DriverSetup, encodings: Encodings) => DriverParts<Domain, Invalidation>,
): DriverFactory {
  const remembered = perProfile(encodingsOf);
  return (setup) => new IntentDriver(name, setup.flushing, partsOf(setup, remembered(setup.profile)));
}
