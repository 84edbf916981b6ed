/** Tests of exposure that every architecture has to pass: it is what all requests together may lead to. */
import { beforeAll, describe, expect, it } from "vitest";
import { Right } from "../isolation/events.js";
import type { GrantCheck, Reach } from "../isolation/exposure.js";
import type { Profile } from "../profile.js";
import type { Request, RequestType } from "../trace.js";
import type { WindowsOracle } from "./oracle.js";
import type { FollowedScript, ScriptRun } from "./script-run.testing.js";

const IOVAS = [0, 1, 2, 0x200, 0x40000];
const TYPES: readonly RequestType[] = ["read", "write", "zero-length-read", "atomic"];
const RIGHTS = [Right.read, Right.write];
/** Rights that a request shows to be there when it reaches a page. */
const SHOWN = { read: Right.read, write: Right.write, atomic: Right.both, "zero-length-read": 0 };

interface SomeScript<Step> extends FollowedScript<Step> {
  readonly profile: Profile;
}

/** Where the scripts come from, and what follows them. */
export interface Followed<Step, Script extends SomeScript<Step>> {
  /** Number of scripts that the tests are made with. */
  readonly scripts: number;
  /** Pages of memory that scripts use. */
  readonly pageCount: number;
  scriptOf(index: number): Script;
  runOf(script: Script): ScriptRun<Step, Script, WindowsOracle>;
}

export function requestOf(requester: number, page: number, type: RequestType): Request {
  return { requester, page, offset: 0, length: type === "zero-length-read" ? 0 : 4, type };
}

type SomeRun = Pick<ScriptRun<never, never, WindowsOracle>, "oracle" | "now">;

interface Reached {
  readonly reaches: Set<string>;
  /** Some request that reaches a page may also end otherwise. */
  readonly stale: boolean;
}

/** What every request to a few addresses may lead to. */
function bruteForce({ oracle, now }: SomeRun, pageCount: number): Reached {
  const reaches = new Set<string>();
  let stale = false;
  for (const requester of oracle.functions) {
    for (const page of IOVAS) {
      for (const type of TYPES) {
        const outcomes = oracle.outcomesOf(requestOf(requester, page, type), now - 1);
        for (const { effect } of outcomes) {
          if (effect < 0 || effect >= pageCount) continue;
          if (outcomes.length > 1) stale = true;
          for (const right of RIGHTS)
            if (SHOWN[type] & right) reaches.add(`${requester} ${page} ${effect} ${right}`);
        }
      }
    }
  }
  return { reaches, stale };
}

function inClosedForm(reaches: readonly Reach[], pageCount: number): Set<string> {
  const found = new Set<string>();
  for (const { requester, iova, page, pages, access, way } of reaches) {
    if (way !== "request") continue;
    for (const one of IOVAS) {
      const target = page + (one - iova);
      if (one >= iova && one < iova + pages && target < pageCount)
        found.add(`${requester} ${one} ${target} ${access}`);
    }
  }
  return found;
}

function differences(expected: ReadonlySet<string>, found: ReadonlySet<string>): string[] {
  return [
    ...[...expected].filter((one) => !found.has(one)).map((one) => `missing: ${one}`),
    ...[...found].filter((one) => !expected.has(one)).map((one) => `too much: ${one}`),
  ];
}

export function shown(script: { readonly profile: Profile }): string {
  return JSON.stringify({ ...script, profile: script.profile.id });
}

/** Grants what was reached before. */
class Before {
  private reaches: readonly Reach[] = [];

  readonly check: GrantCheck = (requester, page, pages, access) => {
    for (const right of RIGHTS) {
      if ((access & right) === 0) continue;
      for (let one = page; one < page + pages; ) {
        const known = this.reaches.find(
          (each) =>
            each.requester === requester &&
            each.access === right &&
            each.page <= one &&
            one < each.page + each.pages,
        );
        if (!known) return { page: one, access: right };
        one = known.page + known.pages;
      }
    }
    return null;
  };

  add(reaches: readonly Reach[]): void {
    this.reaches = [...this.reaches, ...reaches];
  }
}

/** The tests, for the scripts of an architecture. */
export function describeExposure<Step, Script extends SomeScript<Step>>(
  followed: Followed<Step, Script>,
): void {
  const { scripts: SCRIPTS, pageCount } = followed;
  /** For campaigns that are larger than usual. */
  const timeout = 120_000 + SCRIPTS * 10;

  describe("exposure", () => {
    let states = 0;
    let stale = 0;

    beforeAll(() => {
      for (let index = 0; index < SCRIPTS; index++) compareWithRequests(index);
    }, SCRIPTS * 100);

    function compareWithRequests(index: number): void {
      const script = followed.scriptOf(index);
      const run = followed.runOf(script);
      run.start(script);
      script.steps.forEach((step, at) => {
        run.take(step);
        if (at % 3 !== index % 3 && at !== script.steps.length - 1) return;
        const expected = bruteForce(run, pageCount);
        states++;
        if (expected.stale) stale++;
        const wrong = differences(expected.reaches, inClosedForm(run.exposure.everything(), pageCount));
        if (wrong.length > 0) throw new Error(`after step ${at}: ${wrong.join("\n")}\n${shown(script)}`);
      });
    }

    it("is what all requests together may lead to", () => {
      expect(states).toBeGreaterThan(SCRIPTS * 3);
    });

    it("is compared where stale entries leave several outcomes open", () => {
      expect(stale / states).toBeGreaterThan(0.3);
    });
  });

  describe("reaches that an action adds", () => {
    it("are found when some exposure was not there before", { timeout }, () => {
      let added = 0;
      for (let index = 0; index < SCRIPTS / 4; index++) {
        const script = followed.scriptOf(SCRIPTS + index);
        const run = followed.runOf(script);
        run.start(script);
        const before = new Before();
        before.add(run.exposure.everything());
        for (const step of script.steps) {
          const found = run.take(step, before.check);
          const all = run.exposure.everything();
          const fresh = all.filter((one) => before.check(one.requester, one.page, one.pages, one.access));
          if ((found === null) !== (fresh.length === 0))
            expect.fail(
              `${JSON.stringify(step)}: ${JSON.stringify(found)} but ${JSON.stringify(fresh)}\n${shown(script)}`,
            );
          if (found) added++;
          before.add(all);
        }
      }
      expect(added).toBeGreaterThan(SCRIPTS / 20);
    });
  });

  describe("the reach to a page, or of a requester", () => {
    it("is part of the exposure", { timeout }, () => {
      const nothing: GrantCheck = (_, page, __, access) => ({ page, access });
      for (let index = 0; index < SCRIPTS / 10; index++) {
        const script = followed.scriptOf(2 * SCRIPTS + index);
        const run = followed.runOf(script);
        run.start(script);
        for (const step of script.steps) {
          run.take(step);
          const all = run.exposure.everything();
          for (const page of [0, 1, 32, 33, 34, 63])
            for (const access of RIGHTS) {
              const some = all.some(
                (one) => one.access === access && one.page <= page && page < one.page + one.pages,
              );
              expect(run.exposure.reachTo(page, 1, access, nothing) !== null, shown(script)).toBe(some);
            }
          for (const requester of script.functions)
            expect(run.exposure.reachOf(requester, nothing) !== null, shown(script)).toBe(
              all.some((one) => one.requester === requester),
            );
        }
      }
    });
  });
}
