/** The commands of the command buffer (AMD-Vi 2.4): layouts, legality, meaning. */
import type { Word } from "../trace.js";
import {
  decoderOf,
  encode,
  type Field,
  field,
  type Layout,
  layout,
  reserved,
  reservedMask,
} from "../words/layout.js";
import type { Rule } from "../words/rule.js";
import { asAddress, asRequester, saying } from "../words/shown-fields.js";
import type { AmdViFeatures, AmdViPlatform } from "./profile.js";
import { codedPages, largePageAddress } from "./tables.js";

const NEVER = Number.POSITIVE_INFINITY;

export const Opcode = {
  completionWait: 1,
  invalidateDevtabEntry: 2,
  invalidateIommuPages: 3,
  invalidateIotlbPages: 4,
  invalidateInterruptTable: 5,
  prefetchIommuPages: 6,
  completePprRequest: 7,
  invalidateIommuAll: 8,
  insertGuestEvent: 9,
  resetVmmio: 0xa,
} as const;

type CommandLayout = Layout<AmdViFeatures>;

function command(name: string, section: string, fields: Field<AmdViFeatures>[]): CommandLayout {
  return layout(name, section, 128, [field("Opcode", "63:60", "which command"), ...fields]);
}

const deviceId = saying(field<AmdViFeatures>("DeviceID", "15:0", "device"), asRequester);
const size = field<AmdViFeatures>("S", "64", "the address codes a size");
const guest = field<AmdViFeatures>("GN", "66", "a guest address with PASID");
const rangeField = saying(
  field<AmdViFeatures>("Address", "127:76", "page, with S = 1 the code of a range"),
  asAddress(12),
);

export const completionWaitLayout = command("COMPLETION_WAIT", "2.4.1", [
  field("s", "0", "store"),
  field("i", "1", "interrupt"),
  field("f", "2", "flush queue: later commands start after this one"),
  saying(field("StoreAddress", "51:3", "where the data is stored, in 8 bytes"), asAddress(3)),
  reserved("59:52"),
  field("StoreDataLow", "95:64", "data to store"),
  field("StoreDataHigh", "127:96", "data to store, upper half"),
]);

export const invalidateDevtabEntryLayout = command("INVALIDATE_DEVTAB_ENTRY", "2.4.2", [
  deviceId,
  reserved("59:16"),
  reserved("127:64"),
]);

export const invalidateIommuPagesLayout = command("INVALIDATE_IOMMU_PAGES", "2.4.3", [
  field("PASID", "19:0", "process, with GN = 1"),
  reserved("31:20"),
  field("DomainID", "47:32", "domain"),
  reserved("59:48"),
  size,
  field("PDE", "65", "page directory entries too"),
  guest,
  reserved("75:67"),
  rangeField,
]);

export const invalidateIotlbPagesLayout = command("INVALIDATE_IOTLB_PAGES", "2.4.4", [
  deviceId,
  field("PASID15:8", "23:16", "process"),
  field("Maxpend", "31:24", "largest number of pending invalidations"),
  field("QueueID", "47:32", "devices that share a queue"),
  field("PASID7:0", "55:48", "process"),
  field("PASID19:16", "59:56", "process"),
  size,
  reserved("65"),
  guest,
  reserved("67"),
  field("Type", "69:68", "type of addresses", (p) => (p.invalidationTypes ? NEVER : 68)),
  reserved("75:70"),
  rangeField,
]);

export const invalidateInterruptTableLayout = command("INVALIDATE_INTERRUPT_TABLE", "2.4.5", [
  deviceId,
  reserved("59:16"),
  reserved("127:64"),
]);

export const prefetchIommuPagesLayout = command("PREFETCH_IOMMU_PAGES", "2.4.6", [
  deviceId,
  reserved("23:16"),
  field("PFCount", "31:24", "pages"),
  field("PASID", "51:32", "process, with GN = 1"),
  reserved("59:52"),
  size,
  reserved("65"),
  guest,
  reserved("67"),
  field("Inval", "68", "invalidate first"),
  reserved("75:69"),
  rangeField,
]);

export const completePprRequestLayout = command("COMPLETE_PPR_REQUEST", "2.4.7", [
  deviceId,
  reserved("31:16"),
  field("PASID", "51:32", "process, with GN = 1"),
  reserved("59:52"),
  reserved("65:64"),
  guest,
  reserved("95:67"),
  field("CompletionTag", "111:96", "page request group, and the response code in bits 15:12"),
  reserved("127:112"),
]);

export const invalidateIommuAllLayout = command("INVALIDATE_IOMMU_ALL", "2.4.8", [
  reserved("59:0"),
  reserved("127:64"),
]);

