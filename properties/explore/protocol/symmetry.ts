/** Requesters, domains, addresses and pages of a protocol under other names. */
import { NONE, type ProtocolConfiguration, type ProtocolStep } from "./configuration.js";

/** New numbers by old ones. */
type Numbers = readonly number[];

export interface Renaming {
  readonly requesters: Numbers;
  readonly domains: Numbers;
  readonly iovas: Numbers;
  readonly pages: Numbers;
}

/** Every order of the numbers below `count`, the usual one first. */
function permutations(count: number): Numbers[] {
  if (count === 0) return [[]];
  const shorter = permutations(count - 1);
  const places = Array.from({ length: count }, (_, index) => count - 1 - index);
  return places.flatMap((place) =>
    shorter.map((one) => [...one.slice(0, place), count - 1, ...one.slice(place)]),
  );
}

/** Every renaming, the one that changes nothing first. */
export function renamingsOf(configuration: ProtocolConfiguration): Renaming[] {
  const { requesters, domains, iovas, pages } = configuration;
  return permutations(requesters).flatMap((requesters) =>
    permutations(domains).flatMap((domains) =>
      permutations(iovas).flatMap((iovas) =>
        permutations(pages).map((pages) => ({ requesters, domains, iovas, pages })),
      ),
    ),
  );
}

/** The same under the new names. */
export function renamed(step: ProtocolStep, { requesters, domains, iovas, pages }: Renaming): ProtocolStep {
  switch (step.do) {
    case "attach":
      return { ...step, requester: requesters[step.requester]!, domain: domains[step.domain]! };
    case "map":
      return { do: "map", domain: domains[step.domain]!, iova: iovas[step.iova]!, page: pages[step.page]! };
    case "unmap":
    case "free":
      return { ...step, page: pages[step.page]! };
    case "submit":
      return { ...step, domain: domains[step.domain]! };
    case "observe":
      return step;
  }
}

/** The new number; none stays none. */
export function newNumber(numbers: Numbers, old: number): number {
  return old === NONE ? NONE : numbers[old]!;
}
