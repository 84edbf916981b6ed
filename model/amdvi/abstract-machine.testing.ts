/** Runs a script on the abstract AMD-Vi unit and through the closed form, and compares what both admit. */
import { AdmissibleOutcomes } from "../windows/admissible.js";
import { type Invalidation, InvalidationLog } from "../windows/invalidation-log.js";
import { type Answer, differences, requestsOf, shown } from "../windows/scripts.testing.js";
import { SteeringRegisters } from "../windows/steering.js";
import { PhysicalMemory } from "../words/memory.js";
import { AbstractMachine } from "./abstract-machine.js";
import {
  DEVICE_TABLE_PAGES,
  DEVICE_TABLES,
  PAGE_COUNT,
  type Script,
  type Step,
} from "./abstract-machine.scripts.js";
import { type InvalidationTarget, invalidations } from "./invalidations.js";
import { type AmdViPlatform, platformOf } from "./profile.js";
import { AmdViUnit } from "./unit.js";

/** @param pages the pages that requests may ask for */
export function machineAnswer(script: Script, platform: AmdViPlatform, pages: readonly number[]): Answer {
  const machine = new AbstractMachine(
    platform,
    PAGE_COUNT,
    script.functions,
    pages,
    { page: DEVICE_TABLES[0]!, pages: DEVICE_TABLE_PAGES },
    script.enabled,
  );
  for (const { page, word, low, high } of script.words) machine.set(page, word, low, high);
  const submissions: ReturnType<AbstractMachine["submit"]>[] = [];
  const perform = (step: Step) => {
    switch (step.do) {
      case "store":
        return machine.store(step.page, step.word, step.low, step.high);
      case "flush-line":
        return machine.flushLine(step.page, step.line);
      case "submit":
        return submissions.push(
          machine.submit(...step.targets.map((target) => ({ fenceGroup: step.fenceGroup, target }))),
        );
      case "observe":
        return submissions[step.submission]!.forEach((command) => {
          machine.observe(command);
        });
      case "set-table":
        return machine.setPointer(step.page, step.pages);
      case "set-enabled":
        return machine.setEnabled(step.on);
    }
  };
  script.steps.forEach(perform);
  return (request) => machine.outcomes(request);
}

/** Makes the log of a closed form; tests put in logs with a mistake. */
export type MakeLog = () => InvalidationLog<InvalidationTarget>;
export const rightLog: MakeLog = () => new InvalidationLog(invalidations);

export function closedFormAnswer(script: Script, platform: AmdViPlatform, makeLog = rightLog): Answer {
  const memory = new PhysicalMemory(PAGE_COUNT, platform.storeVisibility);
  const registers = new SteeringRegisters();
  const log = makeLog();
  registers.reset(script.enabled, DEVICE_TABLES[0]! * 512 + DEVICE_TABLE_PAGES - 1);
  for (const { page, word, low, high } of script.words) memory.fill(page, word, low, high);
  const submissions: Invalidation<InvalidationTarget>[][] = [];
  const perform = (step: Step, at: number) => {
    switch (step.do) {
      case "store":
        return memory.store(step.page, step.word, step.low, step.high, at);
      case "flush-line":
        return memory.flushLine(step.page, step.line, at);
      case "submit":
        return submissions.push(step.targets.map((target) => log.submit(target, at, true, step.fenceGroup)));
      case "observe":
        for (const entry of submissions[step.submission]!) entry.observed = Math.min(entry.observed, at);
        return;
      case "set-table":
        return steer(registers.tablePointer, step.page * 512 + step.pages - 1, at);
      case "set-enabled":
        return steer(registers.enabled, step.on ? 1 : 0, at);
    }
  };
  script.steps.forEach((step, index) => {
    perform(step, index + 1);
  });
  const admissible = new AdmissibleOutcomes(
    new AmdViUnit(platform),
    memory,
    registers,
    log,
    script.functions,
  );
  return (request) => admissible.compute(request, script.steps.length + 1);
}

/** A register write takes effect at once. */
function steer(register: SteeringRegisters["enabled"], value: number, at: number): void {
  if (value === register.latest) return;
  register.commanded(value, at);
  register.observed(at);
}

/**
 * What the machine shows, request by request. An entry for one page never helps a request for another, so each page
 * has a machine of its own, with fewer states.
 */
export function machineOutcomes(script: Script, platform: AmdViPlatform): Set<string>[] {
  const machines = new Map(script.pages.map((page) => [page, machineAnswer(script, platform, [page])]));
  return requestsOf(script).map((request) => shown(machines.get(request.page)!(request)));
}

export function closedFormOutcomes(
  script: Script,
  platform: AmdViPlatform,
  makeLog = rightLog,
): Set<string>[] {
  const answer = closedFormAnswer(script, platform, makeLog);
  return requestsOf(script).map((request) => shown(answer(request)));
}

export function differencesOf(script: Script): string[] {
  const platform = platformOf(script.profile);
  return differences(script, machineOutcomes(script, platform), closedFormOutcomes(script, platform));
}
