/** Steps of a platform scenario in words. */
import { showAddress } from "../../model/words/address.js";
import type { PlatformScenario, PlatformStep } from "./scenario.js";

const LEFT: Readonly<Record<PlatformScenario["leaves"], string>> = {
  off: "leaves translation off",
  protected: "leaves translation off and memory protected",
  translating: "leaves translation on, with reserved regions only",
  stale: "leaves translation off, with tables that let everything through",
};

/** What firmware leaves behind, in words. */
export function describeLeaves(leaves: PlatformScenario["leaves"]): string {
  return `firmware ${LEFT[leaves]}`;
}

/** One line for a step; names are those of the scenario. */
export function describePlatformStep(step: PlatformStep): string {
  switch (step.do) {
    case "assign":
      return `assign ${step.device} to ${step.domain}`;
    case "release":
      return `release ${step.device}`;
    case "map": {
      const pages = step.pages === 1 ? "1 page" : `${step.pages} pages`;
      const where = `at ${showAddress(step.iova)} of ${step.domain} to ${showAddress(step.page)}`;
      return `map ${step.mapping}: ${pages} ${where}, ${step.access}`;
    }
    case "unmap":
      return `unmap ${step.mapping}`;
    case "remap":
      return `remap ${step.mapping} to ${showAddress(step.page)}`;
    case "lend":
      return `lend page ${showAddress(step.page)} to ${step.device}`;
    case "dma": {
      const alias = step.as === 0 ? "" : ` by its alias ${step.as}`;
      return `${step.device}${alias}: ${step.type} at ${showAddress(step.iova)}`;
    }
    case "plug":
      return `plug ${step.device} in`;
    case "unplug":
      return `unplug ${step.device}`;
    case "enable-vfs":
      return step.count === 0
        ? `disable the virtual functions of ${step.device}`
        : `enable ${step.count} virtual functions of ${step.device}`;
    case "storm":
      return step.count === 1
        ? `${step.device} makes a request that nobody has allowed`
        : `${step.device} makes ${step.count} requests that nobody has allowed`;
    case "handle-faults":
      return "handle faults";
    case "hand-over":
      return "another operating system takes over";
  }
}
