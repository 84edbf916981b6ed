import { describe, expect, it } from "vitest";
import { profileNamed } from "../../../model/vtd/profiles.js";
import { DriverError } from "../machine.js";
import { guardedPlatformSoftware } from "./guard.js";
import type { PlatformAccess, PlatformDriver, PlatformRoutine, PlatformSoftware } from "./interface.js";
import { setupOf } from "./topology.testing.js";

const SETUP = setupOf(profileNamed("qemu-48"));

function* nothing(): PlatformRoutine {}

const SILENT = {
  start: nothing,
  assign: nothing,
  release: nothing,
  map: nothing,
  unmap: nothing,
  remap: nothing,
  lend: nothing,
  plugged: nothing,
  unplugged: nothing,
  handleFaults: nothing,
};

/** What a module may export, whatever its type says. */
function guarded(driver: unknown, firmware: unknown = { leave: nothing }): PlatformSoftware {
  const software = { createFirmware: () => firmware, createDriver: () => driver };
  return guardedPlatformSoftware(software as unknown as PlatformSoftware);
}

/** Runs a routine, answering every access; returns the accesses. */
function run(routine: PlatformRoutine): PlatformAccess[] {
  const accesses: PlatformAccess[] = [];
  const answer = { low: 0, high: 0 };
  for (let next = routine.next(answer); !next.done; next = routine.next(answer)) accesses.push(next.value);
  return accesses;
}

function messageOf(work: () => unknown): string {
  try {
    work();
  } catch (error) {
    expect(error).toBeInstanceOf(DriverError);
    return (error as Error).message;
  }
  throw new Error("nothing was thrown");
}

/** What comes of it when `assign` yields these. */
function assigning(...yielded: unknown[]): PlatformAccess[] {
  const driver = guarded({
    ...SILENT,
    *assign() {
      yield* yielded as PlatformAccess[];
    },
  }).createDriver(SETUP);
  run(driver.start());
  return run(driver.assign("disk", "guest", 1));
}

describe("well-formed accesses", () => {
  const ACCESSES: PlatformAccess[] = [
    { do: "store", page: 1, word: 2, low: 3, high: 4 },
    { do: "at-unit", registers: 0xfed90, access: { do: "read-register", offset: 0x1c, width: 4 } },
    { do: "at-unit", registers: 0xfed90, access: { do: "poll-memory", page: 1, word: 2, value: 3 } },
    { do: "lent", ticket: 1, iova: 5 },
    { do: "guest-tables", domain: "guest", page: 7 },
    { do: "report", requester: 0x10, page: 9 },
    { do: "disable-device", device: "disk" },
    { do: "refused", ticket: 1 },
    { do: "settled", ticket: 1 },
  ];

  it("pass as copies, without what else is in them", () => {
    const seen = assigning(...ACCESSES.map((one) => ({ ...one, more: 1 })));
    expect(seen).toEqual(ACCESSES);
  });
});

describe("malformed accesses", () => {
  it.each([
    [{ do: "read-register", offset: 0x1c, width: 4 }, "a unit answers this"],
    [{ do: "at-unit", registers: 1, access: { do: "load", page: 1, word: 0 } }, '"load" is no access'],
    [{ do: "at-unit", registers: -1, access: { do: "read-register", offset: 0, width: 4 } }, "registers"],
    [{ do: "at-unit", registers: 1 }, "an access has to be an object"],
    [{ do: "at-unit", registers: 1, access: { do: "read-register", offset: 2, width: 4 } }, "offset"],
    [{ do: "refused" }, "ticket"],
    [{ do: "lent", ticket: 1, iova: 0.5 }, "iova"],
    [{ do: "guest-tables", domain: 1, page: 1 }, "domain has to be a string"],
    [{ do: "report", requester: 0x10000, page: 1 }, "requester"],
    [{ do: "disable-device" }, "device has to be a string"],
    [{ do: "reboot" }, "do has to be one of"],
    [undefined, "an access has to be an object"],
  ])("%j is told: %s", (yielded, expected) => {
    const message = messageOf(() => assigning(yielded));
    expect(message).toContain("the platform driver's assign yielded");
    expect(message).toContain(expected);
  });
});

describe("what else goes wrong", () => {
  it("a routine that throws", () => {
    const driver = guarded({
      ...SILENT,
      lend() {
        throw new TypeError("no page");
      },
    }).createDriver(SETUP);
    run(driver.start());
    expect(messageOf(() => run(driver.lend("outsider", 1, 1)))).toMatch(
      /^the platform driver's lend threw: TypeError: no page at /,
    );
  });

  it("a routine that is none", () => {
    const driver = guarded({ ...SILENT, handleFaults: () => 7 }).createDriver(SETUP);
    run(driver.start());
    expect(messageOf(() => run(driver.handleFaults()))).toContain("handleFaults returned 7");
  });

  it("a routine that never ends", () => {
    const driver = guarded({
      ...SILENT,
      *handleFaults() {
        while (true) yield { do: "report", requester: 1, page: 1 };
      },
    }).createDriver(SETUP);
    run(driver.start());
    expect(messageOf(() => run(driver.handleFaults()))).toBe(
      "the platform driver made 100000 accesses without finishing",
    );
  });

  it("a driver with routines missing, when it starts", () => {
    const { remap, ...others } = SILENT;
    expect(remap).toBe(nothing);
    expect(messageOf(() => run(guarded(others).createDriver(SETUP).start()))).toBe(
      "the platform driver that the factory returned has no remap",
    );
  });

  it("a firmware that is none", () => {
    expect(messageOf(() => run(guarded(SILENT, null).createFirmware(SETUP).leave("off")))).toBe(
      "the firmware's factory returned null, not a firmware",
    );
  });

  it("software that changes what it was given", () => {
    const create = (setup: { faultLimit: number; firmwareTable: Uint8Array; topology: object }) => {
      setup.faultLimit = 0;
      setup.firmwareTable.fill(0);
      Object.assign(setup.topology, { segments: [] });
      return SILENT;
    };
    const software = { createDriver: create } as unknown as PlatformSoftware;
    const driver: PlatformDriver = guardedPlatformSoftware(software).createDriver(SETUP);
    expect(messageOf(() => run(driver.start()))).toContain("the platform driver's factory threw: TypeError");
    expect(SETUP.faultLimit).toBe(3);
    expect(SETUP.firmwareTable[0]).not.toBe(0);
  });
});
