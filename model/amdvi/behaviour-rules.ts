/** Rules beyond translation faults: commands, the event log, registers, invalidation, requests that succeed. */
import type { Rule } from "../words/rule.js";
import { commandErrorRules } from "./commands.js";
import { faultRules } from "./rules.js";

const rule = (id: string, section: string, statement: string): Rule => ({
  id: `amdvi.${id}`,
  section: `AMD-Vi ${section}`,
  statement,
});

/** Outcomes of requests that are not blocked, and what becomes of writes. */
export const servedRules = {
  translated: rule(
    "served.translated",
    "2.2.3",
    "A request whose entries allow it reaches the page they lead to",
  ),
  stale: rule(
    "served.from-cache",
    "2.4",
    "A request may be answered from entries cached before their invalidation",
  ),
  passThrough: rule(
    "served.pass-through",
    "2.2.2",
    "With V = 0, with Mode = 0 and in the exclusion range a request reaches the address it carries",
  ),
  untranslated: rule(
    "served.untranslated",
    "MMIO 0018h",
    "With IommuEn = 0 a request reaches the address it carries",
  ),
  interrupt: rule("served.interrupt", "2.1.2", "A DWORD write to FEEx_xxxxh is an interrupt request"),
  zeroLengthRead: rule(
    "served.zero-length-read",
    "2.2.3",
    "A zero-length read of an accessible page succeeds",
  ),
  drain: rule(
    "invalidation.drain-writes",
    "2.4",
    "An invalidation completes after the earlier writes that it covers",
  ),
} as const;

export const commandRules = {
  store: rule("commands.wait-store", "2.4.1", "COMPLETION_WAIT with s = 1 stores its data when it completes"),
  interrupt: rule(
    "commands.wait-interrupt",
    "2.4.1",
    "COMPLETION_WAIT with i = 1 sets Status.ComWaitInt when it completes",
  ),
  flush: rule(
    "commands.wait-flush",
    "2.4.1",
    "Commands behind a COMPLETION_WAIT with f = 1 start after it completes",
  ),
  order: rule("commands.wait-order", "2.4.1", "COMPLETION_WAIT completes after every earlier command"),
  head: rule("commands.head", "MMIO 2000h", "The head names the command that is fetched next"),
  halt: rule(
    "commands.halt",
    "2.5.6",
    "At an illegal command the head stays, CmdBufRun becomes 0 and ILLEGAL_COMMAND_ERROR is logged",
  ),
  restart: rule(
    "commands.restart",
    "2.4",
    "CmdBufEn 0 and then 1 starts a halted command buffer at its head",
  ),
} as const;

export const invalidationRules = {
  deviceTableEntry: rule(
    "invalidation.devtab-entry",
    "2.4.2",
    "INVALIDATE_DEVTAB_ENTRY removes the device table entry of its DeviceID",
  ),
  pages: rule(
    "invalidation.iommu-pages",
    "2.4.3",
    "INVALIDATE_IOMMU_PAGES removes the I/O TLB entries of its DomainID that overlap its range",
  ),
  directories: rule(
    "invalidation.page-directories",
    "2.4.3",
    "With PDE = 1 it removes page directory entries too; with PDE = 0 they may stay",
  ),
  all: rule("invalidation.iommu-all", "2.4.8", "INVALIDATE_IOMMU_ALL removes every entry"),
} as const;

export const eventRules = {
  record: rule("events.record", "2.5", "An event is logged in the entry that the tail names"),
  contents: rule(
    "events.contents",
    "2.5",
    "An event says which fault, device, domain and address it is about",
  ),
  suppressAll: rule("events.suppress-all", "2.2.2", "With SA = 1 I/O page faults are not logged"),
  suppressFurther: rule(
    "events.suppress-further",
    "2.2.2",
    "With SE = 1 I/O page faults behind the first may be left out until the entry is read again",
  ),
  overflow: rule("events.overflow", "2.5", "An event without room sets EventOverflow and stops the log"),
  dropped: rule("events.dropped-while-overflow", "2.5", "While EventOverflow is 1 nothing is logged"),
  disabled: rule("events.disabled", "MMIO 0018h", "While EventLogEn is 0 nothing is logged"),
  start: rule("events.start", "MMIO 0018h", "Writing EventLogEn 1 starts the log"),
  clear: rule("events.clear", "MMIO 2020h", "Writing 1 clears EventOverflow and EventLogInt"),
} as const;

export const registerRules = {
  iommuEnable: rule("registers.iommu-enable", "MMIO 0018h", "IommuEn starts and ends translation"),
  deviceTableBase: rule("registers.device-table-base", "MMIO 0000h", "DevTabBase names the device table"),
  commandBuffer: rule(
    "registers.command-buffer",
    "MMIO 0018h",
    "CmdBufEn starts and stops the command buffer",
  ),
  status: rule("registers.status", "MMIO 2020h", "Status shows what runs and what has happened"),
  values: rule("registers.values", "MMIO", "A register reads what it was given, in the fields it has"),
} as const;

/** Every rule of the implemented parts, for coverage. */
export const amdViRules: readonly Rule[] = [
  faultRules,
  servedRules,
  eventRules,
  registerRules,
  invalidationRules,
  commandRules,
  commandErrorRules,
].flatMap((group) => Object.values(group) as Rule[]);
