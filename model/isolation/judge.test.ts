import { describe, expect, it } from "vitest";
import { compileScenario } from "../../generators/compile.js";
import { defaultOptions, generateScenario } from "../../generators/generate.js";
import { dataPages, tablePages } from "../../generators/places.js";
import { keepingSteps } from "../../generators/scenario.js";
import { ReferenceIommu } from "../../implementations/iommu/reference/reference.js";
import { OutsideModel } from "../finding.js";
import type { Profile } from "../profile.js";
import type { RunStart } from "../run-start.js";
import { vtdProfile } from "../vtd/profile.js";
import { VtdSoftware } from "../vtd/software.js";
import { type WalkPlatform, walkPlatformOf } from "../vtd/walk.js";
import { Chance } from "../words/chance.js";
import type { OwnershipEvent, TraceRecord } from "./events.js";
import type { Reach } from "./exposure.js";
import { IsolationJudge } from "./judge.js";

/** RUNS=10000 SEED=7 makes more runs. */
const RUNS = Number(process.env.RUNS ?? 60);
const SEED = Number(process.env.SEED ?? 1);
const unit = new ReferenceIommu();
const platforms = new Map<Profile, WalkPlatform>();

interface Run {
  readonly platform: WalkPlatform;
  readonly setup: RunStart;
  readonly records: readonly TraceRecord[];
}

/** What software does, without requests, up to where the specification says nothing any more. */
function runOf(seed: number): Run {
  const scenario = generateScenario(seed, { ...defaultOptions("vtd"), fewestSteps: 12, mostSteps: 30 });
  const { setup, actions } = compileScenario(keepingSteps(scenario, (step) => step.do !== "dma"));
  let platform = platforms.get(setup.profile);
  if (!platform) {
    platform = walkPlatformOf(vtdProfile(setup.profile));
    platforms.set(setup.profile, platform);
  }
  unit.reset(setup);
  const seen = unit.execute(actions);
  const records = actions.map((action, index) => ({ action, seen: seen[index]! }));
  return { platform, setup, records };
}

/** Everything that is reached at some time, and how many of the records there are verdicts on. */
function everReached({ platform, setup, records }: Run): { reaches: Reach[]; count: number } {
  const model = new VtdSoftware(platform);
  model.reset(setup);
  const found = new Map<string, Reach>();
  const reaches = () => [...found.values()];
  for (const [index, record] of records.entries()) {
    if ("event" in record) continue;
    try {
      model.perform(record.action, record.seen, index);
    } catch (error) {
      if (error instanceof OutsideModel) return { reaches: reaches(), count: index };
      throw error;
    }
    model.addedReach(() => null);
    for (const one of model.exposure())
      found.set(`${one.requester} ${one.page} ${one.pages} ${one.access}`, one);
  }
  return { reaches: reaches(), count: records.length };
}

const domainOf = (requester: number) => `domain of ${requester}`;

/** Grants everything that is ever reached, and now and then takes something back. */
function withEvents(run: Run, chance: Chance): TraceRecord[] {
  const { reaches, count } = everReached(run);
  const tables = [0, 1, 2].map(() => tablePages[4 + chance.below(20)]!);
  const events: OwnershipEvent[] = [
    ...run.setup.requesters.map(
      (requester): OwnershipEvent => ({ event: "assign", requester, domain: domainOf(requester) }),
    ),
    ...reaches.map(
      ({ requester, iova, page, pages, access }): OwnershipEvent => ({
        event: "grant",
        domain: domainOf(requester),
        iova,
        page,
        pages,
        access,
      }),
    ),
    ...tables.map((page): OwnershipEvent => ({ event: "allocate-table", page })),
  ];
  return [
    ...events,
    ...run.records
      .slice(0, count)
      .flatMap((record) =>
        chance.happens(12) ? [record, takenBack(run, reaches, tables, chance)] : [record],
      ),
  ];
}

function takenBack(
  { setup }: Run,
  reaches: readonly Reach[],
  tables: readonly number[],
  chance: Chance,
): OwnershipEvent {
  const requester = setup.requesters[chance.below(setup.requesters.length)]!;
  const kind = chance.below(8);
  if (kind === 0) return { event: "unassign", requester, domain: domainOf(requester) };
  if (kind === 1) return { event: "free", page: dataPages[chance.below(dataPages.length)]!, pages: 1 };
  if (kind <= 4 || reaches.length === 0)
    return { event: "free-table", page: tables[chance.below(tables.length)]! };
  const { iova, page, pages, access } = reaches[chance.below(reaches.length)]!;
  return { event: "withdraw", domain: domainOf(requester), iova, page, pages, access };
}

/** Some reach was not granted, or the unit may read entries from a table that was freed. */
function isViolated({ model, ownership }: IsolationJudge): boolean {
  if (!model.protecting) return false;
  const ungranted = model
    .exposure()
    .some(({ requester, page, pages, access }) => ownership.firstUngranted(requester, page, pages, access));
  return ungranted || tablePages.some((page) => ownership.isFreed(page) && model.tableReach(page));
}

describe("a judge that looks at what each record may have changed", () => {
  it("agrees with one that looks at everything after each", { timeout: 60_000 + RUNS * 1000 }, () => {
    const chance = new Chance();
    let violated = 0;
    let records = 0;
    for (let index = 0; index < RUNS; index++) {
      chance.seed(SEED * 100003 + index);
      const run = runOf(SEED * 100003 + index);
      const model = new VtdSoftware(run.platform);
      model.reset(run.setup);
      const judge = new IsolationJudge(model);
      for (const record of withEvents(run, chance)) {
        const finding = judge.take(record);
        records++;
        if ((finding !== null) !== isViolated(judge))
          expect.fail(`run ${index}, record ${records}: ${JSON.stringify(record)}: ${finding?.message}`);
        if (!finding) continue;
        violated++;
        break;
      }
    }
    expect(violated).toBeGreaterThan(RUNS / 4);
    expect(records).toBeGreaterThan(RUNS * 20);
  });
});
