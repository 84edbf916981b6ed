/** What tests import from vitest, for a process that has its runner and its assertions without the rest. */
import {
  ASYMMETRIC_MATCHERS_OBJECT,
  chai,
  GLOBAL_EXPECT,
  JestAsymmetricMatchers,
  JestChaiExpect,
  JestExtend,
  setState,
} from "@vitest/expect";

export { afterAll, afterEach, beforeAll, beforeEach, describe, it, test } from "@vitest/runner";

chai.use(JestExtend);
chai.use(JestChaiExpect);
chai.use(JestAsymmetricMatchers);
chai.config.truncateThreshold = 0;
// Snapshots stand beside assertions of the same thing, and comparing them needs the source.
chai.use((_, utilities) =>
  utilities.addMethod(chai.Assertion.prototype, "toMatchInlineSnapshot", () => undefined),
);

const globals = globalThis as unknown as Record<symbol, object>;
export const expect = Object.assign(
  (value: unknown, message?: string) => chai.expect(value, message),
  chai.expect,
  globals[ASYMMETRIC_MATCHERS_OBJECT],
) as unknown as Parameters<typeof setState>[1] & object;
setState({ assertionCalls: 0, currentTestName: "" }, expect);
globals[GLOBAL_EXPECT] = expect;
