/** A reproducer as a C test in the style of QEMU's own, on the public interface of its libqtest and of GLib. */
import type {
  Decision,
  Line,
  Look,
  MachineOptions,
  Pattern,
  Transcript,
} from "../../implementations/iommu/qemu/reproducer/lines.js";
import { type About, aboutLines } from "./about.js";
import { showPattern, showSeen, showValue } from "./values.js";

const COMMENT_COLUMN = 60;

/** Reads and writes that take several commands. */
const HELPERS: Readonly<Record<"fill" | "transfer" | "find_page", string>> = {
  fill: `/* 32-bit writes of one value, some bytes apart */
static void fill(QTestState *s, uint64_t address, int count, int stride, uint32_t value)
{
    for (int i = 0; i < count; i++) {
        qtest_writel(s, address + i * stride, value);
    }
}
`,
  transfer: `/*
 * A DMA of an edu device between memory and its buffer at 40000h: command 1 is into the buffer, 3 out of it. It takes
 * 100 ms of virtual time.
 */
static void transfer(QTestState *s, uint64_t device, uint64_t source, uint64_t target, uint64_t bytes,
                     uint64_t command)
{
    qtest_writeq(s, device + 0x80, source);
    qtest_writeq(s, device + 0x88, target);
    qtest_writeq(s, device + 0x90, bytes);
    qtest_writeq(s, device + 0x98, command);
    for (int tries = 0; tries < 1000; tries++) {
        qtest_clock_step(s, 100000000);
        if (!(qtest_readl(s, device + 0x98) & 1)) {
            return;
        }
    }
    g_assert_not_reached();
}
`,
  find_page: `/* The address of the page that holds the tag at that offset; all ones when none does */
static uint64_t find_page(QTestState *s, uint32_t tag, uint32_t offset, const uint64_t *pages, int count)
{
    for (int i = 0; i < count; i++) {
        if (qtest_readl(s, pages[i] + offset) == tag) {
            return pages[i];
        }
    }
    return UINT64_MAX;
}
`,
};

/** The test: one C file. It fails where the deviation shows, and is skipped where there is no verdict. */
export function libqtestReproducer(about: About, { machine, lines, decision }: Transcript): string {
  const name = (about.known ?? "deviation").replaceAll(/\W+/g, "_");
  const used = new Set(lines.map(helperOf));
  const helpers = Object.entries(HELPERS).flatMap(([helper, text]) => (used.has(helper) ? [text] : []));
  return [
    "/*",
    ...aboutLines(about).map((one) => (one === "" ? " *" : ` * ${one.replaceAll("*/", "* /")}`)),
    " *",
    " * For the tests of QEMU (tests/qtest): it fails where the deviation shows, and is skipped where QEMU goes another way",
    " * before that.",
    " */",
    "",
    '#include "qemu/osdep.h"',
    '#include "libqtest.h"',
    "",
    ...unitMacro(machine),
    ...helpers,
    ...checkHelper(lines),
    `static void test_${name}(void)`,
    "{",
    `    QTestState *s = qtest_init(${argumentsOf(machine)});`,
    ...(decision.kind === "look" ? ["    uint64_t seen;"] : []),
    ...lines.flatMap((one) => statements(one, decision.kind === "look" ? "seen = " : "")),
    "",
    ...conclusion(decision),
    "    qtest_quit(s);",
    "}",
    "",
    "int main(int argc, char **argv)",
    "{",
    "    g_test_init(&argc, &argv, NULL);",
    `    qtest_add_func("/iommu/${about.known ?? "deviation"}", test_${name});`,
    "    return g_test_run();",
    "}",
    "",
  ].join("\n");
}

function helperOf(line: Line): string {
  if (line.do === "fill" || line.do === "transfer") return line.do;
  return (line.do === "check" || line.do === "decide") && line.look.at === "pages" ? "find_page" : "";
}

/** What earlier looks are compared by, where there are any. */
function checkHelper(lines: readonly Line[]): string[] {
  if (!lines.some((one) => one.do === "check")) return [];
  return [
    "/* What the verdict rests on, beside what decides: false, and the test is skipped, where QEMU goes another way */",
    "static bool is_recorded(uint64_t seen, uint64_t mask, uint64_t value, bool expected)",
    "{",
    "    if (((seen & mask) == value) == expected) {",
    "        return true;",
    "    }",
    '    g_test_skip("an earlier reply is not as it was recorded");',
    "    return false;",
    "}",
    "",
  ];
}

/** The unit is a macro, as a property that it needs is not there in all versions. */
function unitMacro({ unit, further }: MachineOptions): string[] {
  if (further === null) return [`#define UNIT "${unit}"`, ""];
  return [
    "#ifndef UNIT",
    `/* In versions that have this property nothing is translated without it: "${unit},${further}" */`,
    `#define UNIT "${unit}"`,
    "#endif",
    "",
  ];
}

