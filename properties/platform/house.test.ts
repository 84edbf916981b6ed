import { describe, expect, it } from "vitest";
import type { Feature } from "../../generators/platform/features.js";
import { platformWith } from "../../generators/platform/platform.js";
import type { PlatformScenario, PlatformStep } from "../../generators/platform/scenario.js";
import { DriverError } from "../../implementations/driver/machine.js";
import type { PlatformDriver, PlatformRoutine } from "../../implementations/driver/platform/interface.js";
import { platformNamed } from "../../model/architectures.js";
import type { OwnershipEvent } from "../../model/isolation/events.js";
import { type Endpoint, ISOLATING_ACS } from "../../model/pci/topology.js";
import { Chance } from "../../model/words/chance.js";
import { PlatformHouse } from "./house.js";

const one = (name: string, fn = 0, more: Partial<Endpoint> = {}): Endpoint => ({
  name,
  function: fn,
  acs: null,
  kind: "integrated-endpoint",
  phantomBits: 0,
  sriov: null,
  alsoFunctions: [],
  ...more,
});

const port = (name: string, bus: number, functions: readonly Endpoint[]) => ({
  ...({ name, kind: "root-port", function: 0, acs: ISOLATING_ACS, hotPlug: true } as const),
  ...{ secondary: bus, subordinate: bus, devices: functions.map((fn) => ({ device: 0, functions: [fn] })) },
});

const sriov = { totalVfs: 2, numVfs: 1, firstVfOffset: 8, vfStride: 1, vfAcs: ISOLATING_ACS };

/** A disk, a device of two functions, a USB controller with a region, a device behind no unit, a slot, virtual functions. */
const features: Feature[] = [
  { devices: [{ device: 1, functions: [one("disk")] }] },
  { devices: [{ device: 2, functions: [one("twin.0"), one("twin.1", 1)] }] },
  {
    devices: [{ device: 3, functions: [one("usb")] }],
    reserved: [{ functions: ["usb"], page: 0x1800, pages: 2, kind: "unity", access: "rw" }],
  },
  { devices: [{ device: 4, functions: [one("outsider")] }], uncovered: ["outsider"] },
  {
    devices: [
      {
        device: 5,
        functions: [
          port("slot", 1, [one("card", 0, { kind: "endpoint" }), one("spare", 0, { kind: "endpoint" })]),
        ],
      },
    ],
    absent: ["spare"],
  },
  {
    devices: [
      {
        device: 6,
        functions: [port("port", 2, [one("pf", 0, { kind: "endpoint", acs: ISOLATING_ACS, sriov })])],
      },
    ],
  },
];

const chance = new Chance();
chance.seed(1);
const profile = platformNamed("skylake-sp");
const platform = platformWith(chance, profile, features);
const scenario: PlatformScenario = {
  format: "iommu-spec platform scenario 1",
  architecture: "vtd",
  profile: profile.id,
  invalidation: "queue",
  timing: 1,
  leaves: "off",
  platform,
  absent: ["spare"],
  steps: [],
};

function* nothing(): PlatformRoutine {}

/** A house whose driver answers as a list says, in turn; settled where that is over. */
class Setting {
  readonly said: string[] = [];
  readonly found: string[] = [];
  readonly asked: string[] = [];
  readonly house: PlatformHouse;

  constructor(private readonly answers: ("settle" | "refuse" | number)[] = []) {
    const call =
      (name: string) =>
      (...args: unknown[]) => {
        this.asked.push(
          [name, ...args.filter((arg) => typeof arg === "string" || Array.isArray(arg))].join(" "),
        );
        return nothing();
      };
    const driver = Object.fromEntries(
      ["assign", "release", "map", "unmap", "remap", "lend", "plugged", "unplugged"].map((name) => [
        name,
        call(name),
      ]),
    ) as unknown as PlatformDriver;
    this.house = new PlatformHouse(scenario, () => driver, {
      say: (event) => this.said.push(words(event)),
      found: (kind) => this.found.push(kind),
      came: () => undefined,
    });
  }

  does(...steps: PlatformStep[]): this {
    for (const step of steps)
      for (const { ticket } of this.house.tasks(step)) {
        const answer = this.answers.shift() ?? "settle";
        const { tickets } = this.house;
        if (typeof answer === "number") tickets.lent(ticket, answer);
        if (answer === "refuse") tickets.refuse(ticket);
        else tickets.settle(ticket);
      }
    return this;
  }
}

function words(event: OwnershipEvent): string {
  const { event: name, ...fields } = event;
  return [name, ...Object.values(fields)].join(" ");
}

const assign = (device: string, domain = "guest1") => ({ do: "assign", device, domain }) as const;
const map = (mapping: string, page = 0x1000, iova = 1, domain = "guest1") =>
  ({ do: "map", mapping, domain, iova, page, pages: 1, access: "rw" }) as const;

