/** The protocol on the model: what software does is judged by exposure, as that of drivers is. */
import type { IntentScenario } from "../../../generators/intents/scenario.js";
import { dataPages, placesOf } from "../../../generators/places.js";
import type { Routine } from "../../../implementations/driver/interface.js";
import { Machine, type MachineListener } from "../../../implementations/driver/machine.js";
import { Change } from "../../../implementations/driver/shared/change.js";
import type { PageTables } from "../../../implementations/driver/shared/page-tables.js";
import type { Steps } from "../../../implementations/driver/shared/steps.js";
import type { RunSetup } from "../../../implementations/iommu/interface.js";
import { architectureOf, platformNamed } from "../../../model/architectures.js";
import type { Finding } from "../../../model/finding.js";
import { type Grant, type OwnershipEvent, Right, type TraceRecord } from "../../../model/isolation/events.js";
import { IsolationJudge } from "../../../model/isolation/judge.js";
import type { Action, Observation } from "../../../model/trace.js";
import { WindowsSoftware } from "../../../model/windows/software.js";
import { requesterId } from "../../../model/words/address.js";
import { setupOf } from "../../driver-run.js";
import { TablePool } from "../../table-pool.js";
import { AnsweringUnit } from "../answering-unit.js";
import {
  type Books,
  isEnabled,
  NONE,
  note,
  PageState,
  type ProtocolConfiguration,
  type ProtocolStep,
} from "./configuration.js";
import { type ProtocolSoftware, protocolSoftware } from "./software.js";

/** First address that is mapped, and one that always is, so that no table is ever empty. */
const FIRST_IOVA = 0x1000;
const ANCHOR_IOVA = FIRST_IOVA + 4;
/** Has a device entry from the start, so that every table above those of devices exists. */
const WARDEN = requesterId(0, 31, 0);

export const nameOf = (domain: number) => `d${domain}`;

/** A leaf entry of the protocol in memory. */
export interface LeafWord {
  readonly page: number;
  readonly word: number;
}

class Ended extends Error {}

export class ProtocolRun implements MachineListener {
  readonly setup: RunSetup;
  readonly requesters: readonly number[];
  readonly pages: readonly number[];
  readonly model: WindowsSoftware;
  readonly judge: IsolationJudge;
  books!: Books;
  readonly domains: PageTables[] = [];
  readonly unit: AnsweringUnit;
  private readonly machine: Machine;
  private readonly software: ProtocolSoftware;
  private readonly tables: TablePool;
  private lastStore: LeafWord = { page: 0, word: 0 };
  /** By domain: the leaf entry of the first address. */
  private readonly firstLeaves: LeafWord[] = [];
  private finding: Finding | null = null;

  /** @param record is told of everything that is done, seen and said */
  constructor(
    readonly configuration: ProtocolConfiguration,
    private readonly record: (one: TraceRecord) => void = () => undefined,
  ) {
    const profile = platformNamed(configuration.profile);
    const { architecture } = profile;
    const count = configuration.requesters;
    this.requesters = Array.from({ length: count }, (_, index) => requesterId(0, 4 + index, 0));
    this.pages = dataPages.slice(0, configuration.pages);
    const devices = this.requesters.map((requester, index) => ({
      name: `r${index}`,
      requesters: [requester],
    }));
    this.setup = setupOf({
      architecture,
      profile: profile.id,
      start: "translating",
      timing: 1,
      devices,
    } as unknown as IntentScenario);
    const model = architectureOf(profile).createSoftware(profile);
    if (!(model instanceof WindowsSoftware)) throw new TypeError("a model without windows");
    this.model = model;
    this.unit = new AnsweringUnit(model.oracle);
    model.reset(this.setup);
    this.unit.reset(this.setup);
    this.judge = new IsolationJudge(model);
    this.machine = new Machine(this.unit, model.oracle.memory, this);
    const { statusPage, freeTables } = placesOf(architecture);
    this.software = protocolSoftware({
      ...this.setup,
      statusPage,
      invalidation: "queue",
      flushing: "strict",
    });
    this.tables = new TablePool(freeTables, (event) => this.say(event));
    this.prepare();
  }

