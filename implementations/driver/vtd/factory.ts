/** VT-d drivers from what is wrong with them. */
import { vtdProfile } from "../../../model/vtd/profile.js";
import type { DriverFactory } from "../interface.js";
import { driverFactory } from "../shared/factory.js";
import { partsOf } from "./driver.js";
import { Encodings } from "./encodings.js";
import type { DriverFaults } from "./faults.js";

/** Makes drivers with these faults; none for the correct one. */
export function vtdDriverWith(name: string, faults: DriverFaults): DriverFactory {
  return driverFactory(
    name,
    (profile) => new Encodings(vtdProfile(profile), faults),
    (setup, encodings) => partsOf(setup, encodings, faults),
  );
}
