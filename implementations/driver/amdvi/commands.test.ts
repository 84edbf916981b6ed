import { describe, expect, it } from "vitest";
import { parseCommand } from "../../../model/amdvi/commands.js";
import { profileNamed } from "../../../model/amdvi/profiles.js";
import { Offset } from "../../../model/amdvi/registers.js";
import type { Word } from "../../../model/trace.js";
import type { Access, Routine } from "../interface.js";
import { Table } from "../shared/table.js";
import { TableMemory } from "../shared/table-memory.js";
import { CommandBuffer } from "./command-buffer.js";
import { DeviceTable } from "./device-table.js";
import { Encodings } from "./encodings.js";
import { AmdViFlusher } from "./flusher.js";
import { GrowingTables } from "./growing-tables.js";

const encodings = new Encodings(profileNamed("family-15h-non-coherent"), {});
const BUFFER = 0x200a;
const STATUS = 0x200b;
const DEVICE_TABLE = 0x2000;

const hex = ({ low, high }: Word) =>
  `0x${(BigInt(high) * 0x100000000n + BigInt(low)).toString(16).padStart(16, "0")}`;

function parts() {
  const commands = new CommandBuffer(encodings, {}, BUFFER, STATUS);
  const flusher = new AmdViFlusher(commands, encodings, {});
  const memory = new TableMemory(true, {});
  const devices = new DeviceTable(encodings, flusher, memory, {}, DEVICE_TABLE, 2);
  const domain = (id: number, top: number) =>
    new GrowingTables(id, new Table(top, 2), memory, encodings, flusher, {}, (one) =>
      devices.topChanged(one),
    );
  return { commands, flusher, devices, domain };
}

/** What a routine does, every poll answered with yes. */
function accessesOf(routine: Routine): Access[] {
  const accesses: Access[] = [];
  for (let next = routine.next(); !next.done; next = routine.next({ low: 1, high: 0 }))
    accesses.push(next.value);
  return accesses;
}

/** Commands by name, device table stores by half, and polls, in order. */
function outlineOf(accesses: readonly Access[]): string[] {
  const outline: string[] = [];
  let first: Word = { low: 0, high: 0 };
  for (const one of accesses) {
    if (one.do === "store" && one.page === BUFFER) {
      if (one.word % 2 === 0) first = one;
      else outline.push(commandOf([first, one]));
    } else if (one.do === "store")
      outline.push(`half ${one.word % 4} of ${(one.page - DEVICE_TABLE) * 128 + (one.word >>> 2)}`);
    else if (one.do === "poll-memory") outline.push("wait");
  }
  return outline;
}

function commandOf(words: readonly Word[]): string {
  const command = parseCommand(encodings.platform, words);
  if ("illegal" in command) return command.illegal.id;
  if (command.command === "completion-wait") return command.flush ? "barrier" : "store";
  if (command.command === "invalidate-devtab-entry") return `devtab ${command.deviceId}`;
  if (command.command === "invalidate-iommu-pages") return `pages ${command.domainId}`;
  return command.command;
}

describe("commands", () => {
  it.each<[string, readonly Word[], readonly string[]]>([
    ["all of a domain", encodings.invalidateDomain(5), ["0x3000000500000000", "0x7ffffffffffff003"]],
    ["one page", encodings.invalidateRange(5, 1, 0, true), ["0x3000000500000000", "0x0000000000001000"]],
    ["two pages", encodings.invalidateRange(5, 2, 1, true), ["0x3000000500000000", "0x0000000000002001"]],
    [
      "four pages around",
      encodings.invalidateRange(5, 1, 2, true),
      ["0x3000000500000000", "0x0000000000001001"],
    ],
    [
      "2 MiB and its tables",
      encodings.invalidateRange(5, 0x2ff, 9, false),
      ["0x3000000500000000", "0x00000000002ff003"],
    ],
    ["a device", encodings.invalidateDevice(0xa0), ["0x20000000000000a0", "0x0000000000000000"]],
    ["a barrier", encodings.barrier, ["0x1000000000000004", "0x0000000000000000"]],
    [
      "a wait",
      encodings.completionWait({ page: 0x100835, word: 1, value: 0x3c00 }),
      ["0x1000000100835009", "0x0000000000003c00"],
    ],
  ])("%s", (_, command, words) => {
    expect(command.map(hex)).toEqual(words);
  });

  it("of every device and domain are there where the unit has one", () => {
    expect(encodings.invalidateAll).toBe(null);
    expect(new Encodings(profileNamed("zen1"), {}).invalidateAll!.map(hex)).toEqual([
      "0x8000000000000000",
      "0x0000000000000000",
    ]);
  });

  it("never fill the buffer beyond what it holds", () => {
    const { commands } = parts();
    const accesses = accessesOf(
      commands.submit(Array.from({ length: 600 }, () => encodings.invalidateDevice(1))),
    );
    let underWay = 0;
    let most = 0;
    for (const access of accesses) {
      if (access.do === "store" && access.word % 2 === 1) underWay++;
      if (access.do === "poll-memory") underWay = 0;
      most = Math.max(most, underWay);
    }
    expect(most).toBe(255);
    expect(
      accesses.filter((one) => one.do === "write-register" && one.offset === Offset.CmdTail).length,
    ).toBe(3);
  });

  it("of two stages have a barrier between them, and one wait", () => {
    const { flusher } = parts();
    const device = encodings.invalidateDevice(0x20);
    const domain = encodings.invalidateDomain(1);
    expect(outlineOf(accessesOf(flusher.flush([device, device], [domain])))).toEqual([
      "devtab 32",
      "devtab 32",
      "barrier",
      "pages 1",
      "store",
      "wait",
    ]);
    expect(outlineOf(accessesOf(flusher.flush([], [domain])))).toEqual(["pages 1", "store", "wait"]);
    expect(accessesOf(flusher.flush([], []))).toEqual([]);
  });
});

