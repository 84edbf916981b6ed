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
export { generatePlatform } from "./generators/pci/platform.js";
export { generateTopology } from "./generators/pci/topology.js";
export {
  defaultPlatformOptions,
  generatePlatformScenario,
  type PlatformGeneratorOptions,
} from "./generators/platform/generate.js";
export {
  type PlatformScenario,
  type PlatformStep,
  platformScenarioCodec,
  platformScenarioFrom,
} from "./generators/platform/scenario.js";
export {
  type Scenario,
  ScenarioError,
  type Step,
  scenarioCodec,
  scenarioFrom,
} from "./generators/scenario.js";
export { type ParsedTrace, parseTrace } from "./generators/trace/notation.js";
export { type BuiltInDriver, builtInDrivers } from "./implementations/driver/built-in.js";
export { DriverProgram } from "./implementations/driver/external/program.js";
export type * from "./implementations/driver/interface.js";
export {
  type BuiltInPlatformSoftware,
  platformSoftware,
} from "./implementations/driver/platform/built-in.js";
export type * from "./implementations/driver/platform/interface.js";
export {
  type ExternalIommu,
  type ExternalOptions,
  openExternal,
} from "./implementations/iommu/external/index.js";
export { ImplementationError, type Iommu, type RunSetup } from "./implementations/iommu/interface.js";
export { findQemu, openQemu } from "./implementations/iommu/qemu/index.js";
export { deviations } from "./implementations/iommu/reference/deviations.js";
export { ReferenceIommu } from "./implementations/iommu/reference/reference.js";
export type { HelloAnswer } from "./implementations/protocol/hello.js";
export type * from "./model/acpi/firmware-table.js";
export type { AmdViProfile } from "./model/amdvi/profile.js";
export type * from "./model/architecture.js";
export * from "./model/architectures.js";
export * from "./model/finding.js";
export * from "./model/isolation/events.js";
export type * from "./model/isolation/exposure.js";
export { IsolationJudge } from "./model/isolation/judge.js";
export { bareLog, type LogEntry, type LogFact, type LogFinding } from "./model/kernel-log.js";
export { type ConfigurationSpace, enumerated } from "./model/pci/configuration-space.js";
export { unitCovering } from "./model/pci/covering.js";
export { type IsolationGroup, isolationGroups } from "./model/pci/groups.js";
export { parseLspci } from "./model/pci/lspci.js";
export type * from "./model/pci/platform.js";
export { requesterIdsOf } from "./model/pci/requester-ids.js";
export { type Route, routeOf } from "./model/pci/routing.js";
export * from "./model/pci/topology.js";
export type * from "./model/profile.js";
export { type Decoded, decodeEntry, fullName, type Structure, type Structures } from "./model/structure.js";
export * from "./model/trace.js";
export type { PlatformProfile as VtdProfile } from "./model/vtd/profile.js";
export * from "./model/words/address.js";
export { type CampaignOptions, type CampaignResult, runCampaign } from "./properties/campaign.js";
export { blackBoxSubject, exposureSubject, type NamedDriver } from "./properties/driver-subject.js";
export { type Invariant, invariantNamed, invariants } from "./properties/invariants.js";
export { Judge, type JudgedRun } from "./properties/judge.js";
export type { KnownDeviation } from "./properties/known-deviation.js";
export { minimise } from "./properties/minimise.js";
export { type NamedPlatformSoftware, platformSubject } from "./properties/platform/subject.js";
export { iommuSubject, type Subject, type Verdict } from "./properties/subject.js";
export { decodeLines } from "./reports/decode.js";
export { renderHtml } from "./reports/html/index.js";
export { ResultError, resultAsJson, resultFrom } from "./reports/json.js";
export { junitXml } from "./reports/junit.js";
export { markdown } from "./reports/markdown.js";
export * from "./reports/result.js";
export { type CampaignToTell, resultOf } from "./reports/result-of.js";
export { sarifLog } from "./reports/sarif.js";
export { terminalLines } from "./reports/terminal.js";
