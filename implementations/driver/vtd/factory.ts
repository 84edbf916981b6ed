/** Drivers from what is wrong with them. */
import { type PlatformProfile, vtdProfile } from "../../../model/vtd/profile.js";
import type { DriverFactory } from "../interface.js";
import { VtdDriver } from "./driver.js";
import { Encodings } from "./encodings.js";
import type { DriverFaults } from "./faults.js";

/** Makes drivers with these faults; none for the correct one. Encodings are worked out once for each profile. */
export function vtdDriverWith(name: string, faults: DriverFaults): DriverFactory {
  const known = new WeakMap<PlatformProfile, Encodings>();
  return (setup) => {
    const profile = vtdProfile(setup.profile);
    let encodings = known.get(profile);
    if (!encodings) {
      encodings = new Encodings(profile, faults);
      known.set(profile, encodings);
    }
    return new VtdDriver(name, setup, encodings, faults);
  };
}
