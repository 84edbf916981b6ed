/** A reproducer as a POSIX shell script, for nothing but coreutils and a QEMU. */
import { firmware } from "../../implementations/iommu/qemu/firmware.js";
import type {
  Decision,
  Line,
  Look,
  MachineOptions,
  Pattern,
  Transcript,
} from "../../implementations/iommu/qemu/reproducer/lines.js";
import { type About, aboutLines } from "./about.js";
import { SHELL_FUNCTIONS, SHELL_START } from "./shell-frame.js";
import { digits16, showPattern, showSeen, showValue } from "./values.js";

const LIMIT_S = 60;
/** A hang is noticed by the time-out alone. */
const LIMIT_OF_LOSS_S = 10;
const COMMENT_COLUMN = 52;

/** The script. */
export function shellReproducer(about: About, { machine, lines, decision }: Transcript): string {
  const loss = decision.kind === "loss" ? decision.recorded : "";
  const limit = decision.kind === "loss" ? LIMIT_OF_LOSS_S : LIMIT_S;
  const header = aboutLines(about).map((one) => (one === "" ? "#" : `# ${one}`));
  return [
    "#!/bin/sh",
    ...header,
    "#",
    "# Needs a POSIX shell, coreutils and a stock qemu-system-x86_64, or the one that QEMU names. Exit: 1 the deviation",
    "# is shown, 0 it is not, 2 there is no verdict.",
    "",
    SHELL_FUNCTIONS.replace("@LIMIT@", String(limit)).replace("@LOSS@", loss.replaceAll(/["$`\\]/g, "")),
    ...machineOptions(machine),
    SHELL_START.replace(
      "@FIRMWARE@",
      firmwareCommands()
        .map((one) => `    ${one}`)
        .join("\n"),
    ),
    ...lines.map(lineOf),
    "",
    ...conclusion(decision),
    "",
  ].join("\n");
}

function machineOptions({ board, unit, further }: MachineOptions): string[] {
  const all = [...board.map(quoted), "-device", '"$unit"'].join(" ").replaceAll(" -", " \\\n  -");
  const property = further?.split("=")[0];
  return [
    "# The machine",
    `unit=${quoted(unit)}`,
    ...(further === null
      ? []
      : [
          "# Versions that have this property translate nothing without it",
          `if "$QEMU" -device ${unit},help 2>/dev/null | grep -q ${property}; then unit=$unit,${further}; fi`,
        ]),
    `set -- ${all}`,
  ];
}

function lineOf(line: Line): string {
  switch (line.do) {
    case "heading":
      return `\n# ${line.text}`;
    case "write": {
      const { address, width, value, comment } = line;
      return commented(
        `qtest ${width === 8 ? "writeq" : "writel"} ${hex(address)} ${showValue(value)}`,
        comment,
      );
    }
    case "out":
      return commented(`qtest outl ${hex(line.port)} ${hex(line.value)}`, line.comment);
    case "fill": {
      const { address, count, stride, value, comment } = line;
      return commented(`fill ${hex(address)} ${count} ${stride} ${hex(value)}`, comment);
    }
    case "transfer": {
      const { device, source, target, bytes, command, comment } = line;
      const what = `transfer ${hex(device)} ${showValue(source)} ${showValue(target)} ${bytes} ${command}`;
      return commented(what, comment);
    }
    case "check": {
      const { look, expected, unless, comment } = line;
      const check = unless ? "is_not" : "is_recorded";
      return `${commented(lookOf(look), comment)}\n${check} ${pattern(expected)}`;
    }
    case "decide":
      return `${commented(lookOf(line.look), `decides: ${line.comment}`)}\nseen=$value`;
    case "expect-loss":
      return commented("fatal=1", line.comment);
  }
}

function lookOf(look: Look): string {
  if (look.at === "memory") return `qtest ${look.width === 8 ? "readq" : "readl"} ${hex(look.address)}`;
  const pages = look.pages.map((page) => hex(page * 4096));
  const rows = [];
  for (let from = 0; from < pages.length; from += 8) rows.push(pages.slice(from, from + 8).join(" "));
  return `find_page ${hex(look.tag)} ${hex(look.offset)} ${rows.join(" \\\n  ")}`;
}

function conclusion(decision: Decision): string[] {
  if (decision.kind === "loss")
    return [
      `echo "not shown: QEMU goes on, as a conforming unit does; recorded: ${decision.recorded}"`,
      "exit 0",
    ];
  const { subject, by, admissible, inadmissible, recorded, recordedWords } = decision;
  const words = recorded === null ? "unknown" : showSeen(recorded, recordedWords);
  return [
    "# The verdict: mask, value, and what that stands for",
    ...(admissible ?? []).map((one) => `may_be ${pattern(one)} ${quoted(showPattern(one))}`),
    ...(inadmissible === null
      ? []
      : [`must_not_be ${pattern(inadmissible)} ${quoted(showPattern(inadmissible))}`]),
    `conclude ${quoted(subject)} ${quoted(by)} ${recorded === null ? "unknown" : digits16(recorded)} ${quoted(words)}`,
  ];
}

function pattern({ mask, value }: Pattern): string {
  return `${digits16(mask)} ${digits16(value)}`;
}

/** What prints the firmware: its bytes, with those in a row that are zero told by their number. */
function firmwareCommands(): string[] {
  const image = firmware();
  const commands: string[] = [];
  for (let at = 0; at < image.length; ) {
    const next = image.findIndex((byte, index) => index >= at && byte !== 0);
    const end = next < 0 ? image.length : next;
    if (end > at) commands.push(`zeros ${end - at}`);
    at = end;
    const repeated = repeatedFrom(image, at);
    if (repeated > 1) {
      commands.push(
        `i=0; while [ $i -lt ${repeated} ]; do printf '${octal(image.subarray(at, at + 4))}'; i=$((i + 1)); done`,
      );
      at += 4 * repeated;
    } else if (at < image.length) {
      const stop = image.findIndex((byte, index) => index > at && byte === 0);
      const until = Math.min(stop < 0 ? image.length : stop, at + 24);
      commands.push(`printf '${octal(image.subarray(at, until))}'`);
      at = until;
    }
  }
  return commands;
}

/** How many times the four bytes there come in a row. */
function repeatedFrom(image: Uint8Array, at: number): number {
  let count = 1;
  const same = (from: number) => [0, 1, 2, 3].every((byte) => image[from + byte] === image[at + byte]);
  while (at + 4 * count + 4 <= image.length && same(at + 4 * count)) count++;
  return at < image.length && image[at] !== 0 ? count : 0;
}

function octal(bytes: Uint8Array): string {
  return [...bytes].map((byte) => `\\${byte.toString(8).padStart(3, "0")}`).join("");
}

function commented(command: string, comment: string): string {
  return comment === "" ? command : `${command.padEnd(COMMENT_COLUMN)} # ${comment}`;
}

function quoted(text: string): string {
  return /^[\w.,:=/-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}

function hex(value: number): string {
  return `0x${value.toString(16)}`;
}
