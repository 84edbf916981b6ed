/** Platform software that is not trusted: all that goes wrong in it is a DriverError that a routine throws. */
import type { Topology } from "../../../model/pci/topology.js";
import type { HostPage } from "../../../model/words/address.js";
import { runOf } from "../guard.js";
import { freeze, Guard } from "../guarded-routine.js";
import type { DriverMapping } from "../interface.js";
import { limitsOf } from "../well-formed.js";
import type {
  Firmware,
  LeftBehind,
  PlatformAccess,
  PlatformDriver,
  PlatformRoutine,
  PlatformSetup,
  PlatformSoftware,
} from "./interface.js";
import { wellFormedOnPlatform } from "./well-formed.js";

const ROUTINES: readonly (keyof PlatformDriver)[] = Object.keys({
  start: true,
  assign: true,
  release: true,
  map: true,
  unmap: true,
  remap: true,
  lend: true,
  plugged: true,
  unplugged: true,
  handleFaults: true,
} satisfies Record<keyof PlatformDriver, true>) as (keyof PlatformDriver)[];

/** The software with a guard around it. Firmware and drivers are made when their first routine begins. */
export function guardedPlatformSoftware(software: PlatformSoftware): PlatformSoftware {
  return {
    createFirmware: (setup) => new GuardedFirmware(software, setup),
    createDriver: (setup) => new GuardedPlatformDriver(software, setup),
  };
}

function guardOf(name: string, setup: PlatformSetup): Guard<PlatformAccess> {
  const limits = limitsOf(setup.profile);
  freeze(setup.profile);
  freeze(setup.topology);
  return new Guard(name, (value) => wellFormedOnPlatform(value, limits));
}

/** Nothing of the setup is shared with those who use it afterwards. */
function copyOf(setup: PlatformSetup): PlatformSetup {
  return {
    ...setup,
    firmwareTable: setup.firmwareTable.slice(),
    places: setup.places.map((one) => ({ ...one })),
    bouncePages: [...setup.bouncePages],
    ownMemory: { ...setup.ownMemory },
  };
}

class GuardedFirmware implements Firmware {
  private readonly guard;

  constructor(
    private readonly software: PlatformSoftware,
    private readonly setup: PlatformSetup,
  ) {
    this.guard = guardOf("firmware", setup);
  }

  *leave(as: LeftBehind): PlatformRoutine {
    const { guard, software, setup } = this;
    const firmware = guard.made(() => software.createFirmware(copyOf(setup)), ["leave"]);
    yield* guard.routine("leave", () => firmware.leave(as));
  }
}

class GuardedPlatformDriver implements PlatformDriver {
  private driver: PlatformDriver | null = null;
  private readonly guard;

  constructor(
    private readonly software: PlatformSoftware,
    private readonly setup: PlatformSetup,
  ) {
    this.guard = guardOf("platform driver", setup);
  }

  *start(): PlatformRoutine {
    const { guard, software, setup } = this;
    this.driver = guard.made(() => software.createDriver(copyOf(setup)), ROUTINES);
    yield* this.routine("start", (driver) => driver.start());
  }

  assign(device: string, domain: string, ticket: number): PlatformRoutine {
    return this.routine("assign", (driver) => driver.assign(device, domain, ticket));
  }

  release(device: string, ticket: number): PlatformRoutine {
    return this.routine("release", (driver) => driver.release(device, ticket));
  }

  map(domain: string, mapping: DriverMapping, ticket: number): PlatformRoutine {
    return this.routine("map", (driver) => driver.map(domain, runOf(mapping), ticket));
  }

  unmap(domain: string, mapping: DriverMapping, ticket: number): PlatformRoutine {
    return this.routine("unmap", (driver) => driver.unmap(domain, runOf(mapping), ticket));
  }

  remap(domain: string, mapping: DriverMapping, ticket: number): PlatformRoutine {
    return this.routine("remap", (driver) => driver.remap(domain, runOf(mapping), ticket));
  }

  lend(device: string, page: HostPage, ticket: number): PlatformRoutine {
    return this.routine("lend", (driver) => driver.lend(device, page, ticket));
  }

  plugged(topology: Topology, devices: readonly string[], ticket: number): PlatformRoutine {
    freeze(topology);
    return this.routine("plugged", (driver) => driver.plugged(topology, [...devices], ticket));
  }

  unplugged(topology: Topology, devices: readonly string[], ticket: number): PlatformRoutine {
    freeze(topology);
    return this.routine("unplugged", (driver) => driver.unplugged(topology, [...devices], ticket));
  }

  handleFaults(): PlatformRoutine {
    return this.routine("handleFaults", (driver) => driver.handleFaults());
  }

  private routine(name: keyof PlatformDriver, begin: (driver: PlatformDriver) => unknown): PlatformRoutine {
    return this.guard.routine(name, () => begin(this.driver!));
  }
}
