/** Scenarios in words. */
import { describeIntent } from "../generators/intents/describe.js";
import type { IntentScenario } from "../generators/intents/scenario.js";
import type { Scenario, Step } from "../generators/scenario.js";
import { showAddress, showRequester } from "../model/words/address.js";
import type { AnyScenario } from "../properties/subject.js";

const ACCESS = { r: "read", w: "write", rw: "read and write" } as const;

/** One line for a step; names are those of the scenario. */
function describeStep(step: Step): string {
  switch (step.do) {
    case "attach": {
      const how =
        step.type === "translated" ? "" : `, ${step.type === "all" ? "all request types" : "pass-through"}`;
      const quiet = step.faultProcessingDisable ? ", faults not recorded" : "";
      return `attach ${step.device} to ${step.domain}${how}${quiet}${unflushed(step)}`;
    }
    case "detach":
      return `detach ${step.device}${unflushed(step)}`;
    case "map": {
      const where = `${step.domain} ${showAddress(step.iova)} -> ${showAddress(step.page)}`;
      return `map ${step.mapping}: ${where}, ${step.size}, ${ACCESS[step.access]}${unflushed(step)}`;
    }
    case "unmap":
      return `unmap ${step.mapping}${unflushed(step)}`;
    case "protect":
      return `protect ${step.mapping}: ${ACCESS[step.access]}${unflushed(step)}`;
    case "retable":
      return `point the level-${step.level} entry of ${step.domain} ${showAddress(step.iova)} at spare table ${step.spare}${unflushed(step)}`;
    case "corrupt":
      return `${step.value ? "set" : "clear"} bit ${step.bit} of ${describeEntry(step.entry)}${unflushed(step)}`;
    case "write-back":
      return "write back every dirty line";
    case "invalidate":
      return `invalidate ${describeTarget(step.target)}${step.complete ? "" : ", not waited for"}`;
    case "wait":
      return `wait descriptor${step.fence ? " with fence" : ""}, sign: ${step.sign}`;
    case "queue-error":
      return `submit a bad descriptor (${step.error}), see the error, replace it${step.rewriteTail ? ", write the tail again" : ""}`;
    case "set-root":
      return `set root table ${step.root}${step.complete ? "" : ", not waited for"}`;
    case "translation":
      return `${step.enable ? "enable" : "disable"} translation${step.complete ? "" : ", not waited for"}`;
    case "read-faults":
      return `read the fault registers${step.clear ? " and clear them" : ""}`;
    case "read-registers":
      return "read the status registers";
    case "reuse":
      return `give page ${showAddress(step.page)} new content`;
    case "dma": {
      const size = step.type === "zero-length-read" ? "" : ` of ${step.length} bytes`;
      return `${step.device}: ${step.type}${size} at ${showAddress(step.iova)}${step.crossing ? ", crossing into the next page" : ""}`;
    }
  }
}

function unflushed(step: { readonly writeBack: boolean }): string {
  return step.writeBack ? "" : ", left in the CPU's cache";
}

function describeEntry(entry: Extract<Step, { do: "corrupt" }>["entry"]): string {
  if (entry.structure === "table")
    return `the level-${entry.level} entry of ${entry.domain} ${showAddress(entry.iova)}`;
  return `the ${entry.structure} entry of ${entry.device}`;
}

function describeTarget(target: Extract<Step, { do: "invalidate" }>["target"]): string {
  const cache = target.cache === "context" ? "context cache" : "IOTLB";
  const drain = target.cache === "iotlb" && !target.drain ? ", no draining" : "";
  if (target.granularity === "global") return `${cache}, global${drain}`;
  if (target.granularity === "domain") return `${cache} of ${target.domain}${drain}`;
  if (target.granularity === "device") {
    return `${cache} of ${target.device} in ${target.domain}, function mask ${target.functionMask}`;
  }
  const hint = target.leafOnly ? ", leaf entries only" : "";
  return `${cache} of ${target.domain} at ${showAddress(target.iova)}, mask ${target.mask}${hint}${drain}`;
}

/** What a scenario runs on, and its steps, one line each. */
export function describeScenario(scenario: AnyScenario): { platform: string[]; steps: string[] } {
  return isForDriver(scenario)
    ? { platform: describeDriverPlatform(scenario), steps: scenario.steps.map(describeIntent) }
    : { platform: describePlatform(scenario), steps: scenario.steps.map(describeStep) };
}

/** True for scenarios of intents. */
export function isForDriver(scenario: AnyScenario): scenario is IntentScenario {
  return scenario.format === "iommu-spec driver scenario 1";
}

const INTERFACES = { queue: "the queue", registers: "registers" } as const;

function describeDriverPlatform(scenario: IntentScenario): string[] {
  const { profile, start, invalidation, flushing, devices } = scenario;
  const names = devices.map((one) => `${one.name} = ${one.requesters.map(showRequester).join(" and ")}`);
  return [
    `profile ${profile}, starts ${start}, invalidates through ${INTERFACES[invalidation]}, ${flushing} flushing`,
    `devices: ${names.join(", ")}`,
  ];
}

/** The platform a scenario runs on: profile, functions, domains. */
function describePlatform(scenario: Scenario): string[] {
  const devices = scenario.devices.map((one) => `${one.name} = ${showRequester(one.requester)}`).join(", ");
  const domains = scenario.domains
    .map((one) => `${one.name} = id ${one.id}, ${one.levels} levels`)
    .join(", ");
  return [
    `profile ${scenario.profile}, starts ${scenario.start}, invalidates through ${INTERFACES[scenario.invalidation]}`,
    `functions: ${devices}`,
    `domains: ${domains}`,
  ];
}
