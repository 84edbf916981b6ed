/** A driver on the model, one intent at a time: what a search takes steps of. */
import type { DriverFactory } from "../../../implementations/driver/interface.js";
import { architectureOf, platformNamed } from "../../../model/architectures.js";
import { OutsideModel } from "../../../model/finding.js";
import { IsolationJudge } from "../../../model/isolation/judge.js";
import { WindowsSoftware } from "../../../model/windows/software.js";
import { Drive } from "../../driver-run.js";
import { breaking, invariants } from "../../invariants.js";
import { AnsweringUnit } from "../answering-unit.js";
import type { End } from "../search.js";
import { type DriverConfiguration, type NamedStep, scenarioOf } from "./configuration.js";

/** How many of each kind of name have been used: names are used in order. */
interface Used {
  device: number;
  domain: number;
  iova: number;
  page: number;
}

export class DriverStepper {
  readonly unit: AnsweringUnit;
  readonly model: WindowsSoftware;
  readonly judge: IsolationJudge;
  readonly drive: Drive;
  readonly used: Used = { device: 0, domain: 0, iova: 0, page: 0 };
  /** By ticket that is open: the step that it was issued for, and what device it concerned had. */
  readonly tickets = new Map<number, string>();
  private readonly attached = new Map<string, string>();
  private readonly mapped = new Set<string>();
  /** What is wrong before the first step, if something is. */
  readonly atStart: End | null;

  constructor(configuration: DriverConfiguration, create: DriverFactory) {
    const scenario = scenarioOf(configuration);
    const profile = platformNamed(configuration.profile);
    const model = architectureOf(profile).createSoftware(profile);
    if (!(model instanceof WindowsSoftware)) throw new TypeError("a model without windows");
    this.model = model;
    this.unit = new AnsweringUnit(model.oracle);
    const judge = new IsolationJudge(model);
    this.judge = judge;
    this.drive = new Drive(scenario, create, this.unit, {
      memory: model.oracle.memory,
      hear: (event) => judge.hear(event),
      perform: (action, seen) => judge.perform(action, seen),
    });
    model.reset(this.drive.setup);
    this.atStart = this.attempt(() => this.drive.begin());
    this.unit.started();
    this.drive.forgetRecords();
  }

  /** True when the step makes sense, as far as that is told without the house. */
  isEnabled({ step, device, domain, iova, page }: NamedStep): boolean {
    const { used, attached, mapped } = this;
    if (device > used.device || domain > used.domain || iova > used.iova || page > used.page) return false;
    switch (step.do) {
      case "attach":
        return attached.get(step.device) !== step.domain;
      case "detach":
      case "program":
        return attached.has(step.device);
      case "map":
        return !mapped.has(step.mapping);
      case "unmap":
      case "protect":
      case "merge":
        return mapped.has(step.mapping);
      default:
        return true;
    }
  }

  /** Takes a step; what ended the run, or null. */
  take(named: NamedStep): End | null {
    const { drive, used } = this;
    const { tickets } = drive.house;
    const before = tickets.issued;
    const label = this.labelOf(named);
    const end = this.attempt(() => drive.take(named.step));
    drive.forgetRecords();
    if (end) return end;
    for (let ticket = before + 1; ticket <= tickets.issued; ticket++) this.tickets.set(ticket, label);
    for (const ticket of [...this.tickets.keys()]) if (!tickets.isOpen(ticket)) this.tickets.delete(ticket);
    used.device = Math.max(used.device, named.device + 1);
    used.domain = Math.max(used.domain, named.domain + 1);
    used.iova = Math.max(used.iova, named.iova + 1);
    used.page = Math.max(used.page, named.page + 1);
    this.keepBooks();
    this.model.forget();
    return null;
  }

  private labelOf({ step }: NamedStep): string {
    const former = "device" in step ? (this.attached.get(step.device) ?? "") : "";
    return `${JSON.stringify(step)} ${former}`;
  }

  private keepBooks(): void {
    const { house } = this.drive;
    this.attached.clear();
    this.mapped.clear();
    for (const [device, domain] of house.attachments) this.attached.set(device, domain);
    for (const mapping of house.mapped) this.mapped.add(mapping);
  }

  private attempt(work: () => boolean): End | null {
    try {
      return work() ? null : endOf(this.drive);
    } catch (error) {
      if (!(error instanceof OutsideModel)) throw error;
      return { finding: null, failure: error.message };
    }
  }
}

/** What only hardware could have done says nothing about the driver. */
function endOf({ end }: Drive): End {
  const { finding } = end;
  if (!finding || OF_DRIVERS.some((one) => breaking(one, [finding]).length > 0)) return end;
  return { finding: null, failure: finding.message };
}

const OF_DRIVERS = invariants.filter((one) => one.of.includes("driver"));
