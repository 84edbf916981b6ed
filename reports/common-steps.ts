/** In words: the steps that scenarios of every architecture have, and the parts that all are made of. */
import type { CommonStep, MapStep, TableEntryName } from "../generators/steps.js";
import { showAddress } from "../model/words/address.js";

const ACCESS = { r: "read", w: "write", rw: "read and write" } as const;

/** One line for a step; names are those of the scenario. */
export function describeCommonStep(step: CommonStep): string {
  switch (step.do) {
    case "detach":
      return `detach ${step.device}${unflushed(step)}`;
    case "unmap":
      return `unmap ${step.mapping}${unflushed(step)}`;
    case "protect":
      return `protect ${step.mapping}: ${ACCESS[step.access]}${unflushed(step)}`;
    case "retable":
      return `point ${describeTableEntry(step)} at spare table ${step.spare}${unflushed(step)}`;
    case "fill-with-ones":
      return `fill ${describeTableEntry(step.entry)} with ones${unflushed(step)}`;
    case "corrupt":
      return describeCorruption(step, describeTableEntry(step.entry));
    case "write-back":
      return "write back every dirty line";
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

/** `map m0: d1 0x1001000 -> 0x1001000, 4K, read and write`. */
export function describeMap(step: MapStep): string {
  const where = `${step.domain} ${showAddress(step.iova)} -> ${showAddress(step.page)}`;
  return `map ${step.mapping}: ${where}, ${step.size}, ${ACCESS[step.access]}`;
}

export function describeCorruption(
  step: { readonly value: number; readonly bit: number; readonly writeBack: boolean },
  entry: string,
): string {
  return `${step.value ? "set" : "clear"} bit ${step.bit} of ${entry}${unflushed(step)}`;
}

function describeTableEntry({ level, domain, iova }: Omit<TableEntryName, "structure">): string {
  return `the level-${level} entry of ${domain} ${showAddress(iova)}`;
}

/** What is said of a change that was not written back. */
export function unflushed(step: { readonly writeBack: boolean }): string {
  return step.writeBack ? "" : ", left in the CPU's cache";
}
