/** Drivers from what is wrong with them. */
import type { PlatformProfile } from "../../../model/vtd/profile.js";
import type { DriverFactory } from "../interface.js";
import { VtdDriver } from "./driver.js";
import { Encodings } from "./encodings.js";
import type { DriverFaults } from "./faults.js";

/** Makes drivers with these faults; none for the correct one. Encodings are worked out once for each profile. */
export function vtdDriverWith(name: string, faults: DriverFaults): DriverFactory {
  const known = new WeakMap<PlatformProfile, Encodings>();
  return (setup) => {
    let encodings = known.get(setup.profile);
    if (!encodings) {
      encodings = new Encodings(setup.profile, faults);
      known.set(setup.profile, encodings);
    }
    return new VtdDriver(name, setup, encodings, faults);
  };
}
