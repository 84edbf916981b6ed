/** Tables: a head, and rows that each begin with what they are about. */
import { html, type Markup, type Part } from "./markup.js";

export interface Column {
  readonly title: Part;
  /** Classes of its cells. */
  readonly kind?: "number" | "centred" | "prose" | "section" | "wide";
}

export interface TableOptions {
  readonly columns: readonly Column[];
  readonly caption?: string;
  readonly id?: string;
  /** Its columns explain themselves. */
  readonly headless?: boolean;
}

/** A row: one cell for each column. */
export interface Row {
  readonly cells: readonly Part[];
  /** Attributes of the row, with a blank before. */
  readonly attributes?: Markup;
}

/** A table whose class says what it is of. */
export function table(kind: string, options: TableOptions, rows: readonly Row[]): Markup {
  const { columns, caption, id, headless } = options;
  const heads = columns.map((one) => html`<th scope="col"${classOf(one)}>${one.title}</th>`);
  const lines = rows.map(({ cells, attributes }) => {
    const [first, ...rest] = cells;
    const others = rest.map((cell, index) => html`<td${classOf(columns[index + 1]!)}>${cell}</td>`);
    return html`<tr${attributes ?? null}><th scope="row"${classOf(columns[0]!)}>${first!}</th>${others}</tr>\n`;
  });
  return html`<table class="${kind}"${id === undefined ? null : html` id="${id}"`}>${
    caption === undefined ? null : html`<caption>${caption}</caption>`
  }${headless ? null : html`<thead><tr>${heads}</tr></thead>\n`}<tbody>${lines}</tbody></table>`;
}

function classOf({ kind }: Column): Markup | null {
  return kind === undefined ? null : html` class="${kind}"`;
}
