import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { builtInDrivers } from "../implementations/driver/built-in.js";
import { platformSoftware } from "../implementations/driver/platform/built-in.js";
import { isPlatform, type OpenedDriver, openSoftware } from "./drivers.js";
import { UsageError } from "./errors.js";

let folder = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "iommu-spec-drivers-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

/** A module with this text; returns its path. */
function moduleOf(text: string, name = "driver.mjs"): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

/** The name of a program that says this of itself, and then nothing. */
function programSaying(identity: object): string {
  const hello = { id: 0, protocol: 1, name: "mine", version: "1", architectures: ["vtd"], ...identity };
  const script = join(folder, "program.sh");
  writeFileSync(script, `read -r line; echo '${JSON.stringify(hello)}'; read -r line`);
  return `exec:sh '${script}'`;
}

/** Opens what has to be a driver. */
async function openDriver(name: string): Promise<OpenedDriver> {
  const opened = await openSoftware(name);
  if (isPlatform(opened)) throw new Error(`${name} is platform software`);
  return opened;
}

describe("openSoftware", () => {
  it.each(platformSoftware.map((one) => [one.name, one] as const))(
    "knows the built-in platform software %s and its variants",
    async (name, { architecture, software, variants }) => {
      expect(await openSoftware(name)).toEqual({ name, software, architecture });
      for (const one of variants) {
        const full = `${name}:${one.id}`;
        expect(await openSoftware(full)).toEqual({ name: full, software: one.software, architecture });
      }
    },
  );

  it("takes a module with platform software, and lends it a firmware when it has none", async () => {
    const path = moduleOf("export const createPlatformDriver = () => 5;");
    const opened = await openSoftware(path);
    if (!isPlatform(opened)) throw new Error("taken for a driver");
    expect((opened.software.createDriver as () => unknown)()).toBe(5);
    expect(opened.software.createFirmware).toBeTypeOf("function");
    const own = "export const createFirmware = () => 7; export const createPlatformDriver = () => 5;";
    const other = await openSoftware(moduleOf(own, "own.mjs"));
    expect(isPlatform(other) && (other.software.createFirmware as () => unknown)()).toBe(7);
  });

  it.each(builtInDrivers.map((one) => [one.architecture, one] as const))(
    "knows the built-in driver %s and its variants",
    async (architecture, { create: correct, variants }) => {
      expect(await openDriver(architecture)).toEqual({ name: architecture, create: correct, architecture });
      for (const { id, create } of variants) {
        const name = `${architecture}:${id}`;
        expect(await openDriver(name)).toEqual({ name, create, architecture });
      }
    },
  );

  it.each([
    ["a default export", "export default () => 5;", "driver.mjs"],
    ["an export of that name", "export const createDriver = () => 5;", "driver.mjs"],
    ["a CommonJS module", "module.exports = () => 5;", "driver.cjs"],
  ])("takes a module with %s, under its path", async (_, text, name) => {
    const path = moduleOf(text, name);
    const { name: shown, create, architecture } = await openDriver(path);
    expect(shown).toBe(path);
    expect(architecture).toBeNull();
    expect((create as () => unknown)()).toBe(5);
  });

  it("takes a module that says which architecture it is for", async () => {
    const path = moduleOf('export default () => 5; export const architecture = "vtd";');
    expect((await openDriver(path)).architecture).toBe("vtd");
  });

  it.each([
    ["one architecture", ["amdvi"], "amdvi"],
    ["several, of which any may be meant", ["vtd", "amdvi"], null],
  ])("takes a program for %s, under its name", async (_, architectures, expected) => {
    const name = programSaying({ role: "driver", architectures });
    const { name: shown, architecture, program } = await openDriver(name);
    expect([shown, architecture]).toEqual([name, expected]);
    program!.end();
  });

  it.each<[string, () => string, RegExp]>([
    ["a program that ends", () => "exec:false", /exited with status 1/],
    ["a program that is not there", () => "exec:./no-such-driver", /no-such-driver/],
    [
      "a program without architectures",
      () => programSaying({ role: "driver", architectures: [] }),
      /at architectures expected a list of at least one/,
    ],
    [
      "a program that is an IOMMU",
      () => programSaying({ role: "iommu" }),
      / is an IOMMU, not a driver: give it to --on instead of --driver$/,
    ],
    ["a program of the future", () => programSaying({ role: "driver", protocol: 2 }), /protocol 2, not 1/],
    [
      "an unknown name",
      () => "smmu",
      /^unknown driver "smmu"; known: vtd, amdvi, .*, each with :VARIANT \(see `list drivers`\)/,
    ],
    [
      "a module for an architecture that nobody knows",
      () => moduleOf('export default () => 5; export const architecture = "smmu";'),
      /driver\.mjs exports an `architecture` that is not "vtd"/,
    ],
    [
      "a name without the dots of a path",
      () => "driver",
      /or the path of a module, such as \.\/driver\.mjs$/,
    ],
    ["an unknown variant", () => "vtd:nothing", /unknown variant "nothing" of driver vtd; known: /],
    ["a variant without a name", () => "vtd:", /unknown variant "" of driver vtd; known: /],
    ["a file that is not there", () => join(folder, "gone.mjs"), /^no driver module at .*gone\.mjs$/],
    ["a folder", () => `${folder}/.`, /cannot be loaded: .*/],
    [
      "a module that exports nothing",
      () => moduleOf("export {};"),
      /exports no driver: `default` or `createDriver` has to be a function/,
    ],
    [
      "a module that exports no function",
      () => moduleOf("export default { map() {} };"),
      /exports no driver/,
    ],
    [
      "a module that throws",
      () => moduleOf("throw new Error('not today');"),
      /driver\.mjs cannot be loaded: not today$/,
    ],
    [
      "a module that throws no error",
      () => moduleOf("throw 'not today';"),
      /driver\.mjs cannot be loaded: not today$/,
    ],
    ["a module with a syntax error", () => moduleOf("export default ("), /driver\.mjs cannot be loaded: /],
  ])("refuses %s", async (_, name, message) => {
    const opened = openSoftware(name());
    await expect(opened).rejects.toThrow(UsageError);
    await expect(opened).rejects.toThrow(message);
  });
});
