/** The protocol as fast-check's commands: each is drawn alone, looks whether it may run, and runs. */
import fc from "fast-check";
import { DOMAINS, PAGES, Protocol, REQUESTERS, type Step, type Violation } from "./protocol.js";
import { MOST_STEPS, type Way } from "./way.js";

/** The system under test is the model itself, so that all ways do the same work; it counts the commands that ran. */
interface Run {
  performed: number;
}

class Violated extends Error {
  override readonly name = "Violated";

  constructor(readonly violation: Violation) {
    super(`step ${violation.at} reached page ${violation.page}, which is free`);
  }
}

class StepCommand implements fc.Command<Protocol, Run> {
  constructor(private readonly step: Step) {}

  check(protocol: Readonly<Protocol>): boolean {
    return protocol.allows(this.step);
  }

  run(protocol: Protocol, run: Run): void {
    const page = protocol.perform(this.step);
    if (page !== null) throw new Violated({ at: run.performed, page });
    run.performed++;
  }

  toString(): string {
    return JSON.stringify(this.step);
  }
}

const requester = fc.nat(REQUESTERS - 1);
const domain = fc.nat(DOMAINS - 1);
const iova = fc.nat(PAGES - 1);
const page = fc.nat(PAGES - 1);

/** Steps of each kind; from tuples, which are drawn nearly twice as fast as records. */
const STEPS: readonly fc.Arbitrary<Step>[] = [
  fc.tuple(requester, domain).map(([requester, domain]) => ({ do: "attach", requester, domain })),
  fc.tuple(domain, iova, page).map(([domain, iova, page]) => ({ do: "map", domain, iova, page })),
  fc.tuple(domain, iova).map(([domain, iova]) => ({ do: "unmap", domain, iova })),
  domain.map((domain) => ({ do: "submit", domain })),
  fc.constant({ do: "complete" }),
  page.map((page) => ({ do: "free", page })),
  fc.tuple(requester, iova).map(([requester, iova]) => ({ do: "request", requester, iova })),
];

type Commands = Iterable<fc.Command<Protocol, Run>>;

/** `fc.commands`. */
export const commands: Way<Commands> = {
  name: "fc.commands",
  arbitrary: () =>
    fc.commands(
      STEPS.map((one) => one.map((step) => new StepCommand(step))),
      { maxCommands: MOST_STEPS, size: "max" },
    ),
  from: (steps) => steps.map((step) => new StepCommand(step)),
  check(scenario, freeing) {
    const protocol = new Protocol(freeing);
    try {
      fc.modelRun(() => ({ model: protocol, real: { performed: 0 } }), scenario);
      return null;
    } catch (error) {
      if (error instanceof Violated) return error.violation;
      throw error;
    }
  },
  drawn: (scenario) => [...scenario].length,
  // Commands that did not run are not shown.
  shown: (scenario) => [...scenario].filter((one) => "hasRan" in one && one.hasRan === true).length,
};
