import { describe, expect, it } from "vitest";
import { RegisterFile, register } from "./register-file.js";

const control = register("control", "1", 8, 64, [
  ["Plain", "3:0", "RW", "plain"],
  ["Status", "4", "RO", "read-only"],
  ["Happened", "6:5", "RW1C", "write 1 to clear"],
  ["Lock", "7", "RW1S", "write 1 to set"],
  ["Command", "8", "WO", "write-only"],
  ["Wide", "35:30", "RW", "crosses the halves"],
]);

describe("registers", () => {
  it("bits of no field are declared as well", () => {
    expect(control.layout.fields.filter((one) => one.kind === "ignored").map((one) => one.name)).toEqual([
      "ignored 29:9",
      "ignored 63:36",
    ]);
  });

  it("exist at their offsets only", () => {
    const file = new RegisterFile([control]);
    expect([4, 8, 12, 16].map((offset) => file.has(offset))).toEqual([false, true, true, false]);
    file.write(4, -1);
    file.write(16, -1);
    expect([file.read(4), file.read(16)]).toEqual([0, 0]);
  });

  it("take writes as their access types say", () => {
    const file = new RegisterFile([control]);
    file.write(8, -1);
    file.write(12, -1);
    expect([file.read(8), file.read(12)]).toEqual([0xc000008f, 0xf]);
    file.set(8, 0x1ff);
    file.write(8, 0x25);
    // Plain is 5, Status stays, one bit of Happened is cleared, Lock stays set, Command stays.
    expect(file.read(8)).toBe(0x1d5);
    file.clear();
    expect([file.read(8), file.read(12)]).toEqual([0, 0]);
  });
});
