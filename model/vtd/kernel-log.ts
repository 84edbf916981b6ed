/** What Linux and Xen print about VT-d: faults, fault status, errors of the invalidation queue. */
import {
  findInLog,
  type LogFact,
  type LogFinding,
  type LogForm,
  type LogMeaning,
  meaning,
} from "../kernel-log.js";
import type { Word } from "../trace.js";
import { showRequester } from "../words/address.js";
import { wordsOf } from "../words/shown-fields.js";
import { type FaultReason, faultReason, isInterruptReason, showReason } from "./fault-reasons.js";
import { tableForms } from "./kernel-log-tables.js";
import { QUEUE_ERRORS } from "./registers.js";

/** A requester as messages have it, `0000:` or `0x` in front of its parts or not. */
const REQUESTER = "(?<requester>[0-9a-fx:]+\\.[0-9a-fx]+)";

/**
 * `[DMA Write] Request device [00:02.0] fault addr …` with the reason behind it, in the next line, or not at all. Reasons
 * are in hex with 0x or h, and in Xen; in decimal where Linux prints two bare digits.
 */
const FAULT = new RegExp(
  "(?<xen>\\[VT-D\\]\\s*)?(?:DMAR:\\s*)?" +
    "(?:\\[(?<access>DMA\\s+Read|DMA\\s+Write|INTR-REMAP)(?:\\s+(?:NO_PASID|PASID\\s+(?<inPasid>0x[0-9a-f]+)))?\\]|(?<interrupt>INTR-REMAP):)" +
    `\\s*Request\\s+device\\s+\\[${REQUESTER}\\]` +
    "(?:\\s+PASID\\s+(?<pasid>[0-9a-fx]+))?" +
    "\\s+fault\\s+(?<kind>addr|index)\\s+(?:0x)?(?<info>[0-9a-f]+)" +
    "(?:,\\s*iommu\\s+reg\\s*=\\s*[0-9a-f]+)?" +
    "(?:[\\s,]*(?:\\[VT-D\\]\\s*)?(?:(?:DMAR|INTR-REMAP):\\s*)?\\[?(?:fault\\s+)?reason\\s+(?<reason>(?:0x)?[0-9a-f]+h?)\\]?)?" +
    "(?:[ -]+(?<text>[A-Za-z][^\\n]*))?",
  "gi",
);

const STATUS = /DRHD:\s*handling\s+fault\s+status\s+reg\s+(?:0x)?(?<status>[0-9a-f]+)/gi;
const QUEUE_ERROR = /Invalidation\s+Queue\s+Error:\s*Reason\s+(?:0x)?(?<reason>[0-9a-f]+)/gi;
const TIME_OUT = /Invalidation\s+Time-?out\s+Error:\s*SID\s+(?:0x)?(?<sid>[0-9a-f:.]+)/gi;
const COMPLETION = /Invalidation\s+Completion\s+Error:\s*SID\s+(?:0x)?(?<sid>[0-9a-f:.]+)/gi;
const DESCRIPTOR =
  /QI\s+(?<place>HEAD|PRIOR):\s*[^\n]*?qw0\s*=\s*0x(?<first>[0-9a-f]+),\s*qw1\s*=\s*0x(?<second>[0-9a-f]+)/gi;

type Groups = Readonly<Record<string, string | undefined>>;

/** `0x64:0x00.5` and `0000:64:00.5` as `64:00.5`; another segment than 0 stays. */
function showDevice(device: string): string {
  return device.replaceAll("0x", "").replace(/^0000:(?=..:)/, "");
}

function reasonOf({ reason, xen }: Groups): number | null {
  if (reason === undefined) return null;
  const isHex = xen !== undefined || /^0x|h$/i.test(reason);
  return Number.parseInt(reason.replace(/^0x/i, ""), isHex ? 16 : 10);
}

/** No PASID, as older kernels print it. */
const NO_PASID = 0xffffffff;

function faultMeaning(groups: Groups): LogMeaning {
  const { access, requester, kind, info, text } = groups;
  const pasid = Number.parseInt(groups.inPasid ?? groups.pasid ?? "ffffffff", 16);
  const interrupt = kind?.toLowerCase() === "index";
  const facts: LogFact[] = [
    { name: "requester", value: showDevice(requester!) },
    { name: "access", value: interrupt ? "interrupt" : /write/i.test(access ?? "") ? "write" : "read" },
    ...(pasid === NO_PASID ? [] : [{ name: "PASID", value: `0x${pasid.toString(16)}` }]),
    ...(interrupt
      ? [{ name: "interrupt index", value: `0x${Number.parseInt(info!, 16).toString(16)}` }]
      : []),
  ];
  const about = { facts, address: interrupt ? null : BigInt(`0x${info}`) };
  const reason = reasonOf(groups);
  if (reason === null) return meaning("a fault whose reason the message does not have", about);
  const known = faultReason(reason);
  if (!known) {
    const said = text ? `: ${text.trim()}` : "";
    return meaning(
      `fault ${reason.toString(16).toUpperCase()}h, which no known revision defines${said}`,
      about,
    );
  }
  return knownFault(known, about, interrupt);
}

