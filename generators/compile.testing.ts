/** Actions in words, for tests of what scenarios compile to. */
import type { Action } from "../model/trace.js";
import type { CompiledRun } from "./compile.js";

export const hex = (value: number) => value.toString(16);

/** An action in a line: `store page.word high:low`, `write offset high:low`, ... */
export function show(action: Action): string {
  switch (action.do) {
    case "store":
      return `store ${hex(action.page)}.${hex(action.word)} ${hex(action.high)}:${hex(action.low)}`;
    case "flush-line":
      return `flush ${hex(action.page)}.${action.line}`;
    case "write-register":
      return `write ${hex(action.offset)} ${hex(action.high)}:${hex(action.low)}`;
    case "read-register":
      return `read ${hex(action.offset)}`;
    case "read-memory":
      return `read ${hex(action.page)}.${hex(action.word)}`;
    case "poll-register":
      return `poll ${hex(action.offset)} ${hex(action.mask)} ${hex(action.value)}`;
    case "poll-memory":
      return `poll ${hex(action.page)}.${hex(action.word)} ${hex(action.value)}`;
    case "request":
      return `${action.request.type} ${hex(action.request.page)}+${hex(action.request.offset)}*${action.request.length}`;
  }
}

/** The actions of each of `count` steps in words; what precedes the first step is left out. */
export function shownBySteps({ actions, stepOf }: CompiledRun, count: number): string[][] {
  return Array.from({ length: count }, (_, step) =>
    actions.filter((_, index) => stepOf[index] === step).map(show),
  );
}
