/** Campaigns on a program in the role of an IOMMU: requests through the protocol, generated and judged, on one thread. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openNamed } from "../cli/implementations.js";
import { defaultOptions } from "../generators/generate.js";
import type { Iommu } from "../implementations/iommu/interface.js";
import { ReferenceIommu } from "../implementations/iommu/reference/reference.js";
import { architectures } from "../model/architectures.js";
import { iommuSubject } from "../properties/subject.js";
import { type Row, rounded } from "./row.js";

const CLIENT = "implementations/clients/c";
/** Scenarios that are begun before the first of them is judged, as in campaigns. */
const AHEAD = 3;
const WARM_UPS = 1500;
const RUNS = 6000;
const TARGET = 20_000;

/** Requests per second, of the clock and of this process's own processor time. */
interface Rates {
  readonly wall: number;
  readonly processor: number;
}

/**
 * The figures of a program, a VT-d unit given as a shell command; without one, of the example of the C client, which is
 * built for it.
 */
export function protocolRows(command?: string): readonly Row[] {
  const folder = mkdtempSync(join(tmpdir(), "iommu-spec-bench-"));
  const options = { qemu: undefined, timeoutMs: undefined };
  const program = openNamed(`exec:${command ?? built(folder)}`, architectures[0]!, options);
  try {
    const { iommu, profiles } = program;
    const through = measured(iommu, profiles);
    const inProcess = measured(new ReferenceIommu(null), profiles);
    return [
      [`${iommu.name}, clock`, perSecond(through.wall), ratio(through.wall), `>= ${rounded(TARGET)}/s`],
      [`${iommu.name}, processor time of the suite`, perSecond(through.processor), "", ""],
      ["reference, in process, clock", perSecond(inProcess.wall), ratio(inProcess.wall), ""],
      ["reference, in process, processor time", perSecond(inProcess.processor), "", ""],
    ];
  } finally {
    program.iommu.close();
    rmSync(folder, { recursive: true });
  }
}

function built(folder: string): string {
  const program = join(folder, "iommu");
  const sources = [join(CLIENT, "examples/iommu.c"), join(CLIENT, "iommu_spec.c")];
  const options = ["-std=c11", "-O2", "-I", CLIENT, "-o", program, ...sources];
  const { status, stderr } = spawnSync("gcc", options, { encoding: "utf8" });
  if (status !== 0) throw new Error(`gcc cannot build the example of the C client: ${stderr}`);
  return program;
}

function measured(iommu: Iommu, profiles: readonly string[]): Rates {
  const judge = judging(iommu, profiles);
  judge(0, WARM_UPS);
  const [begun, before] = [performance.now(), process.cpuUsage()];
  const requests = judge(WARM_UPS, RUNS);
  const { user, system } = process.cpuUsage(before);
  const seconds = (performance.now() - begun) / 1000;
  return { wall: requests / seconds, processor: (1e6 * requests) / (user + system) };
}

/** What generates and judges so many scenarios, and counts their requests. */
function judging(iommu: Iommu, profiles: readonly string[]): (first: number, count: number) => number {
  const subject = iommuSubject(iommu, { ...defaultOptions("vtd"), profiles });
  return (first, count) => {
    const begun: (() => { readonly requests: number })[] = [];
    let requests = 0;
    for (let seed = first; seed < first + count; seed++) {
      const scenario = subject.generate(seed);
      begun.push(subject.begin?.(scenario, []) ?? (() => subject.judge(scenario, [])));
      if (begun.length > AHEAD) requests += begun.shift()!().requests;
    }
    for (const finish of begun) requests += finish().requests;
    return requests;
  };
}

function perSecond(rate: number): string {
  return `${rounded(rate)} requests/s`;
}

function ratio(rate: number): string {
  return (rate / TARGET).toFixed(2);
}
