/** What is plugged into the machine of a platform scenario now, and what follows from that. */

import { withoutFunctions, withVirtualFunctions } from "../../generators/platform/present.js";
import type { PlatformScenario } from "../../generators/platform/scenario.js";
import { unitCovering } from "../../model/pci/covering.js";
import { functionNamed, type LocatedFunction, locatedFunctions } from "../../model/pci/functions.js";
import { type IsolationGroup, isolationGroups } from "../../model/pci/groups.js";
import type { FirmwarePlatform } from "../../model/pci/platform.js";
import { requesterIdsOf } from "../../model/pci/requester-ids.js";
import { isBridge, type Topology } from "../../model/pci/topology.js";
import type { RequesterId } from "../../model/words/address.js";

/** A function that makes requests, with the ids they may carry. */
export interface PresentFunction {
  readonly name: string;
  readonly ids: readonly RequesterId[];
}

/** Functions that came or went. */
export interface PlugChange {
  /** What is there afterwards. */
  readonly topology: Topology;
  readonly functions: readonly PresentFunction[];
}

/** Scenarios are run again and again on the way to a smaller one: groups of a topology are found once. */
const knownGroups = new WeakMap<Topology, readonly IsolationGroup[]>();

export class PlatformDevices {
  /** Everything, with virtual functions as they are now. */
  private all: Topology;
  private readonly gone: Set<string>;
  private there!: FirmwarePlatform;
  /** The machine as it was at first: as firmware has it in its table. */
  readonly initial: FirmwarePlatform;

  constructor(private readonly scenario: PlatformScenario) {
    this.all = scenario.platform.topology;
    this.gone = new Set(scenario.absent);
    this.look();
    this.initial = this.there;
  }

  /** What configuration space shows. */
  get topology(): Topology {
    return this.there.topology;
  }

  /** The machine as it is, with what firmware knows of it. */
  get platform(): FirmwarePlatform {
    return this.there;
  }

  /** The endpoint or virtual function of that name, where it is there. */
  named(name: string): LocatedFunction | undefined {
    const found = functionNamed(this.topology, name);
    return found && found.kind !== "virtual-function" && isBridge(found.self) ? undefined : found;
  }

  idsOf(name: string): readonly RequesterId[] {
    return requesterIdsOf(this.topology, name);
  }

  /** Every endpoint and virtual function that is there. */
  functions(): PresentFunction[] {
    return locatedFunctions(this.topology)
      .filter((one) => one.physical !== null || !isBridge(one.self))
      .map(({ name }) => ({ name, ids: this.idsOf(name) }));
  }

  /** Every requester id that a function, or a bridge, may make requests under. */
  idsInUse(): Set<RequesterId> {
    return new Set(locatedFunctions(this.topology).flatMap(({ name }) => this.idsOf(name)));
  }

  isBehindUnit(name: string): boolean {
    return unitCovering(this.platform, name) !== null;
  }

  /** The functions that the function shares a group with, itself included; bridges have no group to themselves. */
  groupOf(name: string): readonly string[] {
    let groups = knownGroups.get(this.topology);
    if (!groups) {
      groups = isolationGroups(this.topology);
      knownGroups.set(this.topology, groups);
    }
    const group = groups.find((one) => one.functions.includes(name));
    return (group?.functions ?? [name]).filter((one) => this.named(one) !== undefined);
  }

  /** A function comes, with what is below it; null where it cannot. */
  plug(name: string): PlugChange | null {
    if (!this.gone.has(name) || !this.isPluggable(name)) return null;
    const before = this.functions();
    const taken = new Set(before.flatMap((one) => one.ids));
    this.gone.delete(name);
    this.look();
    const came = this.functions().filter((one) => !before.some((other) => other.name === one.name));
    if (came.length > 0 && !came.some((one) => one.ids.some((id) => taken.has(id))))
      return { topology: this.topology, functions: came };
    this.gone.add(name);
    this.look();
    return null;
  }

  /** A function goes, with what is below it; null where it cannot. */
  unplug(name: string): PlugChange | null {
    if (!functionNamed(this.topology, name) || !this.isPluggable(name)) return null;
    const before = this.functions();
    this.gone.add(name);
    this.look();
    for (const one of before) {
      if (this.named(one.name)) continue;
      this.all = withVirtualFunctions(this.all, one.name, 0);
    }
    return this.whatWent(before);
  }

  /** All virtual functions of a physical function go; null where there are none. */
  disableVirtual(name: string): PlugChange | null {
    const before = this.functions();
    this.all = withVirtualFunctions(this.all, name, 0);
    this.look();
    const went = this.whatWent(before);
    return went.functions.length > 0 ? went : null;
  }

  /** Virtual functions come; null where there can be none. */
  enableVirtual(name: string, count: number): PlugChange | null {
    const before = this.functions();
    if (!this.named(name)) return null;
    this.all = withVirtualFunctions(this.all, name, count);
    this.look();
    const came = this.functions().filter((one) => !before.some((other) => other.name === one.name));
    return came.length > 0 ? { topology: this.topology, functions: came } : null;
  }

  private whatWent(before: readonly PresentFunction[]): PlugChange {
    const functions = before.filter((one) => !this.named(one.name));
    return { topology: this.topology, functions };
  }

  /** The bridge next above it lets devices come and go. */
  private isPluggable(name: string): boolean {
    return functionNamed(this.scenario.platform.topology, name)?.above.at(-1)?.hotPlug ?? false;
  }

  private look(): void {
    const topology = this.gone.size === 0 ? this.all : withoutFunctions(this.all, this.gone);
    this.there = { ...this.scenario.platform, topology };
  }
}
