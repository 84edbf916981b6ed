/**
 * Judges a driver by what hostile requests were seen to do on hardware that shows nothing else: a request may land only
 * where its requester was granted to reach at that moment.
 */
import type { Finding } from "../model/finding.js";
import { classify } from "../model/isolation/classify.js";
import { type OwnershipEvent, Right } from "../model/isolation/events.js";
import type { Reach, Witness } from "../model/isolation/exposure.js";
import { Ownership } from "../model/isolation/ownership.js";
import { type Action, type Observation, type Request, writeTag } from "../model/trace.js";
import { showAddress, showRequester } from "../model/words/address.js";

interface Landed {
  readonly action: number;
  readonly requester: number;
  readonly request: Request;
  readonly page: number;
}

const RIGHTS_NEEDED = {
  read: Right.read,
  write: Right.write,
  atomic: Right.both,
  "zero-length-read": 0,
} as const;

export class BlackBoxJudge {
  private readonly ownership = new Ownership();
  private readonly landed = new Map<number, Landed>();
  /** Words of data pages that software gave new content: the action that did, by `page * 512 + word`. */
  private readonly renewed = new Map<number, number>();
  private updating = 0;
  private action = -1;
  private protecting: boolean;

  /**
   * @param programmed by slot: the domains of the former owner who told a device to make that request
   * @param dataPages pages whose content can be looked at
   */
  constructor(
    translating: boolean,
    private readonly programmed: ReadonlyMap<number, readonly string[]>,
    private readonly dataPages: ReadonlySet<number>,
  ) {
    this.protecting = translating;
  }

  hear(event: OwnershipEvent): null {
    const { ownership } = this;
    if (event.event === "allocate") ownership.allocate(event.page, event.pages, event.owner);
    else if (event.event === "share") ownership.share(event.page, event.pages, event.owner);
    else if (event.event === "free") ownership.free(event.page, event.pages);
    else if (event.event === "allocate-table") ownership.allocateTable(event.page);
    else if (event.event === "free-table") ownership.freeTable(event.page);
    else if (event.event === "protect") ownership.protect(event.page, event.pages);
    else if (event.event === "grant") ownership.grant(event);
    else if (event.event === "withdraw") ownership.withdraw(event, this.action);
    else if (event.event === "assign") ownership.assign(event.requester, event.domain);
    else if (event.event === "unassign") ownership.unassign(event.requester, event.domain);
    else if (event.event === "ready") this.protecting = true;
    else if (event.event === "update") this.updating += event.begins ? 1 : -1;
    return null;
  }

  perform(action: Action, seen: Observation): Finding | null {
    this.action++;
    if (action.do === "store" && this.dataPages.has(action.page))
      this.renewed.set(action.page * 512 + action.word, this.action);
    if (action.do !== "request" || seen.low < 0) return null;
    const { request, slot } = action;
    const { requester } = request;
    if (request.type !== "read") {
      this.landed.set(writeTag(slot), { action: this.action, requester, request, page: seen.low });
    }
    return this.protecting ? this.judge(request, slot, seen.low) : null;
  }

  private judge(request: Request, slot: number, page: number): Finding | null {
    const needed = RIGHTS_NEEDED[request.type];
    const former = this.programmed.get(slot);
    if (former && (this.ownership.rightsIn(former, page) & needed) !== needed) {
      const message = `${this.words(request)} landed in page ${showAddress(page)}; its former owner had the device make it`;
      return { kind: "provenance", action: this.action, rules: [], message, witness: [] };
    }
    const missing = this.ownership.firstUngranted(request.requester, page, 1, needed);
    return missing && this.finding(request, page, missing.access);
  }

  private words({ type, page, offset, requester }: Request): string {
    return `a ${type} of ${showAddress(page, offset)} by ${showRequester(requester)}`;
  }

  private finding(request: Request, page: number, access: number): Finding {
    const { requester } = request;
    const reach: Reach = { requester, iova: request.page, page, pages: 1, access, way: "request" };
    const witness: Witness = { reach, links: [], filledThrough: null, excuse: null, current: false };
    const moment = { updating: this.updating > 0, untranslated: false };
    const { kind, because } = classify(reach, witness, this.ownership, moment);
    const message = `${this.words(request)} landed in page ${showAddress(page)}, ${because}`;
    return { kind, action: this.action, rules: [], message, witness: [] };
  }

  private lateWrite(write: Landed, page: number, renewed: number): Finding {
    const message =
      `${this.words(write.request)}, made by action ${write.action}, is in page ${showAddress(page)}, which was given ` +
      `new content by action ${renewed}`;
    return { kind: "late-write", action: this.action, rules: [], message, witness: [] };
  }

  /** After the run: no write may be in memory that landed after software had given the page new content. */
  end(readData: (page: number, offset: number) => number): Finding | null {
    for (const [key, renewed] of this.renewed) {
      const page = Math.floor(key / 512);
      for (const offset of [(key % 512) * 8, (key % 512) * 8 + 4]) {
        const write = this.landed.get(readData(page, offset));
        if (write && write.page === page && write.action < renewed)
          return this.lateWrite(write, page, renewed);
      }
    }
    return null;
  }
}
