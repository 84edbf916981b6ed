/**
 * Drivers and platform software by the names users give them: built in, a faulty variant, a module of their own, or a
 * program that speaks the protocol.
 */
import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { builtInDrivers } from "../implementations/driver/built-in.js";
import { DriverProgram } from "../implementations/driver/external/program.js";
import type { DriverFactory } from "../implementations/driver/interface.js";
import {
  type BuiltInPlatformSoftware,
  platformSoftware,
} from "../implementations/driver/platform/built-in.js";
import type { PlatformSoftware } from "../implementations/driver/platform/interface.js";
import { ImplementationError } from "../implementations/iommu/interface.js";
import type { Architecture } from "../model/architecture.js";
import { architectures } from "../model/architectures.js";
import type { ArchitectureId } from "../model/profile.js";
import type { NamedDriver } from "../properties/driver-subject.js";
import type { NamedPlatformSoftware } from "../properties/platform/subject.js";
import { UsageError } from "./errors.js";

/** A driver, and the architecture whose units it programs; null when a module does not say. */
export interface OpenedDriver extends NamedDriver {
  readonly architecture: ArchitectureId | null;
  /** The program that it is, which may run; `end` it when it is not needed any more. */
  readonly program?: DriverProgram;
}

/** Platform software, and the architecture whose machines it is for; null when a module does not say. */
export interface OpenedPlatform extends NamedPlatformSoftware {
  readonly architecture: ArchitectureId | null;
}

export function isPlatform(opened: OpenedDriver | OpenedPlatform): opened is OpenedPlatform {
  return "software" in opened;
}

/** What stands before the command of a program. */
const PROGRAM = /^exec:/;

/** Programs by name: starting one may take long, and what it says of itself is wanted several times. */
const programs = new Map<string, DriverProgram>();

/** Ends the program that software is, if it is one. Safe to call twice. */
export function endProgram(opened: OpenedDriver | OpenedPlatform): void {
  if (!isPlatform(opened)) opened.program?.end();
}

/**
 * Opens a driver or platform software: what is built in by its name, a faulty variant as `NAME:VARIANT`, a program as
 * `exec:COMMAND`, or the path of a module. That exports a driver factory as `default` or as `createDriver`, or else `createPlatformDriver` and, if it has a
 * firmware of its own, `createFirmware`; and the id of its architecture as `architecture`.
 * @param timeoutMs how long a line of a program may be awaited, in milliseconds
 * @throws UsageError when there is no such thing, or the module or program cannot be used
 */
export async function openSoftware(name: string, timeoutMs?: number): Promise<OpenedDriver | OpenedPlatform> {
  if (PROGRAM.test(name)) return fromProgram(name, timeoutMs);
  if (/[./\\]/.test(name)) return fromModule(name);
  const [id, variant] = name.split(":");
  const driver = builtInDrivers.find((one) => one.architecture === id);
  if (driver) {
    const { architecture, create, variants } = driver;
    return {
      name,
      architecture,
      create: variant === undefined ? create : variantOf(id!, variants, variant).create,
    };
  }
  const platform = platformSoftware.find((one) => one.name === id);
  if (platform) {
    const { architecture, software, variants } = platform;
    const found = variant === undefined ? software : variantOf(id!, variants, variant).software;
    return { name, architecture, software: found };
  }
  const known = [
    ...builtInDrivers.map((one) => one.architecture),
    ...platformSoftware.map((one) => one.name),
  ];
  throw new UsageError(
    `unknown driver "${name}"; known: ${known.join(", ")}, each with :VARIANT (see \`list drivers\`), a program as exec:COMMAND, or the path of a module, such as ./driver.mjs`,
  );
}

/**
 * The driver of that name for scenarios of an architecture; without a name the built-in one.
 * @throws UsageError as `openSoftware`, and when it is for another one, or for whole machines
 */