  /** Tables with an anchor for each domain, and nothing that the steps are about. */
  private prepare(): void {
    const { configuration, setup, software, domains } = this;
    const { statusPage } = placesOf(setup.profile.architecture);
    const own = Array.from({ length: setup.rootPages }, (_, index) => setup.rootPage + index);
    for (const page of [...own, setup.queuePage, statusPage]) this.say({ event: "allocate-table", page });
    this.run(software.start());
    this.say({ event: "ready" });
    this.unit.started();
    for (let index = 0; index <= configuration.domains; index++) {
      this.run(keepIn(domains, software.newDomain()));
      this.give({
        domain: nameOf(index),
        iova: ANCHOR_IOVA,
        page: dataPages[6 + index]!,
        pages: 1,
        access: Right.both,
      });
      this.run(
        domains[index]!.map({ iova: ANCHOR_IOVA, page: dataPages[6 + index]!, pages: 1, access: Right.both }),
      );
      const { page, word } = this.lastStore;
      this.firstLeaves.push({ page, word: word - (ANCHOR_IOVA - FIRST_IOVA) });
    }
    this.run(software.attach(WARDEN, domains.pop()!));
    this.books = {
      attached: this.requesters.map(() => NONE),
      pages: this.pages.map(() => ({ state: PageState.free, domain: NONE, iova: NONE })),
      flushing: NONE,
    };
  }

  /** Where the leaf entry of an address is. */
  leafOf(domain: number, iova: number): LeafWord {
    const { page, word } = this.firstLeaves[domain]!;
    return { page, word: word + iova };
  }

  iovaOf(iova: number): number {
    return FIRST_IOVA + iova;
  }

  isEnabled(step: ProtocolStep): boolean {
    return isEnabled(step, this.books, this.configuration.rule);
  }

  /** Takes a step; what is wrong from then on, or null. */
  take(step: ProtocolStep): Finding | null {
    try {
      this.carryOut(step);
      // Only then is something old, or is something known to be excluded.
      if (step.do === "unmap" || step.do === "observe") this.model.forget();
    } catch (error) {
      if (!(error instanceof Ended)) throw error;
    }
    return this.finding;
  }

  private carryOut(step: ProtocolStep): void {
    const { books, domains, software, configuration } = this;
    const grant = this.grantOf(step);
    note(step, books, configuration.rule);
    switch (step.do) {
      case "attach":
        this.say({
          event: "assign",
          requester: this.requesters[step.requester]!,
          domain: nameOf(step.domain),
        });
        this.run(software.attach(this.requesters[step.requester]!, domains[step.domain]!));
        break;
      case "map":
        this.give(grant!);
        this.run(domains[step.domain]!.map(grant!));
        break;
      case "unmap": {
        const domain = domains[books.pages[step.page]!.domain]!;
        this.run(domain.unmap(grant!, new Change(domain.domainId, grant!.iova, 1, [])));
        break;
      }
      case "submit":
        this.run(software.submitFlush(domains[step.domain]!));
        break;
      case "observe":
        this.run(software.awaitFlush());
        break;
      case "free":
        this.say({ event: "withdraw", ...grant! });
        this.say({ event: "free", page: grant!.page, pages: 1 });
        break;
    }
  }

  /** What a step gives or takes away. */
  private grantOf(step: ProtocolStep): Grant | null {
    if (!("page" in step)) return null;
    const place = step.do === "map" ? step : this.books.pages[step.page]!;
    const page = this.pages[step.page]!;
    return {
      domain: nameOf(place.domain),
      iova: this.iovaOf(place.iova),
      page,
      pages: 1,
      access: Right.both,
    };
  }

  private give(grant: Grant): void {
    this.say({ event: "allocate", page: grant.page, pages: 1, owner: grant.domain });
    this.say({ event: "grant", ...grant });
  }

  private run(routine: Routine): void {
    this.machine.run(routine);
  }

  private say(event: OwnershipEvent): void {
    this.record(event);
    this.end(this.judge.hear(event));
  }

  performed(action: Action, seen: Observation): void {
    if (action.do === "store") this.lastStore = action;
    this.record({ action, seen });
    this.end(this.judge.perform(action, seen));
  }

  private end(finding: Finding | null): void {
    if (!finding) return;
    this.finding = finding;
    throw new Ended();
  }

  allocateTable(): number | null {
    return this.tables.allocate();
  }

  freeTable(page: number): void {
    this.tables.free(page);
  }

  resetDevice(): void {
    throw new Error("the protocol resets nothing");
  }

  settled(): void {
    throw new Error("the protocol has no tickets");
  }
}

function* keepIn(domains: PageTables[], making: Steps<PageTables>): Routine {
  domains.push(yield* making);
}
