/**
 * What requests can reach where translation was never enabled, was switched off, or goes on. Page 100h belongs to d1,
 * which function A is assigned to; page 200h is software's own.
 */
import { describe, expect, it } from "vitest";
import { EVERY_WAY, NO_WAY, waysTo } from "../windows/untranslated.testing.js";
import { A, B, DEVICE_TABLE } from "./oracle.testing.js";
import { ControlBit, Offset } from "./registers.js";
import { Software } from "./software.testing.js";
import { BLOCKING_ENTRY } from "./tables.js";

const [PAGE, OWN] = [0x100, 0x200];
const EMPTY = { low: 0, high: 0 };

/** After a reset: a device table that lets nothing through is in memory, and the unit has been told nothing. */
function afterReset(): Software {
  return new Software(undefined, "reset")
    .says(
      { event: "allocate", page: PAGE, pages: 1, owner: "d1" },
      { event: "protect", page: OWN, pages: 1 },
      { event: "assign", requester: A, domain: "d1" },
    )
    .entry(A, [BLOCKING_ENTRY, EMPTY])
    .entry(B, [BLOCKING_ENTRY, EMPTY]);
}

function pointed(software: Software): Software {
  return software.write(Offset.DevTabBase, DEVICE_TABLE << 12);
}

/** What function A can do to a page. */
function reaches({ model }: Software, page: number): boolean[] {
  return waysTo(model, A, page);
}

describe("with IommuEn = 0", () => {
  it("every function reaches every page of memory from the start, before anything was done", () => {
    const { model } = new Software(undefined, "reset");
    for (const requester of [A, B])
      expect(model.exposure().some((one) => one.requester === requester)).toBe(true);
    expect(reaches(afterReset(), OWN)).toEqual(EVERY_WAY);
    expect(model.answers(A, 7, "write")).toEqual({ pages: [7], faults: [], invalid: false });
  });

  it("the device table makes no difference", () => {
    expect(reaches(pointed(afterReset()), OWN)).toEqual(EVERY_WAY);
  });

  it("a unit that software takes to protect although it was left disabled is found", () => {
    const { finding } = pointed(afterReset()).says({ event: "ready" });
    expect(finding).toMatchObject({ kind: "foreign-page" });
  });

  it("nothing is reached once it is 1, and everything once it is 0 again", () => {
    const software = pointed(afterReset()).write(Offset.Control, ControlBit.IommuEn);
    expect(software.says({ event: "ready" }).finding).toBeNull();
    expect(reaches(software, OWN)).toEqual(NO_WAY);
    expect(software.write(Offset.Control, 0).finding).toMatchObject({ kind: "foreign-page" });
    expect(reaches(software, OWN)).toEqual(EVERY_WAY);
  });
});

describe("translation enabled before the device table is set", () => {
  it("looks for entries where the register points after a reset: whatever memory holds there", () => {
    expect(afterReset().write(Offset.Control, ControlBit.IommuEn).finding).toMatchObject({
      kind: "foreign-page",
    });
  });
});

it("a device table that somebody else may write to is found when translation goes on", () => {
  const software = pointed(
    afterReset().says({ event: "allocate", page: DEVICE_TABLE, pages: 1, owner: "d1" }),
  );
  expect(software.write(Offset.Control, ControlBit.IommuEn).finding).toMatchObject({ kind: "foreign-page" });
});
