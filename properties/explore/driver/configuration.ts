/** What of drivers is searched: a small machine, and every step that its software may ask for. */
import type { Intent, IntentScenario, IntentStep } from "../../../generators/intents/scenario.js";
import { dataPages } from "../../../generators/places.js";
import type { ArchitectureId } from "../../../model/profile.js";
import { requesterId } from "../../../model/words/address.js";

/** Kinds of steps. `large` is a mapping of 512 pages, `run` one of two pages. */
export const STEP_KINDS = [
  "attach",
  "detach",
  "map",
  "unmap",
  "protect",
  "run",
  "large",
  "merge",
  "destroy",
  "sync",
  "program",
  "plant",
  "together",
] as const;
export type StepKind = (typeof STEP_KINDS)[number];

export interface DriverConfiguration {
  readonly architecture: ArchitectureId;
  readonly profile: string;
  readonly start: IntentScenario["start"];
  readonly invalidation: IntentScenario["invalidation"];
  readonly flushing: IntentScenario["flushing"];
  readonly requesters: number;
  /** The first device has a second requester id. */
  readonly alias: boolean;
  readonly domains: number;
  readonly iovas: number;
  readonly pages: number;
  readonly kinds: readonly StepKind[];
}

/** First pages of a 2 MiB region, as device addresses and in memory. */
const FIRST_IOVA = 0x1000;
const REGION = 512;

const upTo = (count: number) => Array.from({ length: count }, (_, index) => index);

export const deviceName = (index: number) => String.fromCharCode(97 + index);
export const domainName = (index: number) => `d${index}`;
/** One mapping of a domain begins at an address. */
export const mappingName = (domain: number, iova: number) => `m${domain}.${iova}`;

/** The machine, with no steps yet. */
export function scenarioOf(configuration: DriverConfiguration): IntentScenario {
  const { architecture, profile, start, invalidation, flushing, requesters, alias, domains } = configuration;
  const devices = upTo(requesters).map((index) => {
    const requester = requesterId(0, 4 + index, 0);
    return {
      name: deviceName(index),
      requesters: alias && index === 0 ? [requester, requester ^ 2] : [requester],
    };
  });
  return {
    format: "iommu-spec driver scenario 1",
    architecture,
    profile,
    start,
    invalidation,
    flushing,
    timing: 1,
    devices,
    domains: upTo(domains).map((index) => ({ name: domainName(index) })),
    steps: [],
  };
}

/** A step with the highest number of each kind of name that it has. */
export interface NamedStep {
  readonly step: IntentStep;
  readonly device: number;
  readonly domain: number;
  readonly iova: number;
  readonly page: number;
}

const NO_NAME = -1;

/** Every step of the kinds that are asked for. */
export function alphabetOf(configuration: DriverConfiguration): NamedStep[] {
  const kinds = new Set(configuration.kinds);
  const single = STEP_KINDS.filter((kind) => kind !== "together" && kinds.has(kind)).flatMap((kind) =>
    stepsOf(kind, configuration),
  );
  return kinds.has("together") ? [...single, ...pairsOf(single)] : single;
}

