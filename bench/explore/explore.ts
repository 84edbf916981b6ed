/** The search of the protocol beside SPIN's of an abstraction made by hand, and how long searches of drivers take. */
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { builtInDriverOf } from "../../implementations/driver/built-in.js";
import type { ArchitectureId } from "../../model/profile.js";
import type { DriverConfiguration } from "../../properties/explore/driver/configuration.js";
import { ExploredDriver } from "../../properties/explore/driver/explored.js";
import { AbstractStates } from "../../properties/explore/protocol/abstraction.js";
import type { ProtocolConfiguration } from "../../properties/explore/protocol/configuration.js";
import { ExploredProtocol } from "../../properties/explore/protocol/explored.js";
import { Search } from "../../properties/explore/search.js";

type Row = readonly [what: string, figure: string, ratio: string, target: string];

const PROTOCOL: ProtocolConfiguration = {
  profile: "qemu-39",
  requesters: 2,
  domains: 2,
  iovas: 2,
  pages: 3,
  rule: "correct",
};
const PROFILES: Readonly<Record<ArchitectureId, string>> = { vtd: "qemu-39", amdvi: "amd-qemu" };
const DEPTH = 10;
const DRIVER_SECONDS = 60;

interface Timed {
  readonly seconds: number;
  readonly states: number;
}

/** Every row: both programs run one after the other on this machine. */
export function exploreRows(): Row[] {
  return [...protocolRows(), ...(["vtd", "amdvi"] as const).map(driverRow)];
}

function protocolRows(): Row[] {
  const ours = timed(() => wholeSpace(new ExploredProtocol(PROTOCOL)).states);
  const spin = runSpin();
  const figure = `${ours.seconds.toFixed(2)} s, ${ours.states} states`;
  if (!spin) return [["protocol, whole space", figure, "", "spin or gcc is not installed: not compared"]];
  const ratio = ours.seconds / spin.seconds;
  const abstract = new AbstractStates(PROTOCOL);
  const explored = new ExploredProtocol(PROTOCOL);
  wholeSpace(explored, () => abstract.add(explored.run));
  const agrees = abstract.count === spin.states ? "agrees" : "DIFFERS";
  return [
    [
      "protocol, whole space",
      figure,
      `${ratio.toFixed(2)}x SPIN`,
      `at most 1x: ${ratio <= 1 ? "reached" : "missed"}`,
    ],
    ["SPIN, abstraction by hand", `${spin.seconds.toFixed(2)} s, ${spin.states} states`, "", ""],
    ["states of the abstraction, from the model", String(abstract.count), "", `those of SPIN: ${agrees}`],
  ];
}

function wholeSpace(explored: ExploredProtocol, found: () => void = () => undefined): Search {
  const search = new Search(explored, { depth: Number.POSITIVE_INFINITY, goesOn: () => true, found });
  search.run();
  return search;
}

function driverRow(architecture: ArchitectureId): Row {
  const configuration: DriverConfiguration = {
    architecture,
    profile: PROFILES[architecture],
    start: "translating",
    invalidation: "queue",
    flushing: "strict",
    requesters: 1,
    alias: false,
    domains: 2,
    iovas: 2,
    pages: 2,
    kinds: ["attach", "detach", "map", "unmap", "protect", "destroy", "program"],
  };
  const { create } = builtInDriverOf(architecture);
  const { seconds, states } = timed(() => {
    const search = new Search(new ExploredDriver(configuration, create), {
      depth: DEPTH,
      goesOn: () => true,
    });
    search.run();
    return search.states;
  });
  const target = `at most ${DRIVER_SECONDS} s: ${seconds <= DRIVER_SECONDS ? "reached" : "missed"}`;
  return [
    `driver ${architecture}, every scenario of ${DEPTH} steps`,
    `${seconds.toFixed(1)} s, ${states} states`,
    "",
    target,
  ];
}

function timed(work: () => number): Timed {
  const begun = performance.now();
  const states = work();
  return { seconds: (performance.now() - begun) / 1000, states };
}

/** Generates, compiles and runs the verifier; null when a tool is not there. States are those between atomic steps. */
function runSpin(): Timed | null {
  const source = sourceOf();
  const folder = mkdtempSync(join(tmpdir(), "iommu-spec-spin-"));
  const call = (program: string, ...args: string[]) => {
    const { status, stdout } = spawnSync(program, args, { cwd: folder, encoding: "utf8" });
    return status === 0 ? stdout : null;
  };
  try {
    const begun = performance.now();
    if (call("spin", "-a", source) === null) return null;
    if (call("gcc", "-O2", "-DSAFETY", "-DNOREDUCE", "-o", "pan", "pan.c") === null) return null;
    const printed = call("./pan", "-m100000");
    const seconds = (performance.now() - begun) / 1000;
    const states = /^\s*(\d+) states, stored/m.exec(printed ?? "")?.[1];
    return states === undefined ? null : { seconds, states: Number(states) };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Beside this file, or beside its source where it was compiled to a folder of its own. */
function sourceOf(): string {
  const beside = fileURLToPath(new URL("protocol.pml", import.meta.url));
  return existsSync(beside) ? beside : join(process.cwd(), "bench/explore/protocol.pml");
}
