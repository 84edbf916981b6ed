/** AMD-Vi scenarios in words. */
import type { AmdViScenario, AmdViStep, CommandTarget } from "../generators/amdvi/scenario.js";
import { showAddress } from "../model/words/address.js";
import { describeCommonStep, describeCorruption, describeMap, unflushed } from "./common-steps.js";

const ATTACHED = {
  translated: "",
  identity: ", Mode 0",
  untranslated: ", V = 0",
  blocked: ", TV = 0",
} as const;
const SUPPRESSED = { none: "", all: ", events suppressed", repeated: ", one event only" } as const;

/** The platform, and where a run starts. */
export function describeAmdViPlatform({ profile, start, exclusion }: AmdViScenario): string[] {
  const lines = [`profile ${profile}, starts ${start}`];
  if (exclusion === null) return lines;
  const { base, limit, allow } = exclusion;
  const whose = allow ? "for every device" : "for devices whose entry says so";
  return [...lines, `exclusion range ${showAddress(base)} to ${showAddress(limit)} ${whose}`];
}

/** One line for a step; names are those of the scenario. */
export function describeAmdViStep(step: AmdViStep): string {
  switch (step.do) {
    case "attach": {
      const rights = step.access === "rw" ? "" : `, rights ${step.access}`;
      const exclusion = step.exclusion ? ", may use the exclusion range" : "";
      const how = `${ATTACHED[step.type]}${rights}${SUPPRESSED[step.suppress]}${exclusion}`;
      return `attach ${step.device} to ${step.domain}${how}${unflushed(step)}`;
    }
    case "map": {
      const skipped = step.skip > 0 ? `, ${step.skip} levels skipped` : "";
      return `${describeMap(step)}${skipped}${unflushed(step)}`;
    }
    case "corrupt": {
      const { entry } = step;
      return entry.structure === "table"
        ? describeCommonStep({ ...step, entry })
        : describeCorruption(step, `the device table entry of ${entry.device}`);
    }
    case "invalidate":
      return describeCommand(step.target);
    case "wait":
      return `COMPLETION_WAIT${step.flush ? " with f" : ""}, sign: ${step.sign}`;
    case "command-error":
      return `submit an illegal command (${step.error}), see the buffer stop, replace it, start again`;
    case "restart-commands":
      return `stop the command buffer, set it up anew, and go on at entry ${step.at}`;
    case "set-device-table": {
      const where = step.table === "absent" ? "where no memory is" : step.table;
      return `set device table ${where}, ${step.pages} pages`;
    }
    case "translation":
      return `${step.enable ? "enable" : "disable"} the unit`;
    case "read-events":
      return `read the event log${step.clear ? " and start it anew" : ""}`;
    case "log-events":
      return `${step.enable ? "enable" : "disable"} the event log${step.interrupt ? ", with interrupts" : ""}`;
    case "fill-event-log":
      return `start the event log anew with room for ${step.free} events`;
    default:
      return describeCommonStep(step);
  }
}

function describeCommand(target: CommandTarget): string {
  switch (target.command) {
    case "device":
      return `INVALIDATE_DEVTAB_ENTRY of ${target.device}`;
    case "pages": {
      const tables = target.tables ? ", page directory entries too" : "";
      return `INVALIDATE_IOMMU_PAGES of ${target.domain} at ${range(target)}${tables}`;
    }
    case "all":
      return "INVALIDATE_IOMMU_ALL";
    case "interrupt-table":
      return `INVALIDATE_INTERRUPT_TABLE of ${target.device}`;
    case "prefetch":
      return `PREFETCH_IOMMU_PAGES for ${target.device} at ${range(target)}`;
  }
}

function range({ iova, order }: { readonly iova: number; readonly order: number }): string {
  return order === 0 ? showAddress(iova) : `${showAddress(iova)}, 2^${order} pages`;
}
