/** Rules of legacy mode beyond translation faults: registers, fault recording, invalidation, requests that succeed. */
import type { Rule } from "../words/rule.js";
import { queueErrorRules } from "./descriptors.js";
import { queueRules } from "./queue-view.js";
import { faultRules, protectedMemory } from "./rules.js";

const rule = (id: string, section: string, statement: string): Rule => ({
  id: `vtd.${id}`,
  section: `VT-d ${section}`,
  statement,
});

/** Outcomes of requests that are not blocked. */
export const servedRules = {
  translated: rule(
    "served.translated",
    "3.7",
    "A request whose entries allow it reaches the page they lead to",
  ),
  stale: rule(
    "served.from-cache",
    "6.2.4.1",
    "A request may be answered from entries cached before their invalidation",
  ),
  passThrough: rule("served.pass-through", "3.9", "A pass-through request reaches the address it carries"),
  untranslated: rule(
    "served.untranslated",
    "11.4.4.2",
    "With TES = 0 a request reaches the address it carries",
  ),
  interrupt: rule("served.interrupt", "3.15", "A DWORD write to FEEx_xxxxh goes to the interrupt unit"),
  interruptRead: rule("served.interrupt-range-read", "3.15", "A zero-length read of FEEx_xxxxh succeeds"),
  zeroLengthRead: rule("served.zero-length-read", "3.14", "A zero-length read of a readable page succeeds"),
} as const;

export const faultLogRules = {
  record: rule("faults.record", "7.2.1", "A fault is recorded in the register that the index names"),
  disabled: rule(
    "faults.processing-disable",
    "7.1.1",
    "A qualified fault under a context entry with FPD = 1 is not recorded",
  ),
  collapse: rule("faults.collapse", "7.2.1", "A fault of a requester with one pending may be left out"),
  overflow: rule(
    "faults.overflow",
    "7.2.1",
    "A fault that finds its register in use sets PFO and changes no record",
  ),
  dropped: rule("faults.dropped-while-overflow", "7.2.1", "While PFO is set nothing is recorded"),
  clear: rule("faults.clear", "11.4.7.6", "Writing 1 to F frees the record"),
} as const;

export const registerRules = {
  setRootPointer: rule("registers.set-root-pointer", "6.6", "SRTP latches the root table; RTPS tells when"),
  translationEnable: rule("registers.translation-enable", "11.4.4.1", "TE takes effect; TES tells when"),
  writeBufferFlush: rule("registers.write-buffer-flush", "6.8", "WBF flushes write buffers; WBFS tells when"),
  queueEnable: rule("registers.queue-enable", "6.5.2", "QIE starts and ends the queue; QIES tells when"),
  contextCommand: rule(
    "registers.context-command",
    "6.5.1.1",
    "ICC is cleared when the context-cache invalidation is done; CAIG is no finer than CIRG",
  ),
  iotlbCommand: rule(
    "registers.iotlb-command",
    "6.5.1.2",
    "IVT is cleared when the IOTLB invalidation is done; IAIG is no finer than IIRG",
  ),
  unsupportedCommand: rule(
    "registers.invalidation-unsupported",
    "6.5",
    "From major version 6 on register invalidations are not carried out and report granularity 0",
  ),
  protectedMemory: rule("registers.protected-memory", "11.4.8.1", "EPM takes effect; PRS tells when"),
  faultEvent: rule(
    "registers.fault-event",
    "11.4.7.2",
    "While IM is 1, IP of FECTL is 1 as long as a status of FSTS is pending",
  ),
  completionEvent: rule(
    "registers.completion-event",
    "11.4.9.5",
    "While IM is 1, IP of IECTL is 1 as long as IWC is",
  ),
  values: rule("registers.values", "11.4", "A register reads what it was given, in the fields it has"),
} as const;

export const invalidationRules = {
  contextGlobal: rule(
    "invalidation.context-global",
    "6.5.2.1",
    "A global context-cache invalidation removes every entry",
  ),
  contextDomain: rule(
    "invalidation.context-domain",
    "6.5.2.1",
    "A domain-selective one removes the entries of the domain id",
  ),
  contextDevice: rule(
    "invalidation.context-device",
    "6.5.2.1",
    "A device-selective one removes the entries of the source ids that the function mask leaves equal",
  ),
  iotlbGlobal: rule(
    "invalidation.iotlb-global",
    "6.5.2.3",
    "A global IOTLB invalidation removes every entry",
  ),
  iotlbDomain: rule(
    "invalidation.iotlb-domain",
    "6.5.2.3",
    "A domain-selective one removes the entries of the domain id",
  ),
  iotlbPage: rule(
    "invalidation.iotlb-page",
    "6.5.2.3",
    "A page-selective one removes the entries whose whole page is in its range",
  ),
  iotlbLeafOnly: rule(
    "invalidation.hint",
    "6.5.2.3",
    "With IH = 1 entries of the paging-structure caches may stay",
  ),
  drain: rule(
    "invalidation.drain-writes",
    "6.5.4",
    "A draining invalidation completes after earlier translated writes",
  ),
} as const;

/** Every rule of the implemented parts, for coverage. */
export const vtdRules: readonly Rule[] = [
  faultRules,
  { protectedMemory },
  servedRules,
  faultLogRules,
  registerRules,
  invalidationRules,
  queueRules,
  queueErrorRules,
].flatMap((group) => Object.values(group) as Rule[]);
