/** What device table entries say of events: every value that may be cached or in memory (AMD-Vi 2.2.2). */
import { describe, expect, it } from "vitest";
import { InvalidationLog } from "../windows/invalidation-log.js";
import { SteeringRegisters } from "../windows/steering.js";
import { PhysicalMemory } from "../words/memory.js";
import { DeviceEntryWindows } from "./device-entries.js";
import { invalidations } from "./invalidations.js";

describe("what device table entries say of events", () => {
  const DEVICE = 0x21;
  /** Entry 21h of a table at page 10h: 32 bytes each. */
  const [TABLE, WORD] = [0x10, 0x21 * 4 + 1];

  function windows() {
    const memory = new PhysicalMemory(0x1000);
    const steering = new SteeringRegisters();
    // The table pointer as the walk takes it: page times 512, and pages minus one.
    steering.reset(true, TABLE * 512 + 1);
    const log = new InvalidationLog(invalidations);
    const devices = new DeviceEntryWindows(memory, steering, log, { domainIdsOf: () => [7] });
    return { memory, log, devices, steering };
  }

  it("SE is bit 97, DomainID bits 79:64", () => {
    const { memory, devices } = windows();
    const read = (low: number, high: number) => {
      memory.fill(TABLE, WORD, low >>> 0, high >>> 0);
      return devices.of(DEVICE, 9);
    };
    expect(read(5, 2)).toEqual([{ domainId: 5, suppressesFurther: true }]);
    expect(read(0xffff0005, ~2)).toEqual([{ domainId: 5, suppressesFurther: false }]);
    expect(read(0xffff, 0)).toEqual([{ domainId: 0xffff, suppressesFurther: false }]);
  });

  it("old values count until the device entry is invalidated", () => {
    const { memory, devices, log } = windows();
    memory.fill(TABLE, WORD, 5, 2);
    memory.storeSnooped(TABLE, WORD, 6, 0, 4);
    expect(devices.of(DEVICE, 9).map((one) => one.domainId)).toEqual([6, 5]);
    const flush = log.submit({ command: "invalidate-devtab-entry", deviceId: DEVICE }, 4, true, 0);
    expect(devices.readSince(DEVICE, 9)).toBe(0);
    expect(devices.lastInvalidation()).toBe(4);
    flush.observed = 8;
    expect([7, 8].map((now) => devices.readSince(DEVICE, now))).toEqual([0, 4]);
    expect(devices.readSince(DEVICE + 1, 9)).toBe(0);
    expect(devices.of(DEVICE, 9).map((one) => one.domainId)).toEqual([6]);
  });

  it("a table that was left counts until then too", () => {
    const { memory, devices, log, steering } = windows();
    const OTHER = 0x20;
    memory.fill(TABLE, WORD, 5, 0);
    memory.fill(OTHER, WORD, 6, 0);
    steering.tablePointer.commanded(OTHER * 512 + 1, 4);
    steering.tablePointer.observed(4);
    const domains = () => devices.of(DEVICE, 9).map((one) => one.domainId);
    expect(domains()).toEqual([5, 6]);
    const early = log.submit({ command: "invalidate-devtab-entry", deviceId: DEVICE }, 3, true, 0);
    early.observed = 8;
    expect(domains()).toEqual([5, 6]);
    log.submit({ command: "invalidate-devtab-entry", deviceId: DEVICE }, 4, true, 0).observed = 8;
    expect(domains()).toEqual([6]);
  });

  it("nothing beyond the table, or where there is no memory", () => {
    const { devices, steering } = windows();
    expect(devices.of(0xff, 9)).toHaveLength(1);
    expect(devices.of(0x100, 9)).toEqual([]);
    steering.reset(true, 0x1000 * 512);
    expect(devices.of(DEVICE, 9)).toEqual([]);
  });

  it("place of the entry, and the domains of a request", () => {
    const { devices } = windows();
    expect(devices.place(DEVICE)).toEqual({ page: TABLE, offset: 0x21 * 32 });
    expect(devices.place(0x81)).toEqual({ page: TABLE + 1, offset: 32 });
    expect(devices.lastInvalidation()).toBe(0);
    const request = { requester: DEVICE, page: 1, offset: 0, length: 4, type: "read" } as const;
    expect(devices.domainIds(request, 3)).toEqual([7]);
  });
});
