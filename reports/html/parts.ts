/** Parts that several sections are made of. */
import type { ResultVerdict } from "../result.js";
import { html, type Markup } from "./markup.js";

/** How a verdict or a finding is marked, each with a shape of its own beside its colour. */
export type Mark = "holds" | "violated" | "known" | "unknown";

export const VERDICT_MARKS: Readonly<Record<ResultVerdict["verdict"], Mark>> = {
  holds: "holds",
  violated: "violated",
  "known deviations": "known",
  unknown: "unknown",
};

/** The shapes, defined once for the whole document. */
export function markShapes(): Markup {
  return html`<svg width="0" height="0" class="shapes" aria-hidden="true"><defs>
<symbol id="mark-holds" viewBox="0 0 16 16"><path d="M3 8.5 6.5 12 13 4.5" class="stroke"/></symbol>
<symbol id="mark-violated" viewBox="0 0 16 16"><path d="M4 4 12 12M12 4 4 12" class="stroke"/></symbol>
<symbol id="mark-known" viewBox="0 0 16 16"><path d="M8 2.5 14 13.5H2Z" class="stroke"/></symbol>
<symbol id="mark-unknown" viewBox="0 0 16 16"><path d="M5 6a3 3 0 1 1 4.2 2.8Q8 9.3 8 10.3M8 12.6v1" class="stroke"/></symbol>
<pattern id="hatch" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">
<path d="M0 0V6" class="hatching"/></pattern>
</defs></svg>`;
}

/** A shape beside words that say the same. */
export function mark(kind: Mark): Markup {
  return html`<svg class="mark ${kind}" aria-hidden="true"><use href="#mark-${kind}"/></svg>`;
}

/** A name with short words that have hyphens in them, such as VT-d, kept in one piece. */
export function unbroken(name: string): Markup {
  const words = name.split(" ").map((one, index) => {
    const space = index === 0 ? "" : " ";
    return SHORT.test(one) ? html`${space}<span class="unbroken">${one}</span>` : `${space}${one}`;
  });
  return html`${words}`;
}

const SHORT = /^(?=.*-).{1,12}$/;

/** A command that can be copied. */
export function command(text: string): Markup {
  return html`<div class="command"><code>${text}</code><button type="button" class="scripted" data-copy="${text}">Copy</button></div>`;
}

/** A box that scrolls sideways for itself, reachable by keyboard. */
export function scrolling(label: string, content: Markup): Markup {
  return html`<div class="scroll" role="region" aria-label="${label}" tabindex="0">${content}</div>`;
}

/** A bar for a share between 0 and 1; the number stands beside it. */
export function bar(share: number): Markup {
  const percent = (100 * Math.min(Math.max(share, 0), 1)).toFixed(2);
  return html`<svg class="bar" aria-hidden="true"><rect class="track" width="100%" height="100%"/>
<rect class="filled" width="${percent}%" height="100%"/></svg>`;
}

/** A section of the report. */
export interface Section {
  readonly id: string;
  readonly title: string;
  /** How much is in it, where that can be said. */
  readonly count: number | null;
  readonly content: Markup;
}

/** A section with its heading. */
export function sectionMarkup({ id, title, content }: Section): Markup {
  return html`<section id="${id}" aria-labelledby="${id}-title"><h2 id="${id}-title">${title}</h2>
${content}</section>
`;
}

/** Orders names by their numbers where they have any: `conformance`, `I2`, `I10`; `7.2`, `10.0`. */
export function naturally(one: string, other: string): number {
  return one.localeCompare(other, "en", { numeric: true });
}
