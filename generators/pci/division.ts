/** How the functions of a segment are divided among remapping units. */
import { type LocatedFunction, locatedFunctions } from "../../model/pci/functions.js";
import type { RemappingUnit } from "../../model/pci/platform.js";
import { requesterIdsOf } from "../../model/pci/requester-ids.js";
import { type Device, isBridge, type Segment, type Topology } from "../../model/pci/topology.js";
import type { Chance } from "../../model/words/chance.js";

type Covers = RemappingUnit["covers"];

const MOST_UNITS = 3;

/**
 * What each unit of the segment covers, "rest" last if there is one; without, every function is covered by name. Devices of
 * root buses go to one unit as a whole, now and then but for something below them.
 */
export function divide(
  chance: Chance,
  topology: Topology,
  { segment, roots }: Segment,
  hasRest: boolean,
): Covers[] {
  const named: string[][] = Array.from({ length: chance.below(MOST_UNITS) + (hasRest ? 0 : 1) }, () => []);
  const devices = roots.flatMap((root) => root.devices);
  const others: Device[] = [];
  for (const device of devices)
    if (named.length > 0 && (!hasRest || chance.happens(96)))
      named[chance.below(named.length)]!.push(...device.functions.map(({ name }) => name));
    else others.push(device);
  if (named.length > 0 && chance.happens(96)) {
    const below = locatedFunctions(topology).filter(
      (one) =>
        one.segment === segment && isOnItsOwn(topology, one) && others.some((device) => isBelow(one, device)),
    );
    const one = below[chance.below(Math.max(1, below.length))];
    if (one !== undefined) named[chance.below(named.length)]!.push(one.name);
  }
  const used: Covers[] = named.filter((names) => names.length > 0);
  return hasRest || used.length === 0 ? [...used, "rest"] : used;
}

function isBelow({ above }: LocatedFunction, device: Device): boolean {
  return device.functions.some((one) => above[0]?.name === one.name);
}

/** Can a table name it, and does nothing that is not below it make requests under the ids that it uses? */
function isOnItsOwn(
  topology: Topology,
  { name, self, of, physical, above, requester }: LocatedFunction,
): boolean {
  const isExpress = above.every(({ kind }) => kind.startsWith("root") || kind.startsWith("switch"));
  const isNameable = physical === null && [self, ...above].every((one) => one.function < 8);
  const hasOwnId = isBridge(self) || requesterIdsOf(topology, name).every((id) => id === requester);
  return (
    isExpress &&
    isNameable &&
    hasOwnId &&
    of.functions.every((one) => isBridge(one) || one.alsoFunctions.length === 0)
  );
}
