/** `serve`: an IOMMU or a driver of the suite as a program that speaks the protocol on standard input and output. */
import { DriverService } from "../implementations/protocol/serve-driver.js";
import { IommuService } from "../implementations/protocol/serve-iommu.js";
import { serveLines } from "../implementations/protocol/serve-lines.js";
import { type Identity, InputError, type Service } from "../implementations/protocol/serve-message.js";
import { VERSION } from "../implementations/version.js";
import { endProgram, isPlatform, openSoftware } from "./drivers.js";
import { ExitCode, UsageError } from "./errors.js";
import { architecturesOf, openNamed } from "./implementations.js";
import type { Options } from "./options.js";
import { architecturesFor } from "./plan.js";

const STANDARD_INPUT = 0;
const STANDARD_OUTPUT = 1;

interface Opened {
  readonly service: Service;
  close(): void;
}

/**
 * Answers until the input ends.
 * @throws UsageError when there is no such thing, or a line of the input is no message of the protocol
 */
export async function serve(options: Options): Promise<ExitCode> {
  const { positionals, on, drivers } = options;
  if (positionals.length > 1 || on.length + drivers.length !== 1)
    throw new UsageError("serve takes one --on NAME or one --driver NAME");
  const { service, close } = drivers.length > 0 ? await openDriver(options) : openIommu(options);
  try {
    serveLines(service, STANDARD_INPUT, STANDARD_OUTPUT);
    return ExitCode.holds;
  } catch (error) {
    if (error instanceof InputError) throw new UsageError(error.message);
    throw error;
  } finally {
    close();
  }
}

/** Any of them serves every architecture that its name is of: the first is taken. */
function openIommu(options: Options): Opened {
  const name = options.on[0]!;
  const served = architecturesOf(name, options.architectures, options);
  const opened = served.map((one) => openNamed(name, one, options));
  const { iommu } = opened[0]!;
  const close = () => {
    for (const one of opened) one.iommu.close();
  };
  const identity: Identity = {
    name: iommu.name,
    version: VERSION,
    architectures: served.map((one) => one.id),
    profiles: opened.flatMap((one) => one.profiles),
  };
  return { service: new IommuService(iommu, identity), close };
}

async function openDriver({ drivers, architectures, timeoutMs }: Options): Promise<Opened> {
  const opened = await openSoftware(drivers[0]!, timeoutMs);
  if (isPlatform(opened)) throw new UsageError(`${opened.name} is for whole machines, which no role is for`);
  const served = architecturesFor(opened, architectures);
  const identity: Identity = {
    name: opened.name,
    version: VERSION,
    architectures: served.map((one) => one.id),
  };
  return { service: new DriverService(opened.create, identity), close: () => endProgram(opened) };
}