/** Choice: the fields of the event to insert are not told apart. */
export const insertGuestEventLayout = command("INSERT_GUEST_EVENT", "2.4.9", [
  field("EventInfo", "31:0", "first word of the event"),
  field("GuestID", "47:32", "guest"),
  field("EventFlags", "59:48", "flags of the event"),
  field("EventLow", "95:64", "second word of the event"),
  field("EventHigh", "127:96", "second word of the event, upper half"),
]);

export const resetVmmioLayout = command("RESET_VMMIO", "2.4.10", [
  field("GuestID", "15:0", "guest"),
  reserved("26:16"),
  field("All", "27", "every guest"),
  reserved("30:28"),
  field("vCmd", "31", "virtual commands"),
  reserved("59:32"),
  reserved("127:64"),
]);

/** Pages of the 64-bit address space. */
export const ALL_PAGES = 2 ** 52;

/** Pages from `firstPage`. */
export interface PageRange {
  readonly firstPage: number;
  readonly pageCount: number;
}

/** Address field (a 52-bit page number) and S of the smallest range that covers `pageCount` pages from `firstPage`. */
export function rangeAddress(firstPage: number, pageCount: number): { Address: number; S: 0 | 1 } {
  if (pageCount <= 1) return { Address: firstPage, S: 0 };
  let pages = 2;
  while (pages < ALL_PAGES && firstPage + pageCount > firstPage - (firstPage % pages) + pages) pages *= 2;
  return { Address: largePageAddress(firstPage - (firstPage % pages), pages), S: 1 };
}

/**
 * The pages that an address field and S name (2.4.3): with S = 1 a power of two, coded by the lowest zero bit.
 * Choice: an address of ones only is everything.
 */
export function rangeOf(address: number, s: number): PageRange {
  if (s === 0) return { firstPage: address, pageCount: 1 };
  const pageCount = Math.min(codedPages(address), ALL_PAGES);
  return { firstPage: Math.floor(address / pageCount) * pageCount, pageCount };
}

interface AddressRange extends PageRange {
  /** GN: the addresses are guest addresses of the PASID. */
  readonly guest: boolean;
  readonly pasid: number;
}

export type Command =
  | {
      readonly command: "completion-wait";
      /** Where to store what; null with s = 0. */
      readonly store: { readonly page: number; readonly word: number; readonly data: Word } | null;
      readonly interrupt: boolean;
      readonly flush: boolean;
    }
  | { readonly command: "invalidate-devtab-entry"; readonly deviceId: number }
  | ({
      readonly command: "invalidate-iommu-pages";
      readonly domainId: number;
      /** PDE: entries of the page directory cache go too. */
      readonly directories: boolean;
    } & AddressRange)
  | ({
      readonly command: "invalidate-iotlb-pages";
      readonly deviceId: number;
      readonly queueId: number;
      readonly type: number;
    } & AddressRange)
  | { readonly command: "invalidate-interrupt-table"; readonly deviceId: number }
  | ({
      readonly command: "prefetch-iommu-pages";
      readonly deviceId: number;
      readonly count: number;
    } & AddressRange)
  | { readonly command: "complete-ppr-request"; readonly deviceId: number; readonly tag: number }
  | { readonly command: "invalidate-iommu-all" }
  | { readonly command: "insert-guest-event"; readonly guestId: number }
  | { readonly command: "reset-vmmio"; readonly guestId: number };

type Values = Readonly<Record<string, number>>;

interface CommandType {
  readonly layout: CommandLayout;
  readonly supported: (platform: AmdViFeatures) => boolean;
  readonly meaning: (values: Values) => Command;
}

const always = () => true;

/** The PASID of a command that has it in one field. */
const addressRange = (values: Values, pasid = values.PASID!): AddressRange => ({
  ...rangeOf(values.Address!, values.S!),
  guest: values.GN === 1,
  pasid,
});

