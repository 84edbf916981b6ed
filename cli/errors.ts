/** A command that cannot be carried out as asked: exit code 2. The message says what, where and what to do. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

export const ExitCode = { holds: 0, violated: 1, usage: 2, unknown: 3 } as const;
export type ExitCode = (typeof ExitCode)[keyof typeof ExitCode];
