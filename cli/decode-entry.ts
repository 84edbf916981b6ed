/** `decode [STRUCTURE] HEX…`: one entry with its fields and the rules it breaks. */
import { readFileSync } from "node:fs";
import { architectures, platformNamed } from "../model/architectures.js";
import type { Profile } from "../model/profile.js";
import { type Decoded, decodeEntry, fullName, type Structure } from "../model/structure.js";
import type { Word } from "../model/trace.js";
import { showWords } from "../model/words/shown-fields.js";
import { decodeLines } from "../reports/decode.js";
import { ExitCode, UsageError } from "./errors.js";
import { describeHex, entryOf, type HexEntry, parseHex } from "./hex-words.js";
import type { Options } from "./options.js";

/** File descriptor of standard input. */
const STANDARD_INPUT = 0;

/** Prints the entry and returns the exit code: 1 when it breaks a rule. */
export function decodeOne(options: Options, print: (line: string) => void): ExitCode {
  const profile = chosenProfile(options);
  const [, first = "", ...more] = options.positionals;
  const known = options.architectures.flatMap((one) => one.structures.all);
  const named = structuresNamed(first, more, known);
  const hex = parseHex(named ? digits(named.digits) : digits([first, ...more]));
  const structure = named ? oneOf(first, named.structures) : guessed(hex, known);
  const words = wordsFor(structure, hex);
  const decoded = decodedBy(structure, words, profile);
  if (options.json) print(JSON.stringify({ value: showWords(words, decoded.width), ...decoded }, null, 2));
  else for (const line of decodeLines(decoded, showWords(words, decoded.width))) print(line);
  return decoded.broken.length > 0 ? ExitCode.violated : ExitCode.holds;
}

/** The platform that is meant; null for none in particular. @throws UsageError for more than one */
export function chosenProfile({ profiles }: Options): Profile | null {
  const [id, surplus] = profiles;
  if (surplus !== undefined) throw new UsageError("decode takes one --profile");
  return id === undefined ? null : platformNamed(id);
}

/** The entry decoded; the words must be of that structure. */
export function decodedBy(structure: Structure, words: readonly Word[], profile: Profile | null): Decoded {
  const decoded = decodeEntry(structure, words, profile, architectureWith(structure));
  if (decoded) return decoded;
  throw new UsageError(`a ${fullName(structure)} of this kind has more than ${words.length * 64} bits`);
}

/** `-` stands for standard input. */
function digits(texts: readonly string[]): readonly string[] {
  return texts.map((one) => (one === "-" ? readFileSync(STANDARD_INPUT, "latin1") : one));
}

interface Named {
  readonly structures: readonly Structure[];
  /** The arguments behind the name. */
  readonly digits: readonly string[];
}

/** The structures that a name stands for; null when it is none but digits. @throws UsageError for an unknown name */
function structuresNamed(name: string, more: readonly string[], known: readonly Structure[]): Named | null {
  const wanted = name.toLowerCase().replace(/_reg$/, "");
  const isOffset = architectures.some((one) => ["register", `${one.id}.register`].includes(wanted));
  if (isOffset) return registerAt(wanted, more, known);
  const isMeant = (one: Structure) => [one.name, fullName(one)].some((each) => each.toLowerCase() === wanted);
  const structures = known.filter(isMeant);
  if (structures.length > 0) return { structures, digits: more };
  const other = architectures.find((one) => one.structures.all.some(isMeant));
  if (other) throw new UsageError(`${name} is a structure of ${other.name}, not of what the options name`);
  if (name === "-" || /^[\s0-9]/.test(name) || /^[0-9a-f_\s:]+$/i.test(name)) return null;
  throw new UsageError(`unknown structure "${name}"; \`iommu-spec list structures\` names them`);
}

/** `register OFFSET`. */
function registerAt(
  wanted: string,
  [offset, ...rest]: readonly string[],
  known: readonly Structure[],
): Named {
  const at = Number(offset ?? "");
  if (offset === undefined || offset === "" || !Number.isInteger(at))
    throw new UsageError(`register takes its byte offset first, such as 0x1c, not "${offset ?? ""}"`);
  const structures = known.filter(
    (one) => one.offset === at && ["register", `${one.architecture}.register`].includes(wanted),
  );
  if (structures.length > 0) return { structures, digits: rest };
  throw new UsageError(`no register is known at offset ${offset}`);
}

function oneOf(name: string, structures: readonly Structure[]): Structure {
  const [only, other] = structures;
  if (!other) return only!;
  const names = structures.map(fullName).join(" or ");
  throw new UsageError(`"${name}" may be ${names}: name one, or give --architecture`);
}

/** The only structure that the bits can be. @throws UsageError naming those that they may be */
function guessed(hex: HexEntry, known: readonly Structure[]): Structure {
  const bits = hex.kind === "words" ? hex.words.length * 64 : null;
  const fitting = known.filter((one) => {
    const words = entryOf(hex, bits === null ? one.widths : one.widths.filter((width) => width === bits));
    return words !== null && one.layoutOf(words) !== null;
  });
  const tables = fitting.filter((one) => !isRegister(one));
  const [only, other] = fitting;
  if (!only) throw new UsageError(`${describeHex(hex)} are no entry that is known; name the structure`);
  if (!other) return only;
  const registers = fitting.length > tables.length ? ["a register"] : [];
  const names = [...inRuns(legalFirst(tables, hex).map(fullName)), ...registers];
  throw new UsageError(`${describeHex(hex)} may be ${names.join(", ")}: name one of them first`);
}

/** `second-stage-1`, `second-stage-2`, … as one name each where nothing is between them. */
function inRuns(names: readonly string[]): string[] {
  const runs: { stem: string; first: string; last: string }[] = [];
  for (const name of names) {
    const stem = /^(.*-)[1-6]$/.exec(name)?.[1] ?? name;
    const run = runs.at(-1);
    if (run && run.stem === stem) run.last = name;
    else runs.push({ stem, first: name, last: name });
  }
  return runs.map(({ stem, first, last }) =>
    first === last ? first : `${first} to ${last.slice(stem.length)}`,
  );
}

function isRegister({ title }: Structure): boolean {
  return title === "register";
}

/** Those that break no rule on every platform come first. */
function legalFirst(structures: readonly Structure[], hex: HexEntry): Structure[] {
  const isLegal = (one: Structure) => {
    const { mostCapable } = architectureWith(one).structures;
    return one.check(entryOf(hex, one.widths)!, mostCapable).broken.length === 0;
  };
  const legal = structures.filter(isLegal);
  return [...legal, ...structures.filter((one) => !legal.includes(one))];
}

function architectureWith({ architecture }: Structure) {
  return architectures.find((one) => one.id === architecture)!;
}

function wordsFor(structure: Structure, hex: HexEntry): Word[] {
  const words = entryOf(hex, structure.widths);
  if (words) return words;
  const widths = structure.widths.join(" or ");
  const form =
    structure.widths[0]! > 64
      ? `: words of 64 bits, lowest first, or one number, or ${structure.widths[0]! / 8} bytes`
      : "";
  throw new UsageError(`${fullName(structure)} has ${widths} bits${form}; not ${describeHex(hex)}`);
}
