/** `npm run bench [WHAT]`: one table, or without a name those that take little time. */
import { exploreRows } from "./explore/explore.js";
import { generationRows } from "./generation.js";
import { mutationRows } from "./mutation/report.js";
import { print } from "./print.js";
import { protocolRows } from "./protocol.js";
import { qemuRows } from "./qemu.js";
import type { Row } from "./row.js";
import { printTimings } from "./timings.js";
import { toyRows } from "./toy/rows.js";
import { workersRows } from "./workers.js";

interface Table {
  readonly title: string;
  readonly columns: Row;
  rows(args: readonly string[]): readonly Row[] | Promise<readonly Row[]>;
}

const SEEDS = 20;
/** Of the mutation score: mutants, and the seed that they are drawn by. */
const SAMPLE = { size: 400, seed: 1 };

const TABLES: Readonly<Record<string, Table>> = {
  toy: {
    title: `The same toy protocol three ways, ${SEEDS} seeds, processor time`,
    columns: ["", "figure", "times better than fc.commands", ""],
    rows: () => [...toyRows(SEEDS), ...generationRows()],
  },
  workers: {
    title: "Campaigns on one thread and on two",
    columns: ["", "rate", "ratio", "target"],
    rows: () => workersRows(),
  },
  qemu: {
    title: "Campaigns on QEMU against sending the same bytes",
    columns: ["", "rate", "ratio", "target"],
    rows: ([path]) => qemuRows(path),
  },
  protocol: {
    title: "Campaigns on a program, through the protocol, one thread",
    columns: ["", "rate", "of the target", "target"],
    rows: ([command]) => protocolRows(command),
  },
  explore: {
    title: "Exhaustive search against SPIN",
    columns: ["", "figure", "ratio", "target"],
    rows: () => exploreRows(),
  },
  mutation: {
    title: "Mutants of the model that the tests notice",
    columns: ["", "killed", "share", ""],
    rows: ([size, seed, seconds]) =>
      mutationRows(
        Number(size ?? SAMPLE.size),
        Number(seed ?? SAMPLE.seed),
        seconds === undefined ? undefined : Number(seconds),
      ),
  },
};

const [what, ...args] = process.argv.slice(2);
if (what === undefined) {
  printTimings();
} else {
  const table = TABLES[what];
  if (!table) {
    console.error(`unknown benchmark "${what}"; known: ${Object.keys(TABLES).join(", ")}`);
    process.exit(2);
  }
  print(table.title, table.columns, await table.rows(args));
}
