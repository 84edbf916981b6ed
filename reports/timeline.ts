/**
 * The run behind a finding on a line of time: what software did, its invalidations from submission to completion, what
 * requesters came to, and for how long a stale value stayed in use.
 */
import { architectureOf } from "../model/architectures.js";
import type { Evidence, EvidenceEntry } from "../model/finding.js";
import type { OwnershipEvent, Performed } from "../model/isolation/events.js";
import type { Action } from "../model/trace.js";
import { showEffect } from "../model/windows/oracle.js";
import { showRequester } from "../model/words/address.js";
import type { DistinctFinding } from "../properties/distinct-findings.js";
import type { Timeline } from "./result.js";
import { actionsAmong, invalidationsOf, setupsOf, type UnitInvalidation } from "./timeline-invalidations.js";
import { ActionWords, eventText } from "./timeline-words.js";
import { requestText } from "./walk.js";

type TimelineEvent = Timeline["events"][number];
type Found = Pick<DistinctFinding, "scenario" | "finding" | "records" | "stepOf">;

const SOFTWARE = "software";
/** Accesses that are told together when they follow each other in one step. */
const KINDS: Readonly<Record<Action["do"], string>> = {
  store: "memory",
  "flush-line": "memory",
  "write-register": "registers",
  "read-register": "registers",
  "poll-register": "registers",
  "read-memory": "status",
  "poll-memory": "status",
  request: "request",
};

/** The timeline of a finding; null where its run is not known. */
export function timelineOf(found: Found): Timeline | null {
  return found.records.length === 0 ? null : new TimelineMaker(found).make();
}

/** Something that has a place of its own on the line of time. */
type Moment =
  | { readonly step: number; readonly first: number; readonly actions: Performed[] }
  | { readonly step: number; readonly event: OwnershipEvent; readonly text: string };

class TimelineMaker {
  private readonly actions: readonly Performed[];
  private readonly invalidations: readonly UnitInvalidation[];
  private readonly words: ActionWords;
  private readonly moments: Moment[] = [];
  /** By action: which moment it is part of. */
  private readonly momentOf: number[] = [];

  constructor(private readonly found: Found) {
    const setups = setupsOf(found.scenario);
    const { profile } = setups[0]!;
    this.actions = actionsAmong(found.records).slice(0, found.finding.action + 1);
    this.invalidations = invalidationsOf(setups, this.actions);
    this.words = new ActionWords(architectureOf(profile), profile);
    this.divide();
  }

  make(): Timeline {
    const { evidence, message } = this.found.finding;
    const events = [...this.softwareEvents(), ...this.invalidationEvents(), ...this.requestEvents()];
    // What no single action shows is told in full.
    if (events.every((one) => one.tone !== "bad"))
      events.push({ at: this.end, until: null, lane: SOFTWARE, text: message, tone: "bad" });
    const lanes: Timeline["lanes"] = [
      { id: SOFTWARE, title: "software", kind: "software" },
      ...[...new Set(this.invalidations.map(laneOf))].map((id) => ({
        id,
        title: id,
        kind: "invalidation" as const,
      })),
      ...this.requesters().map((id) => ({ id, title: id, kind: "requester" as const })),
    ];
    return {
      lanes,
      length: this.end,
      steps: this.steps(),
      events,
      stale: evidence ? this.staleOf(evidence) : null,
    };
  }

  /** Position 0 is where the run starts; each moment takes one from there on. */
  private get end(): number {
    return this.moments.length + 1;
  }

  /** The place of an action; what was there from the start is at 0. */
  private at(action: number): number {
    return action < 0 ? 0 : Math.min((this.momentOf[action] ?? this.moments.length) + 1, this.end);
  }

  /** Where the violation shows. */
  private get shown(): number {
    const { action } = this.found.finding;
    return this.actions[action]?.action.do === "request" && this.isOfHardware ? this.at(action) : this.end;
  }

  /** Requests are judged when they are answered; software by what they could come to. */
  private get isOfHardware(): boolean {
    const { scenario } = this.found;
    return scenario.format === "iommu-spec scenario 1";
  }

  /** Puts what follows each other and is alike together. */
  private divide(): void {
    const alone = this.actionsAlone();
    const { stepOf, records } = this.found;
    let index = 0;
    let last = "";
    for (const record of records) {
      if (index >= this.actions.length && "action" in record) break;
      const step = stepOf[index] ?? stepOf.at(-1) ?? -1;
      if ("event" in record) {
        const text = eventText(record);
        // Before the first step software says what its memory is.
        if (text === null || step < 0) continue;
        this.moments.push({ step, event: record, text });
        last = "";
        continue;
      }
      const kind = KINDS[record.action.do];
      const group = step < 0 && kind !== "request" ? "preparation" : `${step} ${kind}`;
      const current = this.moments.at(-1);
      const joins = group === last && kind !== "request" && !alone.has(index);
      if (joins && current && "actions" in current) current.actions.push(record);
      else this.moments.push({ step, first: index, actions: [record] });
      last = alone.has(index) ? "" : group;
      this.momentOf[index] = this.moments.length - 1;
      index++;
    }
  }

