/** Text of pictures, which do not break lines themselves. */
import { html, type Markup } from "./markup.js";

/** Pixels from one line to the next. */
export const LINE = 14;

/** A text in lines of at most so many characters, but for longer words. */
export function linesOf(text: string, characters: number): string[] {
  const lines = [""];
  for (const word of text.split(" ")) {
    const longer = `${lines.at(-1)} ${word}`.trimStart();
    if (longer.length <= characters || lines.at(-1) === "") lines[lines.length - 1] = longer;
    else lines.push(word);
  }
  return lines;
}

/** Lines below each other; `x` and `y` are where the first begins. */
export function textLines(kind: string, lines: readonly string[], x: number, y: number): Markup {
  const parts = lines.map((one, index) => html`<tspan x="${x}" y="${y + LINE * index}">${one}</tspan>`);
  return html`<text class="${kind}">${parts}</text>`;
}
