/** The units of a platform as one piece of hardware: all see every store, one is spoken to. */
import type { Iommu, RunSetup } from "../../implementations/iommu/interface.js";
import { ReferenceIommu } from "../../implementations/iommu/reference/reference.js";
import type { Action, Observation, RequestType } from "../../model/trace.js";
import type { HostPage } from "../../model/words/address.js";

const NOTHING: Observation = { low: 0, high: 0 };

/** True for what every unit sees; the rest is said to one of them. */
export function isSeenByAll(action: Action): boolean {
  return action.do === "store" || action.do === "flush-line";
}

export class PlatformHardware implements Iommu {
  readonly name = "reference";
  readonly drawsTiming = true;
  readonly requestTypes: ReadonlySet<RequestType> = new Set(["read", "write", "atomic", "zero-length-read"]);
  private readonly kept: ReferenceIommu[] = [];
  private units: readonly ReferenceIommu[] = [];
  /** Index of the unit that is spoken to. */
  selected = 0;

  /** As {@link resetUnits} with one unit. */
  reset(setup: RunSetup): void {
    this.resetUnits([setup]);
  }

  /** Brings as many units as there are setups to where they start. */
  resetUnits(setups: readonly RunSetup[]): void {
    while (this.kept.length < setups.length) this.kept.push(new ReferenceIommu());
    this.units = this.kept.slice(0, setups.length);
    this.units.forEach((unit, index) => {
      unit.reset(setups[index]!);
    });
    this.selected = 0;
  }

  execute(actions: readonly Action[]): Observation[] {
    return actions.map((action) => this.perform(action));
  }

  private perform(action: Action): Observation {
    const { units, selected } = this;
    if (!isSeenByAll(action)) return units[selected]!.execute([action])[0]!;
    for (const unit of units) unit.execute([action]);
    return NOTHING;
  }

  readData(page: HostPage, offset: number): number {
    return this.units[this.selected]!.readData(page, offset);
  }

  close(): void {
    for (const unit of this.kept) unit.close();
  }
}
