/** What software does to an IOMMU, and says of its memory, in words for a timeline. */
import type { Architecture } from "../model/architecture.js";
import type { Grant, OwnershipEvent } from "../model/isolation/events.js";
import { showWord } from "../model/isolation/witness.js";
import type { Profile } from "../model/profile.js";
import type { Action, Observation } from "../model/trace.js";
import { showEffect } from "../model/windows/oracle.js";
import { showAddress, showRequester } from "../model/words/address.js";

/** So many accesses that follow each other are told one by one. */
const TOLD = 3;

/** Tells of actions at a unit of a platform. */
export class ActionWords {
  constructor(
    private readonly architecture: Architecture,
    private readonly profile: Profile,
  ) {}

  /** Accesses of the CPU that follow each other, in one line. */
  several(actions: readonly { readonly action: Action; readonly seen: Observation }[]): string {
    const told = actions.slice(0, TOLD).map(({ action, seen }) => this.one(action, seen));
    const rest = actions.length - told.length;
    return rest === 0 ? told.join("; ") : `${told.join("; ")}; ${rest} more`;
  }

  /** One action, with what it showed. */
  one(action: Action, seen: Observation): string {
    switch (action.do) {
      case "store":
        return `stores ${showWord(action)} at ${showAddress(action.page, action.word * 8)}`;
      case "flush-line":
        return `writes back the line ${showAddress(action.page, action.line * 64)}`;
      case "write-register":
        return `writes ${showWord(action)} to ${this.register(action.offset)}`;
      case "read-register":
        return `reads ${this.register(action.offset)}: ${showWord(seen)}`;
      case "poll-register":
        return `waits for ${this.register(action.offset)}${outcome(seen)}`;
      case "read-memory":
        return `reads ${showAddress(action.page, action.word * 8)}: ${showWord(seen)}`;
      case "poll-memory":
        return `waits for 0x${action.value.toString(16)} at ${showAddress(action.page, action.word * 8)}${outcome(seen)}`;
      case "request": {
        const { type, page, offset } = action.request;
        return `${type} of ${showAddress(page, offset)} ${showEffect(seen.low)}`;
      }
    }
  }

  private register(offset: number): string {
    return this.architecture.registerName(this.profile, offset) ?? `register 0x${offset.toString(16)}`;
  }
}

function outcome({ low }: Observation): string {
  return low === 1 ? ", and sees it" : ", in vain";
}

/** What software says, as far as it bears on what may be reached; null for the rest. */
export function eventText(event: OwnershipEvent): string | null {
  switch (event.event) {
    case "grant":
      return `grants ${mapping(event)}`;
    case "withdraw":
      return `takes it that ${mapping(event)} is gone`;
    case "free":
      return `gives page ${showAddress(event.page)} back`;
    case "free-table":
      return `gives the table page ${showAddress(event.page)} back`;
    case "assign":
      return `assigns ${showRequester(event.requester)} to ${event.domain}`;
    case "unassign":
      return `takes it that nothing of ${event.domain} is left to ${showRequester(event.requester)}`;
    case "program":
      return `has ${showRequester(event.requester)} told to access ${showAddress(event.iova)} later`;
    case "vacate":
      return `takes it that ${showRequester(event.requester)} is gone`;
    default:
      return null;
  }
}

function mapping({ domain, iova, page, pages }: Grant): string {
  const size = pages === 1 ? "" : `, ${pages} pages`;
  return `${domain} ${showAddress(iova)} -> ${showAddress(page)}${size}`;
}
