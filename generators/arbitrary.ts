/** Random scenarios for fast-check: one draw gives the seed of a whole scenario, shrinking works on the scenario itself. */
import fc from "fast-check";
import { defaultOptions, type GeneratorOptions, generateScenario } from "./generate.js";
import { type Scenario, scenarioCodec } from "./scenario.js";
import { simplerScenarios } from "./shrink.js";

export { isSmaller, simplerScenarios, sizeOf } from "./shrink.js";

/**
 * Scenarios that {@link generateScenario} draws. One draw per scenario is what makes generating fast, and shrinking needs
 * no trace of how a value came about: any scenario, read from a file too, can be shrunk.
 *
 * @example
 * fc.assert(fc.property(scenarioArbitrary(), (scenario) => judge.judge(scenario, iommu).findings.length === 0));
 */
export function scenarioArbitrary(options: Partial<GeneratorOptions> = {}): fc.Arbitrary<Scenario> {
  return new ScenarioArbitrary({ ...defaultOptions, ...options });
}

class ScenarioArbitrary extends fc.Arbitrary<Scenario> {
  constructor(private readonly options: GeneratorOptions) {
    super();
  }

  override generate(random: fc.Random): fc.Value<Scenario> {
    return new fc.Value(generateScenario(random.nextInt() >>> 0, this.options), undefined);
  }

  override canShrinkWithoutContext(value: unknown): value is Scenario {
    return scenarioCodec.is(value);
  }

  override shrink(scenario: Scenario): fc.Stream<fc.Value<Scenario>> {
    return fc.stream(simplerScenarios(scenario)).map((one) => new fc.Value(one, undefined));
  }
}
