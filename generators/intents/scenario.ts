/**
 * Scenarios for drivers as plain data: a platform, its devices and domains, what software asks of its driver, and what
 * devices and whoever gets freed memory make of it. Checked on the way in; they round-trip through JSON.
 */
import { chain } from "fp-ts/lib/Either.js";
import * as t from "io-ts";
import { accessCodec, checked, name, oneOf, page, range } from "../codec.js";

/** Most pages of one mapping: those of a 2 MiB superpage. */
export const MOST_PAGES = 512;

const pages = range(1, MOST_PAGES);
const offset = range(0, MOST_PAGES - 1);
const bits = range(0, 0xffffffff);
const ids = t.array(range(0, 0xffff));
/** Which id of its device a request carries. */
const requester = t.union([t.literal(0), t.literal(1)]);

/** The ids that requests of a device carry: its own, and for some an alias. */
const requesters = new t.Type<number[]>(
  "one or two requester ids",
  (value): value is number[] => ids.is(value) && (value.length === 1 || value.length === 2),
  (value, context) =>
    chain((list: number[]) =>
      list.length === 1 || list.length === 2 ? t.success(list) : t.failure<number[]>(value, context),
    )(ids.validate(value, context)),
  t.identity,
);

const INTENTS = [
  /** Attaches a device to a domain, or switches it over from the one it has. */
  t.strict({ do: t.literal("attach"), device: name, domain: name }),
  t.strict({ do: t.literal("detach"), device: name }),
  /** Maps a run of pages. */
  t.strict({
    do: t.literal("map"),
    mapping: name,
    domain: name,
    iova: page,
    page,
    pages,
    access: accessCodec,
  }),
  /** Changes the rights of some or all pages of a mapping, counted from its first. */
  t.strict({ do: t.literal("protect"), mapping: name, offset, pages, access: accessCodec }),
  /** Removes some or all pages of a mapping. */
  t.strict({ do: t.literal("unmap"), mapping: name, offset, pages }),
  /** Maps a mapping by larger entries where they fit. */
  t.strict({ do: t.literal("merge"), mapping: name }),
  t.strict({ do: t.literal("destroy"), domain: name }),
  /** What was put off is carried out. */
  t.strict({ do: t.literal("sync") }),
] as const;

export const intentCodec = t.union([...INTENTS], "an intent of a known kind");

export const intentStepCodec = t.union(
  [
    ...INTENTS,
    /**
     * Two CPUs carry out an intent each. Bits of the schedule, the lowest first, say whose turn it is: 0 runs the first
     * to its end and then the second.
     */
    t.strict({ do: t.literal("together"), first: intentCodec, second: intentCodec, schedule: bits }),
    /** A request that the device makes of its own accord. */
    t.strict({
      do: t.literal("dma"),
      device: name,
      requester,
      iova: page,
      type: oneOf("read", "write", "atomic", "zero-length-read"),
    }),
    /** The present owner of the device tells it to make a request some time later. */
    t.strict({ do: t.literal("program"), device: name, requester, iova: page, access: oneOf("r", "w") }),
    /** Whoever got the page of the table that was freed last fills it with entries of his own. */
    t.strict({ do: t.literal("plant") }),
  ],
  "a step of a known kind",
);

export const intentScenarioCodec = t.strict({
  format: t.literal("iommu-spec driver scenario 1"),
  architecture: oneOf("vtd", "amdvi"),
  profile: t.string,
  start: oneOf("translating", "reset"),
  /** Whether the driver has to invalidate through the queue (on AMD-Vi the command buffer) or through registers. */
  invalidation: oneOf("queue", "registers"),
  /** Whether what an intent takes away is gone when it returns, or at the next `sync` at latest. */
  flushing: oneOf("strict", "deferred"),
  /** Seed of what the hardware leaves to chance. */
  timing: bits,
  devices: t.array(t.strict({ name, requesters })),
  domains: t.array(t.strict({ name })),
  steps: t.array(intentStepCodec, "a list of steps"),
});

/** What software asks of its driver. */
export type Intent = t.TypeOf<typeof intentCodec>;
export type IntentStep = t.TypeOf<typeof intentStepCodec>;
export type IntentScenario = t.TypeOf<typeof intentScenarioCodec>;

/**
 * A scenario from its parsed JSON.
 * @throws ScenarioError naming the first place that does not fit
 */
export function intentScenarioFrom(data: unknown): IntentScenario {
  return checked(intentScenarioCodec, data);
}
