/** Drivers by the names users give them: built in, a faulty variant, or a module of their own. */
import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import type { DriverFactory } from "../implementations/driver/interface.js";
import { vtdDriver, vtdDriverNamed } from "../implementations/driver/vtd/index.js";
import type { NamedDriver } from "../properties/driver-subject.js";
import { UsageError } from "./errors.js";

/**
 * Opens a driver: `vtd`, `vtd:VARIANT`, or the path of a module that exports a driver factory as `default` or as
 * `createDriver`.
 * @throws UsageError when there is no such driver, or the module cannot be used
 */
export async function openDriver(name: string): Promise<NamedDriver> {
  if (/[./\\]/.test(name)) return { name, create: await fromModule(name) };
  if (name === "vtd") return { name, create: vtdDriver };
  if (!name.startsWith("vtd:"))
    throw new UsageError(
      `unknown driver "${name}"; known: vtd, vtd:VARIANT (see \`list drivers\`), or the path of a module, such as ./driver.mjs`,
    );
  try {
    return { name, create: vtdDriverNamed(name.slice("vtd:".length)) };
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}

async function fromModule(path: string): Promise<DriverFactory> {
  const file = resolve(path);
  if (!existsSync(file)) throw new UsageError(`no driver module at ${path}`);
  let module: Record<string, unknown>;
  try {
    module = (await import(pathToFileURL(file).href)) as Record<string, unknown>;
  } catch (error) {
    throw new UsageError(`${path} cannot be loaded: ${error instanceof Error ? error.message : error}`);
  }
  const factory = module.default ?? module.createDriver;
  if (typeof factory !== "function")
    throw new UsageError(
      `${path} exports no driver: \`default\` or \`createDriver\` has to be a function (setup) => driver`,
    );
  return factory as DriverFactory;
}
