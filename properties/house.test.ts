import { beforeEach, describe, expect, it } from "vitest";
import type { Intent, IntentScenario } from "../generators/intents/scenario.js";
import { protectedPage, vtdPlaces } from "../generators/places.js";
import type { Driver, DriverDevice, DriverMapping, Routine } from "../implementations/driver/interface.js";
import type { OwnershipEvent } from "../model/isolation/events.js";
import { House } from "./house.js";

const { freeTables } = vtdPlaces;

const SCENARIO: IntentScenario = {
  format: "iommu-spec driver scenario 1",
  architecture: "vtd",
  profile: "qemu-48",
  start: "translating",
  invalidation: "queue",
  flushing: "strict",
  timing: 0,
  devices: [
    { name: "a", requesters: [0x20] },
    { name: "b", requesters: [0x28, 0x300] },
  ],
  domains: [{ name: "d0" }, { name: "d1" }],
  steps: [],
};

function* nothing(): Routine {}

/** A driver that does nothing but say what it was asked. */
class Listening implements Driver {
  readonly name = "listening";
  readonly asked: unknown[][] = [];

  private note(...what: unknown[]): Routine {
    this.asked.push(what);
    return nothing();
  }

  start = () => this.note("start");
  sync = () => this.note("sync");
  attach = (device: DriverDevice, domain: string) => this.note("attach", device.name, domain);
  detach = (device: DriverDevice) => this.note("detach", device.name);
  map = (domain: string, mapping: DriverMapping) => this.note("map", domain, partsOf(mapping));
  protect = (domain: string, mapping: DriverMapping) => this.note("protect", domain, partsOf(mapping));
  unmap = (domain: string, mapping: DriverMapping) => this.note("unmap", domain, partsOf(mapping));
  merge = (domain: string, mapping: DriverMapping) => this.note("merge", domain, partsOf(mapping));
  destroy = (domain: string) => this.note("destroy", domain);
}

const partsOf = ({ iova, page, pages, access }: DriverMapping) => [iova, page, pages, access];

let driver: Listening;
let events: string[];
let renewed: string[];
let house: House;

beforeEach(() => {
  driver = new Listening();
  events = [];
  renewed = [];
  house = new House(
    SCENARIO,
    driver,
    (event) => events.push(shown(event)),
    (page, pages) => renewed.push(`${page}+${pages}`),
  );
});

/** An event in one line: its name, then what it is about. */
function shown(event: OwnershipEvent): string {
  return Object.values(event).join(" ");
}

/** Has an intent carried out, but for its settling; returns its tickets. */
function ask(intent: Intent): number[] {
  const tasks = house.tasks(intent);
  for (const { routine } of tasks) expect(routine.next({ low: 0, high: 0 }).done).toBe(true);
  return tasks.map((one) => one.ticket);
}

/** The same, settled. */
function carryOut(intent: Intent): void {
  for (const ticket of ask(intent)) house.tickets.settle(ticket);
}

/** What an intent has the house say before it is settled, and then. */
function saidBy(intent: Intent): { before: string[]; after: string[] } {
  events.length = 0;
  const tickets = ask(intent);
  const before = events.splice(0);
  for (const ticket of tickets) house.tickets.settle(ticket);
  return { before, after: events.splice(0) };
}

const attach = (device: string, domain: string): Intent => ({ do: "attach", device, domain });
const detach = (device: string): Intent => ({ do: "detach", device });
const map = (mapping: string, domain: string, iova: number, page: number, pages = 1): Intent => ({
  do: "map",
  mapping,
  domain,
  iova,
  page,
  pages,
  access: "rw",
});
const unmap = (mapping: string, offset = 0, pages = 512): Intent => ({ do: "unmap", mapping, offset, pages });
const protect = (mapping: string, access: "r" | "w" | "rw", offset = 0, pages = 512): Intent => ({
  do: "protect",
  mapping,
  offset,
  pages,
  access,
});

