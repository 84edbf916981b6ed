/** Follows runs twice, forgetting after every action and never, and holds the two to each other. */
import { expect } from "vitest";
import { dataPages, iovaPool } from "../generators/places.js";
import type { RunSetup } from "../implementations/iommu/interface.js";
import { allProfiles, architectureOf } from "./architectures.js";
import { OutsideModel } from "./finding.js";
import type { Reach } from "./isolation/exposure.js";
import type { Profile } from "./profile.js";
import type { RunStart } from "./run-start.js";
import type { Action, Observation, Request } from "./trace.js";
import { Exposure } from "./windows/exposure.js";
import { WindowsOracle } from "./windows/oracle.js";

const GRANTED_TO_ANYBODY = () => null;

/** A model without anything that decides for itself when to forget. */
class Follower {
  readonly oracle: WindowsOracle;
  readonly reaches: Exposure;

  constructor(profile: Profile) {
    const oracle = architectureOf(profile).createOracle(profile);
    if (!(oracle instanceof WindowsOracle)) throw new RangeError(`${profile.id} has no visibility windows`);
    this.oracle = oracle;
    this.reaches = new Exposure(this.oracle);
  }

  reset(setup: RunStart): void {
    this.oracle.reset(setup);
    this.reaches.reset();
  }

  perform(action: Action, seen: Observation, index: number): string | null {
    const finding = this.oracle.perform(action, seen, index);
    this.reaches.added(action, index, GRANTED_TO_ANYBODY);
    return finding?.kind ?? null;
  }

  /** What every requester reaches, and what becomes of a request. */
  shows(requester: number, index: number): unknown {
    const page = addresses[index % addresses.length]!;
    const type = index % 2 === 0 ? "write" : "read";
    const request: Request = { requester, page, offset: 0, length: 4, type };
    const outcomes = this.oracle.outcomesOf(request, index);
    return {
      page,
      outcomes: outcomes.map((one) => `${one.effect} ${one.rule?.id} ${one.recorded}`).sort(),
      exposure: pagesReached(this.reaches.everything(), this.oracle.memory.pageCount),
    };
  }

  get oldValues(): number {
    const { memory } = this.oracle;
    let count = 0;
    memory.eachSuperseded((page, word) => {
      let version = memory.olderVersion(memory.newestVersion(memory.frameOf(page), word));
      for (; version !== 0; version = memory.olderVersion(version)) count++;
    });
    return count;
  }
}

const addresses = [...iovaPool(4), ...dataPages.slice(0, 2), 0xfee00];
const followers = new Map(
  allProfiles.map((one) => [one.id, { forgetful: new Follower(one), thorough: new Follower(one) }]),
);

/** The pages of memory that are reached, whether by one entry or by several: runs that overlap or meet are one. */
function pagesReached(reaches: readonly Reach[], memoryPages: number): string[] {
  const runs = new Map<string, [first: number, end: number][]>();
  for (const { requester, iova, page, pages, access, way } of [...reaches].sort((a, b) => a.iova - b.iova)) {
    const key = `${requester} ${way} of ${access} at ${page - iova} from`;
    const list = runs.get(key) ?? [];
    const last = list.at(-1);
    const end = iova + Math.min(pages, memoryPages - page);
    if (last && iova <= last[1]) last[1] = Math.max(last[1], end);
    else list.push([iova, end]);
    runs.set(key, list);
  }
  return [...runs].flatMap(([key, list]) => list.map(([first, end]) => `${key} ${first} to ${end}`)).sort();
}

/** A run with what every action showed. */
export interface ObservedRun {
  readonly setup: RunSetup;
  readonly records: readonly { readonly action: Action; readonly seen: Observation }[];
}

/**
 * Follows a run in both ways, and compares after every so many actions. Returns how many old values, and how many
 * invalidations, were forgotten in the end.
 */
export function compare(
  name: string,
  { setup, records }: ObservedRun,
  every = 1,
): { values: number; invalidations: number } {
  const { forgetful, thorough } = followers.get(setup.profile.id)!;
  forgetful.reset(setup);
  thorough.reset(setup);
  try {
    records.forEach(({ action, seen }, index) => {
      const where = `${name}, action ${index}: ${JSON.stringify(action)}`;
      const found = thorough.perform(action, seen, index);
      expect(forgetful.perform(action, seen, index), where).toBe(found);
      forgetful.reaches.forget();
      if (index % every !== 0) return;
      const requester = setup.requesters[index % setup.requesters.length]!;
      expect(forgetful.shows(requester, index), where).toEqual(thorough.shows(requester, index));
    });
  } catch (error) {
    if (!(error instanceof OutsideModel)) throw error;
  }
  return {
    values: thorough.oldValues - forgetful.oldValues,
    invalidations: thorough.oracle.log.entries.length - forgetful.oracle.log.entries.length,
  };
}
