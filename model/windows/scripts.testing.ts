/** Scripts for abstract machines, whatever the architecture: their requests, comparing two sides, shrinking. */
import type { Outcome } from "../architecture.js";
import type { Request, RequestType } from "../trace.js";

const TYPES: readonly RequestType[] = ["read", "write", "zero-length-read", "atomic"];

/** The outcomes admitted for a request after a script. */
export type Answer = (request: Request) => readonly Outcome[];

/** What scripts of every architecture have. A `submit` step carries targets; an `observe` step names a submission. */
export interface AnyScript {
  readonly functions: readonly number[];
  readonly pages: readonly number[];
  readonly words: readonly unknown[];
  readonly steps: readonly { readonly do: string }[];
}

/** Every request a script's functions can make of its pages. */
export function requestsOf({ pages, functions }: AnyScript): Request[] {
  return pages.flatMap((page) =>
    functions.flatMap((requester) =>
      TYPES.map((type) => ({
        requester,
        page,
        offset: 0,
        length: type === "zero-length-read" ? 0 : 4,
        type,
      })),
    ),
  );
}

/** What the outcomes show, each in a line. */
export function shown(outcomes: readonly Outcome[]): Set<string> {
  return new Set(
    outcomes.map(({ effect, rule, recorded }) => {
      return rule ? `${effect} ${rule.id}${recorded ? "" : ", not recorded"}` : `${effect}`;
    }),
  );
}

/** One line for each request that the two sides disagree about. */
export function differences(script: AnyScript, machine: Set<string>[], closedForm: Set<string>[]): string[] {
  return requestsOf(script).flatMap(({ requester, page, type }, index) => {
    const unsound = [...machine[index]!].filter((one) => !closedForm[index]!.has(one));
    const loose = [...closedForm[index]!].filter((one) => !machine[index]!.has(one));
    const request = `${type} of page ${page} by ${requester}`;
    return [
      ...unsound.map((one) => `${request}: only the machine shows ${one}`),
      ...loose.map((one) => `${request}: only the closed form admits ${one}`),
    ];
  });
}

/** A script from which nothing can be taken without losing the property. */
export function shrink<Script extends AnyScript>(script: Script, holds: (script: Script) => boolean): Script {
  const smaller = smallerScripts(script).find(holds);
  return smaller ? shrink(smaller, holds) : script;
}

function smallerScripts<Script extends AnyScript>(script: Script): Script[] {
  const without = <A>(list: readonly A[], make: (rest: A[]) => Script) =>
    list.length > 1 ? list.map((_, index) => make(list.toSpliced(index, 1))) : [];
  return [
    ...script.steps.map((_, index) => withoutStep(script, index)),
    ...without(script.functions, (functions) => ({ ...script, functions })),
    ...without(script.pages, (pages) => ({ ...script, pages })),
    ...without(script.words, (words) => ({ ...script, words })),
    ...script.steps.flatMap((step, index) =>
      "targets" in step && Array.isArray(step.targets)
        ? without(step.targets as readonly unknown[], (targets) => ({
            ...script,
            steps: script.steps.with(index, { ...step, targets } as (typeof script.steps)[number]),
          }))
        : [],
    ),
  ];
}

/** A submission goes together with its observation, and later submissions move up. */
function withoutStep<Script extends AnyScript>(script: Script, index: number): Script {
  const steps = script.steps.toSpliced(index, 1);
  if (script.steps[index]!.do !== "submit") return { ...script, steps };
  const number = script.steps.slice(0, index).filter((one) => one.do === "submit").length;
  const named = (step: object) => ("submission" in step ? (step.submission as number) : -1);
  const kept = steps.filter((one) => named(one) !== number);
  return {
    ...script,
    steps: kept.map((one) => (named(one) > number ? { ...one, submission: named(one) - 1 } : one)),
  };
}
