/** Command-line options: names, values, and what is wrong with a value that does not fit. */
import { parseArgs } from "node:util";
import type { Architecture } from "../model/architecture.js";
import { architectureOf, architectures, platformNamed } from "../model/architectures.js";
import { UsageError } from "./errors.js";
import { shellWord } from "./shell-word.js";

const known = {
  seed: { type: "string" },
  runs: { type: "string" },
  time: { type: "string" },
  workers: { type: "string" },
  run: { type: "boolean" },
  seeds: { type: "string" },
  requesters: { type: "string" },
  domains: { type: "string" },
  iovas: { type: "string" },
  pages: { type: "string" },
  depth: { type: "string" },
  step: { type: "string", multiple: true },
  rule: { type: "string" },
  alias: { type: "boolean" },
  deferred: { type: "boolean" },
  registers: { type: "boolean" },
  resume: { type: "string" },
  property: { type: "string", multiple: true },
  on: { type: "string", multiple: true },
  driver: { type: "string", multiple: true },
  profile: { type: "string", multiple: true },
  architecture: { type: "string" },
  qemu: { type: "string" },
  timeout: { type: "string" },
  at: { type: "string" },
  report: { type: "string", multiple: true },
  pci: { type: "string" },
  json: { type: "boolean" },
  help: { type: "boolean", short: "h" },
} as const;

export interface Options {
  readonly positionals: readonly string[];
  /** Names of the options that were given. */
  readonly given: readonly string[];
  readonly seed: number | undefined;
  readonly runs: number | undefined;
  readonly milliseconds: number | undefined;
  /** Threads to work on. */
  readonly workers: number | undefined;
  /** Search for the bugs of the library, with so many seeds each. */
  readonly run: boolean;
  readonly seeds: number | undefined;
  /** How many of each a search is about. */
  readonly requesters: number | undefined;
  readonly domains: number | undefined;
  readonly iovas: number | undefined;
  readonly pages: number | undefined;
  /** Most steps of a search. */
  readonly depth: number | undefined;
  /** Kinds of steps of a search. */
  readonly kinds: readonly string[];
  /** By which rule the protocol frees pages. */
  readonly rule: string | undefined;
  /** A device has a second requester id. */
  readonly alias: boolean;
  /** Flushing is deferred. */
  readonly deferred: boolean;
  /** Invalidations go through registers. */
  readonly registers: boolean;
  /** A checkpoint of a search. */
  readonly resume: string | undefined;
  readonly properties: readonly string[];
  readonly on: readonly string[];
  readonly drivers: readonly string[];
  readonly profiles: readonly string[];
  /** The architectures that are meant: one that was named, those of the profiles that were named, or else all. */
  readonly architectures: readonly Architecture[];
  readonly qemu: string | undefined;
  /** How long a line of a program may be awaited. */
  readonly timeoutMs: number | undefined;
  /** Line of a trace, or step of a scenario. */
  readonly at: number | undefined;
  /** Files that the result is to be written to. */
  readonly reports: readonly string[];
  /** The command line itself. */
  readonly command: string;
  /** A dump of configuration space. */
  readonly pci: string | undefined;
  readonly json: boolean;
  readonly help: boolean;
}

/** @throws UsageError when an option is unknown or its value does not fit */
export function parseOptions(args: readonly string[]): Options {
  const { values, positionals } = parse(args);
  return {
    positionals,
    given: Object.keys(values),
    seed: wholeNumber("seed", values.seed, 0),
    runs: wholeNumber("runs", values.runs, 1),
    milliseconds: values.time === undefined ? undefined : duration("time", values.time),
    workers: wholeNumber("workers", values.workers, 1),
    run: values.run ?? false,
    seeds: wholeNumber("seeds", values.seeds, 1),
    requesters: wholeNumber("requesters", values.requesters, 1),
    domains: wholeNumber("domains", values.domains, 1),
    iovas: wholeNumber("iovas", values.iovas, 1),
    pages: wholeNumber("pages", values.pages, 1),
    depth: wholeNumber("depth", values.depth, 1),
    kinds: values.step ?? [],
    rule: values.rule,
    alias: values.alias ?? false,
    deferred: values.deferred ?? false,
    registers: values.registers ?? false,
    resume: values.resume,
    properties: values.property ?? [],
    on: values.on ?? [],
    drivers: values.driver ?? [],
    profiles: values.profile ?? [],
    architectures: architecturesMeant(values.architecture, values.profile ?? []),
    qemu: values.qemu,
    timeoutMs: values.timeout === undefined ? undefined : duration("timeout", values.timeout),
    at: wholeNumber("at", values.at, 1),
    reports: values.report ?? [],
    command: ["npx", "iommu-spec", ...args.map(shellWord)].join(" "),
    pci: values.pci,
    json: values.json ?? false,
    help: values.help ?? false,
  };
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], options: known, allowPositionals: true, strict: true });
  } catch (error) {
    throw new UsageError(`${(error as Error).message}; see \`iommu-spec --help\``);
  }
}

function architecturesMeant(id: string | undefined, profiles: readonly string[]): readonly Architecture[] {
  const ofProfiles = new Map(profiles.map((one) => [architectureOfProfile(one), one]));
  if (id === undefined) return ofProfiles.size > 0 ? [...ofProfiles.keys()] : architectures;
  const named = architectures.find((one) => one.id === id);
  if (!named) {
    const known = architectures.map((one) => one.id).join(" or ");
    throw new UsageError(`--architecture takes ${known}, not "${id}"`);
  }
  for (const [other, profile] of ofProfiles)
    if (other !== named)
      throw new UsageError(`profile ${profile} is one of ${other.name}, not ${named.name}`);
  return [named];
}

function architectureOfProfile(id: string): Architecture {
  try {
    return architectureOf(platformNamed(id));
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}

function wholeNumber(name: string, text: string | undefined, least: number): number | undefined {
  if (text === undefined) return undefined;
  const value = Number(text);
  if (text.trim() !== "" && Number.isSafeInteger(value) && value >= least) return value;
  throw new UsageError(`--${name} takes a whole number from ${least} on, not "${text}"`);
}

/** `90`, `90s`, `10m` or `1h` in milliseconds. */
function duration(name: string, text: string): number {
  const match = /^(\d+(?:\.\d+)?)(s|m|h)?$/.exec(text);
  const factor = { s: 1000, m: 60_000, h: 3_600_000 }[match?.[2] ?? "s"];
  if (!match || factor === undefined)
    throw new UsageError(`--${name} takes a duration such as 30s, 10m or 1h, not "${text}"`);
  return Number(match[1]) * factor;
}
