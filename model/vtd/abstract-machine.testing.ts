/** Runs a script on the abstract IOMMU and through the closed form, and compares what both admit. */
import type { Request, RequestType } from "../trace.js";
import { PhysicalMemory } from "../words/memory.js";
import { AbstractMachine } from "./abstract-machine.js";
import { PAGE_COUNT, ROOTS, type Script, type Step } from "./abstract-machine.scripts.js";
import { AdmissibleOutcomes, type Outcome } from "./admissible.js";
import { type Invalidation, InvalidationLog } from "./invalidation-log.js";
import { SteeringRegisters } from "./steering.js";
import { type WalkPlatform, walkPlatformOf } from "./walk.js";

const TYPES: readonly RequestType[] = ["read", "write", "zero-length-read", "atomic"];

/** The outcomes admitted for a request after a script. */
export type Answer = (request: Request) => readonly Outcome[];

/** @param pages the pages that requests may ask for */
export function machineAnswer(script: Script, platform: WalkPlatform, pages: readonly number[]): Answer {
  const machine = new AbstractMachine(
    platform,
    PAGE_COUNT,
    script.functions,
    pages,
    ROOTS[0]!,
    script.enabled,
  );
  for (const { page, word, low, high } of script.words) machine.set(page, word, low, high);
  const submissions: ReturnType<AbstractMachine["submit"]>[] = [];
  const roots: ReturnType<AbstractMachine["submit"]> = [];
  const perform = (step: Step) => {
    switch (step.do) {
      case "store":
        return machine.store(step.page, step.word, step.low, step.high);
      case "flush-line":
        return machine.flushLine(step.page, step.line);
      case "flush-buffer":
        return machine.flushBuffer();
      case "submit":
        return submissions.push(machine.submit(...step.targets.map((target) => ({ ...step, target }))));
      case "observe":
        return submissions[step.submission]!.forEach((command) => {
          machine.observe(command);
        });
      case "set-root":
        roots.push(machine.commandRootTable(step.page));
        if (!platform.setRootInvalidates) return;
        return roots.push(...machine.submit({ target: { cache: "all" }, queued: false, fenceGroup: 0 }));
      case "observe-root":
        return roots.forEach((command) => {
          machine.observe(command);
        });
      case "set-enabled":
        return machine.commandEnabled(step.on);
      case "observe-enabled":
        return machine.observeEnabled();
    }
  };
  script.steps.forEach(perform);
  return (request) => machine.outcomes(request);
}

export function closedFormAnswer(
  script: Script,
  platform: WalkPlatform,
  log = new InvalidationLog(),
): Answer {
  const memory = new PhysicalMemory(PAGE_COUNT, platform.storeVisibility);
  const registers = new SteeringRegisters();
  registers.reset(script.enabled, ROOTS[0]!);
  for (const { page, word, low, high } of script.words) memory.fill(page, word, low, high);
  const submissions: Invalidation[][] = [];
  const roots: Invalidation[] = [];
  const observe = (entries: readonly Invalidation[], at: number) => {
    for (const entry of entries) {
      entry.observed = Math.min(entry.observed, at);
      memory.flushBuffer(entry.submitted, at);
    }
  };
  const perform = (step: Step, at: number) => {
    switch (step.do) {
      case "store":
        return memory.store(step.page, step.word, step.low, step.high, at);
      case "flush-line":
        return memory.flushLine(step.page, step.line, at);
      case "flush-buffer":
        return memory.flushBuffer(at, at);
      case "submit":
        return submissions.push(
          step.targets.map((target) => log.submit(target, at, step.queued, step.fenceGroup)),
        );
      case "observe":
        return observe(submissions[step.submission]!, at);
      case "set-root":
        registers.rootPointer.commanded(step.page, at);
        return platform.setRootInvalidates && roots.push(log.submit({ cache: "all" }, at, false, 0));
      case "observe-root":
        registers.rootPointer.observed(at);
        return observe(roots, at);
      case "set-enabled":
        return registers.enabled.commanded(step.on ? 1 : 0, at);
      case "observe-enabled":
        return registers.enabled.observed(at);
    }
  };
  script.steps.forEach((step, index) => {
    perform(step, index + 1);
  });
  const admissible = new AdmissibleOutcomes(platform, memory, registers, log, script.functions);
  return (request) => admissible.compute(request, script.steps.length + 1);
}

