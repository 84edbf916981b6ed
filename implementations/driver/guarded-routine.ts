/**
 * Routines of software that is not trusted: whatever its module does wrong becomes one {@link DriverError} that says what
 * was done, by which routine, and what is expected instead.
 */
import { ImplementationError } from "../iommu/interface.js";
import type { Answer } from "./interface.js";
import { DriverError, PATIENCE } from "./machine.js";
import { Malformed } from "./well-formed.js";

/** Characters of a value that a message shows at most. */
const SHOWN = 160;

type Properties = Readonly<Record<PropertyKey, unknown>>;

export class Guard<Yielded> {
  /**
   * @param software what it is called, such as `driver`
   * @param wellFormed an access of its routines, copied; throws {@link Malformed} when a value is none
   */
  constructor(
    private readonly software: string,
    private readonly wellFormed: (value: unknown) => Yielded,
  ) {}

  /** What a factory makes, which has to have these routines. @throws DriverError */
  made<Made>(create: () => Made, routines: readonly string[]): Made {
    const made: unknown = this.attempt("factory", create);
    if (!isObject(made))
      throw new DriverError(`the ${this.software}'s factory returned ${shown(made)}, not a ${this.software}`);
    const missing = routines.filter((one) => typeof made[one] !== "function");
    if (missing.length > 0)
      throw new DriverError(`the ${this.software} that the factory returned has no ${missing.join(", ")}`);
    return made as Made;
  }

  /** The routine that `begin` gives, which begins when it is first resumed. It throws DriverErrors only. */
  *routine(name: string, begin: () => unknown): Generator<Yielded, void, Answer> {
    const iterator = this.iteratorOf(name, this.attempt(name, begin));
    let answer: Answer = { low: 0, high: 0 };
    for (let accesses = 0; accesses <= PATIENCE; accesses++) {
      const next = this.attempt(name, () => iterator.next(answer));
      if (!isObject(next))
        throw new DriverError(`the iterator of the ${this.software}'s ${name} gave ${shown(next)}`);
      if (next.done) return;
      answer = yield this.checked(name, next.value);
    }
    throw new DriverError(`the ${this.software} made ${PATIENCE} accesses without finishing`);
  }

  private checked(name: string, yielded: unknown): Yielded {
    try {
      return this.wellFormed(yielded);
    } catch (error) {
      if (!(error instanceof Malformed)) throw this.thrownBy(name, error);
      throw new DriverError(`the ${this.software}'s ${name} yielded ${shown(yielded)}: ${error.message}`);
    }
  }

  /** Runs code of the software. @throws DriverError when that throws */
  private attempt<Result>(name: string, code: () => Result): Result {
    try {
      return code();
    } catch (error) {
      throw this.thrownBy(name, error);
    }
  }

  /** What code of the software threw, with the place where it did. */
  private thrownBy(name: string, error: unknown): DriverError {
    // A program under test failed: what it did is said already.
    if (error instanceof ImplementationError) return new DriverError(error.message);
    if (!(error instanceof Error))
      return new DriverError(`the ${this.software}'s ${name} threw ${shown(error)}`);
    const [place] = error.stack?.match(/^ +at .*$/m) ?? [];
    const kind = error.name === "Error" ? "" : `${error.name}: `;
    return new DriverError(
      `the ${this.software}'s ${name} threw: ${kind}${error.message}${place?.replace(/^ +/, " ") ?? ""}`,
    );
  }

  private iteratorOf(name: string, value: unknown): Iterator<unknown, unknown, Answer> {
    if (isObject(value) && typeof value.next === "function" && !(Symbol.asyncIterator in value))
      return value as unknown as Iterator<unknown, unknown, Answer>;
    throw new DriverError(
      `the ${this.software}'s ${name} returned ${shown(value)}; expected an iterator, as *${name}() gives`,
    );
  }
}

export function isObject(value: unknown): value is Properties {
  return typeof value === "object" && value !== null;
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

/** Modules share what they are given: none may change it for the runs after it. */
export function freeze(value: object): void {
  if (Object.isFrozen(value)) return;
  Object.freeze(value);
  for (const one of Object.values(value)) if (isObject(one)) freeze(one);
}
