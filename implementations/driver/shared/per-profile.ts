import type { Profile } from "../../../model/profile.js";

/** A function of a profile that works its result out once for each. */
export function perProfile<T>(of: (profile: Profile) => T): (profile: Profile) => T {
  const known = new WeakMap<Profile, { readonly result: T }>();
  return (profile) => {
    let found = known.get(profile);
    if (found === undefined) {
      found = { result: of(profile) };
      known.set(profile, found);
    }
    return found.result;
  };
}
