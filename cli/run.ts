/** The command line as a function: parses, calls, prints. */
import { platformSoftware } from "../implementations/driver/platform/built-in.js";
import { printable } from "../implementations/process/printable.js";
import { architectures } from "../model/architectures.js";
import { bugs } from "./bugs.js";
import { check } from "./check.js";
import { decode } from "./decode.js";
import { ExitCode, UsageError } from "./errors.js";
import { explore } from "./explore.js";
import { expose } from "./expose.js";
import { groups, platform } from "./groups.js";
import { list } from "./list.js";
import { type Options, parseOptions } from "./options.js";
import { replay } from "./replay.js";
import { report } from "./report.js";
import { reproducer } from "./reproducer.js";
import { serve } from "./serve.js";
import { trace } from "./trace.js";

const IDS = architectures.map((one) => one.id);
const PLATFORMS = platformSoftware.map((one) => one.name);

const HELP = `iommu-spec: an executable specification of x86 IOMMUs that judges implementations and software

  iommu-spec check                 run the invariants against the reference, the built-in driver and platform
                                   software and, when installed, QEMU, of every architecture
    --architecture ID              only this one: ${IDS.join(" or ")}
    --on NAME                      only this IOMMU: reference, reference:VARIANT (a faulty one), qemu, or a program that
                                   speaks the protocol, as "exec:COMMAND"; may be given again
    --driver NAME                  only this driver: ${IDS.join(", ")}, or software of whole machines:
                                   ${PLATFORMS.join(", ")}; with :VARIANT a faulty one, or the path of a module,
                                   or a program, as "exec:COMMAND"; then --on is model (all that a unit may do, the default)
                                   or, for drivers, any IOMMU
    --qemu PATH                    the QEMU to use (default: IOMMU_SPEC_QEMU, then PATH)
    --timeout D                    how long a program may take for a line that is awaited (default 5s; five
                                   times that for its first)
    --property ID                  only this invariant; may be given again
    --profile ID                   only this platform, which implies its architecture; may be given again
    --seed N  --runs N  --time D   which scenarios, how many, for how long each (30s, 10m, 1h); default about a minute
                                   for everything, and at most 20s each
    --workers N                    threads to work on (default: one for each core)
    --report FILE                  the result to a file as well: .json, .md, .xml (JUnit), .sarif or .html; may be given again
    --json                         the result as JSON
  iommu-spec report RESULT.json [FILE...]
                                   a saved result on the terminal, or in the forms that the files' names end in, as above
  iommu-spec bugs [NAME...]        the bug library: faulty variants, where they were published, what they break, and how
                                   few steps show it; with NAME those that have it in their names
    --run                          search for each: how soon it is found, and how small shrinking gets
    --seeds N  --seed N            searches for each bug (default 20), and their first seed (default 1)
    --time D  --workers N          at most so long for each search (default 10s), on so many threads
    --architecture ID  --json
  iommu-spec explore               every scenario of a small configuration: of the map, unmap, flush and free protocol, or
                                   of a driver
    --driver NAME                  this driver; without, the protocol
    --rule NAME                    when the protocol frees pages: correct (default), or a faulty rule
    --requesters N  --domains N  --iovas N  --pages N
                                   how many of each
    --depth N                      most steps (default: all for the protocol, 10 for a driver)
    --step KIND                    only this kind of step of a driver; may be given again
    --alias  --deferred  --registers
                                   with a second requester id, deferred flushing, invalidations by register
    --architecture ID  --profile ID  --time D  --json
    --resume FILE                  go on with a search that was stopped by --time
  iommu-spec replay FILE           run one saved counterexample or scenario again
    --on NAME  --driver NAME  --qemu PATH  --timeout D  --json
  iommu-spec reproducer FILE OUT.sh|OUT.c ...
                                   a counterexample on QEMU as a file that shows it on a stock QEMU and needs nothing of
                                   ours: a shell script, or a C test for QEMU's libqtest
    --driver NAME  --qemu PATH
  iommu-spec serve --on NAME | --driver NAME
                                   an IOMMU or driver of the suite as a program that speaks the protocol on standard input
                                   and output
    --architecture ID  --qemu PATH
  iommu-spec trace FILE            judge a recorded trace of software
    --json                         the result as JSON
  iommu-spec expose FILE           who can reach what at a point of a recorded trace, or of a saved scenario for
                                   drivers or whole machines
    --at N                         after this line of the trace, or step of the scenario (default: at its end)
    --driver NAME  --json
  iommu-spec decode dmar|ivrs [FILE]
                                   a firmware table, binary or as a hex dump, from a file or standard input: structures,
                                   what is wrong, isolation groups
    --pci FILE                     on this machine: the output of \`lspci -xxxx\`
    --json
  iommu-spec decode [STRUCTURE] HEX...
                                   a register, table entry, descriptor, command, event or fault record: its fields, and the
                                   rules it breaks; HEX is words of 64 bits (lowest first), one long number, a dump of
                                   bytes, or - for standard input; \`list structures\` names STRUCTURE
    --profile ID                   rules of this platform (default: those of every platform, and what depends on it)
    --architecture ID  --json
  iommu-spec decode log [FILE|LINE...]
                                   messages of Linux and Xen about faults, from a file, standard input or as they are
    --json
  iommu-spec groups FILE           isolation groups of a machine, and why two functions share one; the file is a saved
                                   scenario or the output of \`lspci -xxxx\`
  iommu-spec platform FILE         the machine as a tree
    --json
  iommu-spec list [properties | implementations | drivers | profiles | rules | structures]  [--architecture ID]  [--json]

Exit code: 0 the invariants held, 1 violated, 2 wrong usage or environment, 3 no verdict.`;

