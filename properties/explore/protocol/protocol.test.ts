import { describe, expect, it } from "vitest";
import { Chance } from "../../../model/words/chance.js";
import { Search } from "../search.js";
import { AbstractStates } from "./abstraction.js";
import { FREEING_RULES, type FreeingRule, type ProtocolConfiguration } from "./configuration.js";
import { ExploredProtocol } from "./explored.js";
import { renamed, renamingsOf } from "./symmetry.js";

const SMALL: ProtocolConfiguration = {
  profile: "qemu-39",
  requesters: 1,
  domains: 1,
  iovas: 1,
  pages: 2,
  rule: "correct",
};
const PROFILES = ["qemu-39", "amd-qemu"];
/** Steps of a smallest counterexample, as argued: attach, map and unmap, then whatever lets the page go too early. */
const SHORTEST: Readonly<Record<Exclude<FreeingRule, "correct">, number>> = {
  "free-unflushed": 4,
  "free-submitted": 5,
  "any-domain": 6,
  "any-completion": 6,
};

function searched(explored: ExploredProtocol, depth = Number.POSITIVE_INFINITY, found = () => undefined) {
  const search = new Search(explored, { depth, goesOn: () => true, found });
  search.run();
  return search;
}

describe.each(PROFILES)("the protocol on %s", (profile) => {
  it("is safe, however many steps, and as many states as the abstraction has", () => {
    const configuration = { ...SMALL, profile };
    const counts = [true, false].map((symmetric) => {
      const explored = new ExploredProtocol(configuration, symmetric);
      const abstract = new AbstractStates(configuration);
      const search = searched(explored, Number.POSITIVE_INFINITY, () => {
        abstract.add(explored.run);
        return undefined;
      });
      expect(search.violation).toBe(null);
      expect(search.isExhausted).toBe(true);
      return { states: search.states, abstract: abstract.count };
    });
    expect(counts[0]!.abstract).toBe(counts[1]!.abstract);
    expect(counts[0]!.states).toBeLessThan(counts[1]!.states);
  });

  it.each(Object.entries(SHORTEST))("freed by %s it goes wrong after %i steps", (rule, steps) => {
    const configuration = { ...SMALL, profile, domains: 2, iovas: 1, pages: 1, rule: rule as FreeingRule };
    const { violation } = searched(new ExploredProtocol(configuration));
    expect(violation?.path.length).toBe(steps);
    expect(violation?.finding.kind).toBe("freed-page");
  });
});

describe("keys of protocol states", () => {
  it.each(PROFILES)("are the same under every name on %s", (profile) => {
    const configuration = { ...SMALL, profile, requesters: 2, domains: 2, pages: 3 };
    const one = new ExploredProtocol(configuration);
    const other = new ExploredProtocol(configuration);
    const renamings = renamingsOf(configuration);
    const numbers = new Map(one.alphabet.map((step, index) => [JSON.stringify(step), index]));
    const chance = new Chance();
    chance.seed(7);
    for (let run = 0; run < 8; run++) {
      const renaming = renamings[chance.below(renamings.length)]!;
      one.restart();
      other.restart();
      for (let count = 0; count < 12; count++) {
        const enabled = one.alphabet.flatMap((step, index) => (one.run.isEnabled(step) ? [index] : []));
        const step = enabled[chance.below(enabled.length)]!;
        const named = numbers.get(JSON.stringify(renamed(one.alphabet[step]!, renaming)))!;
        expect(one.take(step)).toBe(null);
        expect(other.take(named)).toBe(null);
        expect(other.key()).toEqual(one.key());
      }
    }
  });

  it("every rule is tried", () => {
    expect(Object.keys(FREEING_RULES).sort()).toEqual(["correct", ...Object.keys(SHORTEST)].sort());
  });
});
