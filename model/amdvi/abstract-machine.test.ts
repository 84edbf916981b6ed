import { Cache } from "../windows/invalidation-log.js";
import { Altered, describeMachine, Unfenced } from "../windows/machine-comparison.testing.js";
import { ScriptMaker, switchedOften, walkPlatforms } from "./abstract-machine.scripts.js";
import {
  closedFormOutcomes,
  differencesOf,
  type MakeLog,
  machineOutcomes,
} from "./abstract-machine.testing.js";
import { type InvalidationTarget, invalidations } from "./invalidations.js";

const brokenLogs: Record<string, MakeLog> = {
  "device table entries are never invalidated": () => new Unfenced(invalidations, Cache.device),
  "page directory entries are never invalidated": () => new Unfenced(invalidations, Cache.table),
  "I/O TLB entries are never invalidated": () => new Unfenced(invalidations, Cache.iotlb),
  "flushes of COMPLETION_WAIT are overlooked": () =>
    new Altered(invalidations, (one) => ({ ...one, fenceGroup: 0 })),
  "submitted counts as done": () =>
    new Altered(invalidations, (one) => ({ ...one, observed: one.submitted })),
  "PDE is taken to be set": () =>
    new Altered(invalidations, (one) => ({ ...one, target: withDirectories(one.target) })),
  "a range covers its first page only": () =>
    new Altered(invalidations, (one) => ({ ...one, target: onePage(one.target) })),
};

function withDirectories(target: InvalidationTarget): InvalidationTarget {
  return target.command === "invalidate-iommu-pages" ? { ...target, directories: true } : target;
}

function onePage(target: InvalidationTarget): InvalidationTarget {
  return target.command === "invalidate-iommu-pages" ? { ...target, pageCount: 1 } : target;
}

describeMachine({
  platforms: walkPlatforms,
  script(random, platform, steps) {
    const { script } = new ScriptMaker(random, platform, steps);
    return random.chance(10) ? switchedOften(script, random) : script;
  },
  machine: machineOutcomes,
  closedForm: closedFormOutcomes,
  differencesOf,
  brokenLogs,
});
