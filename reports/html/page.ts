/** What the script of the report uses of a page: no more of the DOM is known to this package's types. */

export interface Page {
  readonly documentElement: PageElement;
  readonly activeElement: PageElement | null;
  getElementById(id: string): PageElement | null;
  querySelectorAll(selector: string): Iterable<PageElement>;
  createElement(name: string): PageElement;
  addEventListener(type: string, listener: (event: PageEvent) => void): void;
}

export interface PageElement {
  /** Of boxes that open and close. */
  open: boolean;
  hidden: boolean;
  /** Of fields. */
  value: string;
  checked: boolean;
  /** Of links. */
  href: string;
  download: string;
  textContent: string;
  readonly classList: { add(name: string): void };
  readonly dataset: PageData;
  readonly parentElement: PageElement | null;
  querySelector(selector: string): PageElement | null;
  querySelectorAll(selector: string): Iterable<PageElement>;
  closest(selector: string): PageElement | null;
  matches(selector: string): boolean;
  addEventListener(type: string, listener: (event: PageEvent) => void): void;
  scrollIntoView(): void;
  focus(): void;
  click(): void;
}

export interface PageEvent {
  readonly target: PageElement;
  readonly key: string;
  readonly ctrlKey: boolean;
  readonly metaKey: boolean;
  readonly altKey: boolean;
  preventDefault(): void;
}

/** The \`data-\` attributes that the report gives. */
export type PageData = {
  readonly [name in
    | "campaign"
    | "copy"
    | "invariant"
    | "invariants"
    | "missed"
    | "rules"
    | "save"
    | "status"]?: string;
};
