/** What a reproducer says of itself before it begins, in lines of plain text. */

export interface About {
  /** What is wrong, in a sentence. */
  readonly deviation: string;
  /** What the specification says, with its section. */
  readonly specification: readonly string[];
  /** The version that it was recorded on. */
  readonly version: string;
  /** What it is seen on: `QEMU's VT-d`. */
  readonly subject: string;
  /** Who says what is right: `The VT-d specification`. */
  readonly authority: string;
  readonly platform: readonly string[];
  readonly steps: readonly string[];
  /** What was seen, as the judge said it. */
  readonly finding: string;
  /** Id of the known deviation, if it is one. */
  readonly known: string | null;
}

const WIDTH = 110;

/** The lines, none wider than a page. */
export function aboutLines(about: About): string[] {
  const { deviation, authority, specification, version, subject, platform, steps, finding, known } = about;
  return [
    ...wrapped(`${subject}: ${deviation}`),
    "",
    `${authority}:`,
    ...specification.flatMap((one) => wrapped(one, "  ")),
    "",
    "The scenario, whose steps are headings below:",
    ...platform.flatMap((one) => wrapped(one, "  ")),
    ...steps.flatMap((one, index) => wrapped(`${index + 1}. ${one}`, "  ")),
    "Reads that the deviation does not need are left out.",
    "",
    `Seen on QEMU ${version}:`,
    ...wrapped(finding, "  "),
    ...(known === null ? [] : ["", `Known as: ${known}`]),
  ];
}

/** Words in lines of limited width; those after the first are indented a little more. */
function wrapped(text: string, indent = ""): string[] {
  const lines: string[] = [];
  let line = indent;
  for (const word of text.split(" ")) {
    if (line.trim() !== "" && line.length + 1 + word.length > WIDTH) {
      lines.push(line);
      line = `${indent}  ${word}`;
    } else line = line.trim() === "" ? `${line}${word}` : `${line} ${word}`;
  }
  return [...lines, line];
}
