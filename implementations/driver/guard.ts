/** A driver that is not trusted. */
import { freeze, Guard } from "./guarded-routine.js";
import type {
  Access,
  Driver,
  DriverDevice,
  DriverFactory,
  DriverMapping,
  DriverSetup,
  Routine,
} from "./interface.js";
import { limitsOf, wellFormed } from "./well-formed.js";

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
  private readonly guard: Guard<Access>;

  constructor(
    private readonly create: DriverFactory,
    private readonly setup: DriverSetup,
  ) {
    const limits = limitsOf(setup.profile);
    this.guard = new Guard("driver", (value) => wellFormed(value, limits));
    freeze(setup.profile);
  }

  *start(): Routine {
    const { create, setup } = this;
    this.driver = this.guard.made(() => create({ ...setup }), ROUTINES);
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

  private routine(name: RoutineName, begin: (driver: Driver) => unknown): Routine {
    return this.guard.routine(name, () => begin(this.driver!));
  }
}

/** Drivers get copies: what they do to them changes nothing in the house's books. */
function copyOf({ name, requesters }: DriverDevice): DriverDevice {
  return { name, requesters: [...requesters] };
}

export function runOf({ iova, page, pages, access }: DriverMapping): DriverMapping {
  return { iova, page, pages, access };
}
