/** The real thing: what a run shows on whichever QEMU is installed. */
import { afterAll, describe, expect, test } from "vitest";
import { Effect, pageTag, writeTag } from "../../../../model/trace.js";
import { vtdProfile } from "../../../../model/vtd/profile.js";
import { requesterId } from "../../../../model/words/address.js";
import { ImplementationError } from "../../interface.js";
import { openQemu } from "../index.js";
import { device, read, request, store, whyNoQemu, write32, write64 } from "../testing.js";
import { Command, Register } from "./registers.js";
import { attach, enable, invalidateAndWait, page, setupFor, unmap } from "./testing.js";

const missing = whyNoQemu();
const REASON_NOT_WRITABLE = 0x5;
const REASON_NOT_READABLE = 0x6;
const lows = (observations: readonly { low: number }[]) => observations.map(({ low }) => low);

describe.skipIf(missing !== undefined)(
  `QEMU's intel-iommu${missing === undefined ? "" : ` (skipped: ${missing})`}`,
  () => {
    const qemu = missing === undefined ? openQemu() : undefined!;
    afterAll(() => qemu?.close());

    const run = (setup: Parameters<typeof qemu.reset>[0], actions: Parameters<typeof qemu.execute>[0]) => {
      qemu.reset(setup);
      return qemu.execute(actions);
    };
    const effects = (setup: Parameters<typeof qemu.reset>[0], actions: Parameters<typeof qemu.execute>[0]) =>
      run(setup, actions).flatMap(({ low }, index) => (actions[index]!.do === "request" ? [low] : []));

    test.each([
      ["qemu-39", 3],
      ["qemu-48", 4],
      ["qemu-48-caching-mode", 4],
    ] as const)("%s: writes and reads go through %i levels of tables", (profile, levels) => {
      const [a, b] = page.data;
      const actions = [
        ...attach(levels, [a, b]),
        request("write", 0, 0, 0x100),
        request("read", 1, 1, 0x200),
        request("read", 2, 0, 0x100),
        request("write", 3, 1, 0xffc, { length: 4 }),
      ];
      expect(effects(setupFor(profile), actions)).toEqual([a, b, a, b]);
      expect(qemu.readData(a, 0x100)).toBe(writeTag(0));
      expect(qemu.readData(a, 0x104)).toBe(writeTag(0));
      expect(qemu.readData(a, 0x108)).toBe(pageTag(a, 0x108));
      expect(qemu.readData(b, 0xffc)).toBe(writeTag(3));
      expect(qemu.readData(b, 0xff8)).toBe(pageTag(b, 0xff8));
    });

    test("identifies itself as the profile says, apart from what newer versions add", () => {
      const setup = setupFor("qemu-39");
      const profile = vtdProfile(setup.profile);
      const { version, capability, extendedCapability } = qemu.identify(setup);
      expect(version!.low).toBe((profile.version.major << 4) | profile.version.minor);
      expect(extendedCapability).toEqual(profile.extendedCapability);
      const setRootInvalidates = 0x80000000;
      expect((capability!.high & ~setRootInvalidates) >>> 0).toBe(profile.capability.high);
      expect(capability!.low).toBe(profile.capability.low);
    });

    test("a run starts as promised", () => {
      const observed = run(setupFor("qemu-39"), [
        read(Register.globalStatus),
        read(Register.faultStatus),
        read(Register.rootTable, 8),
        read(Register.queueHead, 8),
        read(Register.queueTail, 8),
        read(Register.queueAddress, 8),
        read(Register.completionStatus),
        read(Register.faultRecordTop),
      ]);
      const status = (Command.translation | Command.setRoot | Command.queue) >>> 0;
      expect(lows(observed)).toEqual([status, 0, page.root * 4096, 0, 0, page.queue * 4096, 0, 0]);
      expect(qemu.readData(page.data[2], 0x30)).toBe(pageTag(page.data[2], 0x30));
    });

    test("a blocked request has no effect and leaves a fault record", () => {
      const look = [
        read(Register.faultStatus),
        read(Register.faultRecordLow, 8),
        read(Register.faultRecordHigh, 8),
      ];
      const record = (...actions: Parameters<typeof qemu.execute>[0]) => {
        const [outcome, status, address, detail] = run(setupFor("qemu-39"), [...actions, ...look]).slice(-4);
        const { low: source, high } = detail!;
        const isRead = high >>> 30 === 3;
        return {
          outcome: outcome!.low,
          status: status!.low,
          address: address!.low,
          source,
          isRead,
          reason: high & 0xff,
        };
      };
      const blocked = { outcome: Effect.nowhere, status: 2, address: 0x7000, source: device };
      expect(record(...attach(3, [page.data[0]]), request("write", 0, 7, 0x40))).toEqual({
        ...blocked,
        isRead: false,
        reason: REASON_NOT_WRITABLE,
      });
      expect(record(...attach(3, [page.data[0]]), request("read", 0, 7, 0x40))).toEqual({
        ...blocked,
        isRead: true,
        reason: REASON_NOT_READABLE,
      });
      const noRootEntry = 1;
      expect(record(request("write", 0, 7, 0x40)).reason).toBe(noRootEntry);
    });

    test("rights count: a page that may only be read", () => {
      const actions = [...attach(3, [page.data[0]], 1), request("read", 0, 0, 0), request("write", 1, 0, 8)];
      expect(effects(setupFor("qemu-39"), actions)).toEqual([page.data[0], Effect.nowhere]);
    });

    test("a read that is blocked does not show what an earlier run fetched", () => {
      const setup = setupFor("qemu-39");
      expect(effects(setup, [...attach(3, [page.data[0]]), request("read", 9, 0, 0x48)])).toEqual([
        page.data[0],
      ]);
      expect(effects(setup, [request("read", 9, 0, 0x48)])).toEqual([Effect.nowhere]);
      expect(effects(setup, [request("read", 9, 0, 0x48), request("read", 10, 0, 0x48)])).toEqual([
        Effect.nowhere,
        Effect.nowhere,
      ]);
    });

    test("a read of what a device wrote tells where that write is", () => {
      const actions = [
        ...attach(3, [page.data[3]]),
        request("write", 20, 0, 0x80),
        request("read", 21, 0, 0x80),
      ];
      expect(effects(setupFor("qemu-39"), actions)).toEqual([page.data[3], page.data[3]]);
    });

    test("a request can land in a table page", () => {
      const actions = [...attach(3, [page.behind]), request("write", 5, 0, 0xf00)];
      expect(effects(setupFor("qemu-39"), actions)).toEqual([page.behind]);
    });

    test("the queue invalidates, and the wait tells when", () => {
      const observed = run(setupFor("qemu-39"), [
        ...attach(3, [page.data[0]]),
        request("write", 0, 0, 0),
        unmap(0),
        ...invalidateAndWait(0, 1),
        request("write", 1, 0, 8),
        store(page.tables[3], 0, page.data[1] * 4096 + 3),
        ...invalidateAndWait(1, 2),
        request("write", 2, 0, 16),
        { do: "poll-memory", page: page.status, word: 0, value: 77 },
        { do: "poll-register", offset: Register.queueHead, mask: 0x7fff0, value: 0x40 },
      ]);
      const seen = lows(observed).filter((_, index) => index >= attach(3, [0]).length);
      expect(seen).toEqual([
        page.data[0],
        0,
        0,
        0,
        0,
        0,
        0,
        1,
        Effect.nowhere,
        0,
        0,
        0,
        0,
        0,
        0,
        1,
        page.data[1],
        0,
        1,
      ]);
    });

    test("stores take effect in order, with or without lines flushed between them", () => {
      const flush = { do: "flush-line", page: page.behind, line: 0 } as const;
      const look = (value: number) => ({ do: "poll-memory", page: page.behind, word: 1, value }) as const;
      const stores = [1, 2].flatMap((value) => [
        store(page.behind, 1, value),
        flush,
        store(page.behind, 0, 9),
      ]);
      const observed = run(setupFor("qemu-39"), [
        ...stores,
        look(2),
        store(page.behind, 0, 7),
        flush,
        store(page.behind, 1, 3),
        look(3),
        store(page.behind, 1, 4),
        store(page.behind, 1, 5),
        look(5),
        look(4),
      ]);
      expect(lows(observed).slice(stores.length)).toEqual([1, 0, 0, 0, 1, 0, 0, 1, 0]);
    });

    test("after a platform reset everything is off, and software can switch it on", () => {
      const setup = setupFor("qemu-39", "reset");
      for (let again = 0; again < 3; again++) {
        const before = run(setup, [read(Register.globalStatus), request("write", 0, page.data[1], 0x10)]);
        expect(lows(before)).toEqual([0, page.data[1]]);
        const actions = [
          ...attach(3, [page.data[2]]),
          ...enable(),
          request("write", 1, 0, 8),
          request("read", 2, 0, 0),
        ];
        expect(effects(setup, actions)).toEqual([page.data[2], page.data[2]]);
      }
    });

    test("whatever a run leaves behind, the next one starts clean", () => {
      const setup = setupFor("qemu-39");
      const good = [...attach(3, [page.data[0]]), request("write", 0, 0, 0), request("read", 1, 0, 8)];
      const garbage = [
        [store(page.queue, 0, 0xffffffff), write64(Register.queueTail, 0x10), read(Register.faultStatus)],
        [write64(Register.queueTail, 0x7fff0), read(Register.faultStatus)],
        [write32(Register.globalCommand, 0), request("read", 1, page.data[0], 8)],
        [write64(Register.queueAddress, 0x7ffff001), write64(Register.queueTail, 0xff0)],
        [
          write64(Register.rootTable, 0xdeadb000),
          write32(Register.globalCommand, Command.translation | Command.setRoot),
        ],
        [
          write32(0x38, 0),
          write32(0x3c, 0x1234),
          write32(0x40, 0xfee01000),
          write32(0xa0, 0),
          request("write", 9, 1, 0),
        ],
        [write64(0xb8, 0x5000), write32(Register.globalCommand, 0x85000000), write32(0x64, 0x80000000)],
        [
          ...attach(3, [0x1ff00, 0x1ff04, 0x1ff40]),
          ...[0, 1, 2].map((at) => request("write", at, at, 0)),
          request("read", 9, 0, 8),
        ],
        [
          ...invalidateAndWait(0, 7),
          request("read", 3, 0, 0),
          write32(Register.globalCommand, Command.translation),
        ],
      ];
      for (const actions of garbage) {
        run(setup, actions);
        expect(effects(setup, good)).toEqual([page.data[0], page.data[0]]);
        const clean = run(setup, [
          read(Register.faultStatus),
          read(Register.globalStatus),
          read(Register.queueHead, 8),
        ]);
        expect(lows(clean)).toEqual([0, (Command.translation | Command.setRoot | Command.queue) >>> 0, 0]);
      }
    });

    test("fault events that would wake a processor do no harm", () => {
      const fixed = 0x31;
      const systemManagement = 0x200;
      const notMaskable = 0x400;
      const init = 0x500;
      for (const message of [fixed, systemManagement, notMaskable, init, notMaskable]) {
        const unmask = [write32(0x40, 0xfee00000), write32(0x3c, message), write32(0x38, 0)];
        const actions = [
          ...attach(3, [page.data[0]]),
          ...unmask,
          request("write", 0, 9, 0),
          request("read", 1, 0, 8),
        ];
        expect(effects(setupFor("qemu-39"), actions)).toEqual([Effect.nowhere, page.data[0]]);
        expect(
          effects(setupFor("qemu-39"), [...attach(3, [page.data[1]]), request("write", 0, 0, 0)]),
        ).toEqual([page.data[1]]);
      }
    });

    test("requests to the interrupt range show nothing", () => {
      const actions = [request("write", 0, 0xfee00, 0, { length: 4 }), request("read", 1, 0xfee00, 0)];
      expect(effects(setupFor("qemu-39"), actions)).toEqual([Effect.nowhere, Effect.nowhere]);
    });

    test("several devices, functions and buses keep their identities", () => {
      const others = [requesterId(0, 4, 1), requesterId(0, 5, 0), requesterId(1, 0, 0), requesterId(2, 0, 3)];
      const setup = setupFor("qemu-48", "translating", [device, ...others]);
      const rootEntries = [0, 1, 2].map((bus) => store(page.root, 2 * bus, page.context * 4096 + 1));
      for (const id of others) {
        const entry = [...rootEntries, store(page.context, 2 * (id & 0xff), page.tables[1] * 4096 + 1)];
        const actions = [
          ...attach(3, [page.data[0]]),
          store(page.context, 2 * device, 0),
          ...entry,
          store(page.context, 2 * (id & 0xff) + 1, 0x501),
          request("write", 0, 0, 0, { requester: id }),
          request("read", 1, 0, 8, { requester: id }),
          request("write", 2, 0, 16),
          read(Register.faultRecordHigh, 8),
        ];
        expect(effects(setup, actions)).toEqual([page.data[0], page.data[0], Effect.nowhere]);
      }
    });

    test("what QEMU cannot be or have is refused with a reason", () => {
      expect(() => qemu.reset(setupFor("gm45"))).toThrow(/QEMU cannot be a gm45; it takes qemu-39/);
      expect(() => qemu.reset(setupFor("qemu-39", "translating", [requesterId(1, 3, 0)]))).toThrow(
        ImplementationError,
      );
      expect(() => qemu.reset({ ...setupFor("qemu-39"), dataPages: [0x1ffff] })).toThrow(
        /cannot give page 0x1ffff/,
      );
    });
  },
);
