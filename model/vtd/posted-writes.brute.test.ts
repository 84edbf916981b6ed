import { describePostedWrites } from "../windows/posted-writes.testing.js";
import type { Random } from "../windows/random.testing.js";
import {
  PAGE_COUNT,
  type Script,
  ScriptMaker,
  type Step,
  walkPlatforms,
} from "./abstract-machine.scripts.js";
import { machineAnswer } from "./abstract-machine.testing.js";
import { type Draining, scriptPlatform, VtdScriptRun } from "./exposure.testing.js";
import type { InvalidationTarget } from "./invalidations.js";

const drains: Draining = (submission) => submission % 3 === 2;
const runs = new Map(
  walkPlatforms.map((one) => [one.profile, new VtdScriptRun(scriptPlatform(one), drains)]),
);

/** Domain ids stay with their functions. */
const domainIdOf = (requester: number) => 1 + (requester & 1);

function flush(random: Random, { pages, functions }: Script): InvalidationTarget {
  const domainId = domainIdOf(random.of(functions));
  const pageCount = random.weighted([4, 1], [2, 2], [2, 0x200], [2, 0x40000]);
  const page = random.of(pages);
  const firstPage = page - (page % pageCount);
  return random.weighted<InvalidationTarget>(
    [4, { cache: "context", granularity: "global" }],
    [4, { cache: "iotlb", granularity: "global" }],
    [4, { cache: "iotlb", granularity: "domain", domainId }],
    [6, { cache: "iotlb", granularity: "page", domainId, firstPage, pageCount, leafOnly: random.chance(30) }],
  );
}

/** 6.5.4: what a draining invalidation drains. */
function drainsWrite(target: InvalidationTarget, requester: number, iova: number): boolean {
  if (target.cache !== "iotlb") return false;
  if (target.granularity === "global") return true;
  if (target.domainId !== domainIdOf(requester)) return false;
  if (target.granularity === "domain") return true;
  return iova >= target.firstPage && iova < target.firstPage + target.pageCount;
}

describePostedWrites<InvalidationTarget, Step, Script>("posted writes", {
  /** SCRIPTS=100000 SEED=7 runs a larger campaign. */
  scripts: Number(process.env.SCRIPTS ?? 2500),
  pageCount: PAGE_COUNT,
  posted: 0.2,
  scriptOf(random, index) {
    const platform = walkPlatforms[index % walkPlatforms.length]!;
    return { ...new ScriptMaker(random, platform, 1 + random.below(5)).script, enabled: true };
  },
  own(at) {
    if ((at.page !== 3 && at.page !== 4) || at.word % 2 === 0) return at;
    return { ...at, low: ((at.low & ~0xffff00) | (domainIdOf(at.word >>> 1) << 8)) >>> 0 };
  },
  flush,
  submission: (random, target, fenceGroup) => ({
    do: "submit",
    queued: random.chance(70),
    fenceGroup,
    targets: [target],
  }),
  runOf: ({ profile }) => runs.get(profile)!,
  drains,
  drainsWrite,
  machineAnswer: (script, pages) => machineAnswer(script, scriptPlatform(script), pages),
});
