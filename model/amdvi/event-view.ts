/**
 * The event log as software can know it (AMD-Vi 2.5). Which of several faults is reported, whether SE leaves one out, and
 * when an illegal command is found is hardware's choice: every state that some history of such choices leads to is kept,
 * and what software reads leaves those that show it.
 */
import { type FindingKind, OutsideModel } from "../finding.js";
import type { Request, Word } from "../trace.js";
import type { Complaint } from "../windows/oracle.js";
import type { Coverage, Rule } from "../words/rule.js";
import { commandRules, eventRules, registerRules } from "./behaviour-rules.js";
import { type DeviceEntry, isOfDomain, isPageFault, possibleEvents } from "./event-contents.js";
import {
  Change,
  Contents,
  ENTRIES_OF_PAGE,
  type Event,
  emptyLog,
  entryAt,
  type History,
  type LogState,
  logged,
  mayHold,
  merged,
} from "./event-log.js";
import { decodeEvent, type Place } from "./events.js";
import { StatusBit } from "./registers.js";
import type { AmdViFaultRule } from "./rules.js";

/** What became of a request: an outcome that agrees with what was seen. */
export interface SeenOutcome {
  readonly rule: AmdViFaultRule | null;
  /** False when SA keeps it out of the log. */
  readonly recorded: boolean;
}

/** What the log has to know of the device table entries that a request may have been answered under. */
export interface DeviceEntries {
  /** Those that may be in use for the device at step `now`. */
  of(deviceId: number, now: number): readonly DeviceEntry[];
  /** An entry in use at step `now` was read at this step or later. */
  readSince(deviceId: number, now: number): number;
  /** The last step that {@link readSince} may come to return: when the last invalidation was submitted. */
  lastInvalidation(): number;
  /** The domains under which a request that is blocked at step `now` may have been translated. */
  domainIds(request: Request, now: number): readonly number[];
  /** Where its entry is in the device table in force. */
  place(deviceId: number): Place;
}

/** Page of a log that was never put anywhere. */
const NOWHERE = Number.NEGATIVE_INFINITY;

export class EventView {
  private states: readonly LogState[] = [];
  private page = NOWHERE;
  private length = ENTRIES_OF_PAGE;
  private head = 0;
  private enabled = false;
  /** EventIntEn. */
  private signals = false;
  private commandsRunning = false;
  private illegal: Contents | null = null;

  constructor(
    private readonly devices: DeviceEntries,
    private readonly coverage: Coverage,
  ) {}

  /** As after a reset, or logging to `page` with the command buffer running. */
  reset(translating: boolean, page: number): void {
    this.states = [emptyLog(translating)];
    this.page = translating ? page : NOWHERE;
    this.length = ENTRIES_OF_PAGE;
    this.head = 0;
    this.enabled = translating;
    this.signals = false;
    this.commandsRunning = translating;
    this.illegal = null;
  }

  /** A request had one of these outcomes. */
  outcome(request: Request, matching: readonly SeenOutcome[], now: number): void {
    const rules: AmdViFaultRule[] = [];
    for (const { rule, recorded } of matching) if (rule && recorded) rules.push(rule);
    if (matching.some((one) => one.rule && !one.recorded)) this.coverage.hit(eventRules.suppressAll);
    if (rules.length === 0) return;
    const { requester } = request;
    const entries = this.devices.of(requester, now);
    const once = rules.some(isPageFault) && entries.some((one) => one.suppressesFurther);
    const contents = this.contentsOf(rules, request, entries, now);
    const omitted = rules.length < matching.length;
    const readSince = once ? this.devices.readSince(requester, now) : 0;
    this.step((state, next) => {
      const suppressed = once && (state.reported.get(requester) ?? -1) >= readSince;
      const noted = once ? noting(state, requester, this.devices.lastInvalidation()) : state;
      next.push(this.enter(noted, contents));
      if (suppressed || omitted) next.push(state);
      if (suppressed) this.coverage.hit(eventRules.suppressFurther);
    });
  }

