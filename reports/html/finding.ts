/** One counterexample: what it is, its steps, what was seen, its timeline, its walk, and how to see it again. */
import type { ResultFinding } from "../result.js";
import type { Entry } from "./entries.js";
import { counted, html, type Markup, type Part } from "./markup.js";
import { command, mark } from "./parts.js";
import { timelineFigure } from "./timeline.js";
import { walkFigure } from "./walk.js";

/** The inside of the box of a counterexample. */
export function findingDetails(entry: Entry): Markup {
  const { finding, anchor, number } = entry;
  return html`<p class="meaning"><b>${finding.kind}</b>: ${finding.meaning}.</p>
${deviation(finding)}
<div class="columns"><div>${part("Steps", html`${platform(finding)}${steps(finding)}`)}</div>
<div>${part("Seen", seen(finding))}${rules(finding)}</div></div>
${finding.timeline ? part("Timeline", timelineFigure(finding.timeline, finding.brokenStep, anchor)) : null}
${finding.walk ? part("Walk", walkFigure(finding.walk, anchor)) : null}
${witness(finding)}
${part("Show it again", again(entry))}
<p class="link"><a href="#${anchor}">Link to #${number}</a></p>`;
}

function part(title: string, content: Markup): Markup {
  return html`<h4>${title}</h4>
${content}
`;
}

function deviation({ known }: ResultFinding): Markup | null {
  if (!known) return null;
  return facts([
    ["does", known.statement],
    ["specification", known.specification],
    ["measured on", known.versions.join(", ")],
  ]);
}

function platform({ platform }: ResultFinding): Markup {
  return html`<pre class="platform">${platform.join("\n")}</pre>`;
}

function steps({ steps, brokenStep }: ResultFinding): Markup {
  const shown = html` <span class="here">${mark("violated")}shown here</span>`;
  const items = steps.map(
    (step, index) =>
      html`<li${index === brokenStep ? BROKEN : null}><code>${step}</code>${index === brokenStep ? shown : null}</li>
`,
  );
  const beside = (where: string) => html`<p class="beside">${where}${shown}</p>`;
  return html`${brokenStep === -1 ? beside("before the first step") : null}${
    items.length > 0 ? html`<ol class="steps">${items}</ol>` : null
  }${brokenStep === null ? beside("after the run") : null}`;
}

const BROKEN = html` class="broken"`;
/** What stands in a message between what was seen and what would have been right. */
const ADMISSIBLE = "; admissible: ";

function seen({ message }: ResultFinding): Markup {
  const at = message.indexOf(ADMISSIBLE);
  if (at < 0) return html`<p class="seen">${message}</p>`;
  return html`<p class="seen">${message.slice(0, at)}</p>
<h4>Admissible</h4><p class="seen">${message.slice(at + ADMISSIBLE.length)}</p>`;
}

function rules({ rules }: ResultFinding): Markup | null {
  if (rules.length === 0) return null;
  const items = rules.map(
    ({ id, statement, section }) =>
      html`<li><code>${id}</code> ${statement}${
        section === "" ? null : html` <span class="section">${section}</span>`
      }</li>`,
  );
  return part("Rules", html`<ul class="rules">${items}</ul>`);
}

function witness({ witness }: ResultFinding): Markup | null {
  if (witness.length === 0) return null;
  return html`<details class="witness"><summary>Why, in words</summary><pre>${witness.join("\n")}</pre></details>`;
}

function again({ finding, campaignIndex, findingIndex }: Entry): Markup {
  const times = finding.count === 0 ? "its file of an earlier campaign" : counted(finding.count, "scenario");
  const smallest = finding.minimal ? "no step can be removed" : "shrinking was cut short";
  const replayed = finding.replayed
    ? "its file showed it again when it was replayed"
    : "its file did not show it again when it was replayed";
  return html`${command(finding.replay)}
<p class="scripted"><button type="button" data-save="${campaignIndex}/${findingIndex}">Save the scenario</button>
for those who have this report only</p>
${facts([
  ["shown by", `${times}; ${smallest}; ${replayed}`],
  ["file", html`<code>${finding.file}</code>`],
  ["signature", html`<code>${finding.signature}</code>`],
])}`;
}

function facts(of: readonly (readonly [string, Part])[]): Markup {
  return html`<dl class="facts">${of.map(([name, value]) => html`<dt>${name}</dt><dd>${value}</dd>\n`)}</dl>`;
}
