/** Translations: through the current reader, the window reader and the caches of the reference, and those that fault. */
import { Caches, requiredRemoval } from "../implementations/iommu/reference/caches.js";
import type { Temperament } from "../implementations/iommu/reference/temperament.js";
import { CachingTranslator } from "../implementations/iommu/reference/translator.js";
import type { Request } from "../model/trace.js";
import { AdmissibleOutcomes } from "../model/vtd/admissible.js";
import { CurrentReader } from "../model/vtd/current-reader.js";
import { FaultLog, faultRecordOf } from "../model/vtd/fault-log.js";
import { InvalidationLog } from "../model/vtd/invalidation-log.js";
import { profileNamed } from "../model/vtd/profiles.js";
import { SteeringRegisters } from "../model/vtd/steering.js";
import { decide, decideBeforeWalk, Translation, walk, walkPlatformOf } from "../model/vtd/walk.js";
import { Chance } from "../model/words/chance.js";
import type { PhysicalMemory } from "../model/words/memory.js";
import { nanosecondsOf, sink } from "./measure.js";
import { PlainWalk } from "./plain-walk.js";
import {
  FIRST_IOVA,
  memoryWithStoredTables,
  memoryWithTables,
  REQUESTER,
  ROOT_PAGE,
  spreadIovas,
} from "./tables.js";

const platform = walkPlatformOf(profileNamed("sapphire-rapids"));

const ALWAYS_FROM_CACHE: Temperament = {
  useCache: 256,
  prefetch: 0,
  evict: 0,
  progress: 0,
  commit: 0,
  collapse: 0,
};
const NEVER_FROM_CACHE: Temperament = { ...ALWAYS_FROM_CACHE, useCache: 0 };
/** A page that no table maps, below the same upper tables as those that are mapped. */
const UNMAPPED = FIRST_IOVA - 1;

function readOf(page: number): Request {
  return { requester: REQUESTER, page, offset: 0, length: 8, type: "read" };
}

/** Runs `translate` over the addresses in a circle. */
function overAddresses(iovas: Float64Array, translate: (iova: number) => number): number {
  const mask = iovas.length - 1;
  return nanosecondsOf((count) => {
    let sum = 0;
    for (let index = 0; index < count; index++) sum += translate(iovas[index & mask]!);
    sink.value += sum;
  });
}

/** The yardstick over `pages` mapped pages. */
export function plainWalk(pages: number): number {
  const plain = new PlainWalk(pages);
  return overAddresses(spreadIovas(pages), (iova) => plain.translate(iova));
}

/** Root entry, context entry, four levels, decision: every check of the specification, nothing cached. */
export function currentReader(pages: number): number {
  const reader = new CurrentReader(memoryWithTables(pages), ROOT_PAGE);
  const translation = new Translation();
  const request = { ...readOf(0) };
  return overAddresses(spreadIovas(pages), (iova) => {
    request.page = iova;
    if (!decideBeforeWalk(request, reader.translationEnabled(), translation)) {
      walk(platform, reader, REQUESTER, iova, translation);
      decide(platform, request, translation);
    }
    return translation.effect;
  });
}

function admissible(memory: PhysicalMemory, now: number): number {
  const steering = new SteeringRegisters();
  steering.reset(true, ROOT_PAGE);
  const outcomes = new AdmissibleOutcomes(platform, memory, steering, new InvalidationLog(), [REQUESTER]);
  const request = { ...readOf(0) };
  return overAddresses(spreadIovas(64), (iova) => {
    request.page = iova;
    return outcomes.compute(request, now)[0]!.effect;
  });
}

/** All admissible outcomes where tables were never changed. */
export function withoutHistory(): number {
  return admissible(memoryWithTables(64), 1);
}

/** All admissible outcomes where software has stored every entry once, over one that was not present. */
export function withoutStaleHistory(): number {
  return admissible(memoryWithStoredTables(64), 1000);
}

function translatorWith(temperament: Temperament): CachingTranslator {
  const chance = new Chance();
  chance.seed(1);
  const caches = new Caches(chance, requiredRemoval);
  const translator = new CachingTranslator(platform, memoryWithTables(64), caches, chance, null);
  translator.reset(temperament, true, ROOT_PAGE);
  return translator;
}

/** A request that the reference answers from its IOTLB. */
export function referenceHit(): number {
  const translator = translatorWith(ALWAYS_FROM_CACHE);
  const request = readOf(FIRST_IOVA);
  return nanosecondsOf((count) => {
    for (let index = 0; index < count; index++) {
      translator.request(request);
      sink.value += translator.translation.effect;
    }
  });
}

/** A request that the reference blocks, with the fault recorded and the record freed. */
export function referenceFault(): number {
  const translator = translatorWith(NEVER_FROM_CACHE);
  const faults = new FaultLog(platform.faultRecords);
  const request = readOf(UNMAPPED);
  return nanosecondsOf((count) => {
    for (let index = 0; index < count; index++) {
      translator.request(request);
      faults.record(faultRecordOf(platform, request, translator.translation.rule!), false);
      faults.clearRecord(faults.lastIndex);
    }
  });
}