  /** What an entry may hold for a request that one of these rules blocked. */
  private contentsOf(
    rules: readonly AmdViFaultRule[],
    request: Request,
    entries: readonly DeviceEntry[],
    now: number,
  ): Contents {
    const asked = rules.some(isOfDomain) && this.states.some((state) => state.running);
    const domainIds = asked ? this.devices.domainIds(request, now) : [];
    const sources = { entries, place: this.devices.place(request.requester), domainIds };
    return new Contents(() => possibleEvents(rules, request, sources));
  }

  /** The command buffer holds an illegal command that hardware comes to. */
  illegalCommand(event: Event): void {
    this.step((state, next) => next.push({ ...state, halt: "ahead" }));
    this.illegal = new Contents(() => [event]);
  }

  /** The command buffer is started (CmdBufEn and IommuEn are 1) or stopped. */
  commands(running: boolean): void {
    this.step(unchanged);
    this.commandsRunning = running;
  }

  /** CmdBufEn was written 0: what had stopped the command buffer does not matter any more. */
  commandsRestartable(): void {
    this.step((state, next) => next.push({ ...state, halt: "none" }));
    this.illegal = null;
  }

  /** True when hardware must have found the illegal command, whatever the history. */
  get halted(): boolean {
    return this.states.every((one) => one.halt === "found");
  }

  /** EventLogEn and EventIntEn were written. Choice: setting EventLogEn while EventOverflow is 1 does not start the log. */
  control(enabled: boolean, signals: boolean): void {
    const changes = enabled !== this.enabled;
    if (changes && enabled) this.coverage.hit(eventRules.start);
    this.step((state, next) =>
      next.push(changes ? { ...state, running: enabled && !state.overflow } : state),
    );
    this.enabled = enabled;
    this.signals = signals;
  }

  /** EvtBase was written: head and tail are zero. */
  writeBase(page: number, length: number): void {
    this.refuseWhileRunning("EvtBase");
    this.page = page;
    this.length = length;
    this.head = 0;
    this.states = merged(this.states.map((state) => ({ ...state, tail: 0 })));
  }

  /** Software wrote how far it has read. */
  writeHead(index: number): void {
    if (index >= this.length) throw new OutsideModel("an event log head beyond the end of the log");
    this.step(unchanged);
    this.head = index;
  }

  writeTail(index: number): void {
    this.refuseWhileRunning("the event log tail");
    if (index >= this.length) throw new OutsideModel("an event log tail beyond the end of the log");
    this.states = merged(this.states.map((state) => ({ ...state, tail: index })));
  }

  /** Software wrote Status: ones clear. */
  clearStatus(value: number): void {
    this.step((state, next) => {
      const overflow = state.overflow && (value & StatusBit.EventOverflow) === 0;
      next.push({ ...state, overflow, interrupt: value & StatusBit.EventLogInt ? 0 : state.interrupt });
    });
  }

  /** Software stored a word to a page that may hold events. */
  store(page: number, word: number, value: Word): void {
    this.rewrite(page, word, ({ events }) => {
      const stored = events.map(([first, second]): Event => (word & 1 ? [first, value] : [value, second]));
      return new Contents(() => stored);
    });
  }

  /** A device wrote to an entry: nothing is known of it until the next event there. */
  spoil(page: number, word: number): void {
    this.rewrite(page, word, () => new Contents(() => []));
  }

  private rewrite(page: number, word: number, contents: (before: Contents) => Contents): void {
    const change = new Change(page, word >>> 1, true, contents);
    this.step((state, next) => next.push(withHistory(state, change.in(state.history))));
  }

  /** Software read the tail. */
  sawTail(value: number, mask: number): Complaint {
    return this.saw(
      (state) => (showsTail(state, value, mask) ? state : null),
      () => wrong(eventRules.record, `the event log tail reads ${hex(value)}; ${this.describe()}`),
    );
  }

