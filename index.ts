/** The library: the executable specification, generators, invariants and implementations. */

export { scenarioArbitrary } from "./generators/arbitrary.js";
export { type CompiledRun, compileScenario } from "./generators/compile.js";
export { defaultOptions, type GeneratorOptions, generateScenario } from "./generators/generate.js";
export {
  type Scenario,
  ScenarioError,
  type Step,
  scenarioCodec,
  scenarioFrom,
} from "./generators/scenario.js";
export { ImplementationError, type Iommu, type RunSetup } from "./implementations/iommu/interface.js";
export { findQemu, openQemu } from "./implementations/iommu/qemu/index.js";
export { deviations } from "./implementations/iommu/reference/deviations.js";
export { ReferenceIommu } from "./implementations/iommu/reference/reference.js";
export * from "./model/finding.js";
export * from "./model/trace.js";
export { vtdRules } from "./model/vtd/behaviour-rules.js";
export { VtdOracle } from "./model/vtd/oracle.js";
export { type PlatformProfile, platformOf } from "./model/vtd/profile.js";
export { profileNamed, profiles } from "./model/vtd/profiles.js";
export { walkPlatformOf } from "./model/vtd/walk.js";
export * from "./model/words/address.js";
export { type CampaignOptions, type CampaignResult, runCampaign } from "./properties/campaign.js";
export { type Invariant, invariantNamed, invariants } from "./properties/invariants.js";
export { Judge, type JudgedRun } from "./properties/judge.js";
export type { KnownDeviation } from "./properties/known-deviation.js";
export { minimise } from "./properties/minimise.js";
