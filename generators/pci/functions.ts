/** Random contents of functions: ACS, phantom functions, SR-IOV, errata. */
import { Acs, type Endpoint, ISOLATING_ACS, type SriovCapability } from "../../model/pci/topology.js";
import { requesterId } from "../../model/words/address.js";
import type { Chance } from "../../model/words/chance.js";
import type { BusNumbering } from "./bus-numbering.js";

const ALL_ACS = 0x7f;
const REDIRECTION = Acs.requestRedirect | Acs.completionRedirect;

/** ACS of a root port or downstream port: mostly as it should be, else without a bit of it, or anything. */
export function drawPortAcs(chance: Chance): number | null {
  if (chance.happens(40)) return null;
  if (chance.happens(128)) return ISOLATING_ACS;
  if (chance.happens(64)) return ISOLATING_ACS | (1 << chance.below(7));
  if (chance.happens(128)) return ISOLATING_ACS & ~(1 << chance.below(5));
  return chance.below(ALL_ACS + 1);
}

/** ACS of a function of a multifunction device, where only redirection, egress control and translated requests count. */
export function drawFunctionAcs(chance: Chance): number | null {
  if (chance.happens(96)) return null;
  return chance.happens(144) ? REDIRECTION : chance.below(ALL_ACS + 1);
}

/** Where an endpoint is, and what it is called. Its id is claimed, as are those of all functions of its device. */
export interface EndpointPlace {
  readonly name: string;
  readonly kind: Endpoint["kind"];
  readonly bus: number;
  readonly device: number;
  readonly function: number;
  /** Has its device other functions? */
  readonly isMulti: boolean;
}

/** A random endpoint there. It takes the ids of its virtual and phantom functions. */
export function drawEndpoint(chance: Chance, numbers: BusNumbering, place: EndpointPlace): Endpoint {
  const { name, kind, function: fn, isMulti } = place;
  const isExpress = kind !== "conventional";
  const sriov = isExpress && chance.happens(56) ? drawSriov(chance, numbers, place) : null;
  const acs = isExpress && (isMulti || sriov !== null) ? drawFunctionAcs(chance) : null;
  // Phantom functions take function numbers that no function has, and there are none while virtual functions are enabled.
  const isAlone = isExpress && !isMulti && sriov === null;
  const phantomBits = isAlone && chance.happens(48) ? ((1 + chance.below(3)) as 1 | 2 | 3) : 0;
  const alsoFunctions =
    fn < 8 && phantomBits === 0 && chance.happens(20) ? [(fn + 1 + chance.below(3)) & 7] : [];
  const ids = (phantomBits > 0 ? [1, 2, 3, 4, 5, 6, 7] : alsoFunctions).map((also) =>
    requesterId(place.bus, place.device, also),
  );
  numbers.claim(ids);
  return { name, kind, function: fn, acs, phantomBits, sriov, alsoFunctions };
}

/** An SR-IOV capability with room for all its virtual functions, or null where there is none. */
function drawSriov(chance: Chance, numbers: BusNumbering, place: EndpointPlace): SriovCapability | null {
  const totalVfs = chance.happens(24) ? 40 + chance.below(90) : 1 + chance.below(4);
  const firstVfOffset = [1, 2, 8, 16, 128, 256][chance.below(6)]!;
  const vfStride = [1, 1, 2, 4, 8, 96][chance.below(6)]!;
  const pf = requesterId(place.bus, place.device, place.function);
  const ids = Array.from({ length: totalVfs }, (_, index) => pf + firstVfOffset + index * vfStride);
  if (!numbers.claimVirtual(place.bus, ids)) return null;
  const numVfs = chance.happens(48) ? 0 : 1 + chance.below(Math.min(totalVfs, 6));
  return { totalVfs, numVfs, firstVfOffset, vfStride, vfAcs: drawFunctionAcs(chance) };
}
