/** Runs a script on the abstract IOMMU and through the closed form, and compares what both admit. */
import { AdmissibleOutcomes } from "../windows/admissible.js";
import { type Invalidation, InvalidationLog } from "../windows/invalidation-log.js";
import { type Answer, differences, requestsOf, shown } from "../windows/scripts.testing.js";
import { SteeringRegisters } from "../windows/steering.js";
import { PhysicalMemory } from "../words/memory.js";
import { AbstractMachine } from "./abstract-machine.js";
import { PAGE_COUNT, ROOTS, type Script, type Step } from "./abstract-machine.scripts.js";
import { type InvalidationTarget, invalidations } from "./invalidations.js";
import { VtdUnit } from "./unit.js";
import { type WalkPlatform, walkPlatformOf } from "./walk.js";

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
      case "protect":
        return machine.commandProtected([step]);
      case "release":
        return machine.commandProtected([]);
      case "observe-protected":
        return machine.observeProtected();
    }
  };
  script.steps.forEach(perform);
  return (request) => machine.outcomes(request);
}

export function closedFormAnswer(
  script: Script,
  platform: WalkPlatform,
  log = new InvalidationLog(invalidations),
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
        registers.tablePointer.commanded(step.page, at);
        return platform.setRootInvalidates && roots.push(log.submit({ cache: "all" }, at, false, 0));
      case "observe-root":
        registers.tablePointer.observed(at);
        return observe(roots, at);
      case "set-enabled":
        return registers.enabled.commanded(step.on ? 1 : 0, at);
      case "observe-enabled":
        return registers.enabled.observed(at);
      case "protect":
        return registers.protection.commanded([step], at);
      case "release":
        return registers.protection.commanded(null, at);
      case "observe-protected":
        return registers.protection.observed(at);
    }
  };
  script.steps.forEach((step, index) => {
    perform(step, index + 1);
  });
  const admissible = new AdmissibleOutcomes(new VtdUnit(platform), memory, registers, log, script.functions);
  return (request) => admissible.compute(request, script.steps.length + 1);
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
  log?: InvalidationLog<InvalidationTarget>,
): Set<string>[] {
  const answer = closedFormAnswer(script, platform, log);
  return requestsOf(script).map((request) => shown(answer(request)));
}

export function differencesOf(script: Script): string[] {
  const platform = walkPlatformOf(script.profile);
  return differences(script, machineOutcomes(script, platform), closedFormOutcomes(script, platform));
}
