/** The units of a platform as the judge of software sees them: each knows its own requesters, all know memory. */
import type { SoftwareModel } from "../../model/architecture.js";
import { type Finding, OutsideModel } from "../../model/finding.js";
import type {
  Answers,
  ExposureModel,
  GrantCheck,
  Reach,
  Touched,
  Witness,
} from "../../model/isolation/exposure.js";
import type { RunStart } from "../../model/run-start.js";
import { type Action, Effect, type Observation, type Request, type RequestType } from "../../model/trace.js";
import type { RequesterId } from "../../model/words/address.js";
import type { PhysicalMemory } from "../../model/words/memory.js";
import { isSeenByAll } from "./hardware.js";

const NONE: readonly never[] = [];

interface ModelledUnit {
  readonly model: SoftwareModel;
  /** Whether translation has been seen enabled. */
  protecting: boolean;
}

export class PlatformModel implements ExposureModel {
  private units: ModelledUnit[] = [];
  /** Each alone. */
  private each: readonly (readonly ModelledUnit[])[] = [];
  private unitOf: ReadonlyMap<RequesterId, number> = new Map();
  /** Those that the last action was performed at. */
  private acted: readonly ModelledUnit[] = [];
  /** Those that were seen enabled by it. */
  private begun: readonly ModelledUnit[] = [];
  requesters: readonly RequesterId[] = [];
  touched: readonly Touched[] = [];
  linked: readonly number[] = [];
  /** Index of the unit that the next action is performed at. */
  selected = 0;

  /**
   * Forgets everything.
   * @param models one for each unit
   * @param starts where each begins
   */
  reset(
    models: readonly SoftwareModel[],
    starts: readonly RunStart[],
    unitOf: ReadonlyMap<RequesterId, number>,
  ): void {
    models.forEach((model, index) => {
      model.reset(starts[index]!);
    });
    this.units = models.map((model) => ({ model, protecting: false }));
    this.each = this.units.map((one) => [one]);
    this.unitOf = unitOf;
    this.requesters = [...unitOf.keys()];
    this.acted = [];
    this.begun = [];
    this.touched = [];
    this.linked = [];
    this.selected = 0;
  }

  /** Memory as the CPU sees it, but for what units other than the selected one have written. */
  get memory(): PhysicalMemory {
    return this.units[this.selected]!.model.oracle.memory;
  }

  get protecting(): boolean {
    return this.units.some((one) => one.protecting);
  }

  protects(requester: RequesterId): boolean {
    return this.of(requester)?.protecting ?? false;
  }

  private of(requester: RequesterId): ModelledUnit | undefined {
    const index = this.unitOf.get(requester);
    return index === undefined ? undefined : this.units[index];
  }

  perform(action: Action, seen: Observation, index: number): Finding | null {
    this.acted = isSeenByAll(action) ? this.units : this.each[this.selected]!;
    for (const { model } of this.acted) {
      const finding = model.perform(action, seen, index);
      if (finding) return finding;
    }
    this.begun = NONE;
    // What every unit sees shows nothing of any.
    if (this.acted.length === 1 && !this.acted[0]!.protecting && this.acted[0]!.model.protecting) {
      this.begun = this.acted;
      this.acted[0]!.protecting = true;
    }
    return null;
  }

  addedReach(granted: GrantCheck): Reach | null {
    let found: Reach | null = null;
    for (const { model } of this.acted) found = model.addedReach(granted) ?? found;
    this.touched = gathered(this.acted, ({ model }) => model.touched);
    this.linked = gathered(this.acted, ({ model }) => model.linked);
    if (this.begun.length > 0) found ??= this.reachBegun(granted);
    return found;
  }

  /** Units were seen enabled: isolation is owed of their requesters from now on, and what they have is looked at. */
  private reachBegun(granted: GrantCheck): Reach | null {
    this.touched = [...this.touched, ...this.begun.flatMap((one) => everythingOf(one.model))];
    for (const { model } of this.begun)
      for (const requester of model.requesters) {
        const found = model.reachOf(requester, granted);
        if (found) return found;
      }
    return null;
  }

  reachTo(page: number, pages: number, access: number, granted: GrantCheck): Reach | null {
    return this.first((model) => model.reachTo(page, pages, access, granted));
  }

  reachOf(requester: RequesterId, granted: GrantCheck): Reach | null {
    return this.of(requester)?.model.reachOf(requester, granted) ?? null;
  }

  tableReach(page: number): Reach | null {
    return this.first((model) => model.tableReach(page));
  }

  private first(search: (model: SoftwareModel) => Reach | null): Reach | null {
    for (const { model } of this.units) {
      const found = search(model);
      if (found) return found;
    }
    return null;
  }

  exposure(): Reach[] {
    return this.units.flatMap((one) => one.model.exposure());
  }

  answers(requester: RequesterId, iova: number, type: RequestType): Answers {
    return this.modelOf(requester).answers(requester, iova, type);
  }

  witness(reach: Reach): Witness {
    return this.modelOf(reach.requester).witness(reach);
  }

  /** True when a request that is made now is blocked for sure, and the unit told to record that. */
  isReported(request: Request, index: number): boolean {
    const outcomes = this.modelOf(request.requester).oracle.outcomesOf(request, index);
    return outcomes.every((one) => one.effect === Effect.blocked && one.recorded);
  }

  private modelOf(requester: RequesterId): SoftwareModel {
    const unit = this.of(requester);
    if (!unit) throw new OutsideModel(`no unit translates for requester 0x${requester.toString(16)}`);
    return unit.model;
  }
}

/** What several units say, one after the other; most of the time they have nothing to say. */
function gathered<T>(units: readonly ModelledUnit[], of: (unit: ModelledUnit) => readonly T[]): readonly T[] {
  if (units.length === 1) return of(units[0]!);
  return units.some((one) => of(one).length > 0) ? units.flatMap(of) : NONE;
}

function everythingOf(model: SoftwareModel): Touched[] {
  return model.requesters.map((requester) => ({ requester, iova: 0, pages: Number.POSITIVE_INFINITY }));
}
