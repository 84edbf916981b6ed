/**
 * The script of the report: filters, anchors that open what they name, keys, copying and saving. Without it everything can
 * still be read. Its functions run in the browser from their source text, so they use nothing but each other and the page.
 */
import type { Page, PageElement, PageEvent } from "./page.js";

declare const document: Page;
declare const location: { readonly hash: string };
declare const navigator: { readonly clipboard?: { writeText(text: string): Promise<void> } };
declare const addEventListener: (type: string, listener: () => void) => void;

/** The script, for an element of its own. */
export function browserScript(): string {
  const functions = [
    element,
    findings,
    filterFindings,
    resetFilter,
    setUpFilter,
    filterRules,
    openTarget,
    move,
    onKey,
    copy,
    embeddedResult,
    save,
    onClick,
    start,
  ];
  return `"use strict";(()=>{${functions.map(String).join("\n")}\nstart();})();`;
}

function element(id: string): PageElement | null {
  return document.getElementById(id);
}

function findings(shown: boolean): PageElement[] {
  const all = [...document.querySelectorAll("details.finding")];
  return shown ? all.filter((one) => !one.hidden) : all;
}

/** Shows the counterexamples that all parts of the filter let through. */
function filterFindings(texts: Map<PageElement, string>): void {
  const words = element("filter-text")!.value.toLowerCase().split(/\s+/);
  const campaign = element("filter-campaign")!.value;
  const invariant = element("filter-invariant")!.value;
  const status = element("filter-status")!.value;
  const textOf = (one: PageElement) => {
    if (!texts.has(one)) texts.set(one, one.textContent.toLowerCase());
    return texts.get(one)!;
  };
  let shown = 0;
  for (const one of findings(false)) {
    const { campaign: index, invariants, status: is } = one.dataset;
    one.hidden =
      (campaign !== "" && campaign !== index) ||
      (invariant !== "" && !invariants!.split(" ").includes(invariant)) ||
      (status !== "" && status !== is) ||
      !words.every((word) => textOf(one).includes(word));
    if (!one.hidden) shown++;
  }
  element("filter-count")!.textContent = `${shown} of ${findings(false).length} shown`;
}

function resetFilter(campaign: string, invariant: string, texts: Map<PageElement, string>): void {
  if (!element("filter")) return;
  for (const one of ["filter-text", "filter-status"]) element(one)!.value = "";
  element("filter-campaign")!.value = campaign;
  element("filter-invariant")!.value = invariant;
  filterFindings(texts);
}

function setUpFilter(texts: Map<PageElement, string>): void {
  const form = element("filter");
  if (!form) return;
  form.addEventListener("input", () => filterFindings(texts));
  form.addEventListener("submit", (event) => event.preventDefault());
  const setAll = (open: boolean) => {
    for (const one of findings(open)) one.open = open;
  };
  element("open-all")!.addEventListener("click", () => setAll(true));
  element("close-all")!.addEventListener("click", () => setAll(false));
  // A browser may have kept what was entered before the page was loaded again.
  filterFindings(texts);
}

function filterRules(form: PageElement): void {
  const rows = [...element(form.dataset.rules!)!.querySelectorAll("tbody tr")];
  const apply = () => {
    const words = form.querySelector("[type=search]")!.value.toLowerCase().split(/\s+/);
    const missedOnly = form.querySelector("[type=checkbox]")!.checked;
    for (const row of rows) {
      const text = row.textContent.toLowerCase();
      row.hidden =
        (missedOnly && row.dataset.missed === undefined) || !words.every((word) => text.includes(word));
    }
    const shown = rows.filter((row) => !row.hidden).length;
    form.querySelector("output")!.textContent = `${shown} of ${rows.length} shown`;
  };
  form.addEventListener("input", apply);
  form.addEventListener("submit", (event) => event.preventDefault());
}

/** Opens what the address names, and everything around it. */
function openTarget(texts: Map<PageElement, string>): void {
  const target = element(location.hash.slice(1));
  if (!target) return;
  if (target.hidden) resetFilter("", "", texts);
  for (let one: PageElement | null = target; one; one = one.parentElement) {
    if (one.matches("details")) one.open = true;
  }
  target.scrollIntoView();
  if (target.matches("details")) target.querySelector("summary")!.focus();
}

/** Goes to the next counterexample that is shown, or to the one before. */
function move(by: number): void {
  const shown = findings(true);
  const here = document.activeElement?.closest("details.finding");
  const at = here ? shown.indexOf(here) + by : by > 0 ? 0 : shown.length - 1;
  const summary = shown[Math.min(Math.max(at, 0), shown.length - 1)]?.querySelector("summary");
  summary?.focus();
  summary?.scrollIntoView();
}

function onKey(event: PageEvent): void {
  if (event.ctrlKey || event.metaKey || event.altKey || event.target.matches("input, select, textarea"))
    return;
  if (event.key === "j") move(1);
  else if (event.key === "k") move(-1);
  else if (event.key === "/" && element("filter-text")) element("filter-text")!.focus();
  else return;
  event.preventDefault();
}

function copy(button: PageElement): void {
  const text = button.dataset.copy!;
  const say = (what: string) => {
    button.textContent = what;
    setTimeout(() => {
      button.textContent = "Copy";
    }, 2000);
  };
  if (!navigator.clipboard) say("Select it by hand");
  else
    navigator.clipboard.writeText(text).then(
      () => say("Copied"),
      () => say("Select it by hand"),
    );
}

function embeddedResult(): { campaigns: { findings: { file: string; scenario: unknown }[] }[] } {
  return JSON.parse(element("result")!.textContent);
}

function save(name: string, data: unknown): void {
  const link = document.createElement("a");
  const url = URL.createObjectURL(new Blob([`${JSON.stringify(data, null, 2)}\n`]));
  link.href = url;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}

function onClick(event: PageEvent, texts: Map<PageElement, string>): void {
  const { target } = event;
  const { copy: text, save: which, campaign, invariant } = target.dataset;
  if (text !== undefined) copy(target);
  else if (which !== undefined) {
    const [campaignIndex, findingIndex] = which.split("/").map(Number);
    const { file, scenario } = embeddedResult().campaigns[campaignIndex!]!.findings[findingIndex!]!;
    save(file.split("/").at(-1) || "scenario.json", scenario);
  } else if (target.matches("a[data-invariant]")) resetFilter(campaign!, invariant!, texts);
  else if (target.matches("#save-result")) save("result.json", embeddedResult());
  else if (target.matches('a[href^="#"]') && target.href.endsWith(location.hash)) openTarget(texts);
}

function start(): void {
  const texts = new Map<PageElement, string>();
  document.documentElement.classList.add("script");
  setUpFilter(texts);
  for (const form of document.querySelectorAll("form[data-rules]")) filterRules(form);
  document.addEventListener("keydown", onKey);
  document.addEventListener("click", (event) => onClick(event, texts));
  addEventListener("hashchange", () => openTarget(texts));
  openTarget(texts);
}