  /** Actions that something begins or ends with. */
  private actionsAlone(): ReadonlySet<number> {
    const { evidence, action } = this.found.finding;
    const entries = evidence?.entries ?? [];
    const told = entries.filter((one) => one.why !== null);
    const seen = [...told.flatMap(({ fence }) => fence ?? []), ...this.invalidations];
    return new Set([
      action,
      ...told.flatMap((one) => [one.storedBy, one.replacedBy ?? -1]),
      ...seen.flatMap(({ submitted, completed }) => [submitted, completed ?? -1]),
    ]);
  }

  private steps(): Timeline["steps"] {
    const spans = new Map<number, { from: number; until: number }>();
    for (const [index, { step }] of this.moments.entries()) {
      const span = spans.get(step);
      if (span) span.until = index + 2;
      else spans.set(step, { from: step < 0 ? 0 : index + 1, until: index + 2 });
    }
    return [...spans].map(([step, span]) => ({ step, ...span }));
  }

  private softwareEvents(): TimelineEvent[] {
    return this.moments.flatMap((moment, index) => {
      const at = index + 1;
      if ("text" in moment) return plain(at, SOFTWARE, moment.text);
      if (moment.actions[0]!.action.do === "request") return [];
      const told = this.words.several(moment.actions);
      const text = moment.step < 0 ? `prepares: ${told}` : told;
      const isShown = this.isOfHardware && moment.first === this.found.finding.action;
      return [{ at, until: null, lane: SOFTWARE, text, tone: isShown ? "bad" : "plain" }];
    });
  }

  private invalidationEvents(): TimelineEvent[] {
    return this.invalidations.map((one) => {
      const { submitted, completed } = one;
      const seen = completed === null ? ", never seen complete" : "";
      const until = completed === null ? this.end : this.at(completed);
      return {
        at: this.at(submitted),
        until,
        lane: laneOf(one),
        text: `${one.text}${seen}`,
        tone: completed === null ? "plain" : "good",
      };
    });
  }

  private requestEvents(): TimelineEvent[] {
    const { finding } = this.found;
    const events = this.actions.flatMap(({ action, seen }, index): TimelineEvent[] => {
      if (action.do !== "request") return [];
      const isShown = index === finding.action && this.isOfHardware;
      const tone = isShown ? "bad" : seen.low >= 0 ? "good" : "plain";
      const text = this.words.one(action, seen);
      return [{ at: this.at(index), until: null, lane: showRequester(action.request.requester), text, tone }];
    });
    const { evidence } = finding;
    if (!evidence || this.isOfHardware) return events;
    const text = `${requestText(evidence)}: it ${evidence.type === "table" ? "reads entries there" : showEffect(evidence.effect)}`;
    const lane = showRequester(evidence.requester);
    return [...events, { at: this.shown, until: null, lane, text, tone: "bad" }];
  }

  private requesters(): string[] {
    const { evidence } = this.found.finding;
    const ids = this.actions.flatMap(({ action }) =>
      action.do === "request" ? [action.request.requester] : [],
    );
    if (evidence) ids.push(evidence.requester);
    return [...new Set(ids)].sort((one, other) => one - other).map(showRequester);
  }

  /** The old value that is told of: the first that an invalidation ends the use of, else the first of all. */
  private staleOf({ entries }: Evidence): Timeline["stale"] {
    const old = entries.filter((one) => one.why !== null);
    const entry = old.find((one) => one.fence !== null) ?? old[0];
    if (!entry) return null;
    return {
      title: `old ${entry.name}`,
      from: this.at(entry.storedBy),
      replaced: entry.replacedBy === null ? null : this.at(entry.replacedBy),
      until: this.shown,
      fence: this.fenceOf(entry),
      text: entry.why!,
    };
  }

  private fenceOf({ fence }: EvidenceEntry): NonNullable<Timeline["stale"]>["fence"] {
    if (!fence) return null;
    const { submitted, completed } = fence;
    const one = this.invalidations.find((each) => each.submitted === submitted);
    return {
      submitted: this.at(submitted),
      completed: completed === null ? null : this.at(completed),
      text: one?.text ?? "invalidation",
    };
  }
}

/** Which lane an invalidation is in. */
function laneOf({ queued, unit }: UnitInvalidation): string {
  const through = queued ? "invalidation queue" : "invalidation registers";
  return unit === 0 ? through : `${through} of unit ${unit}`;
}

function plain(at: number, lane: string, text: string): TimelineEvent[] {
  return [{ at, until: null, lane, text, tone: "plain" }];
}
