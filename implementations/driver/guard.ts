/**
 * A driver that is not trusted: whatever its module does wrong becomes one {@link DriverError} that says what was done,
 * by which routine, and what is expected instead.
 */
import type {
  Access,
  Answer,
  Driver,
  DriverDevice,
  DriverFactory,
  DriverMapping,
  DriverSetup,
  Routine,
} from "./interface.js";
import { DriverError } from "./machine.js";
import { limitsOf, Malformed, wellFormed } from "./well-formed.js";

type RoutineName = Exclude<keyof Driver, "name">;

const ROUTINES: readonly RoutineName[] = Object.keys({
  start: true,
  attach: true,
  detach: true,
  map: true,
  protect: true,
  unmap: true,
  merge: true,
  sync: true,
  destroy: true,
} satisfies Record<RoutineName, true>) as RoutineName[];

/** Characters of a value that a message shows at most. */
const SHOWN = 160;

/**
 * The driver that a factory makes. It is made when `start` begins, and every routine begins when it is first resumed; so
 * all that goes wrong, goes wrong in a routine: it throws a DriverError.
 */
export function guardedDriver(create: DriverFactory, setup: DriverSetup): Driver {
  return new GuardedDriver(create, setup);
}

class GuardedDriver implements Driver {
  readonly name = "a driver under test";
  private driver: Driver | null = null;
  private readonly limits;

  constructor(
    private readonly create: DriverFactory,
    private readonly setup: DriverSetup,
  ) {
    this.limits = limitsOf(setup.profile);
    freeze(setup.profile);
  }

  *start(): Routine {
    this.driver = this.make();
    yield* this.routine("start", (driver) => driver.start());
  }

  attach(device: DriverDevice, domain: string, ticket: number): Routine {
    return this.routine("attach", (driver) => driver.attach(copyOf(device), domain, ticket));
  }

  detach(device: DriverDevice, ticket: number): Routine {
    return this.routine("detach", (driver) => driver.detach(copyOf(device), ticket));
  }

  map(domain: string, mapping: DriverMapping, ticket: number): Routine {
    return this.routine("map", (driver) => driver.map(domain, runOf(mapping), ticket));
  }

  protect(domain: string, mapping: DriverMapping, ticket: number): Routine {
    return this.routine("protect", (driver) => driver.protect(domain, runOf(mapping), ticket));
  }

  unmap(domain: string, mapping: DriverMapping, ticket: number): Routine {
    return this.routine("unmap", (driver) => driver.unmap(domain, runOf(mapping), ticket));
  }

  merge(domain: string, mapping: DriverMapping, ticket: number): Routine {
    return this.routine("merge", (driver) => driver.merge(domain, runOf(mapping), ticket));
  }

  sync(): Routine {
    return this.routine("sync", (driver) => driver.sync());
  }

  destroy(domain: string, ticket: number): Routine {
    return this.routine("destroy", (driver) => driver.destroy(domain, ticket));
  }

  private make(): Driver {
    const { create, setup } = this;
    const made: unknown = attempt("factory", () => create({ ...setup }));
    if (!isObject(made)) throw new DriverError(`the driver's factory returned ${shown(made)}, not a driver`);
    const missing = ROUTINES.filter((one) => typeof made[one] !== "function");
    if (missing.length > 0)
      throw new DriverError(`the driver that the factory returned has no ${missing.join(", ")}`);
    return made as unknown as Driver;
  }

  private *routine(name: RoutineName, begin: (driver: Driver) => unknown): Routine {
    const iterator = iteratorOf(
      name,
      attempt(name, () => begin(this.driver!)),
    );
    let answer: Answer = { low: 0, high: 0 };
    while (true) {
      const next = attempt(name, () => iterator.next(answer));
      if (!isObject(next)) throw new DriverError(`the iterator of the driver's ${name} gave ${shown(next)}`);
      if (next.done) return;
      answer = yield this.checked(name, next.value);
    }
  }

  private checked(name: RoutineName, yielded: unknown): Access {
    try {
      return wellFormed(yielded, this.limits);
    } catch (error) {
      if (!(error instanceof Malformed)) throw thrownBy(name, error);
      throw new DriverError(`the driver's ${name} yielded ${shown(yielded)}: ${error.message}`);
    }
  }
}

type Properties = Readonly<Record<PropertyKey, unknown>>;

function isObject(value: unknown): value is Properties {
  return typeof value === "object" && value !== null;
}

/** Runs code of the driver. @throws DriverError when that throws */
function attempt<Result>(name: RoutineName | "factory", code: () => Result): Result {
  try {
    return code();
  } catch (error) {
    throw thrownBy(name, error);
  }
}

/** What code of the driver threw, with the place where it did. */
function thrownBy(name: string, error: unknown): DriverError {
  if (!(error instanceof Error)) return new DriverError(`the driver's ${name} threw ${shown(error)}`);
  const [place] = error.stack?.match(/^ +at .*$/m) ?? [];
  const kind = error.name === "Error" ? "" : `${error.name}: `;
  return new DriverError(
    `the driver's ${name} threw: ${kind}${error.message}${place?.replace(/^ +/, " ") ?? ""}`,
  );
}

function iteratorOf(name: RoutineName, value: unknown): Iterator<unknown, unknown, Answer> {
  if (isObject(value) && typeof value.next === "function" && !(Symbol.asyncIterator in value))
    return value as unknown as Iterator<unknown, unknown, Answer>;
  throw new DriverError(
    `the driver's ${name} returned ${shown(value)}; expected an iterator, as *${name}() gives`,
  );
}

/** A value as JSON, as far as that can say it, cut where it is long. */
function shown(value: unknown): string {
  const text = isObject(value) ? asJson(value) : String(value);
  return text.length <= SHOWN ? text : `${text.slice(0, SHOWN)}...`;
}

function asJson(value: Properties): string {
  const sayable = (one: unknown) =>
    typeof one === "object" || typeof one === "string" || typeof one === "boolean" || Number.isFinite(one);
  try {
    return JSON.stringify(value, (_, one: unknown) => (sayable(one) ? one : String(one)));
  } catch {
    return Object.prototype.toString.call(value);
  }
}

/** Modules share profiles: a driver may not change one for the runs after it. */
function freeze(value: object): void {
  if (Object.isFrozen(value)) return;
  Object.freeze(value);
  for (const one of Object.values(value)) if (isObject(one)) freeze(one);
}

/** Drivers get copies: what they do to them changes nothing in the house's books. */
function copyOf({ name, requesters }: DriverDevice): DriverDevice {
  return { name, requesters: [...requesters] };
}

function runOf({ iova, page, pages, access }: DriverMapping): DriverMapping {
  return { iova, page, pages, access };
}
