/** Compiled copies of the whole project, tests included, in which one module at a time is exchanged for a mutant. */
import { execFileSync } from "node:child_process";
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import type { Module } from "./mutants.js";

const SOURCES = ["model", "properties", "generators", "implementations", "reports", "cli", "bench/mutation"];
/** What tests read beside what is compiled. */
const DATA = ["traces", "examples", "docs"];
/** Support of tests: what it gets wrong shows in tests, not in the model. */
const SUPPORT = /\.(test|testing|property|scripts)\.js$/;

export class Workspace {
  private readonly copies: string[] = [];

  /** Compiles the project below the current folder. */
  constructor(private readonly folder = mkdtempSync(join(tmpdir(), "iommu-spec-mutation-"))) {
    compile(this.pristine);
  }

  /** The folder of the copy in which nothing is ever exchanged. */
  get pristine(): string {
    return join(this.folder, "pristine");
  }

  /** The folder of a copy of its own for each worker. */
  copy(worker: number): string {
    const folder = join(this.folder, `copy-${worker}`);
    if (!this.copies.includes(folder)) {
      cpSync(this.pristine, folder, { recursive: true, verbatimSymlinks: true });
      this.copies.push(folder);
    }
    return folder;
  }

  /** The modules of the model, in the order of their paths. */
  modules(): Module[] {
    return filesBelow(join(this.pristine, "model"))
      .filter((path) => path.endsWith(".js") && !SUPPORT.test(path))
      .map((path) => ({
        file: relative(this.pristine, path).replace(/\.js$/, ".ts"),
        text: readFileSync(path, "utf8"),
        map: readFileSync(`${path}.map`, "utf8"),
      }));
  }

  /** Every compiled file, by its path in a copy. */
  scripts(): ReadonlyMap<string, string> {
    const paths = filesBelow(this.pristine).filter((path) => path.endsWith(".js"));
    return new Map(paths.map((path) => [relative(this.pristine, path), readFileSync(path, "utf8")]));
  }

  /** Puts a text in the place of a module of a copy while `use` runs. */
  async exchanged<T>(
    folder: string,
    { file, text }: Module,
    other: string,
    use: () => Promise<T>,
  ): Promise<T> {
    const path = join(folder, file.replace(/\.ts$/, ".js"));
    writeFileSync(path, other);
    try {
      return await use();
    } finally {
      writeFileSync(path, text);
    }
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** The files below a folder, packages apart, in the order of their paths. */
function filesBelow(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.name !== "node_modules")
    .flatMap((entry) => {
      const path = join(folder, entry.name);
      return entry.isDirectory() ? filesBelow(path) : entry.isFile() ? [path] : [];
    })
    .sort();
}

function compile(folder: string): void {
  const root = process.cwd();
  mkdirSync(folder, { recursive: true });
  const configuration = join(folder, "tsconfig.json");
  const options = { noEmit: false, noCheck: true, rootDir: root, outDir: folder, sourceMap: true };
  const include = ["index.ts", ...SOURCES].map((path) => join(root, path));
  const typeRoots = [join(root, "node_modules/@types")];
  writeFileSync(
    configuration,
    JSON.stringify({
      extends: join(root, "tsconfig.json"),
      compilerOptions: { ...options, typeRoots },
      include,
    }),
  );
  execFileSync(join(root, "node_modules/.bin/tsc"), ["-p", configuration], { stdio: "inherit" });
  cpSync(join(root, "package.json"), join(folder, "package.json"));
  for (const path of SOURCES) copyData(join(root, path), join(folder, path));
  for (const path of DATA) symlinkSync(join(root, path), join(folder, path));
  linkPackages(join(root, "node_modules"), join(folder, "node_modules"));
}

function copyData(from: string, to: string): void {
  cpSync(from, to, { recursive: true, filter: (path) => !path.endsWith(".ts") });
}

/** Every package as it is installed, but for vitest: its place is taken by what lets tests run in a bare process. */
function linkPackages(installed: string, folder: string): void {
  mkdirSync(join(folder, "vitest"), { recursive: true });
  for (const name of readdirSync(installed)) {
    if (name !== "vitest") symlinkSync(join(installed, name), join(folder, name));
  }
  const manifest = { name: "vitest", type: "module", exports: { ".": "./index.js" } };
  writeFileSync(join(folder, "vitest/package.json"), JSON.stringify(manifest));
  writeFileSync(join(folder, "vitest/index.js"), 'export * from "../../bench/mutation/test-api.js";\n');
}
