/** What kind of violation a reach is: told by who owns the page, who did, and which entries lead there. */
import type { FindingKind } from "../finding.js";
import type { Reach, Witness, WitnessLink } from "./exposure.js";
import type { Ownership, Withdrawal } from "./ownership.js";

export interface Classification {
  readonly kind: FindingKind;
  /** What is wrong with it, as the end of a sentence. */
  readonly because: string;
}

/** The moment of a reach. */
export interface Moment {
  /** Software is in the middle of changing entries. */
  readonly updating: boolean;
  /** The unit of the requester has never been seen enabled. */
  readonly untranslated: boolean;
}

/** Classifies an ungranted reach. */
export function classify(
  reach: Reach,
  witness: Witness,
  ownership: Ownership,
  { updating, untranslated }: Moment,
): Classification {
  const { requester, page } = reach;
  const state = stateWords(ownership, page);
  const platform = classifyOnPlatform(requester, page, ownership, untranslated);
  if (platform) return { kind: platform, because: `a page that ${state}` };
  if (reach.way === "table") {
    const kind = ownership.wasTable(page) ? "revived" : "foreign-page";
    return { kind, because: `a page that ${state}` };
  }
  const domains = ownership.domainsOf(requester);
  if (ownership.rightsIn(domains, page) !== 0)
    return { kind: "excess-right", because: `a right that ${domains.join(" and ")} was not granted` };
  if (linkedUncleared(witness))
    return {
      kind: "revived",
      because: `a page that ${state}, through what a table held before it was linked`,
    };
  const withdrawal = ownership.withdrawalOf(page);
  if (updating && isPassing(witness, withdrawal))
    return {
      kind: "mid-update",
      because: `a page that ${state}: the tables give it while they are being changed`,
    };
  const { kind } = ownership.stateOf(page);
  if (kind === "table" || kind === "protected")
    return { kind: "own-memory", because: `a page that ${state}` };
  if (withdrawal && domains.includes(withdrawal.domain))
    return { kind: "freed-page", because: `a page that ${state}` };
  const former = [...ownership.domainsWith(page), ...(withdrawal ? [withdrawal.domain] : [])].find((domain) =>
    ownership.belongedTo(requester, domain),
  );
  if (former !== undefined)
    return { kind: "after-detach", because: `a page that ${state}; the requester has left ${former}` };
  if (witness.filledThrough !== null || reusedTable(witness))
    return { kind: "revived", because: `a page that ${state}` };
  const freed = withdrawal !== undefined || ownership.isFreed(page);
  if (!freed && ownership.isVirtual(requester)) return { kind: "sibling", because: `a page that ${state}` };
  return { kind: freed ? "freed-page" : "foreign-page", because: `a page that ${state}` };
}

/** What is wrong whatever entries lead to the page; null when it is for them to say. */
function classifyOnPlatform(
  requester: number,
  page: number,
  ownership: Ownership,
  untranslated: boolean,
): FindingKind | null {
  if (untranslated) return "pre-boot";
  if (ownership.regionOf(page) !== undefined) return "reserved";
  if (!ownership.isVacant(requester) || ownership.stateOf(page).kind !== "owned") return null;
  return ownership.isVirtual(requester) ? "sibling" : "hot-plug";
}

/**
 * The tables themselves lead to the page, and it was not the entry that maps it which came last: one above was stored
 * when those below were not ready, or was stored piece by piece. An entry that maps a page is stored at once, and what it
 * says is meant. What stood there before the page was withdrawn is not passing either: it was given away too early.
 */
function isPassing({ links, current }: Witness, withdrawal: Withdrawal | undefined): boolean {
  if (!current) return false;
  const latest = Math.max(...links.map((link) => link.storedBy));
  if (withdrawal && latest <= withdrawal.action) return false;
  const whole = links.length > 2 ? links.slice(0, -1) : links;
  return whole.some((link) => link.storedBy === latest);
}

/** A table was linked after software had replaced what it held, but before the unit could see that. */
function linkedUncleared(witness: Witness): boolean {
  return neighbours(witness).some(
    ([above, { replacedBy }]) => replacedBy !== null && above.storedBy > replacedBy,
  );
}

/** An old entry leads to what was stored into its table after the entry was gone. */
function reusedTable(witness: Witness): boolean {
  return neighbours(witness).some(
    ([{ replacedBy }, below]) => replacedBy !== null && below.storedBy > replacedBy,
  );
}

/** Each entry of the chain with the one below it. */
function neighbours({ links, filledThrough }: Witness): [WitnessLink, WitnessLink][] {
  // The reacher's own entry, which comes first where the chain is another's, does not point to the next.
  const chain = filledThrough === null ? links : links.slice(1);
  return chain.slice(1).map((below, index) => [chain[index]!, below]);
}

function stateWords(ownership: Ownership, page: number): string {
  const state = ownership.stateOf(page);
  const withdrawal = ownership.withdrawalOf(page);
  const since = withdrawal
    ? ` since it was withdrawn from ${withdrawal.domain} after action ${withdrawal.action}`
    : "";
  switch (state.kind) {
    case "table":
      return "holds entries of software's own";
    case "protected":
      return "is software's own memory";
    case "owned": {
      const domains = ownership.domainsWith(page);
      const granted =
        domains.length === 0 ? "granted to no domain" : `granted to ${domains.join(" and ")} only`;
      return `belongs to ${state.owners.join(" and ")} and is ${granted}${since}`;
    }
    case "free":
      return `is free${since}`;
  }
}
