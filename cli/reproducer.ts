/** `reproducer`: a counterexample on QEMU as files that show it on a stock QEMU and need nothing of ours. */
import { chmodSync, writeFileSync } from "node:fs";
import { extname } from "node:path";
import { ImplementationError } from "../implementations/iommu/interface.js";
import { openQemu, type QemuIommu } from "../implementations/iommu/qemu/index.js";
import { architectureOf, platformNamed } from "../model/architectures.js";
import { driverReproducer, iommuReproducer } from "../reports/reproducer/from-scenario.js";
import { libqtestReproducer } from "../reports/reproducer/libqtest.js";
import { type Reproducer, ReproducerError } from "../reports/reproducer/reproducer.js";
import { shellReproducer } from "../reports/reproducer/shell.js";
import { isForDriver, isForPlatform } from "../reports/steps.js";
import { openDriverFor } from "./drivers.js";
import { ExitCode, UsageError } from "./errors.js";
import type { Options } from "./options.js";
import { load } from "./replay.js";

/** QEMU that is silent for so long counts as hanging: some counterexamples are that it does. */
const SILENCE_MS = 3000;
const EXECUTABLE = 0o755;

/** What files can be, by how their names end. */
const forms: Readonly<Record<string, (made: Reproducer) => string>> = {
  ".sh": ({ about, transcript }) => shellReproducer(about, transcript),
  ".c": ({ about, transcript }) => libqtestReproducer(about, transcript),
};

/** Writes the files and returns the exit code: 0 when they show what was found. */
export async function reproducer(options: Options, print: (line: string) => void): Promise<ExitCode> {
  const [, file, ...targets] = options.positionals;
  if (file === undefined || targets.length === 0 || targets.some((one) => !(extname(one) in forms))) {
    throw new UsageError(
      "reproducer takes a counterexample and the files to write: iommu-spec reproducer FILE OUT.sh|OUT.c ...",
    );
  }
  if (options.drivers.length > 1) throw new UsageError("reproducer takes one --driver");
  const iommu = opened(options.qemu);
  try {
    const made = await reproducerFrom(file, options, iommu);
    if (made === null) {
      print(`${iommu.name} shows nothing inadmissible in this scenario: there is nothing to reproduce.`);
      return ExitCode.unknown;
    }
    for (const target of targets) {
      writeFileSync(target, forms[extname(target)]!(made));
      if (extname(target) === ".sh") chmodSync(target, EXECUTABLE);
    }
    print(`tried on ${iommu.name}: ${made.said}`);
    print(`written: ${targets.join(", ")}`);
    return ExitCode.holds;
  } catch (error) {
    if (error instanceof ReproducerError || error instanceof ImplementationError)
      throw new UsageError(`${file}: ${error.message}`);
    throw error;
  } finally {
    iommu.close();
  }
}

function opened(path: string | undefined): QemuIommu {
  try {
    return openQemu({ ...(path !== undefined && { path }), timeoutMs: SILENCE_MS });
  } catch (error) {
    if (error instanceof ImplementationError) throw new UsageError(error.message);
    throw error;
  }
}

async function reproducerFrom(file: string, options: Options, iommu: QemuIommu): Promise<Reproducer | null> {
  const { scenario, recorded } = load(file);
  if (isForPlatform(scenario))
    throw new UsageError(`${file} is a scenario for a whole machine, not for QEMU`);
  if (!isForDriver(scenario)) {
    if (options.drivers.length > 0)
      throw new UsageError(`${file} is a scenario for IOMMUs: it asks nothing of a driver`);
    return iommuReproducer({ scenario, recorded }, iommu);
  }
  const name = options.drivers[0] ?? recorded?.implementation.split(" on ")[0];
  const driver = await openDriverFor(architectureOf(platformNamed(scenario.profile)), name);
  return driverReproducer({ scenario, recorded }, driver, iommu);
}
