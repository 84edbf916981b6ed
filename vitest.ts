/**
 * The suite as tests of a vitest project: one call registers every invariant for an implementation of one's own.
 *
 * ```ts
 * import { iommuTests } from "iommu-spec/vitest";
 * iommuTests("my unit", () => new MyUnit(), { profiles: ["gm45"] });
 * ```
 */
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { defaultOptions } from "./generators/generate.js";
import { defaultIntentOptions } from "./generators/intents/generate.js";
import { defaultPlatformOptions } from "./generators/platform/generate.js";
import type { DriverFactory } from "./implementations/driver/interface.js";
import type { PlatformSoftware } from "./implementations/driver/platform/interface.js";
import type { Iommu } from "./implementations/iommu/interface.js";
import { architectureOf, platformNamed } from "./model/architectures.js";
import type { ArchitectureId } from "./model/profile.js";
import { type CampaignResult, runCampaign, type Share } from "./properties/campaign.js";
import { earlierFailures } from "./properties/campaign-database.js";
import { exposureSubject } from "./properties/driver-subject.js";
import { type Invariant, invariants, type Judged } from "./properties/invariants.js";
import { platformSubject } from "./properties/platform/subject.js";
import { type AnyScenario, iommuSubject, type Subject } from "./properties/subject.js";
import { findingOf } from "./reports/result-of.js";
import { counterexample } from "./reports/terminal.js";

/** What is to be searched, and where counterexamples go. */
export interface SuiteOptions {
  /** The architecture whose default profiles are meant; not needed where `profiles` are given. Default: `vtd`. */
  readonly architecture?: ArchitectureId;
  /** Ids of the platform profiles (`iommu-spec list profiles`), all of one architecture. */
  readonly profiles?: readonly string[];
  /** Random scenarios for each profile, those of all parts together. Default: 1,000. */
  readonly scenarios?: number;
  /** Equal seeds give equal scenarios. Default: 1. */
  readonly seed?: number;
  /**
   * Which part of the scenarios is this call's: calls in several files divide them, and `vitest --shard` divides the files.
   * Default: all of them.
   */
  readonly part?: Share;
  /** Counterexamples are written there, and replayed first the next time. Default: `out`. */
  readonly folder?: string;
}

/**
 * Registers a test for every profile and every invariant of IOMMUs. A test that fails shows the shrunk counterexample and
 * the file that it was saved to.
 * @param create opens the implementation; called once for each profile, and closed after it
 * @throws Error when the options name no such profile, or profiles of two architectures
 */
export function iommuTests(name: string, create: () => Iommu, options: SuiteOptions = {}): void {
  const { architecture, profiles } = meant(options, (id) => defaultOptions(id).profiles);
  register(name, "iommu", profiles, options, (profile) => {
    const iommu = create();
    const subject = iommuSubject(iommu, { ...defaultOptions(architecture), profiles: [profile] });
    return { subject, close: () => iommu.close() };
  });
}

/**
 * Registers the same for a driver of one unit, judged by everything that a conforming unit may do.
 * @param create makes a driver for one run, as the module given to `--driver` does
 * @throws Error as {@link iommuTests} does
 */
export function driverTests(name: string, create: DriverFactory, options: SuiteOptions = {}): void {
  const { architecture, profiles } = meant(options, (id) => defaultIntentOptions(id).profiles);
  register(name, "driver", profiles, options, (profile) => {
    const generator = { ...defaultIntentOptions(architecture), profiles: [profile] };
    return { subject: exposureSubject({ name, create }, generator), close: () => undefined };
  });
}

/**
 * Registers the same for software of whole machines.
 * @throws Error as {@link iommuTests} does
 */
export function platformTests(name: string, software: PlatformSoftware, options: SuiteOptions = {}): void {
  const { architecture, profiles } = meant(options, (id) => defaultPlatformOptions(id).profiles);
  register(name, "platform", profiles, options, (profile) => {
    const generator = { ...defaultPlatformOptions(architecture), profiles: [profile] };
    return { subject: platformSubject({ name, software }, generator), close: () => undefined };
  });
}

function meant(
  { architecture, profiles }: SuiteOptions,
  defaultsOf: (id: ArchitectureId) => readonly string[],
): { architecture: ArchitectureId; profiles: readonly string[] } {
  const named = (profiles ?? []).map((id) => architectureOf(platformNamed(id)).id);
  const chosen = architecture ?? named[0] ?? "vtd";
  const other = named.findIndex((one) => one !== chosen);
  if (other >= 0) throw new Error(`profile ${profiles![other]} is one of ${named[other]}, not of ${chosen}`);
  return { architecture: chosen, profiles: profiles ?? defaultsOf(chosen) };
}

interface Opened {
  readonly subject: Subject<AnyScenario>;
  close(): void;
}

function register<S extends AnyScenario>(
  name: string,
  judged: Judged,
  profiles: readonly string[],
  options: SuiteOptions,
  open: (profile: string) => { readonly subject: Subject<S>; close(): void },
): void {
  const own = invariants.filter((one) => one.of.includes(judged));
  describe(name, () => {
    for (const profile of profiles)
      describe(profile, () => registerProfile(name, own, profile, options, () => open(profile) as Opened));
  });
}

function registerProfile(
  name: string,
  own: readonly Invariant[],
  profile: string,
  options: SuiteOptions,
  open: () => Opened,
): void {
  let result: CampaignResult;
  let opened: Opened | undefined;
  beforeAll(() => {
    opened = open();
    result = runCampaign(campaignOf(opened.subject, own, join(folderOf(name, options), profile), options));
  }, Number.POSITIVE_INFINITY);
  afterAll(() => opened?.close());
  for (const { id, title } of own) it(`${id}: ${title}`, () => expectKept(result, id));
  it("a verdict for every scenario", () => {
    expect([...result.failures.map((one) => one.message), ...result.unknown.keys()]).toEqual([]);
  });
}

function folderOf(name: string, { folder }: SuiteOptions): string {
  return join(folder ?? "out", name.replaceAll(/[^a-z0-9.]+/gi, "-"));
}

function campaignOf(
  subject: Subject<AnyScenario>,
  own: readonly Invariant[],
  folder: string,
  { scenarios = 1000, seed = 1, part }: SuiteOptions,
): Parameters<typeof runCampaign>[0] {
  return {
    subject,
    seed,
    runs: scenarios,
    milliseconds: Number.POSITIVE_INFINITY,
    invariants: own,
    known: [],
    folder,
    earlier: earlierFailures(folder, () => true),
    ...(part && { share: part }),
    progress: () => undefined,
  };
}

/** @throws Error with every counterexample of an invariant */
function expectKept({ findings, architecture }: CampaignResult, invariant: string): void {
  const broken = findings.filter((one) => one.invariants.includes(invariant));
  if (broken.length === 0) return;
  const shown = broken.map((one) =>
    counterexample(findingOf(one, architecture, [], (file) => `the next run replays ${file}`)).join("\n"),
  );
  throw new Error(shown.join("\n\n"));
}
