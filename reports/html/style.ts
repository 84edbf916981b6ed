/**
 * The style of the report. Colours carry meaning only, each beside a shape or a word; they are apart for eyes that do not tell
 * red from green.
 */
export const style = `
:root {
  --page: #ffffff; --raised: #f5f6f8; --text: #1c2127; --faint: #58616c; --line: #d3d8de; --strong-line: #8b95a1;
  --link: #0b57a4; --holds: #0b57a4; --violated: #ac3600; --known: #795500; --unknown: #58616c;
  --violated-ground: #fdf0ea; --old-bar: #e9a583; --fence: #1c2127; --fencing: #8b95a133; --bar: #4d7ea8; --current: #c3ccd6;
  --mono: ui-monospace, "SF Mono", "Cascadia Mono", "DejaVu Sans Mono", Menlo, Consolas, monospace;
  color-scheme: light dark;
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #15181c; --raised: #1e2328; --text: #e2e6ea; --faint: #a2acb7; --line: #363e47; --strong-line: #6d7883;
    --link: #84bdf5; --holds: #84bdf5; --violated: #ff9468; --known: #dcb34c; --unknown: #a2acb7;
    --violated-ground: #32201a; --old-bar: #8a4a2c; --fence: #e2e6ea; --fencing: #6d788340; --bar: #5b8fbd; --current: #465260;
  }
}
* { box-sizing: border-box; }
html { font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Liberation Sans", sans-serif; -webkit-text-size-adjust: 100%; scroll-padding-top: 3.2rem; }
body { margin: 0 auto; padding: 0 1.5rem 3rem; max-width: 84rem; background: var(--page); color: var(--text); }
code, pre, kbd { font: 0.867rem/1.45 var(--mono); overflow-wrap: anywhere; }
pre { margin: 0; white-space: pre-wrap; }
a { color: var(--link); text-underline-offset: 2px; }
:focus-visible { outline: 2px solid var(--link); outline-offset: 2px; }
p { margin: 0.4rem 0; max-width: 68rem; }
h1, h2, h3, h4 { line-height: 1.25; margin: 0; }
h1 { font-size: 1.65rem; font-weight: 650; margin: 0.2rem 0 0.6rem; max-width: 68rem; overflow-wrap: break-word; text-wrap: balance; }
h2 { font-size: 1.25rem; font-weight: 650; margin: 2.6rem 0 0.7rem; padding-top: 0.7rem; border-top: 2px solid var(--text); }
h3 { font-size: 1rem; font-weight: 650; margin-top: 1.4rem; }
summary h3 { margin-top: 0; }
h4 { font-size: 0.8rem; font-weight: 650; color: var(--faint); margin: 1.3rem 0 0.35rem; }
.skip { position: absolute; left: -100rem; padding: 0.5rem 1rem; background: var(--page); }
.skip:focus { left: 0.5rem; top: 0.5rem; z-index: 2; }
.scripted { display: none; }
.script .scripted { display: revert; }
.script button.scripted { display: inline-block; }
.script form.scripted { display: flex; }
[hidden] { display: none !important; }
.faint, .tool, .section, .keys, .label { color: var(--faint); }
.tool { margin: 1.5rem 0 0; font-size: 0.867rem; }
.section { font-size: 0.867rem; white-space: nowrap; }
.label { margin: 1.1rem 0 0.2rem; font-size: 0.867rem; }
header .meaning { font-size: 1.067rem; margin-bottom: 1.1rem; }
nav { margin-top: 1.6rem; border-block: 1px solid var(--line); position: sticky; top: 0; background: var(--page); z-index: 1; }
nav ul { display: flex; flex-wrap: wrap; gap: 0 1.4rem; margin: 0; padding: 0.45rem 0; list-style: none; }

.shapes { position: absolute; }
.stroke { fill: none; stroke: currentColor; stroke-width: 2.2; stroke-linecap: round; stroke-linejoin: round; }
.mark { width: 0.95em; height: 0.95em; margin-right: 0.32em; vertical-align: -0.09em; flex: none; }
.holds { color: var(--holds); } .violated { color: var(--violated); } .known { color: var(--known); } .unknown { color: var(--unknown); }
h1 .mark { width: 1em; height: 1em; }

.scroll { overflow-x: auto; max-width: 100%; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
caption { text-align: left; color: var(--faint); font-size: 0.867rem; padding-bottom: 0.2rem; }
th, td { text-align: left; vertical-align: top; padding: 0.3rem 1.3rem 0.3rem 0; border-bottom: 1px solid var(--line); }
tr > :last-child { padding-right: 0.2rem; }
th { font-weight: 600; }
thead th { color: var(--faint); font-weight: 500; font-size: 0.867rem; vertical-align: bottom; border-bottom-color: var(--strong-line); }
tbody th { white-space: nowrap; }
thead .number { white-space: normal; min-width: 5rem; }
.campaigns thead .number { min-width: 0; white-space: nowrap; }
.number { text-align: right; white-space: nowrap; }
.centred { text-align: center; }
.prose { min-width: 20rem; max-width: 38rem; }
.deviations td { white-space: nowrap; }
.deviations td.prose { white-space: normal; }
.specification { display: block; color: var(--faint); margin-top: 0.2rem; }
.verdicts tbody th { font-weight: 400; white-space: normal; min-width: 11rem; }
.verdicts tbody th a { font-weight: 600; margin-right: 0.35rem; }
.verdicts td { min-width: 7.5rem; }
.verdict, .unbroken { white-space: nowrap; }
.verdict.violated { font-weight: 650; }
.links { display: inline-block; font-variant-numeric: tabular-nums; }
.wide { min-width: 4rem; }
.bar { display: block; width: 100%; height: 0.6rem; margin-top: 0.45rem; }
.track { fill: var(--raised); } .filled { fill: var(--bar); }
.shares { width: 100%; max-width: 60rem; margin: 0.5rem 0; }
.shares th { white-space: normal; min-width: 7rem; width: 22rem; }
.groups { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(24rem, 100%), 1fr)); gap: 1.3rem 2.5rem; align-items: start; padding: 0.6rem 0 0.8rem; }
.distribution { width: 100%; table-layout: fixed; }
.distribution th { font-weight: 400; width: 46%; white-space: normal; overflow-wrap: anywhere; }
.distribution .number { width: 4.6rem; }
.distribution th, .distribution td { padding: 0.12rem 0.8rem 0.12rem 0; border-bottom: 0; }
.distribution .bar { margin-top: 0.42rem; }
.distribution caption { color: var(--text); font-weight: 600; }

summary { cursor: pointer; }
.statements, .missed, .rules-box, .generated { margin-top: 0.6rem; }
.generated > summary h3 { display: inline; }
dl { margin: 0.5rem 0; }
dt { margin-top: 0.6rem; }
dd { margin: 0 0 0 1.2rem; max-width: 62rem; }
.facts { display: grid; grid-template-columns: max-content minmax(0, 1fr); gap: 0.15rem 1.1rem; }
.facts dt { margin: 0; color: var(--faint); } .facts dd { margin: 0; overflow-wrap: anywhere; }

button, input, select { font: inherit; color: inherit; background: var(--page); border: 1px solid var(--strong-line); border-radius: 3px; padding: 0.22rem 0.6rem; min-height: 2rem; max-width: 100%; }
button { cursor: pointer; background: var(--raised); }
input::placeholder { color: var(--faint); opacity: 1; }
[type="checkbox"] { min-height: 0; vertical-align: -0.1em; }
.command { display: flex; align-items: flex-start; gap: 0.6rem; background: var(--raised); border: 1px solid var(--line); padding: 0.4rem 0.4rem 0.4rem 0.8rem; max-width: 68rem; }
.command code { flex: 1; padding-top: 0.3rem; min-width: 0; }
.filter { flex-wrap: wrap; align-items: end; gap: 0.6rem 1.1rem; margin: 0.4rem 0 0.9rem; }
.filter label { display: grid; gap: 0.1rem; color: var(--faint); font-size: 0.867rem; min-width: 0; }
.filter label.check { display: block; padding-bottom: 0.4rem; }
.filter [type="search"] { width: 19rem; }
.filter select { max-width: 17rem; }
.filter p, .filter output { margin: 0; padding-bottom: 0.3rem; }
.filter-end { display: flex; flex-wrap: wrap; gap: 0.5rem; align-items: center; }
.filter-end output { min-width: 8.5rem; padding: 0; font-variant-numeric: tabular-nums; }
.keys { flex-basis: 100%; font-size: 0.867rem; }
kbd { border: 1px solid var(--line); border-radius: 3px; padding: 0 0.3rem; }

.finding { border: 1px solid var(--line); border-left-width: 4px; color: inherit; margin-bottom: 0.5rem; }
.finding.violated { border-left-color: var(--violated); color: inherit; }
.finding.known { border-left-color: var(--known); color: inherit; }
.finding > summary { padding: 0.5rem 0.9rem; list-style-position: outside; display: block; }
.finding > summary:hover { background: var(--raised); }
.finding[open] > summary { border-bottom: 1px solid var(--line); background: var(--raised); }
.finding h3 { display: inline; margin-right: 0.7rem; }
.finding h3::before { content: ""; display: inline-block; border: solid transparent; border-width: 0.3em 0 0.3em 0.45em; border-left-color: var(--faint); margin-right: 0.55em; }
.finding[open] h3::before { transform: rotate(90deg); }
.ordinal { color: var(--faint); font-weight: 400; font-variant-numeric: tabular-nums; }
.kind { font-family: var(--mono); font-size: 0.95rem; overflow-wrap: anywhere; }
.about { color: var(--faint); font-size: 0.867rem; }
.message { display: block; margin-top: 0.15rem; overflow-wrap: anywhere; }
.finding:not([open]) .message { display: -webkit-box; -webkit-line-clamp: 2; -webkit-box-orient: vertical; overflow: hidden; }
.finding[open] .message { display: none; }
.body { padding: 0.7rem 0.9rem 0.9rem; }
.columns { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(30rem, 100%), 1fr)); gap: 0 2.5rem; }
.columns > div { min-width: 0; }
.platform { color: var(--faint); }
.steps { margin: 0.5rem 0; padding-left: 2.2rem; font-variant-numeric: tabular-nums; }
.steps li { padding: 0.1rem 0.4rem; }
.steps li::marker { color: var(--faint); }
.steps .broken, .entries .old { background: var(--violated-ground); box-shadow: inset 3px 0 var(--violated); }
.here { color: var(--violated); font-size: 0.867rem; font-weight: 600; white-space: nowrap; margin-left: 0.5rem; }
.beside { font-style: italic; color: var(--faint); padding-left: 2.6rem; }
.seen { overflow-wrap: anywhere; }
.rules, .failures { padding-left: 1.2rem; margin: 0.3rem 0; }
.rules li { margin: 0.2rem 0; }
.witness, .as-table { margin-top: 0.8rem; }
.witness pre { padding: 0.5rem 0 0 1rem; }
.link { font-size: 0.867rem; margin-bottom: 0; }

figure { margin: 0; }
figcaption { font-size: 0.933rem; }
.picture { display: block; color: var(--text); }
.picture text { fill: currentColor; font: 11px var(--mono); }
.lanes { display: flex; width: max-content; }
.titles { position: sticky; left: 0; background: var(--page); }
.timeline .picture text { paint-order: stroke; stroke: var(--page); stroke-width: 3px; stroke-linejoin: round; }
.timeline .title, .timeline .step text, .walk .name { font: 12px system-ui, -apple-system, "Segoe UI", Roboto, "Liberation Sans", sans-serif; }
.timeline .title, .walk .name { font-weight: 600; }
.timeline .step text { fill: var(--faint); }
.timeline .broken text { fill: var(--violated); font-weight: 700; }
.timeline .name { font-weight: 600; }
.rule, .boundary { stroke: var(--line); fill: none; }
.boundary { stroke-dasharray: 1 3; stroke: var(--strong-line); }
.column { fill: var(--violated-ground); }
.marker { stroke: var(--faint); stroke-width: 2; fill: none; }
.event.bad text { fill: var(--violated); font-weight: 700; } .event.bad .marker, .event.bad .lasting { stroke: var(--violated); stroke-width: 2.4; }
.event.good .marker { stroke: var(--holds); }
.lasting { stroke: var(--faint); stroke-width: 2; fill: none; }
.value .marker { stroke: var(--strong-line); stroke-width: 1; }
.stale { stroke: var(--text); stroke-width: 1; }
.stale.current { fill: var(--current); } .stale.old { fill: url(#hatch); } .stale.beyond { fill: var(--violated); }
.hatching { stroke: var(--violated); stroke-width: 3.5; }
.end { stroke: var(--violated); stroke-width: 2.5; }
.fence { stroke: var(--fence); fill: none; } .fence.submitted { stroke-dasharray: 5 3; } .fence.completed { stroke-width: 2.5; }
.fencing { fill: var(--fencing); }
.legend { display: flex; flex-wrap: wrap; gap: 0.1rem 1.4rem; list-style: none; margin: 0.3rem 0; padding: 0; }
.swatch { margin-right: 0.45rem; vertical-align: -1px; }
code.bad { color: var(--violated); font-weight: 700; }
.events th { font-weight: 400; }

.walk .table, .walk .end { fill: var(--page); stroke: var(--strong-line); }
.walk .end { stroke-width: 1; }
.walk .cell { fill: var(--raised); stroke: var(--text); }
.walk .old .cell { fill: var(--violated-ground); stroke: var(--violated); stroke-width: 2; stroke-dasharray: 5 3; }
.walk .strip { fill: url(#hatch); }
.walk .value { font-weight: 600; }
.walk .history { fill: var(--faint); } .walk .history.old { fill: var(--violated); font-weight: 600; }
.arrow { fill: none; stroke: var(--text); stroke-width: 1.3; }
.entries { list-style: none; margin: 0.7rem 0 0; padding: 0; border-top: 1px solid var(--line); }
.entries li { padding: 0.3rem 0.6rem; border-bottom: 1px solid var(--line); }
.entry { margin: 0; display: flex; flex-wrap: wrap; gap: 0 1.1rem; align-items: baseline; max-width: none; }
.entries .history { color: var(--faint); }
.old .history { color: var(--violated); font-weight: 600; }
.why { margin: 0.15rem 0; }
.fields > summary { color: var(--faint); }
.fields code { font-size: 0.8rem; }
.fields table { margin: 0.3rem 0 0.3rem 1rem; }
.fields th, .fields td { padding-block: 0.1rem; }
footer { margin-top: 3rem; border-top: 1px solid var(--line); color: var(--faint); font-size: 0.867rem; }

@media (min-width: 40.01rem) {
  .verdicts tbody th, .verdicts thead th:first-child { position: sticky; left: 0; background: var(--page); }
}
@media (max-width: 40rem) {
  body { padding-inline: 0.8rem; }
  nav { position: static; }
  h1 { font-size: 1.35rem; }
  .finding > summary, .body { padding-inline: 0.6rem; }
  .finding h3 { display: block; }
  .filter label, .filter [type="search"], .filter select { width: 100%; max-width: none; }
  .filter label.check, .filter [type="checkbox"] { width: auto; }
  .facts { grid-template-columns: minmax(0, 1fr); } .facts dd { margin-bottom: 0.4rem; }
  .keys { display: none !important; }
  .steps { padding-left: 1.7rem; }
  .prose { min-width: 14rem; }
  .deviations tbody th { white-space: normal; min-width: 8.5rem; }
}
@media print {
  :root { --page: #fff; --raised: #f5f6f8; --text: #000; --faint: #444; --line: #bbb; --strong-line: #777; --link: #000; --holds: #0b57a4; --violated: #ac3600; --known: #795500; --unknown: #444; --violated-ground: #fdf0ea; --fence: #000; --current: #c3ccd6; --bar: #4d7ea8; }
  html { font-size: 11px; }
  body { padding: 0; max-width: none; }
  tbody th, .verdict, .section { white-space: normal; }
  .verdicts td, .prose { min-width: 0; }
  nav, .scripted, .skip, .link { display: none !important; }
  .scroll { overflow: visible; }
  .lanes { width: auto; } .picture { flex: 0 1 auto; min-width: 0; max-width: 100%; height: auto; }
  section, .finding { break-inside: auto; } h2, h3, h4 { break-after: avoid; } tr, li, figure { break-inside: avoid; }
}
`;