interface Command {
  readonly run: (options: Options, print: (line: string) => void) => ExitCode | Promise<ExitCode>;
  /** Options it takes, beside `--json`. */
  readonly takes: readonly string[];
}

const commands: Readonly<Record<string, Command>> = {
  check: {
    run: check,
    takes: [
      "architecture",
      "on",
      "driver",
      "qemu",
      "property",
      "profile",
      "seed",
      "runs",
      "time",
      "workers",
      "report",
      "timeout",
    ],
  },
  report: { run: report, takes: [] },
  bugs: { run: bugs, takes: ["architecture", "run", "seeds", "seed", "time", "workers"] },
  explore: {
    run: explore,
    takes: [
      ...["architecture", "profile", "driver", "time", "depth", "rule", "resume", "step"],
      ...["requesters", "domains", "iovas", "pages", "alias", "deferred", "registers"],
    ],
  },
  replay: { run: replay, takes: ["on", "driver", "qemu", "timeout"] },
  serve: { run: serve, takes: ["on", "driver", "architecture", "qemu"] },
  reproducer: { run: reproducer, takes: ["driver", "qemu"] },
  trace: { run: trace, takes: [] },
  expose: { run: expose, takes: ["at", "driver"] },
  decode: { run: decode, takes: ["pci", "profile", "architecture"] },
  groups: { run: groups, takes: [] },
  platform: { run: platform, takes: [] },
  list: { run: list, takes: ["architecture"] },
};

/**
 * Carries out a command line and returns the exit code. Results go to `print`; what is wrong with the command line, or
 * with what it needs, is one line to `complain`. Names and words of programs, and what files hold, come out of both as what a
 * terminal takes for text.
 */
export async function run(
  args: readonly string[],
  print: (line: string) => void,
  complain: (line: string) => void,
): Promise<ExitCode> {
  try {
    return await dispatch(args, (line) => print(printable(line)));
  } catch (error) {
    const fromSystem = error instanceof Error && "syscall" in error;
    if (!(error instanceof UsageError) && !fromSystem) throw error;
    complain(`iommu-spec: ${printable(error.message)}`);
    return ExitCode.usage;
  }
}

async function dispatch(args: readonly string[], print: (line: string) => void): Promise<ExitCode> {
  const options = parseOptions(args);
  const [name] = options.positionals;
  if (options.help || name === undefined) {
    print(HELP);
    return options.help ? ExitCode.holds : ExitCode.usage;
  }
  const command = Object.hasOwn(commands, name) ? commands[name] : undefined;
  if (!command) throw new UsageError(`unknown command "${name}"; known: ${Object.keys(commands).join(", ")}`);
  const surplus = options.given.find((one) => one !== "json" && !command.takes.includes(one));
  if (surplus !== undefined) throw new UsageError(`${name} takes no --${surplus}; see \`iommu-spec --help\``);
  return command.run(options, print);
}
