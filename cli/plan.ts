/** What `check` is to run: the campaigns that its options ask for. */
import type { Architecture } from "../model/architecture.js";
import type { Invariant, Judged } from "../properties/invariants.js";
import { type CampaignName, MODEL, type OpenedCampaign, openCampaign } from "./campaign-name.js";
import {
  builtInPlatformOf,
  endProgram,
  isPlatform,
  type OpenedDriver,
  type OpenedPlatform,
  openSoftware,
} from "./drivers.js";
import { UsageError } from "./errors.js";
import { architecturesOf, qemuAvailable } from "./implementations.js";
import type { Options } from "./options.js";
import { shellWord } from "./shell-word.js";

/** One campaign to be run. */
export interface Planned extends Omit<OpenedCampaign, "close"> {
  readonly name: CampaignName;
  /** The invariants that it is judged by. */
  readonly judged: readonly Invariant[];
  /** Options that have `replay` run a counterexample on the same thing. */
  readonly replayOptions: string;
}

/**
 * The campaigns: IOMMUs that `--on` names, or drivers that `--driver` names; without either the reference, QEMU and the
 * built-in driver. Of every architecture that is meant.
 * @param print is told what is left out
 * @throws UsageError when the options ask for what there is not
 */
export async function planned(
  options: Options,
  chosen: readonly Invariant[],
  print: (line: string) => void,
): Promise<readonly Planned[]> {
  const campaigns: Planned[] = [];
  /** Headings of campaigns that none of the chosen invariants can be judged of. */
  const unjudged: string[] = [];
  for (const name of await namesFor(options, print)) {
    const { subject, known, of, close } = await openCampaign(name);
    // Threads open it for themselves: a program would stand idle here.
    close();
    const judged = chosen.filter((one) => one.of.includes(of));
    if (judged.length === 0) unjudged.push(subject.heading);
    else campaigns.push({ subject, known, of, name, judged, replayOptions: replayOptionsFor(name, of) });
  }
  if (campaigns.length > 0) return campaigns;
  const ids = chosen.map((one) => one.id).join(", ");
  throw new UsageError(`${ids} cannot be judged of ${unjudged.join(", ")}`);
}

async function namesFor(options: Options, print: (line: string) => void): Promise<CampaignName[]> {
  if (options.drivers.length > 0) return driversNamed(options, options.drivers, options.on);
  if (options.on.length > 0) return iommusNamed(options, options.on);
  return everything(options, options.json ? () => undefined : print);
}

/** Every role and every architecture that is meant. */
async function everything(options: Options, print: (line: string) => void): Promise<CampaignName[]> {
  const { qemu, architectures } = options;
  const { available, reason } = qemu === undefined ? qemuAvailable(qemu) : { available: true, reason: "" };
  if (!available) print(`QEMU is left out: ${reason}`);
  const drivers = architectures.map((one) => one.id);
  const platforms = architectures.map((one) => builtInPlatformOf(one).name);
  return [
    ...iommusNamed(options, available ? ["reference", "qemu"] : ["reference"]),
    ...(await driversNamed(options, drivers, [])),
    ...(await driversNamed(options, platforms, [])),
  ];
}

function iommusNamed(options: Options, names: readonly string[]): CampaignName[] {
  return names.flatMap((on) =>
    architecturesOf(on, options.architectures, options).map((one) => nameOf(options, one, on, null)),
  );
}

async function driversNamed(
  options: Options,
  names: readonly string[],
  places: readonly string[],
): Promise<CampaignName[]> {
  const campaigns: CampaignName[] = [];
  for (const name of names) {
    const opened = await openSoftware(name, options.timeoutMs);
    try {
      if (isPlatform(opened) && places.some((one) => one !== MODEL))
        throw new UsageError(`${opened.name} is for whole machines: it is judged on the model only`);
      const on = isPlatform(opened) || places.length === 0 ? [MODEL] : places;
      for (const architecture of architecturesFor(opened, options.architectures))
        campaigns.push(...on.map((place) => nameOf(options, architecture, place, name)));
    } finally {
      endProgram(opened);
    }
  }
  return campaigns;
}

function nameOf(
  { qemu, timeoutMs, profiles }: Options,
  { id, profiles: own }: Architecture,
  on: string,
  driver: string | null,
): CampaignName {
  const ofIt: ReadonlySet<string> = new Set(own.map((one) => one.id));
  const chosen = profiles.filter((one) => ofIt.has(one));
  return { architecture: id, on, driver, qemu, timeoutMs, profiles: chosen };
}

function replayOptionsFor({ on, driver, qemu, timeoutMs }: CampaignName, of: Judged): string {
  const options = [
    ...(driver === null ? [] : ["--driver", driver]),
    // Software of whole machines is judged on the model only.
    ...(of === "platform" ? [] : ["--on", on]),
    ...(qemu === undefined ? [] : ["--qemu", qemu]),
    ...(timeoutMs === undefined ? [] : ["--timeout", `${timeoutMs / 1000}s`]),
  ];
  return options.map(shellWord).join(" ");
}

/**
 * The architectures that a driver is judged on: its own; for a module that does not say, the first that is meant; for a
 * program of several, those of them that are meant.
 */
export function architecturesFor(
  driver: OpenedDriver | OpenedPlatform,
  meant: readonly Architecture[],
): readonly Architecture[] {
  const own = isPlatform(driver) ? undefined : driver.program?.hello().architectures;
  if (own) {
    const found = meant.filter((one) => own.includes(one.id));
    if (found.length > 0) return found;
  } else {
    const found =
      driver.architecture === null ? meant[0] : meant.find((one) => one.id === driver.architecture);
    if (found) return [found];
  }
  const ids = own?.join(" and ") ?? driver.architecture;
  throw new UsageError(`${driver.name} is a driver for ${ids}, not for ${meant[0]!.id}`);
}
