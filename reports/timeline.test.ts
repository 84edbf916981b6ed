import { describe, expect, it } from "vitest";
import { defaultPlatformOptions } from "../generators/platform/generate.js";
import { platformSoftware } from "../implementations/driver/platform/built-in.js";
import { platformSubject } from "../properties/platform/subject.js";
import type { Timeline } from "./result.js";
import { foundIn, hintScenario, hintSubject, unmapScenario, variantSubject } from "./sample.testing.js";
import { timelineOf } from "./timeline.js";

/** Every place on it is on it, every lane is one of its own, and steps follow each other. */
function expectInOrder({ lanes, length, steps, events, stale }: Timeline): void {
  const ids = new Set(lanes.map((one) => one.id));
  expect(ids.size).toBe(lanes.length);
  for (const { at, until, lane } of events) {
    expect(ids).toContain(lane);
    expect(at).toBeGreaterThanOrEqual(0);
    expect(until ?? at).toBeGreaterThanOrEqual(at);
    expect(until ?? at).toBeLessThanOrEqual(length);
  }
  for (const [index, { from, until }] of steps.entries()) {
    expect(until).toBeGreaterThan(from);
    expect(from).toBe(index === 0 ? from : steps[index - 1]!.until);
  }
  expect(steps.at(-1)!.until).toBeLessThanOrEqual(length);
  if (stale) expect(stale.until).toBeLessThanOrEqual(length);
}

describe("the timeline of an IOMMU that lets a stale value through", () => {
  const timeline = timelineOf(foundIn(hintSubject(), hintScenario))!;
  const { lanes, length, steps, events, stale } = timeline;

  it("has lanes for software, its invalidations and the requester", () => {
    expectInOrder(timeline);
    expect(lanes).toEqual([
      { id: "software", title: "software", kind: "software" },
      { id: "invalidation registers", title: "invalidation registers", kind: "invalidation" },
      { id: "00:06.0", title: "00:06.0", kind: "requester" },
    ]);
    expect(steps.map((one) => one.step)).toEqual([-1, 0, 1, 2, 3, 4, 5]);
  });

  it("shows the invalidation from its submission until software saw it complete", () => {
    const invalidation = "IOTLB invalidation of 262144 pages at 0x40000000 in domain 1, leaf entries only";
    expect(events.filter((one) => one.lane === "invalidation registers")).toEqual([
      { at: 10, until: 11, lane: "invalidation registers", text: invalidation, tone: "good" },
    ]);
    expect(stale!.fence).toEqual({ submitted: 10, completed: 11, text: invalidation });
    const submission = events.find((one) => one.at === 10 && one.lane === "software")!;
    expect(submission.text).toMatch(/^writes 0x\w+ to IOTLB_REG$/);
  });

  it("draws the stale value past what replaced it and past its fence, to its use", () => {
    const { from, replaced, until, fence } = stale!;
    expect([from, replaced, fence!.completed, until]).toEqual([4, 7, 11, 13]);
    expect(events.at(-1)).toEqual({
      at: 13,
      until: null,
      lane: "00:06.0",
      text: "read of 0x41001010 reaches page 0x1001000",
      tone: "bad",
    });
    expect(length).toBe(14);
  });
});

describe("the timeline of an IOMMU that shows something else wrong", () => {
  const { scenario, finding, records, stepOf } = foundIn(hintSubject(), hintScenario);
  const { evidence: _none, ...register } = { ...finding, kind: "register" as const };

  it("ends with the access that shows it", () => {
    const poll = records.findIndex((one) => "action" in one && one.action.do === "poll-register");
    const found = { scenario, records, stepOf, finding: { ...register, action: poll } };
    const { events, stale, length } = timelineOf(found)!;
    expect(stale).toBeNull();
    const bad = events.filter((one) => one.tone === "bad");
    expect(bad).toEqual([
      {
        at: length - 1,
        until: null,
        lane: "software",
        text: expect.stringMatching(/waits for GSTS_REG, and sees it$/),
        tone: "bad",
      },
    ]);
  });

  it("ends with what memory holds, where nothing else does", () => {
    const found = { scenario, records, stepOf, finding: { ...register, action: records.length } };
    const { events, length } = timelineOf(found)!;
    expect(events.at(-1)).toEqual({
      at: length,
      until: null,
      lane: "software",
      text: finding.message,
      tone: "bad",
    });
  });
});

describe("the timeline of software", () => {
  it("ends with what could be reached, which nothing covers", () => {
    const timeline = timelineOf(foundIn(variantSubject("vtd", "no-flush"), unmapScenario("vtd", "qemu-39")))!;
    expectInOrder(timeline);
    const { stale, length, events } = timeline;
    expect(stale).toMatchObject({ title: "old level-1 entry", until: length, fence: null });
    expect(stale!.replaced).toBeGreaterThan(stale!.from);
    expect(events.at(-1)).toMatchObject({ at: length, tone: "bad" });
    const said = events.filter((one) => /^(grants|takes it)/.test(one.text)).map((one) => one.text);
    expect(said).toEqual([
      "grants d0 0x1000000 -> 0x1000000, 2 pages",
      "takes it that d0 0x1000000 -> 0x1000000 is gone",
    ]);
  });

  it("shows a fence that comes too late", () => {
    const scenario = unmapScenario("vtd", "qemu-39");
    const { stale, events, length } = timelineOf(
      foundIn(variantSubject("vtd", "free-after-submit"), scenario),
    )!;
    expect(stale!.fence!.completed).toBeNull();
    const [late] = events.filter((one) => one.text.endsWith("never seen complete"));
    expect(late).toMatchObject({ at: stale!.fence!.submitted, until: length });
  });

  it("names the command buffer's commands on AMD-Vi", () => {
    const subject = variantSubject("amdvi", "settles-before-submit");
    const timeline = timelineOf(foundIn(subject, unmapScenario("amdvi", "zen1")))!;
    expectInOrder(timeline);
    const commands = timeline.events.filter((one) => one.lane === "invalidation queue");
    expect(commands[0]!.text).toMatch(/^INVALIDATE_DEVTAB_ENTRY of 00:04\.0/);
  });

  it("of a whole machine has lanes for every unit", () => {
    const { name, variants } = platformSoftware[0]!;
    const { software } = variants.find((one) => one.id === "reserved-dropped")!;
    const subject = platformSubject({ name, software }, defaultPlatformOptions("vtd"));
    const scenario = Array.from({ length: 100 }, (_, seed) => subject.generate(seed)).find(
      (one) => one.platform.units.length > 1 && subject.judge(one, []).findings.length > 0,
    )!;
    const timeline = timelineOf(foundIn(subject, scenario))!;
    expectInOrder(timeline);
    const lanes = timeline.lanes.map((one) => one.id);
    expect(lanes.some((one) => /^invalidation \w+ of unit 1$/.test(one))).toBe(true);
  });

  it("is not there where the run is not known", () => {
    const found = foundIn(hintSubject(), hintScenario);
    expect(timelineOf({ ...found, records: [] })).toBeNull();
  });
});