export async function openDriverFor(
  architecture: Architecture,
  name?: string,
  timeoutMs?: number,
): Promise<OpenedDriver> {
  const opened = await openSoftware(name ?? architecture.id, timeoutMs);
  if (isPlatform(opened))
    throw new UsageError(`${opened.name} is for whole machines: it is no driver of one unit`);
  return checkedFor(architecture, opened);
}

/** The same for scenarios of whole machines. */
export async function openPlatformFor(architecture: Architecture, name?: string): Promise<OpenedPlatform> {
  const opened = await openSoftware(name ?? builtInPlatformOf(architecture).name);
  if (!isPlatform(opened))
    throw new UsageError(`${opened.name} is a driver of one unit: the scenario is of a whole machine`);
  return checkedFor(architecture, opened);
}

/** The built-in platform software of an architecture. */
export function builtInPlatformOf({ id }: Architecture): BuiltInPlatformSoftware {
  return platformSoftware.find((one) => one.architecture === id)!;
}

function checkedFor<T extends OpenedDriver | OpenedPlatform>({ id }: Architecture, opened: T): T {
  if (opened.architecture === null || opened.architecture === id) return opened;
  throw new UsageError(`${opened.name} is a driver for ${opened.architecture}, not for ${id}`);
}

/** A program of one architecture says so; one of several is a driver for either. */
function fromProgram(name: string, timeoutMs: number | undefined): OpenedDriver {
  const program = programs.get(name) ?? new DriverProgram(name.replace(PROGRAM, ""), timeoutMs);
  programs.set(name, program);
  try {
    const { architectures: offered } = program.hello();
    const [only, other] = offered;
    return { name, create: program.create, architecture: other === undefined ? only! : null, program };
  } catch (error) {
    program.end();
    if (error instanceof ImplementationError) throw new UsageError(error.message);
    throw error;
  }
}

function variantOf<T extends { readonly id: string }>(name: string, variants: readonly T[], id: string): T {
  const found = variants.find((one) => one.id === id);
  if (found) return found;
  const known = variants.map((one) => one.id).join(", ");
  throw new UsageError(`unknown variant "${id}" of driver ${name}; known: ${known}`);
}

async function fromModule(path: string): Promise<OpenedDriver | OpenedPlatform> {
  const module = await loaded(path);
  const architecture = architectureOf(path, module.architecture);
  const factory = module.default ?? module.createDriver;
  if (typeof factory === "function") return { name: path, create: factory as DriverFactory, architecture };
  if (typeof module.createPlatformDriver === "function")
    return { name: path, software: platformOf(module), architecture };
  throw new UsageError(
    `${path} exports no driver: \`default\` or \`createDriver\` has to be a function (setup) => driver, or \`createPlatformDriver\` one (setup) => platform driver`,
  );
}

async function loaded(path: string): Promise<Readonly<Record<string, unknown>>> {
  const file = resolve(path);
  if (!existsSync(file)) throw new UsageError(`no driver module at ${path}`);
  try {
    return (await import(pathToFileURL(file).href)) as Record<string, unknown>;
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    const isModule = /\.[cm]?[jt]s$/.test(path);
    const hint = isModule ? "" : `; if it is a program, write --driver "exec:${path}"`;
    throw new UsageError(`${path} cannot be loaded: ${why}${hint}`);
  }
}

/** Without a firmware of its own the built-in one leaves the machine behind. */
function platformOf(module: Readonly<Record<string, unknown>>): PlatformSoftware {
  const firmware = module.createFirmware as PlatformSoftware["createFirmware"] | undefined;
  return {
    createDriver: module.createPlatformDriver as PlatformSoftware["createDriver"],
    createFirmware:
      firmware ??
      ((setup) =>
        platformSoftware
          .find((one) => one.architecture === setup.profile.architecture)!
          .software.createFirmware(setup)),
  };
}

function architectureOf(path: string, exported: unknown): ArchitectureId | null {
  if (exported === undefined) return null;
  const found = architectures.find((one) => one.id === exported);
  if (found) return found.id;
  const known = architectures.map((one) => `"${one.id}"`).join(" or ");
  throw new UsageError(`${path} exports an \`architecture\` that is not ${known}`);
}