describe("devices", () => {
  it("attaching is announced before, and taken to work when it has settled", () => {
    expect(saidBy(attach("a", "d0"))).toEqual({ before: ["assign 32 d0"], after: ["attached 32 d0"] });
  });

  it("switching takes every requester id from one domain to the other", () => {
    carryOut(attach("b", "d0"));
    expect(saidBy(attach("b", "d1"))).toEqual({
      before: ["leave 40 d0", "assign 40 d1", "leave 768 d0", "assign 768 d1"],
      after: ["unassign 40 d0", "attached 40 d1", "unassign 768 d0", "attached 768 d1"],
    });
  });

  it("detaching is complete when it has settled", () => {
    carryOut(attach("a", "d0"));
    expect(saidBy(detach("a"))).toEqual({ before: ["leave 32 d0"], after: ["unassign 32 d0"] });
  });

  it("what settles after the device was switched on is not taken to work", () => {
    const [first] = ask(attach("a", "d0"));
    const [second] = ask(attach("a", "d1"));
    events.length = 0;
    house.tickets.settle(first!);
    expect(events).toEqual([]);
    house.tickets.settle(second!);
    expect(events).toEqual(["unassign 32 d0", "attached 32 d1"]);
  });

  it.each([
    ["attach to the same domain", attach("a", "d0")],
    ["attach of an unknown device", attach("z", "d0")],
    ["attach to an unknown domain", attach("a", "d9")],
    ["detach of a device that is not attached", detach("b")],
  ])("%s: nothing is asked of the driver", (_, intent) => {
    carryOut(attach("a", "d0"));
    events.length = 0;
    expect(house.tasks(intent)).toEqual([]);
    expect(events).toEqual([]);
  });
});

