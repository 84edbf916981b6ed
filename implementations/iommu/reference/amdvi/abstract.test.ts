/** The reference and the abstract machine, which may do anything legal, in tiny random scripts: they show the same. */
import { describe, expect, it } from "vitest";
import { AbstractMachine, type Submitted } from "../../../../model/amdvi/abstract-machine.js";
import {
  DEVICE_TABLE_PAGES,
  DEVICE_TABLES,
  PAGE_COUNT,
  type Script,
  ScriptMaker,
  type Step,
  walkPlatforms,
} from "../../../../model/amdvi/abstract-machine.scripts.js";
import { encodeCommand, Opcode, rangeAddress } from "../../../../model/amdvi/commands.js";
import type { InvalidationTarget } from "../../../../model/amdvi/invalidations.js";
import { platformOf } from "../../../../model/amdvi/profile.js";
import { Offset } from "../../../../model/amdvi/registers.js";
import type { Action, Request, Word } from "../../../../model/trace.js";
import { Random } from "../../../../model/windows/random.testing.js";
import { ReferenceIommu } from "../reference.js";
import { ENABLED, read, store, wait, write } from "./testing.js";

const SCRIPTS = 30;
const TIMINGS = 400;
/** Pages that no script uses. */
const [COMMANDS, STATUS, LOG] = [60, 61, 62] as const;

function commandOf(target: InvalidationTarget): Word[] {
  if (target.command === "invalidate-iommu-all") return encodeCommand(Opcode.invalidateIommuAll);
  if (target.command === "invalidate-devtab-entry")
    return encodeCommand(Opcode.invalidateDevtabEntry, { DeviceID: target.deviceId });
  const { domainId, directories, firstPage, pageCount } = target;
  const range = rangeAddress(firstPage, pageCount);
  return encodeCommand(Opcode.invalidateIommuPages, {
    DomainID: domainId,
    PDE: directories ? 1 : 0,
    ...range,
  });
}

/** A unit without commands to switch it off, or that it does not have, and with as many as can be followed. */
function isUsable({ steps, profile }: Script): boolean {
  const targets = steps.flatMap((step) => (step.do === "submit" ? step.targets : []));
  const hasAll = platformOf(profile).invalidateAll;
  return (
    targets.length <= 5 &&
    !steps.some((step) => step.do === "set-enabled") &&
    (hasAll || !targets.some((one) => one.command === "invalidate-iommu-all"))
  );
}

const tableBase = (page: number, pages: number) => write(Offset.DevTabBase, (page << 12) | (pages - 1));

/** What software does in a script; every submission ends in a wait that stores its number, counted from one. */
class Software {
  readonly actions: Action[] = [];
  private tail = 0;
  private fenceGroup = 0;
  private submissions = 0;

  constructor(script: Script) {
    for (const { page, word, low, high } of script.words)
      this.actions.push(store(page, word, { low, high }), { do: "flush-line", page, line: word >>> 3 });
    this.actions.push(
      tableBase(DEVICE_TABLES[0]!, DEVICE_TABLE_PAGES),
      write(Offset.CmdBase, COMMANDS << 12, 8 << 24),
      write(Offset.EvtBase, LOG << 12, 8 << 24),
      write(Offset.Control, ENABLED),
    );
  }

  take(step: Step): void {
    const { actions } = this;
    if (step.do === "store") actions.push(store(step.page, step.word, step));
    else if (step.do === "flush-line") actions.push(step);
    else if (step.do === "set-table") actions.push(tableBase(step.page, step.pages));
    else if (step.do === "observe")
      actions.push({ do: "poll-memory", page: STATUS, word: step.submission, value: 1 });
    else if (step.do === "submit") this.submit(step.targets, step.fenceGroup);
  }

  private submit(targets: readonly InvalidationTarget[], fenceGroup: number): void {
    if (fenceGroup > this.fenceGroup) this.put(encodeCommand(Opcode.completionWait, { f: 1 }));
    this.fenceGroup = fenceGroup;
    for (const target of targets) this.put(commandOf(target));
    this.put(wait(1, { StoreAddress: STATUS * 512 + this.submissions++ }));
    this.actions.push(write(Offset.CmdTail, this.tail << 4));
  }

