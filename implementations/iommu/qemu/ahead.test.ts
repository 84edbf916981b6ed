/** Runs that are submitted ahead: each shows what it shows alone, whatever else is under way. */
import { afterAll, describe, expect, test } from "vitest";
import type { StartState } from "../../../model/run-start.js";
import { type Action, Effect, type Observation } from "../../../model/trace.js";
import { requesterId } from "../../../model/words/address.js";
import { ImplementationError, type RunSetup } from "../interface.js";
import { openQemu } from "./index.js";
import { device, qemusBelow, read, request, whyNoQemu, write32 } from "./testing.js";
import { Command, Register } from "./vtd/registers.js";
import { attach, enable, invalidateAndWait, page, setupFor, unmap } from "./vtd/testing.js";

const missing = whyNoQemu();
const other = requesterId(0, 5, 0);
const [a, b] = page.data;

interface Sample {
  readonly setup: RunSetup;
  readonly actions: readonly Action[];
}

/** Runs on two machines, in several start states, some of which leave the IOMMU in another state than they found it. */
function samples(): Sample[] {
  const on = (requester: number, start: StartState = "translating") =>
    setupFor("qemu-39", start, [requester]);
  const mapped = attach(3, [a, b]);
  const touch = (slot: number) => [request("write", slot, 0, 0x40), request("read", slot + 1, 1, 0x80)];
  return [
    {
      setup: on(device),
      actions: [...mapped, ...touch(0), unmap(0), ...invalidateAndWait(0, 1), ...touch(2)],
    },
    { setup: on(device), actions: [...touch(0), read(Register.faultStatus)] },
    { setup: on(other), actions: [request("write", 0, 0, 0x40, { requester: other })] },
    { setup: on(device), actions: [...mapped, write32(Register.globalCommand, Command.queue), ...touch(0)] },
    { setup: on(device, "reset"), actions: [...mapped, ...touch(0), ...enable(), ...touch(2)] },
    { setup: on(device), actions: [...mapped, ...touch(0), read(Register.globalStatus)] },
  ];
}

describe.skipIf(missing !== undefined)(
  `QEMU, runs ahead${missing === undefined ? "" : ` (skipped: ${missing})`}`,
  () => {
    const qemu = missing === undefined ? openQemu() : undefined!;
    afterAll(() => qemu?.close());

    const contents = () => page.data.map((at) => qemu.readData(at, 0x40));
    const shownBy = (observations: Observation[]) => ({ observations, contents: contents() });
    const alone = ({ setup, actions }: Sample) => {
      qemu.reset(setup);
      return shownBy(qemu.execute(actions));
    };
    const mappedTouch = samples()[5]!;

    test.each([1, 2, 3, 6])("%i at a time show what they show one by one", (ahead) => {
      const runs = [...samples(), ...samples()];
      const expected = runs.map(alone);
      const seen: ReturnType<typeof alone>[] = [];
      for (const [index, { setup, actions }] of runs.entries()) {
        qemu.submit(setup, actions);
        if (index >= ahead) seen.push(shownBy(qemu.collect()));
      }
      while (seen.length < runs.length) seen.push(shownBy(qemu.collect()));
      expect(seen).toEqual(expected);
    });

    test("another run on the same machine meanwhile makes no difference to either", () => {
      const expected = alone(mappedTouch);
      qemu.submit(mappedTouch.setup, mappedTouch.actions);
      expect(alone(samples()[1]!).observations[0]).toEqual({ low: Effect.nowhere, high: 0 });
      expect(shownBy(qemu.collect())).toEqual(expected);
    });

    test("what is collected is not to be read any more once something else is submitted", () => {
      qemu.submit(mappedTouch.setup, mappedTouch.actions);
      qemu.collect();
      qemu.submit(mappedTouch.setup, mappedTouch.actions);
      expect(() => qemu.readData(a, 0)).toThrow(/not one of this run/);
      qemu.collect();
      expect(() => qemu.collect()).toThrow(/no run that was submitted/);
    });

    test("a failure is that of the run that was under way, and the next one has a new process", () => {
      const expected = alone(mappedTouch);
      qemu.close();
      expect(alone(mappedTouch)).toEqual(expected);
      const [pid] = qemusBelow(process.pid);
      process.kill(pid!, "SIGKILL");
      for (let run = 0; run < 2; run++) qemu.submit(mappedTouch.setup, mappedTouch.actions);
      expect(() => qemu.collect()).toThrow(ImplementationError);
      expect(shownBy(qemu.collect())).toEqual(expected);
    });

    test("a platform that QEMU cannot be is reported when its run is collected", () => {
      const { setup, actions } = mappedTouch;
      qemu.submit({ ...setup, profile: { ...setup.profile, id: "nonesuch" } }, actions);
      qemu.submit(setup, actions);
      expect(() => qemu.collect()).toThrow(/cannot be a nonesuch/);
      expect(qemu.collect()).toHaveLength(actions.length);
    });
  },
);
