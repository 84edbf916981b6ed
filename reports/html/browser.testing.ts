/** A Chromium for tests of the report, and what tests ask of a page. */
import { existsSync } from "node:fs";
import { type Browser, chromium, type Page } from "playwright-core";

const CHROMIUM = "/usr/bin/chromium";

/** Why there is no browser to test with; undefined where there is one. */
export const chromiumMissing = existsSync(CHROMIUM)
  ? undefined
  : `no ${CHROMIUM}: apt-get install --no-install-recommends chromium`;

/** A headless browser that speaks to nobody. */
export function launchChromium(): Promise<Browser> {
  return chromium.launch({
    executablePath: CHROMIUM,
    args: [
      "--headless",
      "--no-sandbox",
      "--disable-gpu",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
    ],
  });
}

/** What a page says on its console, what goes wrong in it, and every address it asks for, as they come. */
export function watch(page: Page): { said: string[]; requested: string[] } {
  const watched = { said: [] as string[], requested: [] as string[] };
  page.on("console", (message) => watched.said.push(message.text()));
  page.on("pageerror", (error) => watched.said.push(error.message));
  page.on("request", (request) => watched.requested.push(request.url()));
  return watched;
}

/** Opens every box of the page. */
export async function openAll(page: Page): Promise<void> {
  await page.evaluate("for (const one of document.querySelectorAll('details')) one.open = true");
}

/** Elements that stand out of the page sideways, but for those in a box that scrolls. */
export function overflowing(page: Page): Promise<string[]> {
  return page.evaluate(`[...document.querySelectorAll("body *")]
    .filter((one) => one.checkVisibility() && !one.closest(".scroll, .skip"))
    .filter((one) => one.getBoundingClientRect().right > innerWidth + 1)
    .map((one) => one.outerHTML.slice(0, 100))`);
}

/** Texts whose contrast with what is behind them is below a ratio, each with its ratio (WCAG 2.2, 1.4.3). */
export function lowContrast(page: Page, least: number): Promise<string[]> {
  return page.evaluate(`(${contrastScript})(${least})`);
}

const contrastScript = `(least) => {
  const channels = (color) => {
    const [r, g, b, a = 1] = color.match(/[\\d.]+/g).map(Number);
    return { rgb: [r, g, b], a };
  };
  const over = (top, ground) => top.rgb.map((one, index) => one * top.a + ground[index] * (1 - top.a));
  const luminance = (rgb) => {
    const [r, g, b] = rgb.map((one) => (one / 255 <= 0.04045 ? one / 255 / 12.92 : ((one / 255 + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const groundOf = (element) => {
    const layers = [];
    for (let one = element; one; one = one.parentElement) layers.unshift(channels(getComputedStyle(one).backgroundColor));
    const ground = layers.reduce((below, layer) => over(layer, below), [255, 255, 255]);
    const svg = element.closest("svg");
    if (!svg) return ground;
    const { left, right, top, bottom } = element.getBoundingClientRect();
    const [x, y] = [(left + right) / 2, (top + bottom) / 2];
    return [...svg.querySelectorAll("rect")]
      .filter((rect) => rect.compareDocumentPosition(element) & Node.DOCUMENT_POSITION_FOLLOWING)
      .filter((rect) => {
        const box = rect.getBoundingClientRect();
        return box.left <= x && x <= box.right && box.top <= y && y <= box.bottom;
      })
      .map((rect) => getComputedStyle(rect).fill)
      .filter((fill) => fill.startsWith("rgb"))
      .reduce((below, fill) => over(channels(fill), below), ground);
  };
  return [...document.querySelectorAll("body *")].flatMap((element) => {
    const text = [...element.childNodes].filter((one) => one.nodeType === Node.TEXT_NODE).map((one) => one.data).join("").trim();
    if (text === "" || element.matches("script, title, desc") || !element.checkVisibility()) return [];
    const style = getComputedStyle(element);
    const ground = groundOf(element);
    const color = over(channels(element.closest("svg") ? style.fill : style.color), ground);
    const [light, dark] = [luminance(color), luminance(ground)].sort((one, other) => other - one);
    const ratio = (light + 0.05) / (dark + 0.05);
    return ratio < least ? [ratio.toFixed(2) + ": " + text.slice(0, 60)] : [];
  });
}`;
