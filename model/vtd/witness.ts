/** Why a page is reached: the chain of entries, the moment each was stored, and what should have excluded it. */
import type { Reach, Witness } from "../isolation/exposure.js";
import type { VtdOracle } from "./oracle.js";

export function witnessOf(_oracle: VtdOracle, reach: Reach, _now: number): Witness {
  return { reach, links: [], filledThrough: null, excuse: null, current: false };
}
