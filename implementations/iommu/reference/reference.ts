/**
 * The reference IOMMU: an operational unit with finite caches, prefetch, eviction, asynchronous commands, delayed
 * completion and posted writes, all drawn from a seed. It must show only admissible outcomes and, over many seeds, all
 * of them.
 */
import type { Profile } from "../../../model/profile.js";
import type { Action, Observation, RequestType } from "../../../model/trace.js";
import { Chance } from "../../../model/words/chance.js";
import { PhysicalMemory } from "../../../model/words/memory.js";
import { ImplementationError, type Iommu, type RunSetup } from "../interface.js";
import { AmdViCore } from "./amdvi/core.js";
import type { Deviation } from "./deviations.js";
import { Unit } from "./unit.js";
import { VtdCore } from "./vtd/core.js";

/** Serves platforms of every architecture; with a deviation, those of the architecture it is a variant of. */
export class ReferenceIommu implements Iommu {
  readonly name: string;
  readonly drawsTiming = true;
  readonly requestTypes: ReadonlySet<RequestType> = new Set(["read", "write", "atomic", "zero-length-read"]);

  private readonly chance = new Chance();
  private readonly memory = new PhysicalMemory(0);
  /** Building a unit costs more than many runs: one is kept for each profile. */
  private readonly units = new Map<Profile, Unit>();
  private unit: Unit | undefined;

  constructor(private readonly deviation: Deviation | null = null) {
    this.name = deviation ? `reference with ${deviation.id}` : "reference";
  }

  reset(setup: RunSetup): void {
    let unit = this.units.get(setup.profile);
    if (!unit) {
      unit = this.build(setup.profile);
      this.units.set(setup.profile, unit);
    }
    this.unit = unit;
    this.chance.seed(setup.timing);
    unit.reset(setup);
  }

  private build(profile: Profile): Unit {
    const { deviation } = this;
    if (deviation && deviation.architecture !== profile.architecture)
      throw new ImplementationError(
        `${deviation.id} is a variant of another architecture than ${profile.id}`,
      );
    const variant = <Id extends Deviation["architecture"]>(id: Id) =>
      deviation?.architecture === id ? (deviation as Extract<Deviation, { architecture: Id }>) : null;
    return new Unit(profile, this.chance, this.memory, (surroundings) =>
      profile.architecture === "vtd"
        ? new VtdCore(profile, surroundings, variant("vtd"))
        : new AmdViCore(profile, surroundings, variant("amdvi")),
    );
  }

  execute(actions: readonly Action[]): Observation[] {
    const unit = this.unit!;
    const observations = new Array<Observation>(actions.length);
    for (let index = 0; index < actions.length; index++) observations[index] = unit.perform(actions[index]!);
    return observations;
  }

  readData(page: number, offset: number): number {
    return this.unit!.readData(page, offset);
  }

  close(): void {
    this.units.clear();
    this.unit = undefined;
  }
}
