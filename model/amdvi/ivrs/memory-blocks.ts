/** The IVMDs of a reserved region (AMD-Vi 5.2.2.2). */
import { make, type StructureOf } from "../../acpi/structure.js";
import { unitCovering } from "../../pci/covering.js";
import { type LocatedFunction, locatedFunctions } from "../../pci/functions.js";
import type { FirmwarePlatform, ReservedRegion } from "../../pci/platform.js";
import { isBridge, type Topology } from "../../pci/topology.js";
import { IvmdType, ivmdLayout } from "./layouts.js";

/**
 * One IVMD for each run of functions, and for each other function. Of a device behind no unit there is nothing to
 * say: nobody keeps it from its memory.
 */
export function memoryBlocks(
  region: ReservedRegion,
  platform: FirmwarePlatform,
): StructureOf<typeof ivmdLayout>[] {
  const functions = region.functions.filter((name) => unitCovering(platform, name) !== null);
  return runsOf(functions, platform.topology).map((run) => {
    const first = run[0]!;
    const last = run.at(-1)!;
    return make(ivmdLayout, {
      type: first === last ? IvmdType.one : IvmdType.range,
      ...flagsOf(region),
      deviceId: first.requester,
      lastDeviceId: first === last ? 0 : last.requester,
      segment: first.segment,
      start: BigInt(region.page) << 12n,
      bytes: BigInt(region.pages) << 12n,
    });
  });
}

function flagsOf({ kind, access }: ReservedRegion) {
  if (kind === "exclusion") return { unity: 0, exclusion: 1, ir: 0, iw: 0 };
  return { unity: 1, exclusion: 0, ir: access === "w" ? 0 : 1, iw: access === "r" ? 0 : 1 };
}

/** Functions whose ids follow each other without a gap: what comes into a gap later has no business with the memory. */
function runsOf(functions: readonly string[], topology: Topology): LocatedFunction[][] {
  const runs: LocatedFunction[][] = [];
  for (const one of inOrder(functions, topology)) {
    const run = runs.at(-1);
    const before = run?.at(-1);
    const follows = before?.segment === one.segment && before.requester + 1 === one.requester;
    if (follows && !isBridge(before.self) && !isBridge(one.self)) run!.push(one);
    else runs.push([one]);
  }
  return runs;
}

function inOrder(functions: readonly string[], topology: Topology): LocatedFunction[] {
  const named = locatedFunctions(topology).filter((one) => functions.includes(one.name));
  return named.sort((a, b) => a.segment - b.segment || a.requester - b.requester);
}
