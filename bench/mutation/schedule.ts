/** Which tests may notice a mutant of a module, those that are likely to first. */
import { basename, dirname } from "node:path";

/** Test files that need what is not there in a bare process: an emulator, a build, other processes. */
const ELSEWHERE = /qemu|^cli\/|^bench\/|\/external|workers/;
/** Campaigns against everything at once: they go on until something is found, and take minutes. */
const ENDLESS = /variants\.property|profiles\.property|properties\/bugs\//;
/** Test files that take processor seconds, about how many; the others take less than one. */
const SECONDS: Readonly<Record<string, number>> = {
  "model/acpi/corpus/corpus.test.js": 2.1,
  "model/amdvi/abstract-machine.test.js": 3.4,
  "model/amdvi/exposure.test.js": 3.2,
  "model/amdvi/ivrs/corruption.test.js": 5.7,
  "model/amdvi/ivrs/iasl.test.js": 1.2,
  "model/amdvi/ivrs/ivrs.test.js": 7,
  "model/amdvi/ivrs/platforms.test.js": 6,
  "model/amdvi/posted-writes.brute.test.js": 3.6,
  "model/amdvi/reference.test.js": 2.3,
  "model/amdvi/witness.test.js": 1.9,
  "model/forgetting.test.js": 20,
  "model/isolation/judge.test.js": 2,
  "model/pci/groups.brute.test.js": 3,
  "model/vtd/abstract-machine.test.js": 3.7,
  "model/vtd/dmar/dmar.test.js": 7.6,
  "model/vtd/dmar/platform.test.js": 5.7,
  "model/vtd/exposure.test.js": 3.3,
  "model/vtd/posted-writes.brute.test.js": 2.3,
  "model/vtd/witness.test.js": 2.1,
  "properties/driver.property.js": 7.3,
  "properties/driver-subject.test.js": 5,
  "properties/forgetting.property.js": 20,
  "properties/platform.property.js": 7.3,
  "properties/reference.property.js": 5,
  "properties/tightness-amdvi.property.js": 7,
  "properties/tightness-vtd.property.js": 7.3,
  "properties/traces.property.js": 2.6,
  "generators/generate.test.js": 2.1,
  "generators/compile.test.js": 2.4,
  "generators/intents/generate.test.js": 2.7,
  "implementations/driver/amdvi/driver.test.js": 4.2,
  "implementations/driver/vtd/driver.test.js": 4.9,
  "implementations/driver/platform/take-over.test.js": 2.9,
  "implementations/iommu/reference/amdvi/abstract.test.js": 2.5,
  "implementations/iommu/reference/amdvi/core.test.js": 3.5,
};
const IMPORT = /\b(?:from|import)\s*\(?"(\.[^"]+)"/g;

/**
 * The stages of a trial, in their order: quick tests of the module itself, of modules that it is imported by, of the room, of
 * the model; tests of the model over many cases, those of the room first; the properties; tests of other parts. Within a
 * stage what takes longest comes last.
 */
export const STAGES = [
  "own",
  "beside",
  "room",
  "model",
  "many",
  "many others",
  "properties",
  "rest",
] as const;
export type Stage = (typeof STAGES)[number];

export class Schedule {
  private readonly imports: ReadonlyMap<string, readonly string[]>;
  private readonly reached = new Map<string, ReadonlySet<string>>();

  /** Of the compiled files of a project, by path. */
  constructor(scripts: ReadonlyMap<string, string>) {
    this.imports = new Map([...scripts].map(([path, text]) => [path, importsOf(path, text)]));
  }

  /** The compiled test files that reach a module of the model by their imports. */
  testsFor(module: string): string[] {
    const target = module.replace(/\.ts$/, ".js");
    const tests = [...this.imports.keys()].filter(
      (path) => isTest(path) && !ELSEWHERE.test(path) && !ENDLESS.test(path) && this.reach(path).has(target),
    );
    const rank = new Map(tests.map((path) => [path, STAGES.indexOf(this.stageOf(path, target))]));
    const order = (one: string, other: string) =>
      rank.get(one)! - rank.get(other)! ||
      (SECONDS[one] ?? 0) - (SECONDS[other] ?? 0) ||
      (one < other ? -1 : 1);
    return tests.sort(order);
  }

  /** Where in the order a test file stands for a module. */
  stageOf(path: string, target: string): Stage {
    const inRoom = dirname(path) === dirname(target);
    if (inRoom && basename(path).split(".")[0] === basename(target).split(".")[0]) return "own";
    if (path.startsWith("model/")) {
      if (SECONDS[path] !== undefined) return inRoom ? "many" : "many others";
      if (this.imports.get(path)!.includes(target)) return "beside";
      return inRoom ? "room" : "model";
    }
    if (path.startsWith("properties/")) return "properties";
    return "rest";
  }

  /** Every file that a file imports, or that those do. */
  private reach(path: string): ReadonlySet<string> {
    const known = this.reached.get(path);
    if (known) return known;
    const all = new Set([path]);
    for (const one of all) for (const next of this.imports.get(one) ?? []) all.add(next);
    this.reached.set(path, all);
    return all;
  }
}

function isTest(path: string): boolean {
  return /\.(test|property)\.js$/.test(path);
}

function importsOf(path: string, text: string): string[] {
  return [...text.matchAll(IMPORT)].map(([, to]) => new URL(to!, `file:///${path}`).pathname.slice(1));
}
