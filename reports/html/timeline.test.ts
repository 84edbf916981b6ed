import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { sampleTimeline } from "./testing.js";
import { timelineFigure } from "./timeline.js";
import { MARKER, placeLabels, scaleOf } from "./timeline-layout.js";

const CHARACTER = 6.65;

describe("the scale", () => {
  test("keeps the order of positions, and gives every step room for its number", () => {
    const timeline = sampleTimeline(true);
    const scale = scaleOf(timeline);
    const places = Array.from({ length: timeline.length + 1 }, (_, position) => scale.at(position));
    expect(places).toEqual([...places].sort((one, other) => one - other));
    expect(places.at(-1)).toBe(scale.width);
    for (const { from, until } of timeline.steps)
      expect(scale.at(until) - scale.at(from)).toBeGreaterThanOrEqual(30);
  });
});

describe("labels", () => {
  const labels = fc.array(
    fc.record({ x: fc.integer({ min: 0, max: 900 }), text: fc.string({ minLength: 1, maxLength: 60 }) }),
    { maxLength: 30 },
  );

  test("do not overlap in a row", () => {
    fc.assert(
      fc.property(labels, (given) => {
        const inOrder = [...given].sort((one, other) => one.x - other.x);
        const spans = placeLabels(inOrder, 900)
          .filter((one) => one.text !== "")
          .map(({ x, row, leftwards, text }) => {
            const room = MARKER + text.length * CHARACTER;
            return { row, from: leftwards ? x - room : x, until: leftwards ? x : x + room };
          });
        for (const [index, one] of spans.entries()) {
          for (const other of spans.slice(0, index)) {
            if (one.row === other.row) expect(other.until <= one.from || one.until <= other.from).toBe(true);
          }
        }
      }),
    );
  });

  test("are left out where a lane is full", () => {
    const many = Array.from({ length: 20 }, () => ({ x: 5, text: "x".repeat(40) }));
    expect(placeLabels(many, 900).filter((one) => one.text !== "").length).toBe(12);
  });

  test("are shortened, but for what was wrong", () => {
    const long = "x".repeat(80);
    const timeline = sampleTimeline(true);
    const events = timeline.events.map((one) => ({ ...one, text: long }));
    const { text } = timelineFigure({ ...timeline, events }, 5, "a");
    const shown = [...text.matchAll(/text-anchor="\w+">(x+…?)</g)].map((one) => one[1]!);
    expect(shown.filter((one) => one === long)).toHaveLength(1);
    expect(shown.filter((one) => /^x{51}…$/.test(one))).toHaveLength(6);
  });
});

describe("the picture", () => {
  const bars = (past: boolean) => {
    const { text } = timelineFigure(sampleTimeline(past), 5, "a");
    const picture = text.slice(text.indexOf('role="img"'));
    const numbers = (pattern: RegExp) => picture.match(pattern)?.slice(1).map(Number) ?? null;
    return {
      text,
      old: numbers(/class="stale old" x="([\d.]+)" y="[\d.]+" width="([\d.]+)"/),
      beyond: numbers(/class="stale beyond" x="([\d.]+)" y="[\d.]+" width="([\d.]+)"/),
      completed: numbers(/class="fence completed" d="M([\d.]+) /),
    };
  };

  test("lets the bar of a value that must be gone pass the fence", () => {
    const { text, old, beyond, completed } = bars(true);
    expect(old![0]! + old![1]!).toBeCloseTo(completed![0]!, 0);
    expect(beyond![0]).toBeCloseTo(completed![0]!, 0);
    expect(text).toContain("still used");
    expect(text).toContain("used although it must be gone");
  });

  test("has no fence for a value that nothing removed", () => {
    const { text, old, beyond, completed } = bars(false);
    expect([old !== null, beyond, completed]).toEqual([true, null, null]);
    expect(text).toContain("still usable");
  });

  test("draws the fence of an invalidation that was never seen complete as submitted only", () => {
    const timeline = sampleTimeline(true);
    const fence = { submitted: 18, completed: null, text: "IOTLB invalidation" };
    const { text } = timelineFigure({ ...timeline, stale: { ...timeline.stale!, fence } }, 5, "a");
    expect(text).toContain('class="fence submitted"');
    expect(text).not.toMatch(/class="fence completed"|class="stale beyond"/);
    expect(text).toContain("still usable");
    expect(text).toContain("not seen complete");
  });

  test("says all of it as a table as well", () => {
    const { text } = bars(true);
    for (const one of sampleTimeline(true).events)
      expect(text).toContain(`<code class="${one.tone}">${one.text}</code>`);
  });
});
