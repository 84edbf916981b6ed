/**
 * Witnesses of platform scenarios: situations that their generator exists to bring about. One that no run reaches means
 * that a whole class of mistakes cannot be found.
 */
import { FLOOD } from "../../generators/platform/episodes.js";
import {
  generatePlatformScenario,
  type PlatformGeneratorOptions,
} from "../../generators/platform/generate.js";
import type { PlatformScenario } from "../../generators/platform/scenario.js";
import type {
  PlatformAccess,
  PlatformDriver,
  PlatformRoutine,
  PlatformSoftware,
} from "../../implementations/driver/platform/interface.js";
import { unitCovering } from "../../model/pci/covering.js";
import { isolationGroups } from "../../model/pci/groups.js";
import { requesterIdsOf } from "../../model/pci/requester-ids.js";
import type { Topology } from "../../model/pci/topology.js";
import type { PlatformRun } from "./run.js";
import { PlatformExposureBench } from "./subject.js";

/** Each with what it means. */
export const platformWitnesses = {
  "left-off": "Firmware leaves translation off",
  "left-protected": "Firmware leaves memory protected",
  "left-translating": "Firmware leaves translation on",
  "left-stale": "Firmware leaves a pointer to tables that let everything through",
  "two-units": "Two units translate",
  region: "A device has a reserved region",
  "served-after-assign": "A device is assigned to a guest that has memory already",
  "served-by-map": "A guest that has a device gets memory",
  alias: "A device under several requester ids is assigned",
  "shared-id": "Two devices under the same requester id belong to the same guest",
  "virtual-function": "A virtual function is assigned",
  "refused-group": "A device is refused for its group's other owner",
  "refused-region": "A device is refused for a region of its group",
  "refused-outside": "A device is refused because it, or one of its group, is behind no unit",
  "lost-by-release": "A device is released whose guest has memory",
  "lost-by-unplugging": "A device, or a virtual function, goes whose guest has memory",
  "id-reused": "A requester id that was a guest's is given to another function",
  balloon: "A guest that has a device gives memory back",
  exchange: "Memory of a guest that has a device is exchanged",
  "hand-over-with-guests": "An operating system takes over from one whose guests have devices and memory",
  lent: "A page is lent to a device behind no unit",
  flood: "A storm is handled that no log has room for, and faults are handled once more",
  contained: "A device is disabled",
  others: "Faults of several devices are reported at once",
} as const;

export type PlatformWitness = keyof typeof platformWitnesses;

/** The share of runs that reach each witness, over `runs` generated scenarios from seed 0 on. */
export function platformWitnessShares(
  software: PlatformSoftware,
  runs: number,
  options: PlatformGeneratorOptions,
): Map<PlatformWitness, number> {
  const names = Object.keys(platformWitnesses) as PlatformWitness[];
  const counts = new Map(names.map((one) => [one, 0]));
  const bench = new PlatformExposureBench();
  for (let seed = 0; seed < runs; seed++) {
    const scenario = generatePlatformScenario(seed, options);
    const watch = new Watch(scenario);
    watch.ended(bench.run(scenario, watch.over(software)));
    for (const one of watch.seen) counts.set(one, counts.get(one)! + 1);
  }
  return new Map([...counts].map(([name, count]) => [name, count / runs]));
}

/** Looks at one run, from what the software is asked and from what it says. */
class Watch {
  readonly seen = new Set<PlatformWitness>();
  private topology: Topology;
  private readonly domainOf = new Map<string, string>();
  /** Mappings by domain. */
  private readonly memory = new Map<string, number>();
  /** Ids of devices that were a guest's when they went. */
  private readonly formerIds = new Set<number>();

  constructor(private readonly scenario: PlatformScenario) {
    this.topology = scenario.platform.topology;
  }

  /** The software, watched. */
  over(software: PlatformSoftware): PlatformSoftware {
    return {
      createFirmware: (setup) => software.createFirmware(setup),
      createDriver: (setup) => {
        this.topology = setup.topology;
        return this.watched(software.createDriver(setup));
      },
    };
  }

  private watched(driver: PlatformDriver): PlatformDriver {
    return {
      start: () => this.start(driver),
      assign: (device, domain, ticket) => this.assign(device, domain, driver.assign(device, domain, ticket)),
      release: (device, ticket) => {
        if (this.hasMemory(device)) this.seen.add("lost-by-release");
        this.domainOf.delete(device);
        return driver.release(device, ticket);
      },
      map: (domain, mapping, ticket) => {
        if (this.hasDevice(domain)) this.seen.add("served-by-map");
        this.memory.set(domain, (this.memory.get(domain) ?? 0) + 1);
        return driver.map(domain, mapping, ticket);
      },
      unmap: (domain, mapping, ticket) => {
        if (this.hasDevice(domain)) this.seen.add("balloon");
        this.memory.set(domain, this.memory.get(domain)! - 1);
        return driver.unmap(domain, mapping, ticket);
      },
      remap: (domain, mapping, ticket) => {
        if (this.hasDevice(domain)) this.seen.add("exchange");
        return driver.remap(domain, mapping, ticket);
      },
      lend: (device, page, ticket) => {
        this.seen.add("lent");
        return driver.lend(device, page, ticket);
      },
      plugged: (topology, devices, ticket) => {
        this.topology = topology;
        if (devices.some((one) => this.idsOf(one).some((id) => this.formerIds.has(id))))
          this.seen.add("id-reused");
        return driver.plugged(topology, devices, ticket);
      },
      unplugged: (topology, devices, ticket) => {
        this.unplugged(devices);
        this.topology = topology;
        return driver.unplugged(topology, devices, ticket);
      },
      handleFaults: () => this.handleFaults(driver.handleFaults()),
    };
  }

