/** Commands and events one at a time (AMD-Vi 2.4, 2.5). */
import { failedChecks, without } from "../entry-reader.js";
import { reservedBits, type Structure } from "../structure.js";
import type { Word } from "../trace.js";
import { showAddress, showRequester } from "../words/address.js";
import { field, ignored, type Layout, layout, readField, reservedMask } from "../words/layout.js";
import {
  ALL_PAGES,
  type Command,
  commandErrorRules,
  commandTypes,
  parseCommand,
  rangeOf,
} from "./commands.js";
import { eventLayouts } from "./events.js";
import { rmpHardwareErrorLayout, rmpPageFaultLayout } from "./layout-guest.js";
import { type AmdViFeatures, amdViProfile, platformOf } from "./profile.js";

type AmdViLayout = Layout<AmdViFeatures>;

/** Event codes that only systems with secure nested paging log. */
const rmpEvents: Readonly<Record<number, AmdViLayout>> = {
  13: rmpPageFaultLayout,
  14: rmpHardwareErrorLayout,
};

const unknown = (what: string, name: string, section: string) =>
  layout<AmdViFeatures>(`${what} of no known code`, section, 128, [
    field(name, "63:60", `which ${what}`),
    ignored("59:0"),
    ignored("127:64"),
  ]);
const unknownCommand = unknown("command", "Opcode", "2.4");
const unknownEvent = unknown("event", "EventCode", "2.5");

const codeOf = (words: readonly Word[]) => words[0]!.high >>> 28;

const commandLayoutOf = (words: readonly Word[]): AmdViLayout =>
  commandTypes[codeOf(words)]?.layout ?? unknownCommand;

/** The layout of an event; null when its code is none that is known. */
export function eventLayoutOf(words: readonly Word[]): AmdViLayout | null {
  return eventLayouts[codeOf(words)] ?? rmpEvents[codeOf(words)] ?? null;
}

/** The range of pages that a command names, where it names one. */
function commandSummary(words: readonly Word[]): string[] {
  const of = commandLayoutOf(words);
  if (!of.fields.some((one) => one.name === "S")) return [];
  const { firstPage, pageCount } = rangeOf(readField(of, "Address", words), readField(of, "S", words));
  if (pageCount >= ALL_PAGES / 2) return ["every page"];
  return [`${pageCount === 1 ? "1 page" : `${pageCount} pages`} from ${showAddress(firstPage)}`];
}

export const commandStructure: Structure = {
  name: "command",
  architecture: "amdvi",
  title: "command",
  widths: [128],
  layouts: [...Object.values(commandTypes).map((one) => one.layout), unknownCommand],
  layoutOf: commandLayoutOf,
  summary: commandSummary,
  check(words, profile) {
    const platform = platformOf(amdViProfile(profile));
    const of = commandLayoutOf(words);
    const illegal = (now: readonly Word[]) => {
      const parsed: Command | { readonly illegal: typeof commandErrorRules.opcode } = parseCommand(
        platform,
        now,
      );
      return "illegal" in parsed ? parsed.illegal : null;
    };
    const rules = failedChecks(words, illegal, (rule, now) =>
      rule === commandErrorRules.reserved ? without(now, reservedMask(of, platform)) : null,
    );
    const code = `opcode ${codeOf(words).toString(16).toUpperCase()}h`;
    const broken = rules.map((rule) => ({
      rule,
      message: rule === commandErrorRules.reserved ? reservedBits(of, words, platform) : `it is ${code}`,
      consequence: "the command buffer halts with ILLEGAL_COMMAND_ERROR (AMD-Vi 2.5.6)",
    }));
    return { broken, notes: [] };
  },
};

/** Device and address, as far as the event has them. */
function eventSummary(words: readonly Word[]): string[] {
  const of = eventLayoutOf(words);
  if (!of) return [];
  const has = (name: string) => of.fields.some((one) => one.name === name);
  const address = BigInt(words[1]!.high) * 2n ** 32n + BigInt(words[1]!.low);
  const parts = [
    of.name,
    ...(has("DeviceID") ? [`of ${showRequester(readField(of, "DeviceID", words))}`] : []),
    ...(has("AddressLow") ? [`at 0x${address.toString(16)}`] : []),
  ];
  return [parts.join(" ")];
}

export const eventStructure: Structure = {
  name: "event",
  architecture: "amdvi",
  title: "event log entry",
  widths: [128],
  layouts: [...Object.values(eventLayouts), ...Object.values(rmpEvents), unknownEvent],
  layoutOf: (words) => eventLayoutOf(words) ?? unknownEvent,
  summary: eventSummary,
  check: (words) => ({
    broken: [],
    notes: eventLayoutOf(words) ? [] : [`event code ${codeOf(words)} is not known`],
  }),
};
