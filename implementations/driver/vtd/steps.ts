/** Small pieces that every part of the driver yields or is given. */
import type { Access, Answer } from "../interface.js";

/** A piece of driver code that ends with a result. */
export type Steps<Result> = Generator<Access, Result, Answer>;

/** Right after a poll: hardware that never answers leaves a driver nothing to do. @throws Error naming what it waited for */
export function expectSeen(answer: Answer, awaited: string): void {
  if (answer.low !== 1) throw new Error(`the unit never showed ${awaited}`);
}