function argumentsOf({ board }: MachineOptions): string {
  const options = [
    "-machine q35",
    ...` ${board.join(" ")}`
      .split(" -")
      .slice(1)
      .map((one) => `-${one}`),
  ];
  const quoted = options.map((one) => `"${one} "`);
  return [...quoted, '"-device " UNIT'].join("\n                              ");
}

/** @param seen what the look that decides is assigned to */
function statements(line: Line, seen: string): string[] {
  switch (line.do) {
    case "heading":
      return ["", `    /* ${line.text.replaceAll("*/", "* /")} */`];
    case "write": {
      const { width, address, value, comment } = line;
      return [
        commented(`qtest_write${width === 8 ? "q" : "l"}(s, ${hex(address)}, ${constant(value)});`, comment),
      ];
    }
    case "out":
      return [commented(`qtest_outl(s, ${hex(line.port)}, ${hex(line.value)});`, line.comment)];
    case "fill": {
      const { address, count, stride, value, comment } = line;
      return [commented(`fill(s, ${hex(address)}, ${count}, ${stride}, ${hex(value)});`, comment)];
    }
    case "transfer": {
      const { device, source, target, bytes, command, comment } = line;
      const places = `${hex(device)}, ${constant(source)}, ${constant(target)}`;
      return [commented(`transfer(s, ${places}, ${bytes}, ${command});`, comment)];
    }
    case "check":
      return checked(line.look, line.expected, !line.unless, line.comment);
    case "decide":
      return looked(line.look, (read) => [commented(`${seen}${read};`, line.comment)]);
    case "expect-loss":
      return [`    /* ${line.comment} */`];
  }
}

/** Statements around an expression that looks; pages to look in need a list. */
function looked(look: Look, use: (read: string) => string[]): string[] {
  if (look.at === "memory") return use(`qtest_read${look.width === 8 ? "q" : "l"}(s, ${hex(look.address)})`);
  const pages = look.pages.map((page) => hex(page * 4096));
  const rows: string[] = [];
  for (let from = 0; from < pages.length; from += 6)
    rows.push(`            ${pages.slice(from, from + 6).join(", ")},`);
  const read = `find_page(s, ${hex(look.tag)}, ${hex(look.offset)}, pages, ${pages.length})`;
  return [
    "    {",
    "        static const uint64_t pages[] = {",
    ...rows,
    "        };",
    ...use(read).map((one) => `    ${one}`),
    "    }",
  ];
}

function checked(look: Look, { mask, value }: Pattern, expected: boolean, comment: string): string[] {
  return looked(look, (read) => [
    `    /* ${comment} */`,
    `    if (!is_recorded(${read}, ${constant(mask)}, ${constant(value)}, ${expected})) {`,
    "        qtest_quit(s);",
    "        return;",
    "    }",
  ]);
}

function conclusion(decision: Decision): string[] {
  if (decision.kind === "loss")
    return [`    /* QEMU has survived it; recorded: ${decision.recorded}. A conforming unit goes on. */`];
  const { subject, by, admissible, inadmissible, recorded, recordedWords } = decision;
  const shown = recorded === null ? "unknown" : showSeen(recorded, recordedWords);
  const may = admissible?.map(showPattern).join(" or ") ?? `anything but ${showPattern(inadmissible!)}`;
  const comment = [`    /* ${subject}: recorded ${shown};`, `     * ${by}: ${may} */`];
  if (inadmissible !== null) return [...comment, assertion("!=", inadmissible)];
  if (admissible!.length === 1) return [...comment, assertion("==", admissible![0]!)];
  const cases = admissible!.map((one) => `${seenUnder(one)} == ${constant(one.value)}`);
  return [...comment, `    g_assert_true(${cases.join(" ||\n                  ")});`];
}

function assertion(operator: "==" | "!=", pattern: Pattern): string {
  return `    g_assert_cmphex(${seenUnder(pattern)}, ${operator}, ${constant(pattern.value)});`;
}

/** Bits that the pattern says something of; a 32-bit read has no others. */
function seenUnder({ mask }: Pattern): string {
  const isWhole = mask.low === 0xffffffff && (mask.high === 0 || mask.high === 0xffffffff);
  return isWhole ? "seen" : `(seen & ${constant(mask)})`;
}

function constant(value: Pattern["value"]): string {
  return value.high === 0 ? showValue(value) : `${showValue(value)}ULL`;
}

function commented(statement: string, comment: string): string {
  const line = `    ${statement}`;
  return comment === "" ? line : `${line.padEnd(COMMENT_COLUMN)} /* ${comment.replaceAll("*/", "* /")} */`;
}

function hex(value: number): string {
  return `0x${value.toString(16)}`;
}
