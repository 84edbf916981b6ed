/** What kind of violation a reach is: told by who owns the page, who did, and which entries lead there. */
import type { FindingKind } from "../finding.js";
import type { Reach, Witness } from "./exposure.js";
import type { Ownership } from "./ownership.js";

export interface Classification {
  readonly kind: FindingKind;
  /** What is wrong with it, as the end of a sentence. */
  readonly because: string;
}

/** Classifies an ungranted reach. `updating`: software is in the middle of changing entries. */
export function classify(
  reach: Reach,
  witness: Witness,
  ownership: Ownership,
  updating: boolean,
): Classification {
  const { requester, page } = reach;
  const state = stateWords(ownership, page);
  if (reach.way === "table") return { kind: "revived", because: `which ${state}` };
  const { kind } = ownership.stateOf(page);
  if (kind === "table" || kind === "protected") return { kind: "own-memory", because: `which ${state}` };
  if (witness.current && updating)
    return { kind: "mid-update", because: `which ${state}: the tables give it while they are being changed` };
  const domains = ownership.domainsOf(requester);
  if (ownership.rightsIn(domains, page) !== 0)
    return { kind: "excess-right", because: `a right that ${domains.join(" and ")} was not granted` };
  const withdrawal = ownership.withdrawalOf(page);
  if (withdrawal && domains.includes(withdrawal.domain))
    return { kind: "freed-page", because: `which ${state}` };
  const former = [...ownership.domainsWith(page), ...(withdrawal ? [withdrawal.domain] : [])].find((domain) =>
    ownership.belongedTo(requester, domain),
  );
  if (former !== undefined)
    return { kind: "after-detach", because: `which ${state}; the requester has left ${former}` };
  if (witness.filledThrough !== null) return { kind: "revived", because: `which ${state}` };
  return { kind: withdrawal ? "freed-page" : "foreign-page", because: `which ${state}` };
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
