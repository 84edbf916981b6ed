/** Steps of a driver scenario in words. */
import { showAddress } from "../../model/words/address.js";
import type { IntentStep } from "./scenario.js";

const ACCESS = { r: "read", w: "write" } as const;

/** One line for a step; names are those of the scenario. */
export function describeIntent(step: IntentStep): string {
  switch (step.do) {
    case "attach":
      return `attach ${step.device} to ${step.domain}`;
    case "detach":
      return `detach ${step.device}`;
    case "map": {
      const where = `at ${showAddress(step.iova)} of ${step.domain} to ${showAddress(step.page)}`;
      return `map ${step.mapping}: ${count(step.pages)} ${where}, ${step.access}`;
    }
    case "protect":
      return `protect ${partOf(step)}: ${step.access}`;
    case "unmap":
      return `unmap ${partOf(step)}`;
    case "merge":
      return `merge ${step.mapping} into larger entries`;
    case "destroy":
      return `destroy ${step.domain}`;
    case "sync":
      return "sync";
    case "together": {
      const schedule = `schedule 0x${step.schedule.toString(16)}`;
      return `together: ${describeIntent(step.first)} | ${describeIntent(step.second)}, ${schedule}`;
    }
    case "dma":
      return `${sender(step)}: ${step.type} at ${showAddress(step.iova)}`;
    case "program":
      return `program ${sender(step)} to ${ACCESS[step.access]} at ${showAddress(step.iova)} later`;
    case "plant":
      return "plant entries in the table page freed last";
  }
}

function count(pages: number): string {
  return pages === 1 ? "1 page" : `${pages} pages`;
}

function partOf(step: { readonly mapping: string; readonly offset: number; readonly pages: number }): string {
  return `${count(step.pages)} of ${step.mapping} from page ${step.offset}`;
}

function sender(step: { readonly device: string; readonly requester: 0 | 1 }): string {
  return step.requester === 0 ? step.device : `${step.device} by its alias`;
}
