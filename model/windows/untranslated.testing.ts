/** What a function can do to a page, by each way that the judge of software may ask. */
import { Right } from "../isolation/events.js";
import type { GrantCheck } from "../isolation/exposure.js";
import type { WindowsSoftware } from "./software.js";

/** The answers of {@link waysTo} when everything, or nothing, reaches the page. */
export const EVERY_WAY: readonly boolean[] = [true, true, true, true];
export const NO_WAY: readonly boolean[] = [false, false, false, false];

/** Whether the requester reaches the page, as exposure, as what reaches the page, as what the requester reaches, as an answer. */
export function waysTo(model: WindowsSoftware, requester: number, page: number): boolean[] {
  const nothing: GrantCheck = (_, first, __, access) => ({ page: first, access });
  const onlyPage: GrantCheck = (_, first, pages, access) =>
    first <= page && page < first + pages ? { page, access } : null;
  return [
    model
      .exposure()
      .some((one) => one.requester === requester && one.page <= page && page < one.page + one.pages),
    model.reachTo(page, 1, Right.both, nothing) !== null,
    model.reachOf(requester, onlyPage) !== null,
    model.answers(requester, page, "read").pages.includes(page),
  ];
}
