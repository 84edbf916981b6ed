/** A bench for drivers of one unit: the reference IOMMU answers, the oracle watches, and says what devices may reach. */
import type { Oracle } from "../../../model/architecture.js";
import { architectureOf } from "../../../model/architectures.js";
import type { Profile } from "../../../model/profile.js";
import type { Action, Observation, RequestType, Word } from "../../../model/trace.js";
import type { RequesterId } from "../../../model/words/address.js";
import { ReferenceIommu } from "../../iommu/reference/reference.js";
import type { Routine } from "../interface.js";
import { Machine, type MachineListener } from "../machine.js";
import type { Steps } from "../shared/steps.js";
import type { PlatformFaults } from "./faults.js";
import { platformPartsOf } from "./software.js";
import type { UnitDriver } from "./unit.js";

/** A device with a reserved region, and one without. */
export const owner: RequesterId = 0x08;
export const stranger: RequesterId = 0x10;
export const REGION = { iova: 0x1800, page: 0x1800, pages: 2, access: 3 };

/** Pages of software in turn: root or device table of two pages, queue, status words, log. */
const STRUCTURES = [0x2000, 0x2008, 0x2010];
const TABLES = Array.from({ length: 64 }, (_, index) => 0x2020 + index);

export class UnitBench implements MachineListener {
  readonly actions: Action[] = [];
  /** What no conforming unit may have shown. */
  readonly complaints: string[] = [];
  /** Called after every action. */
  watch: () => void = () => undefined;
  private readonly unit = new ReferenceIommu();
  private readonly oracle: Oracle;
  private readonly machine: Machine;
  private readonly tables = [...TABLES];
  private systems = 0;
  private slot = 0;

  constructor(
    private readonly profile: Profile,
    private readonly invalidation: "queue" | "registers" = "queue",
  ) {
    const start = {
      start: "reset",
      requesters: [owner, stranger],
      dataPages: [REGION.page],
      tablePages: [...STRUCTURES, ...TABLES],
      ...placesAt(STRUCTURES[0]!),
    } as const;
    this.unit.reset({ ...start, profile, timing: 1 });
    this.oracle = architectureOf(profile).createOracle(profile);
    this.oracle.reset(start);
    this.machine = new Machine(this.unit, this.oracle.memory, this);
  }

  /** A driver with places of its own. */
  driver(faults: PlatformFaults = {}): UnitDriver {
    const { profile, invalidation } = this;
    const places = placesAt(STRUCTURES[this.systems++]!);
    const setup = { profile, invalidation, largestRequester: 0xff, ...places };
    return platformPartsOf(profile.architecture).createUnit(setup, faults);
  }

  run<Result>(steps: Steps<Result>): Result {
    let result: Result | undefined;
    this.machine.run(
      (function* () {
        result = yield* steps;
      })(),
    );
    return result!;
  }

  /** A device writes to an address. */
  write(requester: RequesterId, page: number): void {
    const request = { requester, page, offset: 0, length: 4, type: "write" } as const;
    const action: Action = { do: "request", request, slot: this.slot++ };
    this.performed(action, this.unit.execute([action])[0]!);
  }

  /** Pages and effects that a request of a device may lead to. */
  reaches(requester: RequesterId, page: number, type: RequestType = "write"): number[] {
    const request = { requester, page, offset: 0, length: 4, type };
    const effects = this.oracle.outcomesOf(request, this.actions.length).map((one) => one.effect);
    return [...new Set(effects)].sort((one, other) => one - other);
  }

  /** A word of memory as the CPU sees it. */
  word(page: number, word: number): Word {
    const { memory } = this.oracle;
    const frame = memory.frameOf(page);
    return { low: memory.low(frame, word), high: memory.high(frame, word) };
  }

  /** Pages for tables that are left. */
  get freeTables(): number {
    return this.tables.length;
  }

  get memory() {
    return this.oracle.memory;
  }

  performed(action: Action, seen: Observation): void {
    const finding = this.oracle.perform(action, seen, this.actions.length);
    this.actions.push(action);
    if (finding) this.complaints.push(finding.message);
    this.watch();
  }

  allocateTable(): number | null {
    return this.tables.pop() ?? null;
  }

  freeTable(page: number): void {
    this.tables.push(page);
  }

  resetDevice(): void {}

  settled(): void {}
}

/** The owner's region, mapped for it alone. */
export function* regionOf({ intents }: UnitDriver): Routine {
  yield* intents.map("reserved", REGION, 0);
  yield* intents.attach({ name: "", requesters: [owner] }, "reserved", 0);
}

function placesAt(rootPage: number) {
  return {
    rootPage,
    rootPages: 2,
    queuePage: rootPage + 2,
    statusPage: rootPage + 3,
    logPage: rootPage + 4,
  };
}