describe("an assign", () => {
  it("gives a device all that its domain has, and takes it back", () => {
    const { said } = new Setting().does(assign("disk"), { do: "release", device: "disk" });
    expect(said).toEqual(["assign 8 guest1", "attached 8 guest1", "leave 8 guest1", "unassign 8 guest1"]);
  });

  it.each([
    ["usb", "reserved"],
    ["outsider", "unbounced"],
  ])("of %s has to be refused", (device, kind) => {
    expect(new Setting().does(assign(device)).found).toEqual([kind]);
    expect(new Setting(["refuse"]).does(assign(device)).found).toEqual([]);
  });

  it("splits no group", () => {
    expect(new Setting().does(assign("twin.0"), assign("twin.1", "guest2")).found).toEqual(["split-group"]);
    expect(new Setting().does(assign("twin.0"), assign("twin.1")).found).toEqual([]);
    expect(
      new Setting(["settle", "refuse"]).does(assign("twin.0"), assign("twin.1", "guest2")).found,
    ).toEqual([]);
  });

  it("may not be refused without a reason", () => {
    const setting = new Setting(["refuse"]).does(assign("disk"));
    expect(setting.found).toEqual(["unserved"]);
    expect(setting.said.at(-1)).toBe("unassign 8 guest1");
  });

  it("is of a device that is there, and that nobody has", () => {
    expect(new Setting().does(assign("spare"), assign("slot"), assign("nobody")).asked).toEqual([]);
    expect(new Setting().does(assign("disk"), assign("disk", "guest2")).asked).toEqual([
      "assign disk guest1",
    ]);
  });
});

describe("memory", () => {
  it("is granted, usable, taken back and free", () => {
    const { said } = new Setting().does(map("m"), { do: "unmap", mapping: "m" });
    expect(said.map((one) => one.split(" ")[0])).toEqual([
      "allocate",
      "grant",
      "usable",
      "retire",
      "withdraw",
      "free",
    ]);
  });

  it("is exchanged page for page", () => {
    const { said } = new Setting().does(map("m"), { do: "remap", mapping: "m", page: 0x1001 });
    expect(said.slice(3)).toEqual([
      "retire guest1 1 4096 1 3",
      "allocate 4097 1 guest1",
      "grant guest1 1 4097 1 3",
      "withdraw guest1 1 4096 1 3",
      "free 4096 1",
      "usable guest1 1 4097 1 3",
    ]);
  });

  it("is not given twice, nor is software's own, nor at an address that is taken", () => {
    const setting = new Setting().does(
      map("m"),
      map("n", 0x1000, 2),
      map("o", 0x1001, 1),
      map("p", 0x2000, 3),
      map("q", 0x1800, 3),
      map("r", 0x1001, 0xfee00),
    );
    expect(setting.asked).toEqual(["map guest1"]);
  });
});

describe("a loan", () => {
  const lend = { do: "lend", device: "outsider", page: 0x1000 } as const;

  it("is of a bounce page, each once", () => {
    expect(new Setting([0x1c00, 0x1c01]).does(lend, lend).found).toEqual([]);
    expect(new Setting([0x1000]).does(lend).found).toEqual(["unbounced"]);
    expect(new Setting([0x1c00, 0x1c00]).does(lend, lend).found).toContain("unbounced");
  });

  it("has to say where", () => {
    expect(new Setting().does(lend).found).toEqual(["unserved"]);
  });

  it("is for devices behind no unit", () => {
    expect(new Setting().does({ ...lend, device: "disk" }).asked).toEqual([]);
  });
});

describe("devices that come and go", () => {
  it("leave their requester ids to nobody", () => {
    const { said, asked } = new Setting().does(assign("card"), { do: "unplug", device: "card" });
    expect(said.slice(2)).toEqual(["leave 256 guest1", "vacate 256"]);
    expect(asked.at(-1)).toBe("unplugged card");
  });

  it("come where there is room", () => {
    const { asked } = new Setting().does(
      { do: "plug", device: "spare" },
      { do: "unplug", device: "card" },
      { do: "plug", device: "spare" },
      { do: "unplug", device: "disk" },
    );
    expect(asked).toEqual(["unplugged card", "plugged spare"]);
  });

  it("are virtual functions too: those before go first", () => {
    const { asked } = new Setting().does({ do: "enable-vfs", device: "pf", count: 2 });
    expect(asked).toEqual(["unplugged pf.vf1", "plugged pf.vf1,pf.vf2"]);
  });
});

describe("the beginning", () => {
  it("says what stands behind requester ids, and who has which region", () => {
    const setting = new Setting();
    setting.house.begin();
    expect(setting.said.filter((one) => one.startsWith("reserve"))).toEqual([
      "reserve 24 reserved region 1 6144 2 3",
    ]);
    expect(setting.said).toContain(`virtual ${0x209}`);
    expect(setting.said).toContain(`vacate ${0x209}`);
    expect(setting.said).not.toContain(`vacate ${0x208}`);
  });
});

describe("a take-over", () => {
  it("ends what guests had when it is over, not before", () => {
    const setting = new Setting().does(assign("disk"), map("m"));
    const before = setting.said.length;
    const taken = setting.house.takeOver();
    expect(setting.said.slice(before)).toEqual(["retire guest1 1 4096 1 3", "leave 8 guest1"]);
    taken();
    expect(setting.said.slice(before + 2)).toEqual([
      "unassign 8 guest1",
      "withdraw guest1 1 4096 1 3",
      "free 4096 1",
    ]);
  });
});

describe("answers", () => {
  it("are to tickets that are open", () => {
    const { tickets } = new Setting().house;
    expect(() => tickets.settle(7)).toThrow(DriverError);
    expect(() => tickets.refuse(7)).toThrow("refuses ticket 7, which is not open");
    expect(() => tickets.lent(7, 1)).toThrow(DriverError);
  });

  it("are such as the intent may have", () => {
    const { house } = new Setting();
    for (const { ticket } of house.tasks(map("m")))
      expect(() => house.tickets.refuse(ticket)).toThrow("not that of an assign");
  });
});
