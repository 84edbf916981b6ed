/** One run as messages: what is sent for it, and what the answers show. */
import type { Profile } from "../../../model/profile.js";
import { type Action, Effect, type Observation, writeTag } from "../../../model/trace.js";
import type { HostPage } from "../../../model/words/address.js";
import type { Conversation } from "../../protocol/conversation.js";
import { iommuAnswerCodecs as answers } from "../../protocol/messages.js";
import type { RunSetup } from "../interface.js";
import { startActions } from "./start-actions.js";

/** A run to be made. */
export interface Run {
  readonly setup: RunSetup;
  readonly actions: readonly Action[];
}

/** What a run has shown. */
export interface Shown {
  readonly observations: Observation[];
  readonly dataPages: readonly HostPage[];
  /** What the data pages hold at last, in their order, by the offsets that were written to. */
  readonly data: ReadonlyMap<number, readonly number[]>;
}

const NOTHING: Observation = { low: 0, high: 0 };
const SEEN: Observation = { low: 1, high: 0 };

/** Queues everything that is asked for a run, what memory holds at its end included: it takes one exchange. */
export function sendRun(conversation: Pick<Conversation, "sendText">, run: Run, brings: boolean): void {
  const { setup, actions } = run;
  const { profile, ...rest } = setup;
  const start = JSON.stringify({ ...rest, start: brings ? "reset" : setup.start }).slice(1);
  conversation.sendText(`"do":"reset","setup":{"profile":${profileText(profile)},${start}}`);
  if (brings)
    for (const action of startActions(setup.profile, setup)) conversation.sendText(actionText(action));
  for (const action of actions) conversation.sendText(actionText(action));
  const pages = JSON.stringify(setup.dataPages);
  for (const offset of writtenOffsets(run))
    conversation.sendText(`"do":"read-data","offset":${offset},"pages":${pages}}`);
}

const profileTexts = new WeakMap<Profile, string>();

function profileText(profile: Profile): string {
  const known = profileTexts.get(profile) ?? JSON.stringify(profile);
  profileTexts.set(profile, known);
  return known;
}

/** The message of an action without its beginning; made by hand, as a run has a hundred of them. */
export function actionText(action: Action): string {
  switch (action.do) {
    case "store":
      return `"do":"store","page":${action.page},"word":${action.word},"low":${action.low},"high":${action.high}}`;
    case "flush-line":
      return `"do":"flush-line","page":${action.page},"line":${action.line}}`;
    case "write-register":
      return `"do":"write-register","offset":${action.offset},"width":${action.width},"low":${action.low},"high":${action.high}}`;
    case "read-register":
      return `"do":"read-register","offset":${action.offset},"width":${action.width}}`;
    case "poll-register":
      return `"do":"poll-register","offset":${action.offset},"mask":${action.mask},"value":${action.value}}`;
    case "read-memory":
      return `"do":"read-memory","page":${action.page},"word":${action.word}}`;
    case "poll-memory":
      return `"do":"poll-memory","page":${action.page},"word":${action.word},"value":${action.value}}`;
    case "request": {
      const { requester, page, offset, length, type } = action.request;
      const { slot } = action;
      return `"do":"request","requester":${requester},"page":${page},"offset":${offset},"length":${length},"type":"${type}","value":${writeTag(slot)},"slot":${slot}}`;
    }
  }
}

/**
 * Takes the answers to what {@link sendRun} sent.
 * @throws ImplementationError when they do not come, or are no answers to that
 */
export function receiveRun(conversation: Conversation, run: Run, brings: boolean): Shown {
  const { setup, actions } = run;
  conversation.receiveAnswer(answers.reset);
  if (brings) {
    for (const action of startActions(setup.profile, setup)) {
      const { low } = observed(conversation, action);
      if (action.do === "poll-register" && low === 0)
        conversation.fail(`it does not reach the start of the run: ${JSON.stringify(action)} was not seen`);
    }
  }
  const observations = actions.map((action) => observed(conversation, action));
  const data = new Map<number, readonly number[]>();
  for (const offset of writtenOffsets(run)) {
    const answer = conversation.receiveAnswer(answers["read-data"]);
    if (answer.values.length !== setup.dataPages.length)
      conversation.fail(`it tells ${answer.values.length} of ${setup.dataPages.length} values`, answer);
    data.set(offset, answer.values);
  }
  return { observations, dataPages: setup.dataPages, data };
}

function observed(conversation: Conversation, action: Action): Observation {
  switch (action.do) {
    case "read-register":
    case "read-memory": {
      const { low, high } = conversation.receiveAnswer(answers[action.do]);
      return { low, high };
    }
    case "poll-register":
    case "poll-memory":
      return conversation.receiveAnswer(answers[action.do]).seen ? SEEN : NOTHING;
    case "request": {
      const answer = conversation.receiveAnswer(answers.request);
      if ("page" in answer && "effect" in answer)
        conversation.fail("it tells both a page and another effect", answer);
      return { low: "page" in answer ? answer.page : Effect[answer.effect], high: 0 };
    }
    default:
      conversation.receiveAnswer(answers[action.do]);
      return NOTHING;
  }
}

/** The offsets of the DWORDs that requests write, and of those that software puts new contents into. */
function writtenOffsets({ setup, actions }: Run): ReadonlySet<number> {
  const offsets = new Set<number>();
  for (const action of actions) {
    if (action.do === "store" && setup.dataPages.includes(action.page)) {
      offsets.add(action.word * 8).add(action.word * 8 + 4);
    } else if (action.do === "request" && action.request.type !== "read") {
      const { offset, length } = action.request;
      for (let at = 0; at < length; at += 4) offsets.add(offset + at);
    }
  }
  return offsets;
}