describe("mappings", () => {
  it("a mapping is granted before, and usable when it has settled", () => {
    expect(saidBy(map("m0", "d0", 5, 100, 2))).toEqual({
      before: ["allocate 100 2 d0", "grant d0 5 100 2 3"],
      after: ["usable d0 5 100 2 3"],
    });
    expect(driver.asked).toEqual([["map", "d0", [5, 100, 2, 3]]]);
  });

  it("an unmapped page is retired before; withdrawn, free and new when it has settled", () => {
    carryOut(map("m0", "d0", 5, 100, 2));
    expect(saidBy(unmap("m0"))).toEqual({
      before: ["retire d0 5 100 2 3"],
      after: ["withdraw d0 5 100 2 3", "free 100 2"],
    });
    expect(renewed).toEqual(["100+2"]);
  });

  it("a part is unmapped, and what is left of the mapping on both sides stays", () => {
    carryOut(map("m0", "d0", 5, 100, 6));
    expect(saidBy(unmap("m0", 2, 1)).after).toEqual(["withdraw d0 7 102 1 3", "free 102 1"]);
    carryOut(unmap("m0", 1, 3));
    expect(driver.asked.slice(2)).toEqual([
      ["unmap", "d0", [6, 101, 1, 3]],
      ["unmap", "d0", [8, 103, 1, 3]],
    ]);
    carryOut(unmap("m0"));
    expect(driver.asked.slice(4).sort()).toEqual([
      ["unmap", "d0", [5, 100, 1, 3]],
      ["unmap", "d0", [9, 104, 2, 3]],
    ]);
    expect(house.tasks(unmap("m0"))).toEqual([]);
  });

  it("a protect says what is added and what is gone, of each piece that it changes", () => {
    carryOut(map("m0", "d0", 5, 100, 4));
    expect(saidBy(protect("m0", "r", 1, 2))).toEqual({
      before: ["retire d0 6 101 2 2"],
      after: ["withdraw d0 6 101 2 2"],
    });
    expect(saidBy(protect("m0", "w", 1, 1))).toEqual({
      before: ["grant d0 6 101 1 2", "retire d0 6 101 1 1"],
      after: ["withdraw d0 6 101 1 1", "usable d0 6 101 1 2"],
    });
    carryOut(unmap("m0", 2, 1));
    driver.asked.length = 0;
    carryOut(protect("m0", "w"));
    expect(driver.asked.sort()).toEqual([
      ["protect", "d0", [5, 100, 1, 2]],
      ["protect", "d0", [8, 103, 1, 2]],
    ]);
  });

  it("a protect that changes nothing asks nothing, and loses nothing", () => {
    carryOut(map("m0", "d0", 5, 100, 4));
    expect(house.tasks(protect("m0", "rw", 1, 2))).toEqual([]);
    carryOut(unmap("m0"));
    const removed = driver.asked.slice(1).map((one) => (one[2] as number[])[2]!);
    expect(removed.reduce((sum, pages) => sum + pages, 0)).toBe(4);
  });

  it("a page that is mapped twice is free when both are gone", () => {
    carryOut(map("m0", "d0", 5, 100, 2));
    carryOut(map("m1", "d0", 50, 101, 2));
    expect(events.filter((one) => one.startsWith("allocate"))).toEqual([
      "allocate 100 2 d0",
      "allocate 102 1 d0",
    ]);
    expect(saidBy(unmap("m0")).after).toEqual(["withdraw d0 5 100 2 3", "free 100 1"]);
    expect(saidBy(unmap("m1")).after).toEqual(["withdraw d0 50 101 2 3", "free 101 2"]);
  });

  it("another domain gets a page when it is free: when its unmap has settled", () => {
    carryOut(map("m0", "d0", 5, 100));
    expect(house.tasks(map("m1", "d1", 5, 100))).toEqual([]);
    const [ticket] = ask(unmap("m0"));
    expect(house.tasks(map("m1", "d1", 5, 100))).toEqual([]);
    house.tickets.settle(ticket!);
    expect(saidBy(map("m1", "d1", 5, 100)).before).toEqual(["allocate 100 1 d1", "grant d1 5 100 1 3"]);
  });

  it("an address gets another page before its unmap has settled, but not the same one", () => {
    carryOut(map("m0", "d0", 5, 100, 2));
    ask(unmap("m0"));
    expect(house.tasks(map("m1", "d0", 6, 101))).toEqual([]);
    expect(house.tasks(map("m1", "d0", 6, 100))).toHaveLength(1);
  });

  it.each([
    ["addresses that are taken", map("m1", "d0", 6, 200)],
    ["a name that is taken", map("m0", "d0", 50, 200)],
    ["an unknown domain", map("m1", "d9", 50, 200)],
    ["a page of another domain", map("m1", "d1", 50, 99, 2)],
    ["software's own page", map("m1", "d0", 50, protectedPage)],
    ["a mapping that does not exist", unmap("m9")],
    ["pages that a mapping does not have", unmap("m0", 2, 1)],
    ["rights of a mapping that does not exist", protect("m9", "r")],
  ])("%s: nothing is asked of the driver", (_, intent) => {
    carryOut(map("m0", "d0", 5, 100, 2));
    events.length = 0;
    expect(house.tasks(intent)).toEqual([]);
    expect(events).toEqual([]);
    expect(house.tickets.open).toBe(0);
  });
});

describe("merge", () => {
  it("asks for the mapping as a whole when its pieces are without holes and of one kind", () => {
    carryOut(map("m0", "d0", 5, 100, 4));
    carryOut(protect("m0", "r", 1, 1));
    expect(house.tasks({ do: "merge", mapping: "m0" })).toEqual([]);
    carryOut(protect("m0", "rw", 1, 1));
    expect(saidBy({ do: "merge", mapping: "m0" })).toEqual({ before: [], after: [] });
    expect(driver.asked.at(-1)).toEqual(["merge", "d0", [5, 100, 4, 3]]);
  });

  it("asks nothing where there is a hole", () => {
    carryOut(map("m0", "d0", 5, 100, 4));
    carryOut(unmap("m0", 1, 1));
    expect(house.tasks({ do: "merge", mapping: "m0" })).toEqual([]);
    carryOut(unmap("m0", 0, 1));
    carryOut({ do: "merge", mapping: "m0" });
    expect(driver.asked.at(-1)).toEqual(["merge", "d0", [7, 102, 2, 3]]);
  });
});

