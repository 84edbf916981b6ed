import { beforeEach, describe, expect, it } from "vitest";
import { OPEN } from "../words/memory.js";
import { RegisterWindow } from "./register-window.js";
import { SteeringRegisters } from "./steering.js";
import { sizeOf } from "./wording.js";

let register: RegisterWindow;

beforeEach(() => {
  register = new RegisterWindow();
  register.reset(0);
});

/** `value since until` of every value that is remembered. */
function windows(): string[] {
  const show = (step: number) => (step === OPEN ? "open" : String(step));
  return register.value.map(
    (value, index) => `${value} ${register.since[index]} ${show(register.until[index]!)}`,
  );
}

describe("the values of a register", () => {
  it("are one after a reset, in force from the beginning, whatever was there", () => {
    register.commanded(7, 3);
    register.reset(5);
    expect(windows()).toEqual(["5 0 open"]);
    expect([register.count, register.latest, register.firstNonZero]).toEqual([1, 5, 0]);
    register.reset(0);
    expect([register.count, register.latest, register.firstNonZero]).toEqual([1, 0, OPEN]);
  });

  it("overlap from a command on until software sees that it is done", () => {
    register.commanded(7, 3);
    expect(windows()).toEqual(["0 0 open", "7 3 open"]);
    register.commanded(8, 5);
    register.observed(9);
    expect(windows()).toEqual(["0 0 9", "7 3 9", "8 5 open"]);
    register.observed(12);
    expect(windows()).toEqual(["0 0 9", "7 3 9", "8 5 open"]);
    register.commanded(0, 20);
    register.observed(21);
    expect(windows()).toEqual(["0 0 9", "7 3 9", "8 5 21", "0 20 open"]);
  });

  it("tell the first step at which one other than 0 was in force", () => {
    register.commanded(0, 2);
    expect(register.firstNonZero).toBe(OPEN);
    register.commanded(7, 3);
    register.commanded(8, 4);
    expect(register.firstNonZero).toBe(3);
  });
});

describe("what is under way", () => {
  it("nothing after a reset", () => {
    expect(register.isCommandedAt(0)).toBe(false);
    expect(register.isSettledAt(OPEN)).toBe(false);
    expect(register.isPending(0)).toBe(false);
  });

  it("a command until it is seen done", () => {
    register.commanded(7, 3);
    expect([2, 3, 4].map((step) => register.isCommandedAt(step))).toEqual([false, true, false]);
    expect(register.isPending(1000)).toBe(true);
    register.observed(9);
    expect([8, 9, 10].map((step) => register.isPending(step))).toEqual([true, false, false]);
    expect([8, 9, 10].map((step) => register.isSettledAt(step))).toEqual([false, true, false]);
  });

  it("switched on: the value that last followed on 0, once that was seen", () => {
    expect(register.switchedOn(100)).toBe(0);
    register.commanded(7, 3);
    register.observed(9);
    expect([8, 9].map((now) => register.switchedOn(now))).toEqual([0, 1]);
    register.commanded(8, 12);
    register.observed(13);
    expect(register.switchedOn(20)).toBe(1);
    register.commanded(0, 22);
    register.observed(23);
    register.commanded(7, 24);
    expect(register.switchedOn(100)).toBe(1);
    register.observed(25);
    expect(register.switchedOn(25)).toBe(4);
  });
});

describe("what is over", () => {
  it("ends of a value, as often as it was in force", () => {
    register.commanded(7, 3);
    register.observed(4);
    register.commanded(0, 5);
    register.observed(6);
    expect(register.ends(0)).toEqual([4, OPEN]);
    expect(register.ends(7)).toEqual([6]);
    expect(register.ends(9)).toEqual([]);
  });

  it("is forgotten up to the first value that could still be in force", () => {
    register.commanded(7, 3);
    register.observed(4);
    register.commanded(8, 5);
    register.observed(6);
    register.forget(3);
    expect(windows()).toEqual(["0 0 4", "7 3 6", "8 5 open"]);
    register.forget(4);
    expect(windows()).toEqual(["7 3 6", "8 5 open"]);
    expect([register.count, register.latest]).toEqual([2, 8]);
    register.forget(100);
    expect(windows()).toEqual(["8 5 open"]);
    expect(register.count).toBe(1);
  });
});

describe("steering registers after a reset", () => {
  it("translate or not, from that table, with nothing protected", () => {
    const steering = new SteeringRegisters();
    steering.reset(true, 77);
    steering.protection.commanded([{ first: 1, last: 2 }], 1);
    expect([steering.enabled.latest, steering.tablePointer.latest]).toEqual([1, 77]);
    steering.reset(false, 78);
    expect([steering.enabled.latest, steering.tablePointer.latest]).toEqual([0, 78]);
    expect(steering.protection.isUnused).toBe(true);
    expect(steering.switchedOn(10)).toBe(0);
    steering.enabled.commanded(1, 3);
    steering.enabled.observed(4);
    expect(steering.switchedOn(4)).toBe(1);
  });
});

describe("amounts of memory", () => {
  it.each([
    [1, "4 KiB"],
    [255, "1020 KiB"],
    [256, "1 MiB"],
    [512, "2 MiB"],
    [0x40000, "1 GiB"],
    [0x8000000, "512 GiB"],
    [0x10000000, "1 TiB"],
    [2 ** 38, "1 PiB"],
  ])("%i pages are %s", (pages, text) => {
    expect(sizeOf(pages)).toBe(text);
  });
});