function knownFault(
  known: FaultReason,
  about: Pick<LogMeaning, "facts" | "address">,
  interrupt: boolean,
): LogMeaning {
  const index =
    interrupt && (known.reason === 0x20 || known.reason === 0x25 || known.reason > 0x28)
      ? ["the interrupt index of such a record is undefined (VT-d 11.4.7.6)"]
      : [];
  return meaning(`fault ${showReason(known)}: ${known.statement}`, {
    ...about,
    section: known.section,
    rules: known.rules,
    causes: [...known.causes, ...(isInterruptReason(known.reason) ? index : [])],
  });
}

/** A requester id in hex, or what nothing answers with. */
function source(sid: string): { facts: LogFact[]; causes: string[] } {
  if (/^ffff$/i.test(sid)) return { facts: [], causes: [ALL_ONES] };
  const id = /^[0-9a-f]+$/i.test(sid) ? Number.parseInt(sid, 16) : null;
  const shown = id === null ? showDevice(sid) : showRequester(id);
  const unknown = id === 0 ? ["an id of 0 is also what a unit shows that does not report the source"] : [];
  return { facts: [{ name: "source id", value: shown }], causes: unknown };
}

const ALL_ONES =
  "all ones are what a register reads that nothing answers for: the unit, or the way to it, is switched off or was reconfigured";

const ZERO: Word = { low: 0, high: 0 };

function word(hex: string): Word {
  return wordsOf(BigInt(`0x${hex}`), 64)[0]!;
}

const SUPPRESSED = /\bdmar_fault:\s*(?<count>\d+)\s+callbacks\s+suppressed/gi;

const forms: readonly LogForm[] = [
  {
    pattern: SUPPRESSED,
    meaning: ({ count }) => meaning(`${count} further lines about faults were not printed`),
  },
  { pattern: FAULT, meaning: faultMeaning },
  {
    pattern: STATUS,
    meaning: ({ status }) =>
      meaning("the fault status register", {
        section: "VT-d 11.4.7.1",
        entry: { structure: "FSTS", words: [word(status!)] },
      }),
  },
  {
    pattern: QUEUE_ERROR,
    meaning({ reason }) {
      const code = Number.parseInt(reason!, 16);
      const known = QUEUE_ERRORS[code];
      return meaning(
        `the invalidation queue has stopped: ${known ?? `IQEI = ${code}, which is not defined`}`,
        {
          section: "VT-d 6.5.2.11, 11.4.9.9",
          facts: [{ name: "IQEI", value: String(code) }],
          causes: known
            ? ["the descriptor at the head is what stopped it: the line `QI HEAD` shows it"]
            : [ALL_ONES],
        },
      );
    },
  },
  {
    pattern: TIME_OUT,
    meaning: ({ sid }) => {
      const { facts, causes } = source(sid!);
      return meaning("a device has not answered an invalidation of its Device-TLB in time", {
        section: "VT-d 6.5.2.11",
        facts,
        causes: [
          "the device hangs, was reset, lost power or was unplugged while ATS was enabled, or claims ATS and does not do it; waits that stood in the queue are aborted",
          "look at the link of the device (lspci -vv: LnkSta, AER), and whether the fault goes away with ATS off (pci=noats)",
          ...causes,
        ],
      });
    },
  },
  {
    pattern: COMPLETION,
    meaning: ({ sid }) => {
      const { facts, causes } = source(sid!);
      return meaning("a device has answered an invalidation that nobody sent it, or answered wrongly", {
        section: "VT-d 6.5.2.11",
        facts,
        causes: ["the device's ATS is broken, or it answers late, after a time-out or a reset", ...causes],
      });
    },
  },
  {
    pattern: DESCRIPTOR,
    meaning: ({ place, first, second }) =>
      meaning(
        place!.toUpperCase() === "HEAD"
          ? "the descriptor at the head of the queue"
          : "the descriptor before it",
        {
          section: "VT-d 6.5.2",
          // Of a descriptor of 256 bits only the lower half is printed.
          entry: { structure: "descriptor", words: [word(first!), word(second!), ZERO, ZERO] },
        },
      ),
  },
];

/** The messages about VT-d in a log without prefixes. */
export function vtdMessages(log: string): LogFinding[] {
  return findInLog(log, "vtd", [...forms, ...tableForms]);
}
