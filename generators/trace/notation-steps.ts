/** Carries out the steps of a trace: what software says becomes events, what it does becomes actions with what they show. */
import type { Grant, OwnershipEvent } from "../../model/isolation/events.js";
import type { Verbs } from "./notation-dialect.js";
import { dialectOf } from "./notation-dialects.js";
import type { TraceHeader } from "./notation-header.js";
import type { Line } from "./notation-line.js";
import { TraceMemory } from "./notation-memory.js";
import { TraceRecorder } from "./notation-recorder.js";
import * as words from "./notation-words.js";

type Membership = Pick<Extract<OwnershipEvent, { event: "assign" }>, "requester" | "domain">;

export class TraceSteps {
  readonly recorder: TraceRecorder;
  private readonly memory: TraceMemory;

  /** What to do with the rest of a line, by its first word; stores begin with the entry instead. */
  private readonly verbs: Verbs;

  private readonly common: Verbs = {
    own: (line) => this.own(line),
    share: (line) => this.say({ event: "share", owner: words.takeOwner(line), ...words.takeRun(line) }),
    free: (line) => this.say({ event: "free", ...words.takeRun(line) }),
    protect: (line) => this.say({ event: "protect", ...words.takeRun(line) }),
    guard: (line) => this.say({ event: "guard", ...words.takeRun(line) }),
    table: (line) => this.memory.allocate(words.takePage(line)),
    "free-table": (line) => this.memory.free(line),
    grant: (line) => this.say({ event: "grant", ...takeGrant(line) }),
    retire: (line) => this.say({ event: "retire", ...takeGrant(line) }),
    withdraw: (line) => this.say({ event: "withdraw", ...takeGrant(line) }),
    usable: (line) => this.say({ event: "usable", ...takeGrant(line) }),
    assign: (line) => this.say({ event: "assign", ...this.takeMembership(line) }),
    attached: (line) => this.say({ event: "attached", ...this.takeMembership(line) }),
    leave: (line) => this.say({ event: "leave", ...this.takeMembership(line) }),
    unassign: (line) => this.say({ event: "unassign", ...this.takeMembership(line) }),
    program: (line) => this.program(line),
    reset: (line) => this.say({ event: "reset-device", requester: this.takeRequester(line) }),
    ready: () => this.say({ event: "ready" }),
    update: (line) => this.say({ event: "update", begins: line.oneOf(["begins", "ends"]) === "begins" }),
    clflush: (line) => this.memory.writeBack(line),
  };

  /** @param start the line that the actions belong to which bring about the state the steps start from */
  constructor(header: TraceHeader, start: Line) {
    const { profile, usesQueue, translating } = header;
    const dialect = dialectOf(profile.architecture);
    const { places, deviceEntries } = dialect;
    const recorder = new TraceRecorder(start.number);
    const { actions } = recorder;
    this.recorder = recorder;
    this.memory = new TraceMemory(header, dialect, recorder);
    for (const page of [places.queuePage, places.statusPage, places.logPage])
      if (page !== null) this.say({ event: "protect", page, pages: 1 });
    this.verbs = {
      ...this.common,
      [deviceEntries.keyword]: (line) => this.memory.storeDeviceEntry(line),
      ...dialect.begin({ profile, usesQueue, translating, actions, names: this.memory }),
    };
    recorder.settle();
  }

  /** Carries out one line. @throws TraceError when it is no step */
  perform(line: Line): void {
    this.recorder.line = line.number;
    const place = words.takeEntryIf(line);
    if (place) this.memory.storeEntries(line, place);
    else this.verbs[line.oneOf(Object.keys(this.verbs))]!(line);
    line.end();
    this.recorder.settle();
  }

  private say(event: OwnershipEvent): void {
    this.recorder.say(event);
  }

  private own(line: Line): void {
    this.say({ event: "allocate", owner: words.takeOwner(line), ...words.takeRun(line) });
  }

  private program(line: Line): void {
    const requester = this.takeRequester(line);
    const iova = words.takeIova(line);
    this.say({ event: "program", requester, iova, access: words.takeRights(line) });
  }

  private takeRequester(line: Line): number {
    return this.memory.requester(words.takeDevice(line), line);
  }

  private takeMembership(line: Line): Membership {
    return { requester: this.takeRequester(line), domain: words.takeDomain(line) };
  }
}

/** `d1[10] p1 rw`, `d1[0] p0..p1ff r`. */
function takeGrant(line: Line): Grant {
  const mapping = words.takeMapping(line);
  const run = words.takeRun(line);
  return { ...mapping, ...run, access: words.takeRights(line) };
}
