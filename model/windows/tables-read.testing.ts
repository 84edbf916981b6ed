/** A test of table reaches that every architecture has to pass: the unit reads the tables in which a new entry matters. */
import { describe, expect, it } from "vitest";
import type { Profile } from "../profile.js";
import { requestOf, shown } from "./exposure.testing.js";
import type { WindowsOracle } from "./oracle.js";
import type { FollowedScript, ScriptRun } from "./script-run.testing.js";

type Words = FollowedScript<unknown>["words"];

interface PlainScript<Step> extends FollowedScript<Step> {
  readonly profile: Profile;
}

/** Where the scripts come from, what follows them, and how a table is seen to be read. */
export interface TablesRead<Step, Script extends PlainScript<Step>> {
  /** Number of scripts that the test is made with. */
  readonly scripts: number;
  /** The pages asked about. */
  readonly tables: readonly number[];
  /** Every address whose tables are indexed with words that scripts store to. */
  readonly addresses: readonly number[];
  /** A script whose entries allow everything, so that what is read is seen. */
  scriptOf(index: number): Script;
  runOf(script: Script): ScriptRun<Step, Script, WindowsOracle>;
  /** Stores to entries of a page that make requests which read them end in a place that nothing else leads to. */
  marks(script: Script, page: number): readonly Words[];
  isMarked(effect: number): boolean;
  store(word: Words[number]): Step;
}

function follow<Step, Script extends PlainScript<Step>>(
  subject: TablesRead<Step, Script>,
  script: Script,
  further: Words = [],
): ScriptRun<Step, Script, WindowsOracle> {
  const run = subject.runOf(script);
  run.start(script);
  for (const step of [...script.steps, ...further.map(subject.store)]) run.take(step);
  return run;
}

function isRead<Step, Script extends PlainScript<Step>>(
  subject: TablesRead<Step, Script>,
  script: Script,
  mark: Words,
): boolean {
  const { oracle, now } = follow(subject, script, mark);
  return script.functions.some((requester) =>
    subject.addresses.some((iova) =>
      oracle
        .outcomesOf(requestOf(requester, iova, "read"), now - 1)
        .some(({ effect }) => subject.isMarked(effect)),
    ),
  );
}

/** The test, for the scripts of an architecture. */
export function describeTablesRead<Step, Script extends PlainScript<Step>>(
  subject: TablesRead<Step, Script>,
): void {
  /** For campaigns that are larger than usual. */
  const timeout = 120_000 + subject.scripts * 100;

  describe("tables that the unit may read", () => {
    it("are those in which a new entry makes a request end somewhere else", { timeout }, () => {
      let read = 0;
      let unread = 0;
      for (let index = 0; index < subject.scripts; index++) {
        const script = subject.scriptOf(index);
        for (const page of subject.tables) {
          const reach = follow(subject, script).exposure.tableReach(page);
          const expected = subject.marks(script, page).some((mark) => isRead(subject, script, mark));
          if (expected) read++;
          else unread++;
          if (expected !== (reach !== null))
            expect.fail(`page ${page}: ${expected}, ${JSON.stringify(reach)}\n${shown(script)}`);
        }
      }
      expect(Math.min(read, unread)).toBeGreaterThan(subject.scripts);
    });
  });
}
