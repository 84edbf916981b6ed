/** Drivers by the names users give them: built in, a faulty variant, or a module of their own. */
import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { type BuiltInDriver, builtInDrivers } from "../implementations/driver/built-in.js";
import type { DriverFactory } from "../implementations/driver/interface.js";
import type { Architecture } from "../model/architecture.js";
import { architectures } from "../model/architectures.js";
import type { ArchitectureId } from "../model/profile.js";
import type { NamedDriver } from "../properties/driver-subject.js";
import { UsageError } from "./errors.js";

/** A driver, and the architecture whose units it programs; null when a module does not say. */
export interface OpenedDriver extends NamedDriver {
  readonly architecture: ArchitectureId | null;
}

/**
 * Opens a driver: the built-in one of an architecture by its id, a faulty variant as `ID:VARIANT`, or the path of a module
 * that exports a driver factory as `default` or as `createDriver`, and the id of its architecture as `architecture`.
 * @throws UsageError when there is no such driver, or the module cannot be used
 */
export async function openDriver(name: string): Promise<OpenedDriver> {
  if (/[./\\]/.test(name)) return fromModule(name);
  const [id, variant] = name.split(":");
  const builtIn = builtInDrivers.find((one) => one.architecture === id);
  if (!builtIn) {
    const known = builtInDrivers.map((one) => `${one.architecture}, ${one.architecture}:VARIANT`).join(", ");
    throw new UsageError(
      `unknown driver "${name}"; known: ${known} (see \`list drivers\`), or the path of a module, such as ./driver.mjs`,
    );
  }
  const create = variant === undefined ? builtIn.create : variantOf(builtIn, variant);
  return { name, create, architecture: builtIn.architecture };
}

/**
 * The driver of that name for scenarios of an architecture; without a name the built-in one.
 * @throws UsageError as `openDriver`, and when it is a driver for another one
 */
export async function openDriverFor({ id }: Architecture, name: string = id): Promise<OpenedDriver> {
  const driver = await openDriver(name);
  if (driver.architecture === null || driver.architecture === id) return driver;
  throw new UsageError(`${name} is a driver for ${driver.architecture}, not for ${id}`);
}

function variantOf({ architecture, variants }: BuiltInDriver, id: string): DriverFactory {
  const found = variants.find((one) => one.id === id);
  if (found) return found.create;
  const known = variants.map((one) => one.id).join(", ");
  throw new UsageError(`unknown variant "${id}" of driver ${architecture}; known: ${known}`);
}

async function fromModule(path: string): Promise<OpenedDriver> {
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
  return {
    name: path,
    create: factory as DriverFactory,
    architecture: architectureOf(path, module.architecture),
  };
}

function architectureOf(path: string, exported: unknown): ArchitectureId | null {
  if (exported === undefined) return null;
  const found = architectures.find((one) => one.id === exported);
  if (found) return found.id;
  const known = architectures.map((one) => `"${one.id}"`).join(" or ");
  throw new UsageError(`${path} exports an \`architecture\` that is not ${known}`);
}
