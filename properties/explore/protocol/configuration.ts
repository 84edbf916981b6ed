/**
 * The protocol of software that maps pages for devices: attach a function to a domain, map a free page, unmap it, submit a
 * flush of the domain, see it complete, and only then free the page. A few of everything, and the rules by which faulty
 * software would free.
 */

/** When software takes an unmapped page for free. */
export const FREEING_RULES = {
  correct: "a page is free when a flush of its domain is complete that was submitted after it was unmapped",
  "free-unflushed": "a page is free as soon as it is unmapped",
  "free-submitted": "a page is free as soon as a flush of its domain is submitted",
  "any-domain": "a flush of any domain counts for every page",
  "any-completion": "a completed flush counts for pages that were unmapped after its submission too",
} as const;
export type FreeingRule = keyof typeof FREEING_RULES;

export interface ProtocolConfiguration {
  readonly profile: string;
  readonly requesters: number;
  readonly domains: number;
  readonly iovas: number;
  readonly pages: number;
  readonly rule: FreeingRule;
}

/** What becomes of a page. */
export const PageState = { free: 0, mapped: 1, unmapped: 2, submitted: 3, flushed: 4 } as const;
export type PageState = (typeof PageState)[keyof typeof PageState];

/** In place of a number: none. */
export const NONE = -1;

/** A page, with the place where it is or was mapped. */
export interface ProtocolPage {
  state: PageState;
  domain: number;
  iova: number;
}

/** What software knows. */
export interface Books {
  /** By requester: its domain. */
  readonly attached: number[];
  readonly pages: ProtocolPage[];
  /** The domain whose flush is under way. */
  flushing: number;
}

export type ProtocolStep =
  | { readonly do: "attach"; readonly requester: number; readonly domain: number }
  | { readonly do: "map"; readonly domain: number; readonly iova: number; readonly page: number }
  | { readonly do: "unmap"; readonly page: number }
  | { readonly do: "submit"; readonly domain: number }
  | { readonly do: "observe" }
  | { readonly do: "free"; readonly page: number };

const upTo = (count: number) => Array.from({ length: count }, (_, index) => index);

/** Every step there is. An unmap is told by the page that is mapped. */
export function stepsOf({ requesters, domains, iovas, pages }: ProtocolConfiguration): ProtocolStep[] {
  return [
    ...upTo(requesters).flatMap((requester) =>
      upTo(domains).map((domain) => ({ do: "attach", requester, domain }) as const),
    ),
    ...upTo(domains).flatMap((domain) =>
      upTo(iovas).flatMap((iova) => upTo(pages).map((page) => ({ do: "map", domain, iova, page }) as const)),
    ),
    ...upTo(pages).map((page) => ({ do: "unmap", page }) as const),
    ...upTo(domains).map((domain) => ({ do: "submit", domain }) as const),
    { do: "observe" },
    ...upTo(pages).map((page) => ({ do: "free", page }) as const),
  ];
}

/** True when software may take the step. */
export function isEnabled(
  step: ProtocolStep,
  { attached, pages, flushing }: Books,
  rule: FreeingRule,
): boolean {
  switch (step.do) {
    case "attach":
      return attached[step.requester] === NONE;
    case "map":
      return pages[step.page]!.state === PageState.free && !isMapped(pages, step.domain, step.iova);
    case "unmap":
      return pages[step.page]!.state === PageState.mapped;
    case "submit":
      return flushing === NONE;
    case "observe":
      return flushing !== NONE;
    case "free":
      return pages[step.page]!.state >= firstToFree(rule);
  }
}

function isMapped(pages: readonly ProtocolPage[], domain: number, iova: number): boolean {
  return pages.some((one) => one.state === PageState.mapped && one.domain === domain && one.iova === iova);
}

function firstToFree(rule: FreeingRule): PageState {
  if (rule === "free-unflushed") return PageState.unmapped;
  return rule === "free-submitted" ? PageState.submitted : PageState.flushed;
}

/** Takes down what a step does. */
export function note(step: ProtocolStep, books: Books, rule: FreeingRule): void {
  const { pages } = books;
  switch (step.do) {
    case "attach":
      books.attached[step.requester] = step.domain;
      break;
    case "map":
      pages[step.page] = { state: PageState.mapped, domain: step.domain, iova: step.iova };
      break;
    case "unmap":
      pages[step.page]!.state = PageState.unmapped;
      break;
    case "submit":
      books.flushing = step.domain;
      for (const page of pages)
        if (page.state === PageState.unmapped && (page.domain === step.domain || rule === "any-domain"))
          page.state = PageState.submitted;
      break;
    case "observe":
      for (const page of pages) {
        const late = rule === "any-completion" && page.domain === books.flushing;
        if (page.state === PageState.submitted || (late && page.state === PageState.unmapped))
          page.state = PageState.flushed;
      }
      books.flushing = NONE;
      break;
    case "free":
      pages[step.page] = { state: PageState.free, domain: NONE, iova: NONE };
      break;
  }
}
