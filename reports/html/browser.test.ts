import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, beforeEach, describe, expect, it, test } from "vitest";
import {
  chromiumMissing,
  launchChromium,
  lowContrast,
  openAll,
  overflowing,
  watch,
} from "./browser.testing.js";
import { renderHtml } from "./index.js";
import { largeResult, sampleFinding, sampleResult } from "./testing.js";

it.runIf(process.env.CI === "true")("Chromium is there to look at reports", () => {
  expect(chromiumMissing).toBeUndefined();
});

describe.skipIf(chromiumMissing !== undefined)(
  `the report in Chromium${chromiumMissing === undefined ? "" : ` (skipped: ${chromiumMissing})`}`,
  () => {
    const folder = mkdtempSync(join(tmpdir(), "iommu-spec-html-"));
    const pathOf = (name: string) => pathToFileURL(join(folder, name)).href;
    let browser: Browser;
    /** Tests share a page where they can: another costs as much as ten tests. */
    let page: Page;

    beforeAll(async () => {
      writeFileSync(join(folder, "sample.html"), renderHtml(sampleResult()));
      writeFileSync(join(folder, "ten.html"), renderHtml(largeResult(10)));
      writeFileSync(join(folder, "large.html"), renderHtml(largeResult(100)));
      browser = await launchChromium();
      const permissions = ["clipboard-read", "clipboard-write"];
      page = await browser.newPage({ viewport: { width: 1280, height: 900 }, permissions });
    });
    afterAll(async () => {
      await browser.close();
      rmSync(folder, { recursive: true, force: true });
    });
    beforeEach(async () => {
      await page.goto(pathOf("sample.html"));
    });

    test("shows all parts, says nothing on the console, and asks for nothing but itself", async () => {
      const { said, requested } = watch(page);
      await page.goto(pathOf("sample.html"));
      await openAll(page);
      for (const name of ["Verdicts", "Counterexamples", "Known deviations side by side", "Rules exercised"])
        expect(await page.getByRole("region", { name, exact: true }).first().isVisible(), name).toBe(true);
      expect(await page.getByRole("img", { name: "Timeline of the counterexample" }).isVisible()).toBe(true);
      expect(await page.getByRole("img", { name: "The walk as linked tables" }).isVisible()).toBe(true);
      expect(said).toEqual([]);
      expect(requested).toEqual([pathOf("sample.html")]);
    });

    test("can be read without a script", async () => {
      const context = await browser.newContext({ javaScriptEnabled: false });
      const page = await context.newPage();
      await page.goto(pathOf("sample.html"));
      expect(await page.getByRole("cell", { name: "1 violation #1" }).count()).toBe(2);
      await page.getByText("What each invariant states").click();
      expect(await page.getByText("What I10 states").isVisible()).toBe(true);
      expect(await page.getByRole("button").count()).toBe(0);
      expect(await page.getByRole("img", { name: "Timeline of the counterexample" }).isVisible()).toBe(true);
      await context.close();
    });

    test("shows the counterexamples that the filter lets through", async () => {
      const shown = () => page.locator("details.finding:visible .ordinal").allTextContents();
      await page.getByRole("searchbox").first().fill("QUEUE-address register");
      expect(await shown()).toEqual(["#2"]);
      expect(await page.locator("#filter-count").textContent()).toBe("1 of 2 shown");
      await page.getByRole("searchbox").first().fill("");
      await page.getByLabel("Invariant").selectOption("I1");
      expect(await shown()).toEqual(["#1"]);
      await page.getByLabel("Status").selectOption("known");
      expect(await shown()).toEqual([]);
    });

    test("filters by a cell of the verdict table that has more than it can list", async () => {
      await page.goto(pathOf("ten.html"));
      await page.getByText("and 4 more").first().click();
      expect(await page.locator("#filter-count").textContent()).toBe("10 of 10 shown");
      expect(await page.locator("#filter-invariant").inputValue()).toBe("conformance");
      expect(page.url()).toMatch(/#counterexamples$/);
    });

    test("shows the rules that were not reached", async () => {
      await page.getByText("All 2 rules of VT-d").click();
      await page.getByLabel("only those that a campaign did not reach").check();
      expect(await page.locator("#rules-vtd tbody tr:visible code").allTextContents()).toEqual([
        "vtd.root.fetch",
      ]);
    });

    test("opens and shows what an address names", async () => {
      const id = await page.locator("details.finding").nth(1).getAttribute("id");
      await page.getByLabel("Status").selectOption("violation");
      await page.goto(`${pathOf("sample.html")}#${id}`);
      const box = page.locator(`#${id}`);
      expect(await box.getAttribute("open")).toBe("");
      expect(await box.locator("summary").first().isVisible()).toBe(true);
      await page.goto(`${pathOf("sample.html")}#invariant-I10`);
      expect(await page.getByText("What I10 states").isVisible()).toBe(true);
    });

    test("leads everywhere by keyboard, and shows where it is", async () => {
      await openAll(page);
      const reachable = `[...document.querySelectorAll("a[href], button, input, select, summary, [tabindex]")]
        .filter((one) => one.checkVisibility()).length`;
      const count = await page.evaluate<number>(reachable);
      await page.evaluate(`addEventListener("focusin", ({ target }) => {
        target.dataset.reached = getComputedStyle(target).outlineStyle;
      })`);
      for (let index = 0; index < count; index++) await page.keyboard.press("Tab");
      expect(await page.locator("[data-reached]").count()).toBe(count);
      expect(await page.locator('[data-reached="none"]').count()).toBe(0);
    });

    test("opens by Enter, and goes from one counterexample to the next by j and k", async () => {
      const focused = () =>
        page.evaluate<string>(
          "document.activeElement.closest('details').querySelector('.ordinal').textContent",
        );
      await page.keyboard.press("j");
      expect(await focused()).toBe("#1");
      await page.keyboard.press("j");
      expect(await focused()).toBe("#2");
      await page.keyboard.press("Enter");
      expect(await page.locator("details.finding").nth(1).getAttribute("open")).toBe("");
      await page.keyboard.press("k");
      expect(await focused()).toBe("#1");
      await page.keyboard.press("/");
      await page.keyboard.type("jk");
      expect(await page.getByRole("searchbox").first().inputValue()).toBe("jk");
    });

    test("copies the command, and saves the scenario and the result", async () => {
      await page.locator(".finding").first().getByRole("button", { name: "Copy" }).click();
      expect(await page.evaluate("navigator.clipboard.readText()")).toBe(sampleFinding().replay);
      const saved = async (name: string) => {
        const [download] = await Promise.all([
          page.waitForEvent("download"),
          page.getByRole("button", { name }).first().click(),
        ]);
        return [download.suggestedFilename(), JSON.parse(readFileSync(await download.path(), "utf8"))];
      };
      expect(await saved("Save the scenario")).toEqual(["stale-29f9fecd.json", sampleFinding().scenario]);
      expect(await saved("Save the result as JSON")).toEqual(["result.json", sampleResult()]);
    });

    test.each([
      [360, "light"],
      [1280, "dark"],
    ] as const)("%d pixels wide, %s: fits, with contrast enough", async (width, colorScheme) => {
      await page.setViewportSize({ width, height: 900 });
      await page.emulateMedia({ colorScheme });
      await openAll(page);
      expect(await overflowing(page)).toEqual([]);
      expect(await page.evaluate("document.documentElement.scrollWidth <= innerWidth")).toBe(true);
      expect(await lowContrast(page, 4.5)).toEqual([]);
    });

    test("has headings without gaps, names for all controls, and scopes for all table heads", async () => {
      await openAll(page);
      const levels = await page.evaluate<number[]>(
        "[...document.querySelectorAll('h1, h2, h3, h4')].map((one) => Number(one.localName[1]))",
      );
      for (const [index, level] of levels.slice(1).entries())
        expect(level - levels[index]!).toBeLessThanOrEqual(1);
      expect(await page.locator("th:not([scope])").count()).toBe(0);
      const nameless = `[...document.querySelectorAll("input, select, button, a, [role=region]")]
        .filter((one) => !(one.ariaLabel || one.labels?.length || one.textContent.trim())).length`;
      expect(await page.evaluate(nameless)).toBe(0);
    });

    test("opens a large result in less than two seconds of its processor", async () => {
      const page = await browser.newPage();
      const devtools = await page.context().newCDPSession(page);
      await devtools.send("Performance.enable");
      await page.goto(pathOf("large.html"));
      await page.evaluate("new Promise((done) => requestAnimationFrame(() => setTimeout(done)))");
      expect(await page.locator("details.finding").count()).toBe(100);
      // Time of the processor, as others may be at work on the machine that runs this.
      const { metrics } = await devtools.send("Performance.getMetrics");
      expect(metrics.find((one) => one.name === "ProcessTime")!.value).toBeLessThan(2);
      await page.close();
    });
  },
);
