/** The head of a trace: what it is about, where it runs, and what verdict it expects. */
import { allProfiles } from "../../model/architectures.js";
import type { ExcuseKind } from "../../model/isolation/exposure.js";
import type { Profile } from "../../model/profile.js";
import { requesterId } from "../../model/words/address.js";
import { dialectOf } from "./notation-dialects.js";
import type { Line } from "./notation-line.js";
import { takeDevice, takeDomain, takeNumber } from "./notation-words.js";

/** Kinds of findings that software is to blame for. */
const KINDS = [
  "freed-page",
  "foreign-page",
  "excess-right",
  "after-detach",
  "revived",
  "own-memory",
  "mid-update",
  "invalid-tables",
  "unserved",
  "provenance",
] as const;

const EXCUSES = [
  "not-submitted",
  "not-complete",
  "wrong-domain",
  "wrong-device",
  "wrong-range",
  "leaf-only",
  "wrong-order",
  "no-draining",
  "line-not-flushed",
  "buffer-not-flushed",
] as const satisfies readonly ExcuseKind[];

/** The verdict a trace expects: kind of finding, and what keeps the old value in use where something does. */
export type Expectation =
  | { readonly verdict: "holds" }
  | {
      readonly verdict: "violated";
      readonly kind: (typeof KINDS)[number];
      readonly excuse: ExcuseKind | null;
    };

/** A domain: the id its device entries carry, and how many levels its tables have. */
export interface TraceDomain {
  readonly id: number;
  readonly levels: number;
}

export interface TraceHeader {
  readonly title: string;
  readonly because: string;
  readonly expectation: Expectation;
  readonly profile: Profile;
  readonly usesQueue: boolean;
  readonly translating: boolean;
  /** Requester ids by the names of devices. */
  readonly devices: ReadonlyMap<string, number>;
  /** The domains that the header speaks of; any other is {@link domainNamed}. */
  readonly domains: ReadonlyMap<string, TraceDomain>;
}

/** A domain the header says nothing of: the id of its name, and as many levels as is usual. */
export function domainNamed(name: string, profile: Profile): TraceDomain {
  return { id: Number(name.slice(1)), levels: dialectOf(profile.architecture).levelsOf(profile)[0]! };
}

/**
 * The header of the lines above `---`.
 * @param last the line `---`, where what is missing is reported
 * @throws TraceError naming the first line that does not fit, or what is missing
 */
export function parseHeader(lines: readonly Line[], last: Line): TraceHeader {
  const texts = new Map<string, string>();
  const devices = new Map<string, number>();
  const domainLines: Line[] = [];
  let profile: Profile | undefined;
  let through: "queue" | "registers" | undefined;
  let translating = true;
  let expectation: Expectation | undefined;
  for (const line of lines) {
    const key = line.oneOf([
      "title",
      "because",
      "platform",
      "through",
      "start",
      "device",
      "domain",
      "expect",
    ]);
    if (key === "title" || key === "because") texts.set(key, line.rest());
    else if (key === "platform") profile = takeProfile(line);
    else if (key === "through") through = line.oneOf(["queue", "registers"] as const);
    else if (key === "start") translating = line.oneOf(["translating", "reset"]) === "translating";
    else if (key === "device") devices.set(takeDevice(line), takeRequester(line));
    else if (key === "expect") expectation = takeExpectation(line);
    else domainLines.push(line);
    if (key !== "domain") line.end();
  }
  if (!profile) return last.reject('the header has no "platform"');
  if (!expectation) return last.reject('the header has no "expect"');
  if (devices.size === 0) last.reject('the header has no "device"');
  const interfaces = dialectOf(profile.architecture).interfacesOf(profile);
  through ??= interfaces[0]!;
  if (!interfaces.includes(through))
    last.reject(`${profile.id} has no invalidation through ${through === "queue" ? "the queue" : through}`);
  const text = (key: string): string => texts.get(key) ?? last.reject(`the header has no "${key}"`);
  const domains = new Map(domainLines.map((line) => takeDomainLine(line, profile)));
  return {
    title: text("title"),
    because: text("because"),
    expectation,
    profile,
    usesQueue: through === "queue",
    translating,
    devices,
    domains,
  };
}

function takeProfile(line: Line): Profile {
  const id = line.oneOf(allProfiles.map((one) => one.id));
  return allProfiles.find((one) => one.id === id)!;
}

function takeRequester(line: Line): number {
  const [, bus, device, fn] = line.take(
    "a requester id such as 00:04.0",
    /^([0-9a-f]{2}):([01][0-9a-f])\.([0-7])$/,
  );
  return requesterId(Number.parseInt(bus!, 16), Number.parseInt(device!, 16), Number(fn));
}

/** `d2 id 1 levels 5`: either may be left out. */
function takeDomainLine(line: Line, profile: Profile): [string, TraceDomain] {
  const name = takeDomain(line);
  let { id, levels } = domainNamed(name, profile);
  if (line.takeIf(/^id$/)) id = takeNumber(line, "a domain id such as 1");
  const possible = dialectOf(profile.architecture).levelsOf(profile);
  if (line.takeIf(/^levels$/)) levels = Number(line.oneOf(possible.toSorted().map(String)));
  line.end();
  return [name, { id, levels }];
}

function takeExpectation(line: Line): Expectation {
  if (line.oneOf(["holds", "violated"]) === "holds") return { verdict: "holds" };
  const kind = line.oneOf(KINDS);
  return { verdict: "violated", kind, excuse: line.isAtEnd ? null : line.oneOf(EXCUSES) };
}