  /**
   * Software read EventOverflow, EventLogInt, EventLogRun and CmdBufRun in Status.
   * @param certain the bits whose value follows from the state; of the others nothing is prescribed
   */
  sawStatus(value: number, certain: number): Complaint {
    return this.saw(
      (state) => this.withStatus(state, value, certain),
      () => {
        const [rule, kind] = this.contradicted(value, certain);
        const seen = `Status reads ${hex(value & certain)} (mask ${hex(certain)})`;
        return wrong(rule, `${seen}; ${this.describe()}`, kind);
      },
    );
  }

  /** The rule of the bit that no history gives. */
  private contradicted(value: number, mask: number): [Rule, FindingKind] {
    const impossible = (bit: number) =>
      (mask & bit) !== 0 && this.reachable().every((state) => !this.withStatus(state, value, bit));
    if (impossible(StatusBit.CmdBufRun)) return [commandRules.halt, "completion"];
    if (impossible(StatusBit.EventOverflow)) return [eventRules.overflow, "fault-record"];
    if (impossible(StatusBit.EventLogRun)) return [eventRules.start, "fault-record"];
    return [impossible(StatusBit.EventLogInt) ? registerRules.status : eventRules.record, "fault-record"];
  }

  /** The state, with EventLogInt as read, when it shows the bits under the mask like that; else null. */
  private withStatus(state: LogState, value: number, mask: number): LogState | null {
    const agrees = (bit: number, is: boolean) => (mask & bit) === 0 || ((value & bit) !== 0) === is;
    if (!agrees(StatusBit.EventOverflow, state.overflow)) return null;
    if (!agrees(StatusBit.EventLogRun, state.running)) return null;
    if (!agrees(StatusBit.CmdBufRun, this.commandsRunning && state.halt !== "found")) return null;
    if ((mask & StatusBit.EventLogInt) === 0) return state;
    const interrupt = value & StatusBit.EventLogInt ? 1 : 0;
    return state.interrupt === "either" || state.interrupt === interrupt ? { ...state, interrupt } : null;
  }

  /** True when Status must come to show these bits, EventLogInt included. */
  comesTo(value: number, mask: number): boolean {
    return this.eventually().every((state) => {
      const open = (mask & StatusBit.EventLogInt) !== 0 && state.interrupt === "either";
      return !open && this.withStatus(state, value, mask) !== null;
    });
  }

  /** True when the tail must come to stand there. */
  tailComesTo(value: number, mask: number): boolean {
    return this.eventually().every((state) => showsTail(state, value, mask));
  }

  /** Software read a word of memory that holds `stored` unless an event was logged there. */
  sawWord(page: number, word: number, seen: Word, stored: Word): Complaint {
    const showing = new Change(page, word >>> 1, isEqual(seen, stored), (contents) => {
      const { events } = contents;
      if (events.length === 0) return contents;
      const left = eventsShowing(events, word & 1, seen);
      if (left.length > 0) this.coverage.hit(eventRules.contents);
      if (left === events) return contents;
      return left.length > 0 ? new Contents(() => left) : null;
    });
    return this.saw(
      (state) => {
        const history = showing.in(state.history);
        return history.length > 0 ? withHistory(state, history) : null;
      },
      () => {
        const what = `word ${word} of page ${hex(page)} reads ${showWord(seen)}`;
        return wrong(eventRules.contents, `${what}; ${this.describe(page, word)}`);
      },
    );
  }

  /** True when an event may have been logged to this page. */
  mayHold(page: number): boolean {
    for (const { history } of this.states) if (mayHold(history, page)) return true;
    return false;
  }

  /** True when the log is in this page now. */
  covers(page: number): boolean {
    return page >= this.page && page < this.page + this.length / ENTRIES_OF_PAGE;
  }

  private refuseWhileRunning(what: string): void {
    if (this.states.some((one) => one.running))
      throw new OutsideModel(`${what} is written while EventLogRun is 1`);
  }

