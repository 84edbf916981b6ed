/** What platform software yields is not trusted: accesses are checked, and copied, before anybody carries them out. */
import {
  below,
  type Fields,
  fieldsOf,
  type Limits,
  Malformed,
  REQUESTERS,
  text,
  wellFormed,
} from "../well-formed.js";
import type { PlatformAccess } from "./interface.js";
import { isOfUnit } from "./unit.js";

/** Addresses have 64 bits at most, of which 12 are in the page. */
const PAGES = 2 ** 52;

type Own = Exclude<PlatformAccess["do"], Parameters<typeof isOfUnit>[0]["do"]>;
type Checks = {
  readonly [Kind in Own]: (from: Fields, limits: Limits) => Extract<PlatformAccess, { do: Kind }>;
};

const CHECKS: Checks = {
  "at-unit": (from, limits) => {
    const access = wellFormed(from.access, limits);
    if (!isOfUnit(access)) throw new Malformed(`"${access.do}" is no access that a unit answers`);
    return { do: "at-unit", registers: below(PAGES, "registers", from.registers), access };
  },
  refused: (from) => ({ do: "refused", ticket: ticketOf(from) }),
  lent: (from) => ({ do: "lent", ticket: ticketOf(from), iova: below(PAGES, "iova", from.iova) }),
  "guest-tables": (from, { memoryPages }) => ({
    do: "guest-tables",
    domain: text("domain", from.domain),
    page: below(memoryPages, "page", from.page),
  }),
  report: (from) => ({
    do: "report",
    requester: below(REQUESTERS, "requester", from.requester),
    page: below(PAGES, "page", from.page),
  }),
  "disable-device": (from) => ({ do: "disable-device", device: text("device", from.device) }),
};

const checks = new Map<unknown, Checks[Own]>(Object.entries(CHECKS));

/**
 * The access that `value` says, as an object of its own.
 * @throws Malformed when it is none
 */
export function wellFormedOnPlatform(value: unknown, limits: Limits): PlatformAccess {
  const from = fieldsOf(value);
  const check = checks.get(from.do);
  if (check) return check(from, limits);
  const access = wellFormed(value, limits);
  if (isOfUnit(access))
    throw new Malformed("a unit answers this: it has to be { do: 'at-unit', registers, access }");
  return access;
}

function ticketOf(from: Fields): number {
  return below(Number.MAX_SAFE_INTEGER, "ticket", from.ticket);
}