describe("domains", () => {
  const destroy: Intent = { do: "destroy", domain: "d0" };

  it("a domain is destroyed when it was used and is empty, and comes back with its next use", () => {
    expect(house.tasks(destroy)).toEqual([]);
    carryOut(map("m0", "d0", 5, 100));
    expect(house.tasks(destroy)).toEqual([]);
    const [ticket] = ask(unmap("m0"));
    expect(house.tasks(destroy)).toEqual([]);
    house.tickets.settle(ticket!);
    expect(house.tasks(destroy)).toHaveLength(1);
    expect(house.tasks(destroy)).toEqual([]);
    carryOut(map("m1", "d0", 5, 100));
    carryOut(unmap("m1"));
    expect(house.tasks(destroy)).toHaveLength(1);
  });

  it("a domain with a device is not destroyed", () => {
    carryOut(attach("a", "d0"));
    expect(house.tasks(destroy)).toEqual([]);
    carryOut(detach("a"));
    expect(house.tasks(destroy)).toHaveLength(1);
  });
});

describe("tickets", () => {
  it("each is settled once; until then it is open", () => {
    const [ticket] = ask(map("m0", "d0", 5, 100));
    expect(house.tickets.isOpen(ticket!)).toBe(true);
    expect(house.tickets.open).toBe(1);
    house.tickets.settle(ticket!);
    expect(house.tickets.isOpen(ticket!)).toBe(false);
    expect(() => house.tickets.settle(ticket!)).toThrow(
      `the driver settles ticket ${ticket}, which is not open`,
    );
    expect(() => house.tickets.settle(99)).toThrow("the driver settles ticket 99, which is not open");
  });

  it("may be settled in any order, long after", () => {
    carryOut(map("m0", "d0", 5, 100));
    carryOut(map("m1", "d0", 6, 101));
    const tickets = [...ask(unmap("m0")), ...ask(unmap("m1"))];
    events.length = 0;
    ask({ do: "sync" });
    expect(driver.asked.at(-1)).toEqual(["sync"]);
    for (const ticket of tickets.reverse()) house.tickets.settle(ticket);
    expect(events).toEqual(["withdraw d0 6 101 1 3", "free 101 1", "withdraw d0 5 100 1 3", "free 100 1"]);
  });

  it("a synchronisation has none", () => {
    const [task] = house.tasks({ do: "sync" });
    expect(house.tickets.isOpen(task!.ticket)).toBe(false);
  });
});

describe("pages for tables", () => {
  it("are handed out once, the last one freed first", () => {
    expect(house.tables.allocate()).toBe(freeTables[0]);
    expect(house.tables.allocate()).toBe(freeTables[1]);
    house.tables.free(freeTables[0]!);
    expect(house.tables.allocate()).toBe(freeTables[0]);
    expect(events).toEqual([
      `allocate-table ${freeTables[0]}`,
      `allocate-table ${freeTables[1]}`,
      `free-table ${freeTables[0]}`,
      `allocate-table ${freeTables[0]}`,
    ]);
  });

  it("come to an end", () => {
    for (const page of freeTables) expect(house.tables.allocate()).toBe(page);
    expect(house.tables.allocate()).toBeNull();
  });

  it("only a table that is in use can be freed", () => {
    const page = house.tables.allocate()!;
    house.tables.free(page);
    expect(() => house.tables.free(page)).toThrow(/frees page 0x2007, which is none of its tables/);
    expect(() => house.tables.free(0x1000)).toThrow(/frees page 0x1000, which is none of its tables/);
  });

  it("the one freed last can go to somebody else", () => {
    expect(house.takeFreedTable()).toBeNull();
    const page = house.tables.allocate()!;
    house.tables.free(page);
    expect(house.takeFreedTable()).toBe(page);
    expect(events.at(-1)).toBe(`allocate ${page} 1 somebody else`);
    expect(house.tables.allocate()).toBe(freeTables[1]);
  });
});
