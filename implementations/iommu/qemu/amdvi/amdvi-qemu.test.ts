/** The real thing: what a run shows on whichever QEMU is installed. */
import { afterAll, describe, expect, test } from "vitest";
import { profileNamed } from "../../../../model/amdvi/profiles.js";
import { type Action, Effect, pageTag, writeTag } from "../../../../model/trace.js";
import { type RequesterId, requesterId } from "../../../../model/words/address.js";
import { ImplementationError, type RunSetup } from "../../interface.js";
import { openQemu } from "../index.js";
import { device, read, request, store, whyNoQemu, write64 } from "../testing.js";
import { isAtLeast } from "../version.js";
import { Control, Register, RING_LENGTH, Status } from "./registers.js";
import {
  attach,
  enable,
  invalidateDevice,
  invalidatePage,
  issue,
  page,
  setupFor,
  storeDeviceEntry,
  translating,
  unmap,
} from "./testing.js";

const missing = whyNoQemu();
const ALL_ON = Control.iommu | Control.eventLog | Control.commandBuffer;
const RUNNING = Status.eventLogRun | Status.commandBufferRun;

describe.skipIf(missing !== undefined)(
  `QEMU's amd-iommu${missing === undefined ? "" : ` (skipped: ${missing})`}`,
  () => {
    const qemu = missing === undefined ? openQemu() : undefined!;
    afterAll(() => qemu?.close());

    const run = (setup: RunSetup, actions: readonly Action[]) => {
      qemu.reset(setup);
      return qemu.execute(actions);
    };
    /** What the actions of one kind showed, in short. */
    const shown = (kind: Action["do"], setup: RunSetup, actions: readonly Action[]) =>
      run(setup, actions).flatMap(({ low }, index) => (actions[index]!.do === kind ? [low] : []));
    const effects = (setup: RunSetup, actions: readonly Action[]) => shown("request", setup, actions);
    const attached = (targets: readonly number[], rights?: { IR: number; IW: number }) => [
      ...attach(targets, rights),
      ...issue(0, 1, invalidateDevice()),
    ];

    test("writes and reads go through the tables", () => {
      const [a, b] = page.data;
      const actions = [
        ...attached([a, b]),
        request("write", 0, 0, 0x100),
        request("read", 1, 1, 0x200),
        request("read", 2, 0, 0x100),
        request("write", 3, 1, 0xffc, { length: 4 }),
      ];
      expect(effects(setupFor(), actions)).toEqual([a, b, a, b]);
      expect(qemu.readData(a, 0x100)).toBe(writeTag(0));
      expect(qemu.readData(a, 0x104)).toBe(writeTag(0));
      expect(qemu.readData(a, 0x108)).toBe(pageTag(a, 0x108));
      expect(qemu.readData(b, 0xffc)).toBe(writeTag(3));
    });

    test("identifies itself as the profile says", () => {
      const profile = profileNamed("amd-qemu");
      const { extendedFeatures, extendedFeatures2, capabilityHeader, misc0 } = qemu.identify(setupFor());
      expect(extendedFeatures).toEqual(profile.extendedFeatures);
      expect(extendedFeatures2).toEqual(profile.extendedFeatures2);
      const secureDevice = 0xf;
      expect(capabilityHeader!.low & 0xff).toBe(secureDevice);
      expect((capabilityHeader!.low & (1 << 24)) !== 0).toBe(profile.remoteIotlbs);
      expect((capabilityHeader!.low & (1 << 26)) !== 0).toBe(profile.npCache);
      expect((misc0!.low >>> 8) & 0x7f).toBe(profile.hostAddressWidth);
    });

    test("a run starts as promised", () => {
      const ring = (at: number) => ({ low: at * 4096, high: RING_LENGTH });
      const low = (value: number) => ({ low: value, high: 0 });
      const entry = (id: number, word: number): Action => ({
        do: "read-memory",
        page: page.deviceTable + (id >>> 7),
        word: 4 * (id & 127) + word,
      });
      const observed = run(setupFor(), [
        read(Register.deviceTableBase, 8),
        read(Register.commandBase, 8),
        read(Register.eventBase, 8),
        read(Register.control, 8),
        read(Register.commandHead, 8),
        read(Register.commandTail, 8),
        read(Register.eventHead, 8),
        read(Register.eventTail, 8),
        read(Register.status, 8),
        entry(0, 0),
        entry(0, 1),
        entry(0x27f, 0),
        entry(0x27f, 3),
        request("write", 0, page.data[0], 0),
        request("read", 1, page.data[0], 8),
      ]);
      expect(observed).toEqual([
        low(page.deviceTable * 4096 + 4),
        ring(page.commands),
        ring(page.log),
        low(ALL_ON),
        ...[0, 0, 0, 0].map(low),
        low(RUNNING),
        ...[1, 0, 1, 0].map(low),
        low(Effect.nowhere),
        low(Effect.nowhere),
      ]);
      expect(qemu.readData(page.data[2], 0x30)).toBe(pageTag(page.data[2], 0x30));
    });

    test("rights count: a page that may only be read", () => {
      const actions = [
        ...attached([page.data[0]], { IR: 1, IW: 0 }),
        request("read", 0, 0, 0),
        request("write", 1, 0, 8),
      ];
      expect(effects(setupFor(), actions)).toEqual([page.data[0], Effect.nowhere]);
    });

    test("a read that is blocked does not show what an earlier run fetched", () => {
      expect(effects(setupFor(), [...attached([page.data[0]]), request("read", 9, 0, 0x48)])).toEqual([
        page.data[0],
      ]);
      expect(
        effects(setupFor(), [request("read", 9, 0, 0x48), request("read", 10, page.data[0], 0x48)]),
      ).toEqual([Effect.nowhere, Effect.nowhere]);
    });

    test("a request can land in a table page, and in a page of the device table", () => {
      const targets = [page.behind, page.deviceTable + 1];
      const actions = [
        ...attached(targets),
        ...targets.map((_, index) => request("write", index, index, 0xf00)),
      ];
      expect(effects(setupFor(), actions)).toEqual(targets);
      expect(effects(setupFor(), [request("write", 0, page.data[0], 0)])).toEqual([Effect.nowhere]);
    });

    test("commands invalidate, and a COMPLETION_WAIT tells when", () => {
      const [a, b] = page.data;
      const actions: Action[] = [
        ...attached([a]),
        request("write", 0, 0, 0),
        unmap(0),
        request("write", 1, 0, 8),
        ...issue(2, 2, invalidatePage(0)),
        request("write", 2, 0, 16),
        ...attach([b]),
        ...issue(4, 3, invalidatePage(0)),
        request("write", 3, 0, 24),
        { do: "poll-memory", page: page.status, word: 0, value: 77 },
        { do: "poll-register", offset: Register.commandHead, mask: 0x7fff0, value: 0x60 },
      ];
      qemu.reset(setupFor());
      const observed = qemu.execute(actions);
      const of = (kind: Action["do"]) => observed.filter((_, at) => actions[at]!.do === kind);
      expect(of("request").map(({ low }) => low)).toEqual([a, a, Effect.nowhere, b]);
      expect(of("poll-memory").map(({ low }) => low)).toEqual([1, 1, 1, 0]);
      expect(of("poll-register").map(({ low }) => low)).toEqual([1]);
    });

    test("a device is cut off and attached again", () => {
      const [a] = page.data;
      const actions = [
        ...attached([a]),
        request("write", 0, 0, 0),
        ...storeDeviceEntry(device, { V: 1 }),
        ...issue(2, 2, invalidateDevice(), invalidatePage(0)),
        request("write", 1, 0, 8),
        ...storeDeviceEntry(device, {}),
        ...issue(5, 3, invalidateDevice()),
        request("write", 2, a, 16),
        ...storeDeviceEntry(device, translating),
        ...issue(7, 4, invalidateDevice()),
        request("write", 3, 0, 24),
      ];
      expect(effects(setupFor(), actions)).toEqual([a, Effect.nowhere, a, a]);
    });

    test("after a platform reset everything is off, and software can switch it on", () => {
      const setup = setupFor("reset");
      for (let again = 0; again < 3; again++) {
        const look = [read(Register.control, 8), read(Register.deviceTableBase, 8), read(Register.status, 8)];
        const before = run(setup, [...look, request("write", 0, page.data[1], 0x10)]);
        expect(before.map(({ low }) => low)).toEqual([0, 0, 0, page.data[1]]);
        const actions = [
          ...attach([page.data[2]]),
          ...enable(),
          ...issue(0, 1, invalidateDevice()),
          request("write", 1, 0, 8),
          request("read", 2, 0, 0),
        ];
        expect(effects(setup, actions)).toEqual([page.data[2], page.data[2]]);
      }
    });

    test("runs that start at reset and runs that start translating take turns", () => {
      const [a] = page.data;
      for (let again = 0; again < 2; again++) {
        const enabled = [...enable(), request("write", 0, a, 0)];
        expect(effects(setupFor("reset"), enabled)).toEqual([a]);
        expect(effects(setupFor("translating"), [request("write", 0, a, 0)])).toEqual([Effect.nowhere]);
      }
    });

    test("whatever a run leaves behind, the next one starts clean", () => {
      const good = [
        ...attached([page.data[0]]),
        request("write", 0, 0, 0),
        request("read", 1, 0, 8),
        read(Register.status, 8),
        read(Register.eventTail, 8),
        request("write", 2, 5, 0),
      ];
      const allOnes = [0xffffffff, 0xffffffff] as const;
      const garbage: Action[][] = [
        [write64(Register.control, 0), request("read", 1, page.data[0], 8)],
        [store(page.commands, 0, 0xf * 2 ** 49), write64(Register.commandTail, 0x20)],
        [
          ...issue(0, 7, [{ low: 2, high: 0x10000000 }, ...[{ low: 0, high: 0 }]]),
          write64(Register.status, 0),
        ],
        [write64(Register.deviceTableBase, 0xdeadb1ff), request("write", 3, 9, 0)],
        [write64(Register.exclusionLimit, 0xfffff000), write64(0x20, 0xfffff003), write64(0x38, 0x1000)],
        [write64(Register.eventHead, 0x10), write64(Register.eventTail, 0x7fff0), write64(0x2030, 0x50)],
        [
          write64(Register.control, ALL_ON | 0x18),
          ...[9, 10, 11].map((at) => request("write", at, at, 0)),
          write64(Register.eventBase, 0x5000),
        ],
        [...attached([0x1ff00, 0x1ff06, 0x1ff40]), ...[0, 1, 2].map((at) => request("write", at, at, 0))],
        [
          ...attached([page.deviceTable]),
          { do: "store", page: page.deviceTable, word: 0, low: allOnes[0], high: allOnes[1] },
          request("write", 9, 0, 0),
        ],
        [...storeDeviceEntry(device, {}), ...issue(0, 1, invalidateDevice()), request("read", 3, 0, 0)],
      ];
      for (const actions of garbage) {
        run(setupFor(), actions);
        const observed = run(setupFor(), good).slice(-5);
        expect(observed.map(({ low }) => low)).toEqual([
          page.data[0],
          page.data[0],
          RUNNING,
          0,
          Effect.nowhere,
        ]);
      }
    });

    test("requests to the interrupt range show nothing", () => {
      const actions = [
        ...attached([]),
        request("write", 0, 0xfee00, 0, { length: 4 }),
        request("read", 1, 0xfee00, 0),
      ];
      expect(effects(setupFor(), actions)).toEqual([Effect.nowhere, Effect.nowhere]);
    });

    const keepsIdentities = (others: readonly RequesterId[]) => {
      const setup = setupFor("translating", [device, ...others]);
      for (const id of others) {
        const actions = [
          ...attach([page.data[0]], undefined, id),
          ...issue(0, 1, invalidateDevice(id)),
          request("write", 0, 0, 0, { requester: id }),
          request("read", 1, 0, 8, { requester: id }),
          request("write", 2, 0, 16),
        ];
        expect([id, ...effects(setup, actions)]).toEqual([id, page.data[0], page.data[0], Effect.nowhere]);
      }
    };

    test("several devices and functions keep their identities", () => {
      keepsIdentities([requesterId(0, 1, 3), requesterId(0, 4, 1), requesterId(0, 5, 0)]);
    });

    // Before 10.2, `amd-iommu` takes every device for one on bus 0.
    test.skipIf(missing !== undefined || !isAtLeast(qemu.qemu.version, 10, 2))("so do several buses", () => {
      keepsIdentities([requesterId(1, 0, 0), requesterId(2, 0, 3)]);
    });

    test("what QEMU cannot be or have is refused with a reason", () => {
      const setup = setupFor();
      expect(() => qemu.reset({ ...setup, profile: profileNamed("zen1") })).toThrow(
        "QEMU cannot be a zen1; it takes amd-qemu",
      );
      expect(() => qemu.reset({ ...setup, requesters: [requesterId(1, 3, 0)] })).toThrow(ImplementationError);
      expect(() => qemu.reset({ ...setup, rootPage: 0x1fefe })).toThrow(/cannot give page 0x1ff00/);
      expect(() => qemu.reset({ ...setup, logPage: null })).toThrow(/needs a page for the event log/);
      expect(effects(setup, [...attached([page.data[0]]), request("write", 0, 0, 0)])).toEqual([
        page.data[0],
      ]);
    });
  },
);
