/** A bench for drivers: the reference IOMMU answers, the oracle watches every access and says what devices may reach. */
import type { Oracle } from "../../../model/architecture.js";
import type { Profile } from "../../../model/profile.js";
import type { RunStart } from "../../../model/run-start.js";
import type { Action, Observation, RequestType, Word } from "../../../model/trace.js";
import { ReferenceIommu } from "../../iommu/reference/reference.js";
import type {
  Driver,
  DriverDevice,
  DriverFactory,
  DriverMapping,
  DriverSetup,
  Routine,
} from "../interface.js";
import { Machine, type MachineListener } from "../machine.js";

const TABLES = Array.from({ length: 32 }, (_, index) => 0x2010 + index);
const WORDS_LEFT = [0, 1, 2, 3, 8, 511];

/** A device, one with an alias, and one on another bus. */
export const deviceA: DriverDevice = { name: "a", requesters: [0x20] };
export const deviceB: DriverDevice = { name: "b", requesters: [0x28, 0x29] };
export const deviceC: DriverDevice = { name: "c", requesters: [0x100] };
const REQUESTERS = [deviceA, deviceB, deviceC].flatMap((one) => one.requesters);

export type BenchSetup = Pick<DriverSetup, "invalidation" | "flushing" | "start">;

/** What an architecture gives to its bench. */
export interface BenchParts {
  readonly oracle: Oracle;
  /** What the driver's pages are. */
  readonly pages: Pick<RunStart, "rootPage" | "rootPages" | "queuePage" | "logPage"> & {
    readonly statusPage: number;
  };
  /** What the last user of a page for a table left there: an entry that maps a page nobody was given. */
  readonly leftover: Word;
}

export class DriverBench implements MachineListener {
  readonly actions: Action[] = [];
  /** What no conforming unit may have shown, and what no driver may do. */
  readonly complaints: string[] = [];
  readonly settledTickets: number[] = [];
  readonly resets: number[] = [];
  /** Pages of tables that the driver has. */
  readonly tables = new Set<number>();
  tickets = 0;
  private readonly freeTables = [...TABLES];
  private readonly unit = new ReferenceIommu();
  private readonly oracle: Oracle;
  private readonly machine: Machine;
  private readonly driver: Driver;

  constructor(
    profile: Profile,
    setup: BenchSetup,
    create: DriverFactory,
    private readonly parts: BenchParts,
  ) {
    const { oracle, pages } = parts;
    const { start } = setup;
    const run = { ...pages, start, requesters: REQUESTERS, dataPages: [], tablePages: [...TABLES] };
    this.unit.reset({ ...run, profile, timing: 1 });
    this.oracle = oracle;
    oracle.reset(run);
    this.machine = new Machine(this.unit, oracle.memory, this);
    this.driver = create({ profile, ...setup, ...pages });
    this.run(this.driver.start());
  }

  attach(device: DriverDevice, domain: string): void {
    this.run(this.driver.attach(device, domain, ++this.tickets));
  }

  detach(device: DriverDevice): void {
    this.run(this.driver.detach(device, ++this.tickets));
  }

  map(domain: string, mapping: DriverMapping): void {
    this.run(this.mapping(domain, mapping));
  }

  /** The routine that maps, not begun yet. */
  mapping(domain: string, mapping: DriverMapping): Routine {
    return this.driver.map(domain, mapping, ++this.tickets);
  }

  protect(domain: string, mapping: DriverMapping): void {
    this.run(this.driver.protect(domain, mapping, ++this.tickets));
  }

  unmap(domain: string, mapping: DriverMapping): void {
    this.run(this.unmapping(domain, mapping));
  }

  unmapping(domain: string, mapping: DriverMapping): Routine {
    return this.driver.unmap(domain, mapping, ++this.tickets);
  }

  merge(domain: string, mapping: DriverMapping): void {
    this.run(this.driver.merge(domain, mapping, ++this.tickets));
  }

  destroy(domain: string): void {
    this.run(this.driver.destroy(domain, ++this.tickets));
  }

  sync(): void {
    this.run(this.driver.sync());
  }

  /** Two CPUs, one access each in turn. */
  together(first: Routine, second: Routine): void {
    let turn = 0;
    this.machine.runTogether([first, second], (count) => turn++ % count);
  }

  /** Pages and effects that a request of a device may lead to, whichever requester id it carries. */
  reaches(device: DriverDevice, iova: number, type: RequestType = "write"): number[] {
    const effects = device.requesters.flatMap((requester) =>
      this.oracle
        .outcomesOf({ requester, page: iova, offset: 0, length: 4, type }, this.actions.length)
        .map((one) => one.effect),
    );
    return [...new Set(effects)].sort((one, other) => one - other);
  }

  /** A word of memory as the CPU sees it. */
  word(page: number, word: number): Word {
    const { memory } = this.oracle;
    const frame = memory.frameOf(page);
    return { low: memory.low(frame, word), high: memory.high(frame, word) };
  }

  private run(routine: Routine): void {
    this.machine.run(routine);
  }

  performed(action: Action, seen: Observation): void {
    const finding = this.oracle.perform(action, seen, this.actions.length);
    this.actions.push(action);
    if (finding) this.complaints.push(finding.message);
  }

  allocateTable(): number | null {
    const page = this.freeTables.pop() ?? null;
    if (page === null) return null;
    this.tables.add(page);
    for (const word of WORDS_LEFT) {
      const store: Action = { do: "store", page, word, ...this.parts.leftover };
      this.performed(store, this.unit.execute([store])[0]!);
    }
    return page;
  }

  freeTable(page: number): void {
    if (!this.tables.delete(page)) this.complaints.push(`page ${page} is none of the driver's tables`);
    this.freeTables.push(page);
  }

  resetDevice(requester: number): void {
    this.resets.push(requester);
  }

  settled(ticket: number): void {
    if (this.settledTickets.includes(ticket)) this.complaints.push(`ticket ${ticket} is settled twice`);
    this.settledTickets.push(ticket);
  }
}
