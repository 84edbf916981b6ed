/** `explore`: every scenario of a small configuration. */
import { factsOf } from "../generators/platform-facts.js";
import { builtInDriverOf } from "../implementations/driver/built-in.js";
import { architectureOf, platformNamed } from "../model/architectures.js";
import type { ArchitectureId } from "../model/profile.js";
import { CheckpointError } from "../properties/explore/checkpoint.js";
import {
  type DriverConfiguration,
  STEP_KINDS,
  type StepKind,
} from "../properties/explore/driver/configuration.js";
import {
  type ExploreOptions,
  type ExploreResult,
  exploreDriver,
  exploreProtocol,
} from "../properties/explore/explore.js";
import { FREEING_RULES, type FreeingRule } from "../properties/explore/protocol/configuration.js";
import { exploreAsJson, exploreLines, searchLine } from "../reports/explore.js";
import { endProgram, isPlatform, openSoftware } from "./drivers.js";
import { ExitCode, UsageError } from "./errors.js";
import type { Options } from "./options.js";
import { StatusLine } from "./progress.js";

/** The platforms that are searched where none is named. */
const PROFILES: Readonly<Record<ArchitectureId, string>> = { vtd: "qemu-39", amdvi: "amd-qemu" };
const DRIVER_DEPTH = 10;
/** The steps of software with strict flushing on one CPU. */
const USUAL_KINDS: readonly StepKind[] = [
  "attach",
  "detach",
  "map",
  "unmap",
  "protect",
  "destroy",
  "program",
];
/** Everything has its number as a bit, or is told apart by a letter. */
const MOST_OF_EACH = 4;

/** Makes the search that is asked for, prints what came of it, and returns the exit code. */
export async function explore(options: Options, print: (line: string) => void): Promise<ExitCode> {
  const [, surplus] = options.positionals;
  if (surplus !== undefined) throw new UsageError(`explore takes options only, not "${surplus}"`);
  if (options.drivers.length > 1 || options.profiles.length > 1)
    throw new UsageError("explore takes one --driver and one --profile");
  const result = await attempted(() => (options.drivers.length > 0 ? driver(options) : protocol(options)));
  if (options.json) print(exploreAsJson(result));
  else for (const line of exploreLines(result)) print(line);
  if (result.counterexample) return result.counterexample.replayed ? ExitCode.violated : ExitCode.unknown;
  return result.checkpoint === null && result.failures.size === 0 ? ExitCode.holds : ExitCode.unknown;
}

async function attempted(search: () => Promise<ExploreResult> | ExploreResult): Promise<ExploreResult> {
  try {
    return await search();
  } catch (error) {
    if (error instanceof CheckpointError) throw new UsageError(error.message);
    throw error;
  }
}

function protocol(options: Options): ExploreResult {
  const rule = options.rule ?? "correct";
  if (!isRule(rule))
    throw new UsageError(`unknown rule "${rule}"; known: ${Object.keys(FREEING_RULES).join(", ")}`);
  const profile =
    options.profiles[0] ??
    PROFILES[options.architectures.length === 1 ? options.architectures[0]!.id : "vtd"];
  const configuration = {
    profile,
    requesters: few("requesters", options.requesters, 2),
    domains: few("domains", options.domains, 2),
    iovas: few("iovas", options.iovas, 2),
    pages: few("pages", options.pages, 3),
    rule,
  };
  return exploreProtocol(configuration, searchOptions(`protocol ${rule}`, options, Number.POSITIVE_INFINITY));
}

async function driver(options: Options): Promise<ExploreResult> {
  const opened = await openSoftware(options.drivers[0]!);
  if (isPlatform(opened))
    throw new UsageError(`${opened.name} is for whole machines: explore takes drivers of one unit`);
  const { architecture, profile } = platformOf(options, opened.architecture);
  const isReadable = !/^exec:|[./\\]/.test(opened.name);
  const configuration: DriverConfiguration = {
    architecture,
    profile,
    start: "translating",
    invalidation: interfaceOf(profile, options.registers),
    flushing: options.deferred ? "deferred" : "strict",
    requesters: few("requesters", options.requesters, 1),
    alias: options.alias,
    domains: few("domains", options.domains, 2),
    iovas: few("iovas", options.iovas, 1),
    pages: few("pages", options.pages, 2),
    kinds: kindsOf(options.kinds, options.deferred),
  };
  try {
    return exploreDriver(
      opened,
      isReadable,
      configuration,
      searchOptions(opened.name, options, DRIVER_DEPTH),
    );
  } finally {
    endProgram(opened);
  }
}

function platformOf(options: Options, ofDriver: ArchitectureId | null) {
  const id = ofDriver ?? (options.architectures.length === 1 ? options.architectures[0]!.id : "vtd");
  const profile = options.profiles[0] ?? PROFILES[id];
  if (architectureOf(platformNamed(profile)).id !== id)
    throw new UsageError(`profile ${profile} is not one of ${builtInDriverOf(id).architecture}`);
  return { architecture: id, profile };
}

/** The usual one of the platform, or the registers where it has them. */
function interfaceOf(profile: string, registers: boolean): DriverConfiguration["invalidation"] {
  const { interfaces } = factsOf(profile);
  const wanted = registers ? "registers" : interfaces[0]!;
  if (!interfaces.includes(wanted)) throw new UsageError(`${profile} has no invalidation registers`);
  return wanted;
}

function kindsOf(names: readonly string[], deferred: boolean): readonly StepKind[] {
  if (names.length === 0) return deferred ? [...USUAL_KINDS, "sync"] : USUAL_KINDS;
  return names.map((name) => {
    const known = STEP_KINDS.find((one) => one === name);
    if (!known) throw new UsageError(`unknown kind of step "${name}"; known: ${STEP_KINDS.join(", ")}`);
    return known;
  });
}

function few(name: string, given: number | undefined, usual: number): number {
  const value = given ?? usual;
  if (value <= MOST_OF_EACH) return value;
  throw new UsageError(`--${name} takes at most ${MOST_OF_EACH}, not ${value}`);
}

function isRule(name: string): name is FreeingRule {
  return Object.hasOwn(FREEING_RULES, name);
}

function searchOptions(name: string, options: Options, depth: number): ExploreOptions {
  const status = new StatusLine();
  return {
    depth: options.depth ?? depth,
    milliseconds: options.milliseconds ?? Number.POSITIVE_INFINITY,
    resume: options.resume ?? null,
    folder: "out/explore",
    progress: (search, elapsed) => status.show(elapsed, () => searchLine(name, search, elapsed)),
  };
}
