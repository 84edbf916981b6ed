/** A bench for the driver: the reference IOMMU answers, the oracle watches every access and says what devices may reach. */
import type { Action, Observation, RequestType } from "../../../model/trace.js";
import { VtdOracle } from "../../../model/vtd/oracle.js";
import type { PlatformProfile } from "../../../model/vtd/profile.js";
import { contextEntryLayout, rootEntryLayout } from "../../../model/vtd/tables.js";
import { walkPlatformOf } from "../../../model/vtd/walk.js";
import { readField } from "../../../model/words/layout.js";
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

const ROOT = 0x2000;
const QUEUE = 0x2001;
const STATUS = 0x2002;
const TABLES = Array.from({ length: 32 }, (_, index) => 0x2010 + index);
/** What the last user of a page left there: entries that map a page nobody was given. */
const LEFTOVER = { low: 0x3003, high: 0 };
const WORDS_LEFT = [0, 1, 2, 3, 8, 511];

/** A device, one with an alias, and one on another bus. */
export const deviceA: DriverDevice = { name: "a", requesters: [0x20] };
export const deviceB: DriverDevice = { name: "b", requesters: [0x28, 0x29] };
export const deviceC: DriverDevice = { name: "c", requesters: [0x100] };
const REQUESTERS = [deviceA, deviceB, deviceC].flatMap((one) => one.requesters);

export type BenchSetup = Pick<DriverSetup, "invalidation" | "flushing" | "start">;

export class Bench implements MachineListener {
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
  private readonly oracle: VtdOracle;
  private readonly machine: Machine;
  private readonly driver: Driver;

  constructor(profile: PlatformProfile, setup: BenchSetup, create: DriverFactory) {
    const pages = { rootPage: ROOT, rootPages: 1, queuePage: QUEUE, logPage: null };
    const { start } = setup;
    const run = { ...pages, start, requesters: REQUESTERS, dataPages: [], tablePages: [...TABLES] };
    this.unit.reset({ ...run, profile, timing: 1 });
    this.oracle = new VtdOracle(walkPlatformOf(profile));
    this.oracle.reset(run);
    this.machine = new Machine(this.unit, this.oracle.memory, this);
    this.driver = create({ profile, ...setup, ...pages, statusPage: STATUS });
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

  /** The domain id in the context entry of a requester. */
  domainIdOf(requester: number): number {
    const context = readField(rootEntryLayout, "CTP", this.pair(ROOT, (requester >>> 8) * 2));
    return readField(contextEntryLayout, "DID", this.pair(context, (requester & 0xff) * 2));
  }

  private pair(page: number, word: number) {
    const { memory } = this.oracle;
    const frame = memory.frameOf(page);
    return [word, word + 1].map((at) => ({ low: memory.low(frame, at), high: memory.high(frame, at) }));
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
      const store: Action = { do: "store", page, word, ...LEFTOVER };
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
