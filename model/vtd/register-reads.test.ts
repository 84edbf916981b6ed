/** Reads of registers that act: what they are taken to tell, and what they are not (VT-d 11.4). */
import { describe, expect, it } from "vitest";
import { type Action, Effect } from "../trace.js";
import { profileNamed } from "./profiles.js";
import { A, Software } from "./software.testing.js";

const [GCMD, CCMD] = [0x18, 0x28];

function write(offset: number, low: number): Action {
  return { do: "write-register", offset, width: 4, low: low >>> 0, high: 0 };
}

function read(offset: number): Action {
  return { do: "read-register", offset, width: 4 };
}

describe("a fault record", () => {
  it("is free once 1 was written to F", () => {
    const { model } = new Software(profileNamed("qemu-48"));
    const { oracle } = model;
    const [record, F] = [0x220, 0x80000000];
    const request = { requester: A, page: 5, offset: 0, length: 4, type: "write" } as const;
    let index = 100;
    const act = (action: Action, low = 0) => oracle.perform(action, { low, high: 0 }, index++)?.kind ?? null;
    expect(act({ do: "request", request, slot: 0 }, Effect.blocked)).toBeNull();
    expect(act(read(record + 12), F + 2)).toBeNull();
    expect(act(read(record + 12), 2)).toBe("fault-record");
    expect(act(write(record + 12, F))).toBeNull();
    expect(act(read(record + 12), F + 2)).toBe("fault-record");
    expect(act(read(record + 12), 0)).toBeNull();
  });
});

describe("registers of commands", () => {
  it("are not judged where they hold nothing to read", () => {
    const { oracle } = new Software(profileNamed("qemu-48")).model;
    const seen = (offset: number, low: number) => oracle.perform(read(offset), { low, high: 0 }, 100);
    for (const offset of [0xf0, 0xf4, 0xf8, CCMD, GCMD]) expect(seen(offset, 0x1234)).toBeNull();
    expect(seen(0x20, 0x1234)?.kind).toBe("register");
    expect(seen(0x38, 0x1234)?.kind).toBe("register");
  });
});
