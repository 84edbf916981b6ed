/** Conversations with small programs: what is sent and received, and that neither side ever waits for the other. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, describe, expect, test } from "vitest";
import { shellWord } from "../../cli/shell-word.js";
import { ImplementationError } from "../iommu/interface.js";
import { Conversation } from "./conversation.js";
import { accessCodecs, doneCodec, iommuAnswerCodecs } from "./messages.js";

const folder = mkdtempSync(join(tmpdir(), "iommu-spec-conversation-"));
afterAll(() => rmSync(folder, { recursive: true }));

const begun: Conversation[] = [];
afterEach(() => {
  for (const one of begun.splice(0)) one.end();
});

/** A program that says hello, with more capabilities, and does something with every other message. */
function program(role: "iommu" | "driver", act: string, more: string = ""): Conversation {
  const file = join(folder, `${Math.random()}.mjs`);
  const hello = `{protocol: 1, role: "${role}", name: "small", version: "2", architectures: ["vtd"], ${more}}`;
  writeFileSync(
    file,
    `import { readSync, writeSync } from "node:fs";
const say = (id, more) => writeSync(1, JSON.stringify({ id, ...more }) + "\\n");
const chunk = Buffer.alloc(1 << 16);
for (let rest = "", count; (count = readSync(0, chunk)) > 0; ) {
  const lines = (rest + chunk.toString("utf8", 0, count)).split("\\n");
  rest = lines.pop();
  for (const line of lines) {
    const message = JSON.parse(line);
    if (message.do === "hello") say(message.id, ${hello});
    else { ${act} }
  }
}`,
  );
  const conversation = new Conversation(`${shellWord(process.execPath)} ${shellWord(file)}`, role, 5000);
  begun.push(conversation);
  return conversation;
}

const nothing = iommuAnswerCodecs.store;

describe("a conversation", () => {
  test("starts with who is there, once", () => {
    const conversation = program("iommu", "say(message.id)", 'requests: ["read"]');
    expect(conversation.name).toContain(process.execPath);
    const hello = conversation.start();
    expect(hello).toMatchObject({ name: "small", requests: ["read"] });
    expect(conversation.start()).toBe(hello);
    expect([conversation.name, conversation.isUnderWay]).toEqual(["small 2", true]);
  });

  test("of more than both pipes hold, to a program that answers every line before it reads the next", () => {
    const conversation = program("iommu", 'say(message.id, { comment: "x".repeat(200) })');
    conversation.start();
    const comment = "y".repeat(200);
    const messages = 5000;
    for (let count = 0; count < messages; count++) conversation.send({ do: "store", comment });
    conversation.flush();
    const ids = Array.from({ length: messages }, () => conversation.receiveAnswer(nothing).id);
    expect(ids).toEqual(Array.from({ length: messages }, (_, index) => index + 1));
    conversation.checkSilence();
  });

  test("takes text that is not ASCII apart nowhere", () => {
    const conversation = program("iommu", "say(message.id, { error: message.text })");
    conversation.start();
    conversation.send({ do: "store", text: "größer als 4 €" });
    expect(() => conversation.receiveAnswer(nothing)).toThrow(/it reports an error: größer als 4 €/);
  });

  test("in which the program asks: its lines carry the id of what was begun, and so do the answers", () => {
    const conversation = program(
      "driver",
      "if (message.do) say(message.id, { do: 'allocate-table' }); else say(message.id, { done: message.low === 7 })",
    );
    conversation.start();
    const ids = [conversation.send({ do: "start" }), conversation.send({ do: "sync" })];
    const lines = ids.map(() => conversation.receive());
    expect(lines.map((line) => conversation.decoded(accessCodecs["allocate-table"], line).id)).toEqual(ids);
    for (const id of [...ids].reverse()) conversation.answer(id, { low: 7, high: 0 });
    const ends = ids.map(() => conversation.decoded(doneCodec, conversation.receive()).id);
    expect(ends).toEqual([...ids].reverse());
    for (const id of ends) conversation.close(id);
    conversation.checkSilence();
  });

  test("begins anew after a failure, which says what was awaited", () => {
    const conversation = program(
      "iommu",
      "if (message.do === 'store') say(message.id); else process.exit(9)",
    );
    conversation.start();
    conversation.send({ do: "store" });
    conversation.receiveAnswer(nothing);
    conversation.send({ do: "flush-line", page: 3 });
    const failure = () => conversation.receiveAnswer(nothing);
    expect(failure).toThrow(ImplementationError);
    conversation.start();
    conversation.send({ do: "flush-line", page: 3 });
    expect(failure).toThrow(
      /small 2 .* the answer to this was awaited: \{"id":1,"do":"flush-line","page":3\}: it ended: it exited with status 9/,
    );
    expect(conversation.isUnderWay).toBe(false);
  });

  test("with a program that has changed: what was said of it holds no more", () => {
    const conversation = program("iommu", "", "profiles: [String(process.pid)]");
    conversation.start();
    conversation.end();
    expect(() => conversation.start()).toThrow(
      /it says something else of itself than when it was started before/,
    );
  });
});
