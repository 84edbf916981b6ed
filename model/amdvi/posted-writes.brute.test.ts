import { describePostedWrites } from "../windows/posted-writes.testing.js";
import type { Random } from "../windows/random.testing.js";
import {
  DEVICE_TABLES,
  PAGE_COUNT,
  type Script,
  ScriptMaker,
  type Step,
  walkPlatforms,
} from "./abstract-machine.scripts.js";
import { machineAnswer } from "./abstract-machine.testing.js";
import { AmdViScriptRun, scriptPlatform } from "./exposure.testing.js";
import type { InvalidationTarget } from "./invalidations.js";
import { DEVICE_TABLE_ENTRIES_PER_PAGE, DEVICE_TABLE_ENTRY_WORDS } from "./tables.js";

const platforms = new Map(
  walkPlatforms.map(({ profile }) => [profile, scriptPlatform({ profile })] as const),
);
const [V, TV] = [1, 2];

/** Domain ids stay with their functions. */
const domainIdOf = (requester: number) => 1 + (requester & 1);

/** The DeviceID whose entry a word belongs to, and which of its words it is; null for other tables. */
function deviceWord(page: number, word: number): { deviceId: number; part: number } | null {
  const table = DEVICE_TABLES.findLast((first) => first <= page);
  if (table === undefined || page - table > 1) return null;
  const deviceId =
    (page - table) * DEVICE_TABLE_ENTRIES_PER_PAGE + Math.floor(word / DEVICE_TABLE_ENTRY_WORDS);
  return { deviceId, part: word % DEVICE_TABLE_ENTRY_WORDS };
}

/** Most likely something that led somewhere leads nowhere any more. */
function takenAway(random: Random, { words }: Script): Step {
  const { page, word } = random.of(words);
  const entry = deviceWord(page, word);
  return { do: "store", page, word, low: entry ? V : 0, high: 0 };
}

function flush(random: Random, { pages, functions }: Script): InvalidationTarget {
  const pageCount = random.weighted([4, 1], [2, 2], [2, 0x200], [2, 0x40000], [3, 2 ** 52]);
  const page = random.of(pages);
  return random.weighted<InvalidationTarget>(
    [5, { command: "invalidate-devtab-entry", deviceId: random.of(functions) }],
    [3, { command: "invalidate-iommu-all" }],
    [
      9,
      {
        command: "invalidate-iommu-pages",
        domainId: domainIdOf(random.of(functions)),
        firstPage: page - (page % pageCount),
        pageCount,
        directories: random.chance(70),
      },
    ],
  );
}

/** What a command drains of the writes that a function has made, translated or not. */
function drainsWrite(
  target: InvalidationTarget,
  requester: number,
  iova: number,
  translated: boolean,
): boolean {
  switch (target.command) {
    case "invalidate-iommu-all":
      return true;
    case "invalidate-devtab-entry":
      return target.deviceId === requester;
    case "invalidate-iommu-pages": {
      const { domainId, firstPage, pageCount } = target;
      const inRange = iova >= firstPage && iova < firstPage + pageCount;
      return translated && domainId === domainIdOf(requester) && inRange;
    }
  }
}

interface Kind {
  /** The device table entries that let anything through name a domain; else none does. */
  readonly translated: boolean;
  readonly drains: (submission: number) => boolean;
  /** In so much of the scripts something is reached by a posted write only. */
  readonly posted: number;
}

function describeWrites(name: string, { translated, drains, posted }: Kind): void {
  const runs = new Map(
    [...platforms].map(([profile, platform]) => [profile, new AmdViScriptRun(platform, drains)]),
  );
  describePostedWrites<InvalidationTarget, Step, Script>(name, {
    /** SCRIPTS=100000 SEED=7 runs a larger campaign. */
    scripts: Number(process.env.SCRIPTS ?? 700),
    pageCount: PAGE_COUNT,
    posted,
    scriptOf(random, index) {
      const platform = walkPlatforms[index % walkPlatforms.length]!;
      const { script } = new ScriptMaker(random, platform, 1 + random.below(4));
      return { ...script, enabled: true, steps: [...script.steps, takenAway(random, script)] };
    },
    own(at) {
      const entry = deviceWord(at.page, at.word);
      if (entry?.part === 1) return { ...at, low: ((at.low & ~0xffff) | domainIdOf(entry.deviceId)) >>> 0 };
      if (entry?.part !== 0) return at;
      if (translated) return { ...at, low: (at.low | V) >>> 0 };
      // TV is there for the walk of others: here an entry lets everything through or nothing.
      return { ...at, low: (at.low & TV ? at.low & ~(V | TV) : at.low | V) >>> 0 };
    },
    flush,
    submission: (_, target, fenceGroup) => ({ do: "submit", fenceGroup, targets: [target] }),
    runOf: ({ profile }) => runs.get(profile)!,
    drains,
    drainsWrite: (target, requester, iova) => drainsWrite(target, requester, iova, translated),
    machineAnswer: (script, pages) => machineAnswer(script, platforms.get(script.profile)!, pages),
  });
}

describeWrites("posted writes that were translated", {
  translated: true,
  drains: () => true,
  posted: 0.01,
});
// Nothing that lets writes through untranslated goes without draining them.
describeWrites("posted writes that device table entries with V = 0 let through", {
  translated: false,
  drains: () => true,
  posted: 0,
});
describeWrites("posted writes if few commands drained them", {
  translated: true,
  drains: (submission) => submission % 3 === 2,
  posted: 0.2,
});
describeWrites("posted writes that are not translated if few commands drained them", {
  translated: false,
  drains: (submission) => submission % 3 === 2,
  posted: 0.2,
});