function stepsOf(
  kind: StepKind,
  { requesters, domains, iovas, pages, kinds }: DriverConfiguration,
): NamedStep[] {
  const none = { device: NO_NAME, domain: NO_NAME, iova: NO_NAME, page: NO_NAME };
  const devices = upTo(requesters).map((device) => ({ ...none, device }));
  const places = upTo(domains).flatMap((domain) => upTo(iovas).map((iova) => ({ ...none, domain, iova })));
  const mapping = ({ domain, iova }: { domain: number; iova: number }) => mappingName(domain, iova);
  switch (kind) {
    case "attach":
      return devices.flatMap((one) =>
        upTo(domains).map((domain) => ({
          ...one,
          domain,
          step: { do: "attach", device: deviceName(one.device), domain: domainName(domain) },
        })),
      );
    case "detach":
      return devices.map((one) => ({ ...one, step: { do: "detach", device: deviceName(one.device) } }));
    case "map":
      return places.flatMap((one) =>
        upTo(pages).map((page) => ({ ...one, page, step: mapStep(one, page, 1, "rw") })),
      );
    case "run":
      return places.map((one) => ({ ...one, page: pages - 1, step: mapStep(one, 0, 2, "rw") }));
    case "large":
      return places
        .filter((one) => one.iova === 0)
        .flatMap((one) =>
          (["rw", "r"] as const).map((access) => ({
            ...one,
            page: pages - 1,
            step: mapStep(one, 0, REGION, access),
          })),
        );
    case "unmap":
      return places.flatMap((one) =>
        changes(kinds, one, (part) => ({ do: "unmap", mapping: mapping(one), ...part })),
      );
    case "protect":
      return places.flatMap((one) =>
        changes(kinds, one, (part) => ({ do: "protect", mapping: mapping(one), ...part, access: "r" })),
      );
    case "merge":
      return places.map((one) => ({ ...one, step: { do: "merge", mapping: mapping(one) } }));
    case "destroy":
      return upTo(domains).map((domain) => ({
        ...none,
        domain,
        step: { do: "destroy", domain: domainName(domain) },
      }));
    case "sync":
      return [{ ...none, step: { do: "sync" } }];
    case "program":
      return devices.flatMap((one) =>
        upTo(iovas).map((iova) => ({
          ...one,
          iova,
          step: {
            do: "program",
            device: deviceName(one.device),
            requester: 0,
            iova: FIRST_IOVA + iova,
            access: "w",
          },
        })),
      );
    case "plant":
      return [{ ...none, step: { do: "plant" } }];
    case "together":
      return [];
  }
}

function mapStep(
  { domain, iova }: { readonly domain: number; readonly iova: number },
  page: number,
  pages: number,
  access: "rw" | "r",
): Intent {
  const name = domainName(domain);
  const first = pages === REGION ? dataPages[0]! : dataPages[page]!;
  return {
    do: "map",
    mapping: mappingName(domain, iova),
    domain: name,
    iova: FIRST_IOVA + iova,
    page: first,
    pages,
    access,
  };
}

/** A change of all pages of a mapping and, where one may have several, of its first page. */
function changes(
  kinds: readonly StepKind[],
  place: Omit<NamedStep, "step">,
  step: (part: { readonly offset: number; readonly pages: number }) => Intent,
): NamedStep[] {
  const sizes = hasRuns(kinds) ? [REGION, 1] : [1];
  return sizes.map((pages) => ({ ...place, step: step({ offset: 0, pages }) }));
}

/** Some mappings have several pages: then addresses, and pages, are no longer as good as one another. */
export function hasRuns(kinds: readonly StepKind[]): boolean {
  return kinds.includes("run") || kinds.includes("large");
}

/** Whose turn it is: the CPUs take turns, and the second goes first or not. */
const SCHEDULES = [0xaaaaaaaa, 0x55555555];

/** Two maps, or two unmaps, at the same time. */
function pairsOf(single: readonly NamedStep[]): NamedStep[] {
  const pairs: NamedStep[] = [];
  for (const [index, one] of single.entries())
    for (const other of single.slice(index + 1)) {
      if (one.domain === other.domain && one.iova === other.iova) continue;
      const first = one.step;
      const second = other.step;
      const isPair =
        (first.do === "map" && second.do === "map") || (first.do === "unmap" && second.do === "unmap");
      if (!isPair) continue;
      for (const schedule of SCHEDULES)
        pairs.push({
          step: { do: "together", first, second, schedule },
          device: NO_NAME,
          domain: Math.max(one.domain, other.domain),
          iova: Math.max(one.iova, other.iova),
          page: Math.max(one.page, other.page),
        });
    }
  return pairs;
}

/** The steps with the names that are to be used in order: those of which each is as good as any other. */
export function namesInOrder(
  steps: readonly NamedStep[],
  { kinds, alias }: DriverConfiguration,
): readonly NamedStep[] {
  const iovasAlike = !hasRuns(kinds);
  return steps.map((one) => ({
    ...one,
    device: alias ? NO_NAME : one.device,
    iova: iovasAlike ? one.iova : NO_NAME,
    page: iovasAlike ? one.page : NO_NAME,
  }));
}