/** Every request a script's functions can make of its pages. */
export function requestsOf(script: Script): Request[] {
  return script.pages.flatMap((page) =>
    script.functions.flatMap((requester) =>
      TYPES.map((type) => ({
        requester,
        page,
        offset: 0,
        length: type === "zero-length-read" ? 0 : 4,
        type,
      })),
    ),
  );
}

/**
 * What the machine shows, request by request. An entry for one page never helps a request for another, so each page
 * has a machine of its own, with fewer states.
 */
export function machineOutcomes(script: Script, platform: WalkPlatform): Set<string>[] {
  const machines = new Map(script.pages.map((page) => [page, machineAnswer(script, platform, [page])]));
  return requestsOf(script).map((request) => shown(machines.get(request.page)!(request)));
}

export function closedFormOutcomes(
  script: Script,
  platform: WalkPlatform,
  log?: InvalidationLog,
): Set<string>[] {
  const answer = closedFormAnswer(script, platform, log);
  return requestsOf(script).map((request) => shown(answer(request)));
}

function shown(outcomes: readonly Outcome[]): Set<string> {
  return new Set(
    outcomes.map(({ effect, rule, recorded }) => {
      return rule ? `${effect} ${rule.id}${recorded ? "" : ", not recorded"}` : `${effect}`;
    }),
  );
}

/** One line for each request that the two sides disagree about. */
export function differences(script: Script, machine: Set<string>[], closedForm: Set<string>[]): string[] {
  return requestsOf(script).flatMap(({ requester, page, type }, index) => {
    const unsound = [...machine[index]!].filter((one) => !closedForm[index]!.has(one));
    const loose = [...closedForm[index]!].filter((one) => !machine[index]!.has(one));
    const request = `${type} of page ${page} by ${requester}`;
    return [
      ...unsound.map((one) => `${request}: only the machine shows ${one}`),
      ...loose.map((one) => `${request}: only the closed form admits ${one}`),
    ];
  });
}

export function differencesOf(script: Script): string[] {
  const platform = walkPlatformOf(script.profile);
  return differences(script, machineOutcomes(script, platform), closedFormOutcomes(script, platform));
}

/** A script from which nothing can be taken without losing the property. */
export function shrink(script: Script, holds: (script: Script) => boolean): Script {
  const smaller = smallerScripts(script).find(holds);
  return smaller ? shrink(smaller, holds) : script;
}

function smallerScripts(script: Script): Script[] {
  const without = <A>(list: readonly A[], make: (rest: A[]) => Script) =>
    list.length > 1 ? list.map((_, index) => make(list.toSpliced(index, 1))) : [];
  return [
    ...script.steps.map((_, index) => withoutStep(script, index)),
    ...without(script.functions, (functions) => ({ ...script, functions })),
    ...without(script.pages, (pages) => ({ ...script, pages })),
    ...without(script.words, (words) => ({ ...script, words })),
    ...script.steps.flatMap((step, index) =>
      step.do === "submit"
        ? without(step.targets, (targets) => ({
            ...script,
            steps: script.steps.with(index, { ...step, targets }),
          }))
        : [],
    ),
  ];
}

/** A submission goes together with its observation, and later submissions move up. */
function withoutStep(script: Script, index: number): Script {
  const steps = script.steps.toSpliced(index, 1);
  if (script.steps[index]!.do !== "submit") return { ...script, steps };
  const number = script.steps.slice(0, index).filter((one) => one.do === "submit").length;
  const kept = steps.filter((one) => one.do !== "observe" || one.submission !== number);
  return {
    ...script,
    steps: kept.map((one) =>
      one.do === "observe" && one.submission > number ? { ...one, submission: one.submission - 1 } : one,
    ),
  };
}
