import { expect, it } from "vitest";
import { generateTopology } from "../../generators/pci/topology.js";
import { isolationGroups } from "./groups.js";
import { byFirst, groupsByBruteForce } from "./reachability.testing.js";

const COUNT = 10_000;

it("the groups of 10,000 random topologies are those that a search finds which follows every packet", () => {
  let alone = 0;
  let shared = 0;
  for (let seed = 0; seed < COUNT; seed++) {
    const topology = generateTopology(seed);
    const groups = isolationGroups(topology).map(({ functions }) => [...functions].sort());
    expect(groups.sort(byFirst), `seed ${seed}`).toEqual(groupsByBruteForce(topology));
    for (const { length } of groups)
      if (length === 1) alone += 1;
      else shared += 1;
  }
  // Neither of them is what is found everywhere.
  expect(alone).toBeGreaterThan(COUNT);
  expect(shared).toBeGreaterThan(COUNT / 2);
});
