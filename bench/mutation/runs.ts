/** What a bare process is told to run, and what it answers. */

/** A test, by its file and its full name; `LOADING` for what fails outside of any test. */
export interface TestName {
  readonly file: string;
  readonly test: string;
}

export interface Failure extends TestName {
  /** The first line of the message. */
  readonly why: string;
}

/** What to run. Limits are processor seconds. */
export interface RunOrder {
  readonly files: readonly string[];
  readonly skipped: readonly TestName[];
  readonly stopsAtFailure: boolean;
  readonly seconds: number;
  readonly secondsOfATest: number;
}

/** What came out: complete when nothing was left out for lack of time. A test that takes too long ends the process by SIGXCPU. */
export interface RunResult {
  readonly failed: readonly Failure[];
  readonly tests: number;
  readonly complete: boolean;
}

export const LOADING = "(loading)";
