import { createHash } from "node:crypto";
import { isRight } from "fp-ts/lib/Either.js";
import { describe, expect, test } from "vitest";
import { type Result, resultCodec } from "../result.js";
import { renderHtml } from "./index.js";
import { sampleCampaign, sampleDeviation, sampleFinding, sampleResult } from "./testing.js";

/** What stands between the tags of the first element with this opening tag. */
function inside(document: string, opening: string, closing: string): string {
  const from = document.indexOf(opening) + opening.length;
  return document.slice(from, document.indexOf(closing, from));
}

function withCampaigns(campaigns: Result["campaigns"]): Result {
  return { ...sampleResult(), campaigns };
}

function headline(result: Result): string {
  return inside(renderHtml(result), "<h1>", "</h1>").replace(/<[^>]*>/g, "");
}

test("the results these tests use are results", () => {
  expect(isRight(resultCodec.decode(sampleResult()))).toBe(true);
});

describe("the document", () => {
  const document = renderHtml(sampleResult());

  test("asks for nothing: no address of elsewhere, and a policy that allows none", () => {
    expect(document).not.toMatch(/(src|href)="(?!#|data:)/);
    expect(document).not.toMatch(/https?:|@import|url\((?!#)/);
    const policy = inside(document, 'Content-Security-Policy" content="', '"');
    expect(policy).toContain("default-src &#39;none&#39;");
    expect(policy).not.toContain("unsafe");
  });

  test.each([
    ["<style>", "</style>"],
    ["<script>", "</script>"],
  ])("lets only its own %s act", (opening, closing) => {
    const digest = createHash("sha256")
      .update(inside(document, opening, closing))
      .digest("base64");
    expect(document).toContain(`&#39;sha256-${digest}&#39;`);
  });

  test("holds the result as it was given", () => {
    const text = inside(document, '<script type="application/json" id="result">', "</script>");
    expect(JSON.parse(text)).toEqual(sampleResult());
  });

  test("is the same for the same result", () => {
    expect(renderHtml(sampleResult())).toBe(document);
  });

  test("shows nothing of a hostile result as HTML", () => {
    const hostile = JSON.parse(
      JSON.stringify(sampleResult()).replaceAll("level-1 entry", "</script><img src=x onerror=alert(1)>"),
    );
    expect(renderHtml(hostile)).not.toContain("<img");
  });

  test("gives every element an id of its own, and every link within a target", () => {
    const ids = [...document.matchAll(/ id="([^"]*)"/g)].map((one) => one[1]!);
    expect(new Set(ids).size).toBe(ids.length);
    for (const [, target] of document.matchAll(/href="#([^"]+)"/g)) expect(ids).toContain(target);
  });
});

describe("the head", () => {
  test("says what is violated, and by which implementation", () => {
    expect(headline(sampleResult())).toBe(
      "Violated: conformance and I1, by reference with hint-ignores-leaf (VT-d)",
    );
  });

  test("does not call known deviations violations", () => {
    const known = withCampaigns([sampleCampaign("qemu", [sampleDeviation()])]);
    expect(headline(known)).toBe("No new violation: qemu showed known deviations only");
  });

  test("claims nothing where nothing was judged or a verdict is missing", () => {
    const failed = sampleCampaign("c", []);
    const verdicts = failed.verdicts.map((one) => ({ ...one, verdict: "unknown" as const }));
    expect(headline(withCampaigns([{ ...failed, verdicts }]))).toBe("No verdict on c");
    expect(headline(withCampaigns([]))).toBe("Nothing was judged");
  });

  test("says when nothing was found", () => {
    expect(headline(withCampaigns([sampleCampaign("a", [])]))).toBe("No violation was found");
  });
});

describe("the verdict table", () => {
  const table = inside(renderHtml(sampleResult()), '<table class="verdicts">', "</table>");
  const rows = table.split("<tr>").map((row) =>
    row
      .replace(/<[^>]*>/g, " ")
      .replace(/\s+/g, " ")
      .trim(),
  );

  test("has invariants in their order, and cells that count and link", () => {
    expect(rows.slice(2)).toEqual([
      "conformance every observation is admissible 1 violation #1 1 known deviation #2",
      "I1 nothing reaches freed pages 1 violation #1 holds",
      "I2 only what was granted holds holds",
      "I10 every blocked request is reported holds holds",
    ]);
    expect(table).toMatch(/href="#finding-stale-[0-9a-f]{8}"/);
  });

  test("says what was not judged", () => {
    const [judged, other] = [sampleCampaign("a", []), sampleCampaign("b", [])];
    const document = renderHtml(withCampaigns([judged, { ...other, verdicts: other.verdicts.slice(1) }]));
    expect(inside(document, '<table class="verdicts">', "</table>")).toContain("not judged");
  });
});

test("an anchor depends on the finding, not on what stands beside it", () => {
  const anchors = (result: Result) =>
    [...renderHtml(result).matchAll(/ id="(finding-[^"-]*-[0-9a-f]{8})"/g)].map((one) => one[1]);
  const [campaign] = sampleResult().campaigns;
  const other = { ...sampleFinding(), signature: "stale/other" };
  const [alone] = anchors(sampleResult());
  expect(anchors(withCampaigns([{ ...campaign!, findings: [other, ...campaign!.findings] }]))).toContain(
    alone,
  );
});

test("deviations stand beside the versions that have them and the campaigns that met them", () => {
  const newer = {
    ...sampleDeviation(),
    known: { ...sampleDeviation().known!, id: "other", versions: ["11.1"] },
  };
  const document = renderHtml(
    withCampaigns([sampleCampaign("qemu a", [sampleDeviation(), newer]), sampleCampaign("qemu b", [newer])]),
  );
  const rows = inside(document, '<table class="deviations">', "</table>").split("<tr>").slice(2);
  const cells = rows.map((row) =>
    row
      .split("<td")
      .slice(2)
      .map((cell) =>
        cell
          .replace(/<[^>]*>|[^>]*>/, "")
          .replace(/<[^>]*>/g, "")
          .trim(),
      ),
  );
  expect(cells).toEqual([
    ["10 scenarios #1", "not met", "yes", "yes", "yes"],
    ["10 scenarios #2", "10 scenarios #3", "no", "no", "yes"],
  ]);
});

test("rules that nothing reached are told, with their share", () => {
  const document = renderHtml(sampleResult());
  expect(document).toContain("Reached by no campaign: 1");
  expect(document).toContain("1 of 2");
  expect(document).toContain("not reached");
});

test("failures and runs without a verdict are told with their reasons", () => {
  const told = inside(renderHtml(sampleResult()), '<section id="failures"', "</section>");
  for (const one of ["no answer within 5 s", "out/failed.json", "12 runs: a queue that wraps", "out/mended/"])
    expect(told).toContain(one);
});

test("the step that shows it is marked, as are the moments before and after all steps", () => {
  const steps = (brokenStep: number | null) => {
    const document = renderHtml(withCampaigns([sampleCampaign("a", [{ ...sampleFinding(), brokenStep }])]));
    return inside(document, "<h4>Steps</h4>", "</div>").replace(/<[^>]*>/g, "");
  };
  expect(steps(5)).toMatch(/a: write of 8 bytes at 0x13ff000 shown here/);
  expect(steps(-1)).toMatch(/before the first step shown here/);
  expect(steps(null)).toMatch(/after the run shown here/);
});
