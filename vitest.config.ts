import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["**/*.test.ts", "properties/**/*.property.ts"],
    exclude: ["node_modules/**", "out/**"],
    // Left to itself the runner keeps a core for its watch mode.
    maxWorkers: "100%",
    testTimeout: 300_000,
  },
});