/** Every command by opcode. */
export const commandTypes: Readonly<Record<number, CommandType>> = {
  [Opcode.completionWait]: { layout: completionWaitLayout, supported: always, meaning: completionWait },
  [Opcode.invalidateDevtabEntry]: {
    layout: invalidateDevtabEntryLayout,
    supported: always,
    meaning: (values) => ({ command: "invalidate-devtab-entry", deviceId: values.DeviceID! }),
  },
  [Opcode.invalidateIommuPages]: {
    layout: invalidateIommuPagesLayout,
    supported: always,
    meaning: (values) => ({
      ...addressRange(values),
      command: "invalidate-iommu-pages",
      domainId: values.DomainID!,
      directories: values.PDE === 1,
    }),
  },
  [Opcode.invalidateIotlbPages]: {
    layout: invalidateIotlbPagesLayout,
    supported: (platform) => platform.remoteIotlbs,
    meaning: invalidateIotlbPages,
  },
  [Opcode.invalidateInterruptTable]: {
    layout: invalidateInterruptTableLayout,
    supported: always,
    meaning: (values) => ({ command: "invalidate-interrupt-table", deviceId: values.DeviceID! }),
  },
  [Opcode.prefetchIommuPages]: {
    layout: prefetchIommuPagesLayout,
    supported: (platform) => platform.prefetch,
    meaning: (values) => ({
      ...addressRange(values),
      command: "prefetch-iommu-pages",
      deviceId: values.DeviceID!,
      count: values.PFCount!,
    }),
  },
  [Opcode.completePprRequest]: {
    layout: completePprRequestLayout,
    supported: (platform) => platform.peripheralPageRequests,
    meaning: (values) => ({
      command: "complete-ppr-request",
      deviceId: values.DeviceID!,
      tag: values.CompletionTag!,
    }),
  },
  [Opcode.invalidateIommuAll]: {
    layout: invalidateIommuAllLayout,
    supported: (platform) => platform.invalidateAll,
    meaning: () => ({ command: "invalidate-iommu-all" }),
  },
  [Opcode.insertGuestEvent]: {
    layout: insertGuestEventLayout,
    supported: (platform) => platform.virtualIommu,
    meaning: (values) => ({ command: "insert-guest-event", guestId: values.GuestID! }),
  },
  [Opcode.resetVmmio]: {
    layout: resetVmmioLayout,
    supported: (platform) => platform.virtualIommu,
    meaning: (values) => ({ command: "reset-vmmio", guestId: values.GuestID! }),
  },
};

function completionWait(values: Values): Command {
  const address = values.StoreAddress!;
  const data = { low: values.StoreDataLow!, high: values.StoreDataHigh! };
  const store = { page: Math.floor(address / 512), word: address % 512, data };
  return {
    command: "completion-wait",
    store: values.s === 1 ? store : null,
    interrupt: values.i === 1,
    flush: values.f === 1,
  };
}

function invalidateIotlbPages(values: Values): Command {
  const pasid = (values["PASID19:16"]! << 16) | (values["PASID15:8"]! << 8) | values["PASID7:0"]!;
  return {
    ...addressRange(values, pasid),
    command: "invalidate-iotlb-pages",
    deviceId: values.DeviceID!,
    queueId: values.QueueID!,
    type: values.Type!,
  };
}

const rule = (id: string, statement: string): Rule => ({
  id: `amdvi.commands.${id}`,
  section: "AMD-Vi 2.5.6",
  statement,
});

/** What makes a command illegal. */
export const commandErrorRules = {
  opcode: rule("opcode", "A command has an opcode that the specification defines"),
  // Choice: the specification does not say of every command what a unit without its feature does.
  unsupported: rule("unsupported", "A command is one whose feature the unit has"),
  reserved: rule("reserved-bits", "Reserved bits of a command are zero"),
} as const;

/** Reserved bits of the commands that a platform has, by opcode, as two 64-bit words. */
export function reservedInCommandsOf(platform: AmdViFeatures): ReadonlyMap<number, readonly Word[]> {
  const supported = Object.entries(commandTypes).filter(([, type]) => type.supported(platform));
  return new Map(supported.map(([opcode, type]) => [Number(opcode), reservedMask(type.layout, platform)]));
}

const decoders = new Map(
  Object.entries(commandTypes).map(([opcode, type]) => [Number(opcode), decoderOf(type.layout)]),
);

/** What a command asks for, or the rule it breaks: ILLEGAL_COMMAND_ERROR. */
export function parseCommand(
  { reservedInCommands }: AmdViPlatform,
  words: readonly Word[],
): Command | { readonly illegal: Rule } {
  const opcode = words[0]!.high >>> 28;
  const type = commandTypes[opcode];
  if (!type) return { illegal: commandErrorRules.opcode };
  const mustBeZero = reservedInCommands.get(opcode);
  if (!mustBeZero) return { illegal: commandErrorRules.unsupported };
  for (const [at, { low, high }] of mustBeZero.entries())
    if ((words[at]!.low & low) | (words[at]!.high & high)) return { illegal: commandErrorRules.reserved };
  return type.meaning(decoders.get(opcode)!(words));
}

/** A command with the given fields, its opcode filled in; see the layouts for names. */
export function encodeCommand(opcode: number, values: Readonly<Record<string, number>> = {}): Word[] {
  return encode(commandTypes[opcode]!.layout, { Opcode: opcode, ...values });
}