describe("entries", () => {
  it.each([
    ["a table", encodings.table(3, 0x12345), "0x6000000012345401"],
    ["4 KiB", encodings.leaf(1, 0xabcde, 1, 3), "0x60000000abcde001"],
    ["2 MiB", encodings.leaf(2, 0x40000, 512, 3), "0x6000000040000001"],
    ["8 KiB", encodings.leaf(1, 0x80, 2, 3), "0x6000000000080e01"],
    ["32 KiB", encodings.leaf(1, 0x168, 8, 3), "0x600000000016be01"],
    ["1 MiB", encodings.leaf(1, 0x700, 256, 3), "0x600000000077fe01"],
    ["4 MiB", encodings.leaf(2, 0x800, 1024, 3), "0x60000000009ffe01"],
    ["read-only", encodings.leaf(1, 0xabcde, 1, 1), "0x20000000abcde001"],
    ["write-only", encodings.leaf(1, 0xabcde, 1, 2), "0x40000000abcde001"],
    ["the first half of a device table entry", encodings.deviceRoot(0x114d7b, 3), "0x6000000114d7b603"],
    ["the second half", encodings.deviceDomain(0x38), "0x0000000000000038"],
  ])("%s", (_, word, expected) => {
    expect(hex(word)).toBe(expected);
  });
});

describe("device table entries", () => {
  it("are filled DomainID first, each half invalidated for every requester id before the next step", () => {
    const { devices, domain } = parts();
    expect(outlineOf(accessesOf(devices.fill([0x20, 0x81], domain(1, 0x2010))))).toEqual([
      "half 1 of 32",
      "half 1 of 129",
      "devtab 32",
      "devtab 129",
      "store",
      "wait",
      "half 0 of 32",
      "half 0 of 129",
      "devtab 32",
      "devtab 129",
      "store",
      "wait",
    ]);
  });

  it("are written back, line by line", () => {
    const { devices, domain } = parts();
    const accesses = accessesOf(devices.fill([0x81], domain(1, 0x2010)));
    const at = accesses.findIndex((one) => one.do === "store" && one.page === DEVICE_TABLE + 1);
    expect(accesses[at + 1]).toEqual({ do: "flush-line", page: DEVICE_TABLE + 1, line: 0 });
  });

  it("of a domain that gets another level change at once, those of others do not", () => {
    const { devices, domain } = parts();
    const grown = domain(1, 0x2010);
    accessesOf(devices.fill([0x20, 0x22], grown));
    accessesOf(devices.fill([0x28], domain(2, 0x2011)));
    expect(outlineOf(accessesOf(devices.topChanged(grown)))).toEqual([
      "half 0 of 32",
      "half 0 of 34",
      "devtab 32",
      "devtab 34",
      "store",
      "wait",
    ]);
  });

  it("that block are one store each, and cover the table", () => {
    const { devices } = parts();
    const stores = accessesOf(devices.blockAll()).filter((one) => one.do === "store");
    expect(stores.length).toBe(256);
    expect(new Set(stores.map((one) => hex(one)))).toEqual(new Set(["0x0000000000000001"]));
    expect(stores[255]).toMatchObject({ page: DEVICE_TABLE + 1, word: 508 });
  });
});