  private start(driver: PlatformDriver): PlatformRoutine {
    const guests = [...this.domainOf.keys()].some((one) => this.hasMemory(one));
    if (guests) this.seen.add("hand-over-with-guests");
    this.domainOf.clear();
    this.memory.clear();
    return driver.start();
  }

  private *assign(device: string, domain: string, routine: PlatformRoutine): PlatformRoutine {
    let refused = false;
    yield* heard(routine, (access) => {
      refused ||= access.do === "refused";
    });
    if (refused) this.seen.add(this.whyRefused(device));
    else this.assigned(device, domain);
  }

  private assigned(device: string, domain: string): void {
    const ids = this.idsOf(device);
    if (ids.length > 1) this.seen.add("alias");
    if (device.includes(".vf")) this.seen.add("virtual-function");
    for (const [other, owner] of this.domainOf)
      if (owner === domain && this.idsOf(other).some((id) => ids.includes(id))) this.seen.add("shared-id");
    this.domainOf.set(device, domain);
    if (this.hasMemory(device)) this.seen.add("served-after-assign");
  }

  private whyRefused(device: string): PlatformWitness {
    const { topology } = this;
    const platform = { ...this.scenario.platform, topology };
    const group = isolationGroups(topology).find((one) => one.functions.includes(device))?.functions ?? [];
    if (group.some((one) => unitCovering(platform, one) === null)) return "refused-outside";
    const bound = platform.reserved.some((one) => one.functions.some((name) => group.includes(name)));
    return bound ? "refused-region" : "refused-group";
  }

  private unplugged(devices: readonly string[]): void {
    for (const device of devices) {
      if (!this.domainOf.has(device)) continue;
      if (this.hasMemory(device)) this.seen.add("lost-by-unplugging");
      for (const id of this.idsOf(device)) this.formerIds.add(id);
      this.domainOf.delete(device);
    }
  }

  private *handleFaults(routine: PlatformRoutine): PlatformRoutine {
    const requesters = new Set<number>();
    yield* heard(routine, (access) => {
      if (access.do === "report") requesters.add(access.requester);
      if (access.do === "disable-device") this.seen.add("contained");
    });
    if (requesters.size > 1) this.seen.add("others");
  }

  private idsOf(device: string): readonly number[] {
    return requesterIdsOf(this.topology, device);
  }

  private hasDevice(domain: string): boolean {
    return [...this.domainOf.values()].includes(domain);
  }

  private hasMemory(device: string): boolean {
    return (this.memory.get(this.domainOf.get(device) ?? "") ?? 0) > 0;
  }

  /** The run is over. */
  ended(run: PlatformRun): void {
    this.seen.add(`left-${this.scenario.leaves}`);
    for (const one of run.records) {
      if ("event" in one) {
        if (one.event === "reserve") this.seen.add("region");
      } else if (one.unit === 1) this.seen.add("two-units");
    }
    if (this.isFloodHandled(run)) this.seen.add("flood");
  }

  /** After a flood was handled there was another request, and faults were handled again. */
  private isFloodHandled({ records, stepOf }: PlatformRun): boolean {
    const { architecture, steps } = this.scenario;
    const requests = new Array<number>(steps.length).fill(0);
    const actions = records.flatMap((one) => ("event" in one ? [] : [one.action]));
    actions.forEach((action, index) => {
      const step = stepOf[index]!;
      if (action.do === "request") requests[step] = requests[step]! + 1;
    });
    const handled = steps.flatMap((step, index) => (step.do === "handle-faults" ? [index] : []));
    return requests.some((count, flood) => {
      const [first, ...later] = handled.filter((one) => one > flood);
      return (
        count >= FLOOD[architecture] &&
        later.some((last) => requests.slice(first, last).some((one) => one > 0))
      );
    });
  }
}

/** The routine, with what it yields shown. */
function* heard(routine: PlatformRoutine, show: (access: PlatformAccess) => void): PlatformRoutine {
  let next = routine.next({ low: 0, high: 0 });
  while (!next.done) {
    show(next.value);
    next = routine.next(yield next.value);
  }
}
