/** Waits that are submitted at one time, and looked at later or never. */
import type { Action } from "../../model/trace.js";
import type { Line } from "./notation-line.js";

const WAIT = /^w\d+$/;

export class Waits {
  /** The polls of waits that were submitted without looking. */
  private readonly polls = new Map<string, Action>();

  /** @param actions where what software does is written */
  constructor(private readonly actions: Action[]) {}

  /** `w1 …` behind `submit-wait`: keeps the poll that `write` ends with for a later `see`. */
  submit(line: Line, write: () => void): void {
    const name = line.takeIf(WAIT)?.[0];
    write();
    const poll = this.actions.pop()!;
    if (name !== undefined) this.polls.set(name, poll);
  }

  /** `w1` behind `see`: waits for what was submitted earlier. @throws TraceError when nothing was */
  see(line: Line): void {
    const name = line.take("a wait such as w1", WAIT)[0];
    const poll = this.polls.get(name) ?? line.reject(`no wait ${name} was submitted`);
    this.actions.push(poll);
  }
}