  /** An event is logged, or lost, or the log is off. */
  private enter(state: LogState, contents: Contents): LogState {
    const place = { page: this.page, length: this.length, head: this.head };
    const result = logged(state, place, contents, this.signals);
    const { disabled, dropped, overflow, record } = eventRules;
    if (!state.running) this.coverage.hit(state.overflow ? dropped : disabled);
    else this.coverage.hit(result.overflow ? overflow : record);
    return result;
  }

  /** Something happens in every state, and in those where the illegal command was found just before. */
  private step(change: (state: LogState, next: LogState[]) => void): void {
    const next: LogState[] = [];
    for (const state of this.reachable()) change(state, next);
    this.states = merged(next);
  }

  private reachable(): readonly LogState[] {
    const { illegal } = this;
    if (!illegal || !this.commandsRunning) return this.states;
    const found = this.states.filter((one) => one.halt === "ahead");
    return [...this.states, ...found.map((one) => ({ ...this.enter(one, illegal), halt: "found" as const }))];
  }

  /** The states once hardware has come to the illegal command. */
  private eventually(): readonly LogState[] {
    return this.reachable().filter((one) => one.halt !== "ahead" || !this.commandsRunning);
  }

  /** Software read something: the states that show it are left, or it is wrong. */
  private saw(keep: (state: LogState) => LogState | null, complain: () => Complaint): Complaint {
    const left: LogState[] = [];
    for (const state of this.reachable()) {
      const kept = keep(state);
      if (kept) left.push(kept);
    }
    if (left.length === 0) return complain();
    const found = left.every((one) => one.halt === "found");
    if (this.illegal && !this.halted && found) this.coverage.hit(commandRules.halt);
    this.states = left;
    return null;
  }

  /** The likely state in words, with what the entry of a word is taken to hold. */
  private describe(page?: number, word = 0): string {
    const state = this.states[0]!;
    const status = `${state.running ? "running" : "stopped"}${state.overflow ? ", overflowing" : ""}`;
    const log = `the likely state of the log: tail at entry ${state.tail}, ${status}`;
    const entry = page === undefined ? null : entryAt(state.history, page, word >>> 1);
    if (!entry) return log;
    const contents = entry.contents.events.map(showEvent).join(" or ");
    return `${log}, the entry holds ${contents || "anything"}`;
  }
}

function wrong(rule: Rule, message: string, kind: FindingKind = "fault-record"): Complaint {
  return { kind, rules: [rule.id], message };
}

function withHistory(state: LogState, history: History): LogState {
  return history === state.history ? state : { ...state, history };
}

function unchanged(state: LogState, next: LogState[]): void {
  next.push(state);
}

function noting(state: LogState, deviceId: number, step: number): LogState {
  if (state.reported.get(deviceId) === step) return state;
  return { ...state, reported: new Map(state.reported).set(deviceId, step) };
}

function showsTail({ tail }: LogState, value: number, mask: number): boolean {
  return (((tail << 4) ^ value) & mask) === 0;
}

/** The events that show this in their first or second word; all of them when nothing new is learnt. */
function eventsShowing(events: readonly Event[], word: number, seen: Word): readonly Event[] {
  const tells = (one: Event) => one[word] === null || !isEqual(one[word]!, seen);
  if (!events.some(tells)) return events;
  const left = events.filter((one) => one[word] === null || isEqual(one[word]!, seen));
  return left.map(([first, second]): Event => (word === 0 ? [first, second] : [first, seen]));
}

function isEqual(one: Word, other: Word): boolean {
  return one.low >>> 0 === other.low >>> 0 && one.high >>> 0 === other.high >>> 0;
}

function hex(value: number): string {
  return `0x${(value >>> 0).toString(16)}`;
}

function showEvent([first, second]: Event): string {
  const name = decodeEvent([first, second ?? first])?.name ?? "no event";
  return `${name} ${showWord(first)} ${second ? showWord(second) : "with any address"}`;
}

function showWord({ low, high }: Word): string {
  const hex = (value: number) => (value >>> 0).toString(16).padStart(8, "0");
  return `0x${hex(high)}${hex(low)}`;
}
