/**
 * What the suite needs of an architecture's model. Everything outside an architecture's own folders goes through this,
 * and through the registry in `model/architectures.ts`.
 */
import type { FirmwareTables } from "./acpi/firmware-table.js";
import type { ChainEntry, Finding, InvalidationActions } from "./finding.js";
import type { ExposureModel } from "./isolation/exposure.js";
import type { LogFinding } from "./kernel-log.js";
import type { ArchitectureId, Profile } from "./profile.js";
import type { RunStart } from "./run-start.js";
import type { Structures } from "./structure.js";
import type { Action, Observation, Request } from "./trace.js";
import type { Layout } from "./words/layout.js";
import type { PhysicalMemory } from "./words/memory.js";
import type { Coverage, Rule } from "./words/rule.js";

/** One admissible outcome: what becomes of the request and, if it is blocked, why and whether that is recorded. */
export interface Outcome {
  /** A page number, or an `Effect`. */
  readonly effect: number;
  /** The rule that blocks it; null for one that is served. */
  readonly rule: Rule | null;
  /** False when software has asked for faults like this not to be recorded. */
  readonly recorded: boolean;
}

/** Gives a further outcome to be let pass beside an admissible one, or null: a known deviation. */
export interface Relaxation {
  relaxes?(outcome: Outcome, request: Request): Outcome | null;
}

/** A write that a device was seen to make. */
export interface LandedWrite {
  readonly action: number;
  readonly step: number;
  readonly request: Request;
  readonly page: number;
  readonly tag: number;
}

/** A CPU store to a data page: software gave the page a new content. */
export interface DataStore {
  readonly step: number;
  readonly page: number;
  readonly word: number;
  readonly low: number;
  readonly high: number;
}

/** An invalidation that software has submitted. */
export interface SubmittedInvalidation extends InvalidationActions {
  /** What it is to remove. */
  readonly text: string;
  /** Through the queue or command buffer, not by register. */
  readonly queued: boolean;
}

/** Judges an IOMMU: says of every action whether a conforming unit may have shown that. */
export interface Oracle {
  readonly coverage: Coverage;
  /** Memory with its history, as everything performed so far has left it. */
  readonly memory: PhysicalMemory;
  /** What is let pass beside the admissible outcomes. */
  relaxations: readonly Relaxation[];
  /** Forgets everything and takes up the state a run starts from. */
  reset(start: RunStart): void;
  /**
   * Takes one action with what it showed; returns what is wrong with that, or null.
   * @throws OutsideModel when the specification does not say what follows
   */
  perform(action: Action, seen: Observation, index: number): Finding | null;
  /** Every outcome the request may have if it were answered after the actions taken so far. */
  outcomesOf(request: Request, index: number): readonly Outcome[];
  /** Counts what a run has used; called once, after its last action. */
  finish(): void;
  /** Where requests were seen to write, and what software stored to data pages since. */
  readonly writes: readonly LandedWrite[];
  readonly dataStores: readonly DataStore[];
  /** Pages outside the run that a device may have written. */
  readonly strays: ReadonlySet<number>;
  /** True when no posted write that was made before step `step` can land from then on. */
  isDrained(write: LandedWrite, step: number): boolean;
  /** Id of the rule by which it cannot. */
  readonly drainRule: string;
  /** The invalidations of the actions taken so far, oldest first; those that say nothing any more may be forgotten. */
  invalidations(): SubmittedInvalidation[];
}

/** Judges software: the oracle that follows a run, and what requests could reach in it. */
export interface SoftwareModel extends ExposureModel {
  readonly oracle: Oracle;
  /** Forgets everything and takes up the state a run starts from. */
  reset(start: RunStart): void;
}

/** An architecture as the suite sees it. */
export interface Architecture {
  readonly id: ArchitectureId;
  /** As its vendor calls it. */
  readonly name: string;
  readonly profiles: readonly Profile[];
  /** Every rule of its specification that the model names. */
  readonly rules: readonly Rule[];
  /** Bytes that the unit's registers take, whole pages. */
  registerBytes(profile: Profile): number;
  /** Name of the register at an offset, or of the one that this is the upper half of; null where there is none. */
  registerName(profile: Profile, offset: number): string | null;
  /** The layout of an entry of a chain; null for a register. */
  entryLayout(entry: Pick<ChainEntry, "part" | "level" | "low" | "high">): Layout<never> | null;
  readonly firmwareTables: FirmwareTables;
  readonly structures: Structures;
  /** What kernels say about units of it, in a log without prefixes. */
  messages(log: string): LogFinding[];
  /** @param memory where it keeps memory with its history; one that is shared is that of the oracle that was reset last */
  createOracle(profile: Profile, memory?: PhysicalMemory): Oracle;
  createSoftware(profile: Profile): SoftwareModel;
}
