/** Scenarios for VT-d units as data. */
import * as t from "io-ts";
import { name, oneOf, page, range } from "../codec.js";
import {
  commonSteps,
  corruptCodec,
  deviceCodec,
  domainCodec,
  fillWithOnesCodec,
  mapFields,
  retableCodec,
  startCodec,
  tableEntryCodec,
  timingCodec,
} from "../steps.js";

const MOST_LEVELS = 5;

const entryCodec = t.union(
  [
    t.strict({ structure: t.literal("root"), device: name }),
    t.strict({ structure: t.literal("context"), device: name }),
    tableEntryCodec(MOST_LEVELS),
  ],
  "an entry of a known structure",
);

const targetCodec = t.union([
  t.strict({ cache: t.literal("context"), granularity: t.literal("global") }),
  t.strict({ cache: t.literal("context"), granularity: t.literal("domain"), domain: name }),
  t.strict({
    cache: t.literal("context"),
    granularity: t.literal("device"),
    domain: name,
    device: name,
    functionMask: range(0, 3),
  }),
  t.strict({ cache: t.literal("iotlb"), granularity: t.literal("global"), drain: t.boolean }),
  t.strict({ cache: t.literal("iotlb"), granularity: t.literal("domain"), domain: name, drain: t.boolean }),
  t.strict({
    cache: t.literal("iotlb"),
    granularity: t.literal("page"),
    domain: name,
    iova: page,
    mask: range(0, 63),
    leafOnly: t.boolean,
    drain: t.boolean,
  }),
]);

/** What is wrong with a bad descriptor. */
export const QUEUE_ERRORS = [
  "type",
  "reserved",
  "granularity",
  "scalable",
  "device-tlb",
  "interrupt-entry",
  "page-request-drain",
] as const;

const stepCodec = t.union(
  [
    /** Writes the context entry of a device: the domain's tables, or pass-through under the domain's id. */
    t.strict({
      do: t.literal("attach"),
      device: name,
      domain: name,
      type: oneOf("translated", "all", "pass-through"),
      faultProcessingDisable: t.boolean,
      writeBack: t.boolean,
    }),
    t.strict({ ...mapFields, size: oneOf("4K", "2M", "1G") }),
    retableCodec(MOST_LEVELS),
    corruptCodec(entryCodec),
    fillWithOnesCodec(MOST_LEVELS),
    ...commonSteps,
    /** Submits an invalidation; through registers it is waited for if `complete`, through the queue by a `wait`. */
    t.strict({ do: t.literal("invalidate"), target: targetCodec, complete: t.boolean }),
    /** A wait descriptor, and the wait for its sign if there is one. */
    t.strict({ do: t.literal("wait"), sign: oneOf("status", "interrupt", "both", "none"), fence: t.boolean }),
    /** An illegal descriptor; software sees the error, puts a wait in its place and goes on. */
    t.strict({
      do: t.literal("queue-error"),
      error: oneOf(...QUEUE_ERRORS),
      /** Software writes the tail again after it has cleared the error. */
      rewriteTail: t.boolean,
    }),
    /** Points the unit at a root table: 0 and 1 are software's own, 2 is where no memory is. */
    t.strict({ do: t.literal("set-root"), root: range(0, 2), complete: t.boolean }),
    t.strict({ do: t.literal("translation"), enable: t.boolean, complete: t.boolean }),
    /**
     * Protects blocks of memory from the one on that `page` is in, by the registers of a region; with none the region is
     * one that is disabled. Nothing where memory is protected already, or cannot be.
     */
    t.strict({
      do: t.literal("protect-memory"),
      region: oneOf("low", "high"),
      page,
      blocks: range(0, 8),
      complete: t.boolean,
    }),
    t.strict({ do: t.literal("release-memory"), complete: t.boolean }),
    /** Reads the fault registers, and frees them if `clear`. */
    t.strict({ do: t.literal("read-faults"), clear: t.boolean }),
  ],
  "a step of a known kind",
);

export const vtdScenarioCodec = t.strict({
  format: t.literal("iommu-spec scenario 1"),
  architecture: t.literal("vtd"),
  profile: t.string,
  start: startCodec,
  /** Whether software invalidates through the queue or through registers. */
  invalidation: oneOf("queue", "registers"),
  timing: timingCodec,
  devices: t.array(deviceCodec),
  domains: t.array(domainCodec(3, MOST_LEVELS)),
  steps: t.array(stepCodec, "a list of steps"),
});

export type VtdStep = t.TypeOf<typeof stepCodec>;
export type VtdScenario = t.TypeOf<typeof vtdScenarioCodec>;
export type InvalidationTargetOf = t.TypeOf<typeof targetCodec>;
export type EntryName = t.TypeOf<typeof entryCodec>;
