/** VT-d scenarios in words. */
import type { VtdScenario, VtdStep } from "../generators/vtd/scenario.js";
import { showAddress } from "../model/words/address.js";
import { describeCommonStep, describeCorruption, describeMap, unflushed } from "./common-steps.js";

export const INTERFACES = { queue: "the queue", registers: "registers" } as const;

/** The platform, and where a run starts. */
export function describeVtdPlatform({ profile, start, invalidation }: VtdScenario): string[] {
  return [`profile ${profile}, starts ${start}, invalidates through ${INTERFACES[invalidation]}`];
}

/** One line for a step; names are those of the scenario. */
export function describeVtdStep(step: VtdStep): string {
  switch (step.do) {
    case "attach": {
      const how =
        step.type === "translated" ? "" : `, ${step.type === "all" ? "all request types" : "pass-through"}`;
      const quiet = step.faultProcessingDisable ? ", faults not recorded" : "";
      return `attach ${step.device} to ${step.domain}${how}${quiet}${unflushed(step)}`;
    }
    case "map":
      return `${describeMap(step)}${unflushed(step)}`;
    case "corrupt": {
      const { entry } = step;
      return entry.structure === "table"
        ? describeCommonStep({ ...step, entry })
        : describeCorruption(step, `the ${entry.structure} entry of ${entry.device}`);
    }
    case "invalidate":
      return `invalidate ${describeTarget(step.target)}${notWaitedFor(step)}`;
    case "wait":
      return `wait descriptor${step.fence ? " with fence" : ""}, sign: ${step.sign}`;
    case "queue-error":
      return `submit a bad descriptor (${step.error}), see the error, replace it${step.rewriteTail ? ", write the tail again" : ""}`;
    case "set-root":
      return `set root table ${step.root}${notWaitedFor(step)}`;
    case "translation":
      return `${step.enable ? "enable" : "disable"} translation${notWaitedFor(step)}`;
    case "protect-memory": {
      const blocks = step.blocks === 1 ? "1 block" : `${step.blocks} blocks`;
      return `protect ${blocks} of memory at ${showAddress(step.page)} by the ${step.region} region${notWaitedFor(step)}`;
    }
    case "release-memory":
      return `release protected memory${notWaitedFor(step)}`;
    case "read-faults":
      return `read the fault registers${step.clear ? " and clear them" : ""}`;
    default:
      return describeCommonStep(step);
  }
}

function notWaitedFor({ complete }: { readonly complete: boolean }): string {
  return complete ? "" : ", not waited for";
}

function describeTarget(target: Extract<VtdStep, { do: "invalidate" }>["target"]): string {
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
