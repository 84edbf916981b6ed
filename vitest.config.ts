import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["**/*.test.ts", "properties/**/*.property.ts"],
    // The example is a project of its own, which has the packed package.
    exclude: ["node_modules/**", "out/**", "examples/vitest/**"],
    // Left to itself the runner keeps a core for its watch mode.
    maxWorkers: "100%",
    testTimeout: 300_000,
    hookTimeout: 300_000,
  },
});
