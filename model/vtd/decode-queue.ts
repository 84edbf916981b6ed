/** Invalidation queue descriptors of 128 and 256 bits and page requests, one at a time (VT-d 6.5.2, 7.4.1.1, 7.6.1). */
import { failedChecks, without } from "../entry-reader.js";
import { type Broken, type Checked, reservedBits, type Structure } from "../structure.js";
import type { Word } from "../trace.js";
import { field, ignored, type Layout, layout, readField, reservedMask } from "../words/layout.js";
import type { Rule } from "../words/rule.js";
import { asAddress } from "../words/shown-fields.js";
import {
  contextDescriptor,
  type Descriptor,
  DescriptorDecoder,
  DescriptorType,
  deviceTlbDescriptor,
  interruptEntryDescriptor,
  iotlbDescriptor,
  queueErrorRules,
  waitDescriptor,
} from "./descriptors.js";
import {
  pageRequestLayout,
  pageResponseDescriptor,
  pasidCacheDescriptor,
  pasidDeviceTlbDescriptor,
  pasidIotlbDescriptor,
  permissionCacheDescriptor,
} from "./layout-descriptors-256.js";
import { extendedCapability } from "./layout-scalable.js";
import { type Platform, platformOf, vtdProfile } from "./profile.js";
import { describeTarget } from "./wording.js";

type VtdLayout = Layout<Platform>;
type Support = (platform: Platform) => boolean;

/** Descriptors of 128 bits; a queue of 256-bit ones has them with an upper half of zeros. */
const narrow: ReadonlyMap<number, VtdLayout> = new Map([
  [DescriptorType.context, contextDescriptor],
  [DescriptorType.iotlb, iotlbDescriptor],
  [DescriptorType.deviceTlb, deviceTlbDescriptor],
  [DescriptorType.interruptEntry, interruptEntryDescriptor],
  [DescriptorType.wait, waitDescriptor],
]);

interface WideDescriptor {
  readonly layout: VtdLayout;
  readonly supported: Support;
  /** Granularities there are; null for a descriptor without. */
  readonly granularities: readonly number[] | null;
}

const all =
  (...names: string[]): Support =>
  (platform) =>
    names.every((one) => extendedCapability(one)(platform));

/** Table 26: descriptors that only a queue of 256-bit ones takes. */
const wide: ReadonlyMap<number, WideDescriptor> = new Map([
  [6, { layout: pasidIotlbDescriptor, supported: all("SMTS"), granularities: [2, 3] }],
  [7, { layout: pasidCacheDescriptor, supported: all("SMTS"), granularities: [0, 1, 3] }],
  [8, { layout: pasidDeviceTlbDescriptor, supported: all("SMTS", "DT", "PASID"), granularities: null }],
  [9, { layout: pageResponseDescriptor, supported: all("SMTS", "PRS"), granularities: null }],
  [10, { layout: permissionCacheDescriptor, supported: all("SMTS", "HPTS"), granularities: [1, 2, 3] }],
]);

const unknownDescriptor: VtdLayout = layout("descriptor of no known type", "6.5.2.11", 128, [
  field("Type", "3:0", "descriptor type"),
  field("TypeHigh", "11:9", "descriptor type, upper bits"),
  ignored("8:4"),
  ignored("127:12"),
]);

/** 6.5.2: bits 11:9 and 3:0 make the type. */
function typeOf(words: readonly Word[]): number {
  const { low } = words[0]!;
  return (low & 0xf) | ((low >>> 5) & 0x70);
}

function layoutOf(words: readonly Word[]): VtdLayout | null {
  const type = typeOf(words);
  const of = narrow.get(type) ?? wide.get(type)?.layout ?? unknownDescriptor;
  return of.width / 64 > words.length ? null : of;
}

/** What stops the queue. */
function broken(rule: Rule, message: string): Broken {
  return {
    rule,
    message,
    consequence: "the queue stops at it with FSTS.IQE = 1 (VT-d 6.5.2.11)",
  };
}

function check(words: readonly Word[], platform: Platform): Checked {
  const type = typeOf(words);
  const other = wide.get(type);
  return other ? checkWide(words, platform, type, other) : checkNarrow(words, platform, type);
}

