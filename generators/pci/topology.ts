/** Random PCI topologies as enumeration leaves them: every bus number consistent, requester ids unique in a segment. */
import type { RootBus, Segment, Topology } from "../../model/pci/topology.js";
import { Chance } from "../../model/words/chance.js";
import { BusNumbering } from "./bus-numbering.js";
import { BusWriter } from "./buses.js";

/** Bounds of what is generated. */
export interface TopologyOptions {
  /** Most segments. */
  readonly segments: number;
  /** Most root buses of a segment. */
  readonly roots: number;
  /** Functions of a root bus, about, without virtual functions. Most topologies are much smaller. */
  readonly functions: number;
  /** Bridges above each other. */
  readonly depth: number;
  /** The highest bus number. */
  readonly lastBus: number;
}

export const defaultTopologyOptions: TopologyOptions = {
  segments: 3,
  roots: 3,
  functions: 40,
  depth: 6,
  lastBus: 255,
};

/** The topology of a seed. */
export function generateTopology(seed: number, options: Partial<TopologyOptions> = {}): Topology {
  const chance = new Chance();
  chance.seed(seed);
  const all = { ...defaultTopologyOptions, ...options };
  let names = 0;
  const nameOf = (label: string) => `${label}${names++}`;
  const segments: Segment[] = [];
  const count = chance.happens(48) ? 1 + chance.below(all.segments) : 1;
  for (
    let segment = 0;
    segments.length < count;
    segment += 1 + (chance.happens(64) ? chance.below(0x4000) : 0)
  )
    segments.push({ segment, roots: rootsOf(chance, all, nameOf) });
  return { segments };
}

function rootsOf(chance: Chance, options: TopologyOptions, nameOf: (label: string) => string): RootBus[] {
  // Most are small: what goes wrong goes wrong in small ones too.
  const drawn = chance.happens(208) ? 2 + chance.below(8) : 2 + chance.below(options.functions);
  const most = { functions: Math.min(drawn, options.functions), depth: options.depth };
  const numbers = new BusNumbering(options.lastBus);
  const count = chance.happens(56) ? 1 + chance.below(options.roots) : 1;
  const roots: RootBus[] = [];
  while (roots.length < count && !numbers.isExhausted) {
    roots.push(new BusWriter(chance, numbers, most, nameOf).root());
    if (chance.happens(64)) numbers.leave(chance.below(64));
  }
  return roots;
}
