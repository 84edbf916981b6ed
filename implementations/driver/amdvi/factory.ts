/** AMD-Vi drivers from what is wrong with them. */
import { amdViProfile } from "../../../model/amdvi/profile.js";
import type { DriverFactory } from "../interface.js";
import { driverFactory } from "../shared/factory.js";
import { partsOf } from "./driver.js";
import { Encodings } from "./encodings.js";
import type { AmdViFaults } from "./faults.js";

/** Makes drivers with these faults; none for the correct one. */
export function amdViDriverWith(name: string, faults: AmdViFaults): DriverFactory {
  return driverFactory(
    name,
    (profile) => new Encodings(amdViProfile(profile), faults),
    (setup, encodings) => partsOf(setup, encodings, faults),
  );
}
