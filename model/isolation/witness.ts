/** The text of a witness, and the rules that it says were broken. */
import type { ChainEntry, Evidence } from "../finding.js";
import type { Word } from "../trace.js";
import { showAddress, showRequester } from "../words/address.js";
import type { Rule } from "../words/rule.js";
import { Right } from "./events.js";
import type { ExcuseKind, Witness } from "./exposure.js";

const rule = (kind: ExcuseKind, statement: string): Pick<Rule, "id" | "statement"> => ({
  id: `isolation.${kind}`,
  statement,
});

/** What software has to do so that an old value cannot be used any more, by what it failed in. */
export const excuseRules: Readonly<Record<ExcuseKind, Pick<Rule, "id" | "statement">>> = {
  "line-not-flushed": rule(
    "line-not-flushed",
    "Where walks do not snoop, a changed entry is written back from the CPU's caches before it is relied on",
  ),
  "buffer-not-flushed": rule(
    "buffer-not-flushed",
    "Where walks do not flush write buffers, these are flushed before a changed entry is relied on",
  ),
  "not-submitted": rule(
    "not-submitted",
    "Every cache that may keep an entry, or what was filled through it, is invalidated after it is changed",
  ),
  "not-complete": rule(
    "not-complete",
    "What an entry gave is reused only after the invalidation was seen complete",
  ),
  "wrong-domain": rule(
    "wrong-domain",
    "An invalidation names the domain id that the cached entry was filled under",
  ),
  "wrong-device": rule("wrong-device", "An invalidation names the device that the cached entry is of"),
  "wrong-range": rule(
    "wrong-range",
    "An invalidation covers every address of the change, and the whole page that an entry maps",
  ),
  "leaf-only": rule(
    "leaf-only",
    "An invalidation that may spare entries that point to tables is used only where none of them was changed",
  ),
  "wrong-order": rule(
    "wrong-order",
    "Caches are invalidated after the entry is changed, each after the one it is filled from",
  ),
  "no-draining": rule("no-draining", "Writes that were translated are drained before the page is reused"),
};

/** Ids of the rules that software broke, in the order of the chain; none where no cache is to blame. */
export function rulesOf(witness: Witness): string[] {
  const excuses = [...witness.links.map((link) => link.excuse), witness.excuse];
  return [...new Set(excuses.flatMap((one) => (one ? [excuseRules[one.kind].id] : [])))];
}

/** The witness as evidence of a finding. What keeps a posted write on its way is said of the last entry that is old. */
export function evidenceOf({ reach, links, excuse }: Witness): Evidence {
  const { requester, iova, page, access, way } = reach;
  const request = access === Right.write ? "write" : "read";
  const last = links.findLastIndex((one) => one.replacedBy !== null);
  const entries = links.map(({ excuse: own, ...entry }, index) => {
    const said = own ?? (index === last ? excuse : null);
    return { ...entry, why: said?.text ?? null, fence: said?.fence ?? null };
  });
  return {
    requester,
    page: iova,
    offset: 0,
    type: way === "table" ? "table" : request,
    effect: page,
    entries,
    leads: true,
  };
}

/**
 * One line for each entry of the chain, and below each old one a line for what keeps it in use. Actions are written
 * `action N`.
 */
export function describeWitness(witness: Witness): string[] {
  const { reach, links, filledThrough, excuse, current } = witness;
  const lines: string[] = [];
  if (filledThrough !== null) {
    const [user, filler] = [showRequester(reach.requester), showRequester(filledThrough)];
    lines.push(`${user} is answered from what caches keep for ${filler}, under a tag that both share:`);
  }
  for (const link of links) {
    lines.push(describeLink(link));
    if (link.excuse) lines.push(`  ${link.excuse.text}`);
  }
  if (excuse) lines.push(excuse.text);
  if (current && links.length > 0) lines.push("no cache is needed: this is what the unit reads now");
  return lines;
}

/** An entry: what and where it is, its value, when it came and whether it went. */
export function describeLink(entry: ChainEntry): string {
  const { name, page, word, storedBy, replacedBy } = entry;
  const place = page < 0 ? name : `${name} at ${showAddress(page, word * 8)}`;
  const stored = storedBy < 0 ? "from the start" : `stored by action ${storedBy}`;
  const fate = replacedBy === null ? "still there" : `replaced by action ${replacedBy}`;
  return `${place}: ${showWord(entry)}, ${stored}, ${fate}`;
}

/** A 64-bit value by its halves: `0xHHHHHHHH_LLLLLLLL`. */
export function showWord({ low, high }: Word): string {
  const half = (value: number) => (value >>> 0).toString(16).padStart(8, "0");
  return `0x${half(high)}_${half(low)}`;
}
