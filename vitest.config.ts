import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["**/*.test.ts", "properties/**/*.property.ts"],
    exclude: ["node_modules/**", "out/**"],
    testTimeout: 120_000,
  },
});
