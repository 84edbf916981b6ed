import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { compileScenario } from "./compile.js";
import { defaultOptions, generateScenario } from "./generate.js";
import { dataPages, placesOf, tablePages } from "./places.js";
import { keepingSteps, type Scenario } from "./scenario.js";

/** What a request asks for, without the place in the page and the slot, which depend on the requests before it. */
function requestsOf(one: Scenario): string[][] {
  const { actions, stepOf } = compileScenario(one);
  return one.steps.map((_, step) =>
    actions.flatMap((action, index) =>
      action.do === "request" && stepOf[index] === step
        ? [
            `${action.request.type} ${action.request.page} ${action.request.requester} ${action.request.length}`,
          ]
        : [],
    ),
  );
}

describe.each(["vtd", "amdvi"] as const)("laws over generated scenarios: %s", (architecture) => {
  const seeds = fc.nat({ max: 0xffffffff });
  const check = (law: (one: Scenario) => void, numRuns = 60) =>
    fc.assert(
      fc.property(seeds, (seed) => law(generateScenario(seed, defaultOptions(architecture)))),
      { numRuns },
    );

  it("every action belongs to a step, in order", () => {
    check((one) => {
      const { actions, stepOf } = compileScenario(one);
      expect(stepOf).toHaveLength(actions.length);
      expect([...stepOf].sort((a, b) => a - b)).toEqual([...stepOf]);
      expect(stepOf.every((step) => step >= -1 && step < one.steps.length)).toBe(true);
    });
  });

  it("no two requests have the same slot, no two waits the same status", () => {
    check((one) => {
      const { actions } = compileScenario(one);
      const slots = actions.flatMap((action) => (action.do === "request" ? [action.slot] : []));
      expect(new Set(slots).size).toBe(slots.length);
      const statuses = actions.flatMap((action) =>
        action.do === "poll-memory" ? [`${action.word} ${action.value}`] : [],
      );
      expect(new Set(statuses).size).toBe(statuses.length);
    });
  });

  it("software stays in the pages that are its own", () => {
    const own = new Set([...tablePages, ...dataPages]);
    check((one) => {
      for (const action of compileScenario(one).actions) {
        if (action.do === "store" || action.do === "flush-line") expect(own.has(action.page)).toBe(true);
      }
    });
  });

  it("every run starts with the structures of its architecture", () => {
    const { roots, rootPages, queuePage, logPage } = placesOf(architecture);
    check((one) => {
      const { setup } = compileScenario(one);
      expect(setup).toMatchObject({
        rootPage: roots[0],
        rootPages,
        queuePage,
        logPage,
        tablePages,
        dataPages,
      });
      expect(setup.profile).toMatchObject({ architecture, id: one.profile });
    }, 10);
  });

  it("equal scenarios give equal actions, whatever was compiled between them", () => {
    check((one) => {
      const first = compileScenario(one);
      const copy = structuredClone({ actions: first.actions, stepOf: first.stepOf });
      for (const other of ["vtd", "amdvi"] as const)
        compileScenario(generateScenario(7, defaultOptions(other)));
      expect({ actions: first.actions, stepOf: first.stepOf }).toEqual(copy);
      expect(compileScenario(one)).toEqual(first);
    });
  });

  it("without any one step the requests of the others stay what they were", () => {
    check((one) => {
      const all = requestsOf(one);
      for (let index = 0; index < one.steps.length; index++) {
        expect(requestsOf(keepingSteps(one, (_, at) => at !== index))).toEqual(all.toSpliced(index, 1));
      }
    }, 25);
  });
});
