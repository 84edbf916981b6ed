/** A test of witnesses that every architecture has to pass: every reach has a chain, and every old value in it an excuse. */
import { describe, expect, it } from "vitest";
import type { ExcuseKind, Reach } from "../isolation/exposure.js";
import type { Profile } from "../profile.js";
import { shown } from "./exposure.testing.js";
import type { WindowsOracle } from "./oracle.js";
import type { FollowedScript, ScriptRun } from "./script-run.testing.js";
import { witnessOf } from "./witness.js";

interface ToldScript<Step> extends FollowedScript<Step> {
  readonly profile: Profile;
}

/** Where the scripts come from, and what follows them. */
export interface Witnesses<Step, Script extends ToldScript<Step>> {
  /** Number of scripts that the test is made with. */
  readonly scripts: number;
  /** Pages that may be read as tables. */
  readonly tables: readonly number[];
  /** What is to blame in some script or other. */
  readonly kinds: readonly ExcuseKind[];
  scriptOf(index: number): Script;
  runOf(script: Script): ScriptRun<Step, Script, WindowsOracle>;
}

/** What no invalidation and no store is blamed for: the window rule admits more than any run shows. */
const GENERAL = "caches could be filled through it in between";

/** The test, for the scripts of an architecture. */
export function describeWitnesses<Step, Script extends ToldScript<Step>>(
  subject: Witnesses<Step, Script>,
): void {
  /** For campaigns that are larger than usual. */
  const timeout = 120_000 + subject.scripts * 100;

  describe("witnesses", () => {
    it("tell a chain for every reach, and an excuse for every old value in it", { timeout }, () => {
      const kinds = new Set<ExcuseKind>();
      for (let index = 0; index < subject.scripts; index++) {
        const script = subject.scriptOf(index);
        const run = subject.runOf(script);
        run.start(script);
        for (const step of script.steps) run.take(step);
        for (const reach of reachesOf(run, subject.tables))
          for (const { kind, text } of excusesOf(run, reach, shown(script))) {
            kinds.add(kind);
            expect(text, shown(script)).not.toContain(GENERAL);
            expect(text, shown(script)).not.toContain("domain -1");
          }
      }
      expect([...kinds].sort()).toEqual([...subject.kinds].sort());
    });
  });
}

type SomeRun = Pick<ScriptRun<never, never, WindowsOracle>, "oracle" | "exposure" | "now">;

function reachesOf({ exposure }: SomeRun, tables: readonly number[]): Reach[] {
  return [...exposure.everything(), ...tables.flatMap((page) => exposure.tableReach(page) ?? [])];
}

function excusesOf({ oracle, now }: SomeRun, reach: Reach, script: string) {
  const { links, excuse } = witnessOf(oracle, reach, now);
  const where = `${JSON.stringify({ reach, links })}\n${script}`;
  expect(excuse !== null, where).toBe(reach.way === "posted-write");
  if (excuse) return [excuse];
  for (const link of links) expect(link.excuse !== null, where).toBe(link.replacedBy !== null);
  return links.flatMap((link) => link.excuse ?? []);
}