  private put(words: readonly Word[]): void {
    words.forEach((word, at) => {
      this.actions.push(store(COMMANDS, this.tail * 2 + at, word));
    });
    this.tail++;
  }
}

/** The machine after the script; what one wait tells of is everything up to it. */
function machineAfter(script: Script): AbstractMachine {
  const { profile, functions, pages, words, steps } = script;
  const table = { page: DEVICE_TABLES[0]!, pages: DEVICE_TABLE_PAGES };
  const machine = new AbstractMachine(platformOf(profile), PAGE_COUNT, functions, pages, table, true);
  const submissions: Submitted[][] = [];
  for (const { page, word, low, high } of words) machine.set(page, word, low, high);
  for (const step of steps) {
    if (step.do === "store") machine.store(step.page, step.word, step.low, step.high);
    else if (step.do === "flush-line") machine.flushLine(step.page, step.line);
    else if (step.do === "set-table") machine.setPointer(step.page, step.pages);
    else if (step.do === "submit") {
      const commands = step.targets.map((target) => ({ target, fenceGroup: step.fenceGroup }));
      submissions.push(machine.submit(...commands));
    } else if (step.do === "observe") {
      for (const command of submissions.slice(0, step.submission + 1).flat()) machine.observe(command);
    }
  }
  return machine;
}

/** What the reference shows for the request with one timing, reads of the script's devices in between. */
function shownBy(iommu: ReferenceIommu, script: Script, request: Request, timing: number): string {
  const random = new Random(timing);
  const software = new Software(script);
  const { actions } = software;
  const { functions, pages, profile, steps } = script;
  const reads = () => {
    while (random.chance(50)) {
      const one = {
        ...request,
        type: "read",
        requester: random.of(functions),
        page: random.of(pages),
      } as const;
      actions.push({ do: "request", request: one, slot: 0 });
    }
  };
  for (const step of steps) {
    reads();
    software.take(step);
  }
  reads();
  actions.push(read(Offset.EvtTail), { do: "request", request, slot: 0 }, read(Offset.EvtTail));
  iommu.reset({
    profile,
    start: "reset",
    requesters: functions,
    dataPages: [],
    tablePages: [],
    timing,
    rootPage: 0,
    rootPages: 1,
    queuePage: 0,
    logPage: null,
  });
  const [before, shown, after] = iommu.execute(actions).slice(-3);
  return `${shown!.low} ${before!.low !== after!.low}`;
}

function scriptOf(seed: number): { script: Script; request: Request } {
  const random = new Random(seed);
  const { script } = new ScriptMaker(random, random.of(walkPlatforms), 3 + random.below(8));
  const requester = random.of(script.functions);
  const type = random.of(["read", "write"] as const);
  script.profile = { ...script.profile, memoryPages: PAGE_COUNT };
  return { script, request: { requester, page: random.of(script.pages), offset: 8, length: 8, type } };
}

describe("effects, and whether they are logged", () => {
  it("are those that some run of the abstract machine shows, and over many timings nearly all of these", () => {
    let [admissible, found] = [0, 0];
    for (let seed = 0, scripts = 0; scripts < SCRIPTS; seed++) {
      const { script, request } = scriptOf(seed);
      if (!isUsable(script)) continue;
      scripts++;
      const outcomes = machineAfter(script).outcomes(request);
      const allowed = new Set(outcomes.map(({ effect, recorded }) => `${effect} ${recorded}`));
      const iommu = new ReferenceIommu();
      const shown = new Set<string>();
      for (let timing = 0; timing < TIMINGS; timing++) shown.add(shownBy(iommu, script, request, timing));
      expect([...allowed], `script ${seed}`).toEqual(expect.arrayContaining([...shown]));
      admissible += allowed.size;
      found += shown.size;
    }
    expect(found / admissible).toBeGreaterThan(0.95);
  });
});
