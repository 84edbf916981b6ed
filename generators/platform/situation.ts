/** What a scenario has come to so far, as far as its generator can tell: what is plugged in, assigned and mapped. */
import { functionNamed, locatedFunctions, nameOfVirtualFunction } from "../../model/pci/functions.js";
import type { FirmwarePlatform } from "../../model/pci/platform.js";
import { requesterIdsOf } from "../../model/pci/requester-ids.js";
import { isBridge, type SriovCapability } from "../../model/pci/topology.js";
import type { Feature } from "./features.js";
import type { PlatformStep } from "./scenario.js";

/** A mapping that is in force. */
export interface Mapped {
  readonly mapping: string;
  readonly domain: string;
  readonly iova: number;
  readonly page: number;
}

export class PlatformSituation {
  readonly steps: PlatformStep[] = [];
  /** Functions that are not there. */
  readonly absent: Set<string>;
  /** Functions that no unit translates for. */
  readonly outside: readonly string[];
  readonly pluggable: readonly string[];
  readonly physical: readonly string[];
  /** Enabled virtual functions of each physical one. */
  private readonly virtuals = new Map<string, number>();
  /** Domains of devices that have one, unless they were refused. */
  readonly assigned = new Map<string, string>();
  mapped: Mapped[] = [];

  constructor(
    private readonly platform: FirmwarePlatform,
    features: readonly Feature[],
  ) {
    this.absent = new Set(features.flatMap((one) => one.absent ?? []));
    this.outside = features.flatMap((one) => one.uncovered ?? []);
    const endpoints = locatedFunctions(platform.topology).filter(
      (one) => one.physical === null && !isBridge(one.self),
    );
    this.pluggable = endpoints.filter((one) => one.above.at(-1)?.hotPlug).map((one) => one.name);
    for (const { name } of endpoints) {
      const sriov = this.virtualFunctionsOf(name);
      if (sriov) this.virtuals.set(name, sriov.numVfs);
    }
    this.physical = [...this.virtuals.keys()];
  }

  private virtualFunctionsOf(name: string): SriovCapability | null {
    const self = functionNamed(this.platform.topology, name)?.self;
    return self && !isBridge(self) ? self.sriov : null;
  }

  /** Devices that are there. */
  devices(): string[] {
    const functions = locatedFunctions(this.platform.topology)
      .filter((one) => one.physical === null && !isBridge(one.self) && !this.absent.has(one.name))
      .map((one) => one.name);
    for (const [name, count] of this.virtuals)
      for (let index = 1; index <= count; index++) functions.push(nameOfVirtualFunction(name, index));
    return functions;
  }

  /** Devices that no guest has. */
  free(): string[] {
    return this.devices().filter((one) => !this.assigned.has(one));
  }

  /** The device in the place of another one; undefined where that is empty. */
  inPlaceOf(name: string): string | undefined {
    const { topology } = this.platform;
    const place = functionNamed(topology, name)?.requester;
    return this.pluggable.find(
      (one) => !this.absent.has(one) && functionNamed(topology, one)?.requester === place,
    );
  }

  /** Devices beside `name` in its device, or under a requester id that it has too. */
  companions(name: string): string[] {
    const { topology } = this.platform;
    const ids = requesterIdsOf(topology, name);
    const own = functionNamed(topology, name);
    return this.devices().filter(
      (one) =>
        one !== name &&
        (functionNamed(topology, one)?.of === own?.of ||
          requesterIdsOf(topology, one).some((id) => ids.includes(id))),
    );
  }

  mappedIn(domain: string): Mapped[] {
    return this.mapped.filter((one) => one.domain === domain);
  }

  /** Adds a step, and takes in what follows from it. */
  emit(step: PlatformStep): void {
    this.steps.push(step);
    switch (step.do) {
      case "assign":
        if (!this.assigned.has(step.device)) this.assigned.set(step.device, step.domain);
        break;
      case "release":
        this.assigned.delete(step.device);
        break;
      case "map":
        this.mapped.push(step);
        break;
      case "unmap":
        this.mapped = this.mapped.filter((one) => one.mapping !== step.mapping);
        break;
      case "remap":
        this.mapped = this.mapped.map((one) =>
          one.mapping === step.mapping ? { ...one, page: step.page } : one,
        );
        break;
      case "plug":
        this.absent.delete(step.device);
        break;
      case "unplug":
        this.absent.add(step.device);
        this.assigned.delete(step.device);
        break;
      case "enable-vfs":
        for (const one of [...this.assigned.keys()])
          if (one.startsWith(`${step.device}.vf`)) this.assigned.delete(one);
        this.virtuals.set(step.device, step.count);
        break;
      case "hand-over":
        this.assigned.clear();
        this.mapped = [];
        break;
    }
  }
}