function checkNarrow(words: readonly Word[], platform: Platform, type: number): Checked {
  const decoder = new DescriptorDecoder(platform);
  const decoded = (now: readonly Word[]): Descriptor =>
    decoder.decode(now[0]!.low, now[0]!.high, now[1]!.low, now[1]!.high);
  const of = narrow.get(type) ?? unknownDescriptor;
  const rules = failedChecks(
    words.slice(0, 2),
    (now) => {
      const found = decoded(now);
      return found.kind === "error" ? found.rule : null;
    },
    (rule, now) => (rule === queueErrorRules.reserved ? without(now, reservedMask(of, platform)) : null),
  );
  const found = rules.map((rule) => broken(rule, messageOf(rule, words, of, platform, type)));
  const upper = words.slice(2).some(({ low, high }) => low !== 0 || high !== 0);
  if (upper && rules.every((one) => one !== queueErrorRules.reserved))
    found.push(broken(queueErrorRules.reserved, "the upper 128 bits are not zero"));
  const legal = decoded(words);
  return { broken: found, notes: legal.kind === "unspecified" ? [`not specified: ${legal.why}`] : [] };
}

function messageOf(
  rule: Rule,
  words: readonly Word[],
  of: VtdLayout,
  platform: Platform,
  type: number,
): string {
  if (rule === queueErrorRules.reserved) return reservedBits(of, words, platform);
  if (rule === queueErrorRules.granularity) return `G is ${readField(of, "G", words)}`;
  return typeMessage(type, of !== unknownDescriptor);
}

function typeMessage(type: number, known: boolean): string {
  return known
    ? `type ${type} is for what the platform does not have`
    : `there is no descriptor of type ${type}`;
}

function checkWide(
  words: readonly Word[],
  platform: Platform,
  type: number,
  { layout: of, supported, granularities }: WideDescriptor,
): Checked {
  if (!supported(platform))
    return { broken: [broken(queueErrorRules.type, typeMessage(type, true))], notes: [] };
  const found: Broken[] = [];
  const reserved = reservedBits(of, words, platform);
  if (reserved !== "") found.push(broken(queueErrorRules.reserved, reserved));
  if (granularities && !granularities.includes(readField(of, "G", words)))
    found.push(broken(queueErrorRules.granularity, `G is ${readField(of, "G", words)}`));
  return { broken: found, notes: ["only a queue of 256-bit descriptors takes it (IQA.DW = 1)"] };
}

/** What a descriptor asks for, in words, where the model carries it out. */
function summary(words: readonly Word[], platform: Platform): string[] {
  const [first, second] = words;
  const found = new DescriptorDecoder(platform).decode(first!.low, first!.high, second!.low, second!.high);
  if (found.kind === "invalidate") return [describeTarget(found.target)];
  if (found.kind !== "wait") return [];
  const { status, interrupt, fence } = found;
  const write = status
    ? `writes 0x${status.data.toString(16)} to ${asAddress(2)(status.page * 1024 + status.dword)}`
    : "";
  const parts = [write, interrupt ? "raises an interrupt" : "", fence ? "holds back what follows" : ""];
  return [parts.filter((one) => one !== "").join(", ") || "shows nothing when it completes"];
}

/** @param mostCapable a platform on which every descriptor can be told */
export function queueStructures(mostCapable: Platform): Structure[] {
  return [
    {
      name: "descriptor",
      architecture: "vtd",
      title: "invalidation queue descriptor",
      widths: [128, 256],
      layouts: [...narrow.values(), ...[...wide.values()].map((one) => one.layout), unknownDescriptor],
      layoutOf,
      summary: (words) => summary(words, mostCapable),
      check: (words, profile) => check(words, platformOf(vtdProfile(profile))),
    },
    {
      name: "page-request",
      architecture: "vtd",
      title: "page request",
      widths: [256],
      layouts: [pageRequestLayout],
      layoutOf: () => pageRequestLayout,
      summary: () => [],
      check: () => ({ broken: [], notes: [] }),
    },
  ];
}
