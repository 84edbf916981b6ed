/** Translations: through the current reader, the window reader and the caches of the reference, and those that fault. */
import type { Temperament } from "../implementations/iommu/reference/temperament.js";
import type { Request } from "../model/trace.js";
import { AdmissibleOutcomes } from "../model/windows/admissible.js";
import { CurrentReader } from "../model/windows/current-reader.js";
import { InvalidationLog } from "../model/windows/invalidation-log.js";
import { SteeringRegisters } from "../model/windows/steering.js";
import { Translation } from "../model/windows/walk.js";
import type { PhysicalMemory } from "../model/words/memory.js";
import { nanosecondsOf, sink } from "./measure.js";
import { PlainWalk } from "./plain-walk.js";
import { FIRST_IOVA, memoryWithStoredTables, memoryWithTables, REQUESTER, spreadIovas } from "./tables.js";
import type { BenchUnit } from "./units.js";

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
/** Pages mapped where the number makes no difference. */
const FEW = 64;

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

/** Device entry, four levels, decision: every check of the specification, nothing cached. */
export function currentReader({ unit, entries, pointer }: BenchUnit, pages: number): number {
  const reader = new CurrentReader(memoryWithTables(pages, entries), pointer);
  const translation = new Translation();
  const request = { ...readOf(0) };
  return overAddresses(spreadIovas(pages), (iova) => {
    request.page = iova;
    if (!unit.decideBeforeWalk(request, reader.translationEnabled(), translation)) {
      if (unit.lookUpDevice(reader, REQUESTER, iova, translation)) unit.translate(reader, translation);
      unit.decide(request, translation, translation.deviceAccess);
    }
    return translation.effect;
  });
}

function admissible({ unit, pointer }: BenchUnit, memory: PhysicalMemory, now: number): number {
  const steering = new SteeringRegisters();
  steering.reset(true, pointer);
  const log = new InvalidationLog(unit.invalidations);
  const outcomes = new AdmissibleOutcomes(unit, memory, steering, log, [REQUESTER]);
  const request = { ...readOf(0) };
  return overAddresses(spreadIovas(FEW), (iova) => {
    request.page = iova;
    return outcomes.compute(request, now)[0]!.effect;
  });
}

/** All admissible outcomes where tables were never changed. */
export function withoutHistory(bench: BenchUnit): number {
  return admissible(bench, memoryWithTables(FEW, bench.entries), 1);
}

/** All admissible outcomes where software has stored every entry once, over one that was not present. */
export function withoutStaleHistory(bench: BenchUnit): number {
  return admissible(bench, memoryWithStoredTables(FEW, bench.entries), 1000);
}

function byReference(bench: BenchUnit, temperament: Temperament, request: Request): number {
  const translator = bench.translator(memoryWithTables(FEW, bench.entries), temperament);
  return nanosecondsOf((count) => {
    for (let index = 0; index < count; index++) {
      translator.request(request);
      sink.value += translator.translation.effect;
    }
  });
}

/** A request that the reference answers from its IOTLB. */
export function referenceHit(bench: BenchUnit): number {
  return byReference(bench, ALWAYS_FROM_CACHE, readOf(FIRST_IOVA));
}

/** A request that the reference blocks. */
export function referenceFault(bench: BenchUnit): number {
  return byReference(bench, NEVER_FROM_CACHE, readOf(UNMAPPED));
}
