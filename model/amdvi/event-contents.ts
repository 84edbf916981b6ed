/** Which events the log may show for a request that was blocked (AMD-Vi 2.5). */
import type { Request } from "../trace.js";
import type { Event } from "./event-log.js";
import { eventOf, type Place } from "./events.js";
import { type AmdViFaultRule, EventCode, faultRules } from "./rules.js";

/** What a device table entry says about events. */
export interface DeviceEntry {
  readonly domainId: number;
  /** SE: I/O page faults behind the first may be left out. */
  readonly suppressesFurther: boolean;
}

/** RW in the high half of an event's first word. */
const RW_HIGH = 1 << (53 - 32);
/** What tells Type 01b (master abort) from 10b (target abort) in bits 58:57. */
const BOTH_ABORTS_HIGH = 3 << (57 - 32);

/** True for a check whose failure is an IO_PAGE_FAULT. */
export function isPageFault(rule: AmdViFaultRule): boolean {
  return rule.event === EventCode.ioPageFault;
}

/** True for a check whose event names the domain that the request was translated under. */
export function isOfDomain(rule: AmdViFaultRule): boolean {
  return !rule.beforeTables || rule === faultRules.devicePermission;
}

/** What the events of one request may say. */
export interface EventSources {
  /** The device table entries that may be in use. */
  readonly entries: readonly DeviceEntry[];
  /** Where the device table entry would have to be read. */
  readonly place: Place;
  /** The domains under which the request may have been blocked, for a cached translation that under which it was filled. */
  readonly domainIds: readonly number[];
}

/** Every event that may be logged for a request that was blocked by one of these rules. */
export function possibleEvents(
  rules: readonly AmdViFaultRule[],
  request: Request,
  sources: EventSources,
): Event[] {
  const events: Event[] = [];
  for (const rule of rules)
    for (const domainId of domainIdsOf(rule, sources))
      addEvents(rule, request, domainId, sources.place, events);
  return events;
}

function addEvents(
  rule: AmdViFaultRule,
  request: Request,
  domainId: number,
  place: Place,
  into: Event[],
): void {
  const [first, second] = eventOf(rule, request, domainId, rule === faultRules.deviceFetch ? place : request);
  // Which table's entry it was that could not be read is not kept track of.
  const event: Event = [first!, rule === faultRules.tableFetch ? null : second!];
  into.push(event);
  // Memory that is not there answers with a master or a target abort.
  if (rule === faultRules.deviceFetch || rule === faultRules.tableFetch)
    into.push(flipped(event, BOTH_ABORTS_HIGH));
  // Choice: RW is defined for PR = 1 only; with PR = 0 either value is shown.
  else if (isPageFault(rule) && rule.present === 0) into.push(flipped(event, RW_HIGH));
}

/** Choice: an entry with TV = 0 is reported with its DomainID or with zero; where no entry was read, it is zero. */
function domainIdsOf(rule: AmdViFaultRule, { entries, domainIds }: EventSources): readonly number[] {
  if (rule === faultRules.translationValid) return [...new Set([0, ...entries.map((one) => one.domainId)])];
  return isOfDomain(rule) ? domainIds : [0];
}

function flipped([first, second]: Event, bitsHigh: number): Event {
  return [{ low: first.low, high: (first.high ^ bitsHigh) >>> 0 }, second];
}
