/** The library: the executable specification, generators, invariants and implementations. */

export { scenarioArbitrary } from "./generators/arbitrary.js";
export { type CompiledRun, compileScenario } from "./generators/compile.js";
export { defaultOptions, type GeneratorOptions, generateScenario } from "./generators/generate.js";
export { intentScenarioArbitrary } from "./generators/intents/arbitrary.js";
export {
  defaultIntentOptions,
  generateIntentScenario,
  type IntentGeneratorOptions,
} from "./generators/intents/generate.js";
export {
  type Intent,
  type IntentScenario,
  type IntentStep,
  intentScenarioCodec,
  intentScenarioFrom,
} from "./generators/intents/scenario.js";
export {
  type Scenario,
  ScenarioError,
  type Step,
  scenarioCodec,
  scenarioFrom,
} from "./generators/scenario.js";
export { type ParsedTrace, parseTrace } from "./generators/trace/notation.js";
export { type BuiltInDriver, builtInDrivers } from "./implementations/driver/built-in.js";
export type * from "./implementations/driver/interface.js";
export { ImplementationError, type Iommu, type RunSetup } from "./implementations/iommu/interface.js";
export { findQemu, openQemu } from "./implementations/iommu/qemu/index.js";
export { deviations } from "./implementations/iommu/reference/deviations.js";
export { ReferenceIommu } from "./implementations/iommu/reference/reference.js";
export type { AmdViProfile } from "./model/amdvi/profile.js";
export type * from "./model/architecture.js";
export * from "./model/architectures.js";
export * from "./model/finding.js";
export * from "./model/isolation/events.js";
export type * from "./model/isolation/exposure.js";
export { IsolationJudge } from "./model/isolation/judge.js";
export type * from "./model/profile.js";
export * from "./model/trace.js";
export type { PlatformProfile as VtdProfile } from "./model/vtd/profile.js";
export * from "./model/words/address.js";
export { type CampaignOptions, type CampaignResult, runCampaign } from "./properties/campaign.js";
export { blackBoxSubject, exposureSubject, type NamedDriver } from "./properties/driver-subject.js";
export { type Invariant, invariantNamed, invariants } from "./properties/invariants.js";
export { Judge, type JudgedRun } from "./properties/judge.js";
export type { KnownDeviation } from "./properties/known-deviation.js";
export { minimise } from "./properties/minimise.js";
export { iommuSubject, type Subject, type Verdict } from "./properties/subject.js";
