/** docs/protocol.md and docs/protocol.schema.json say what the codecs say. */
import { readFileSync } from "node:fs";
import { Ajv2020 } from "ajv/dist/2020.js";
import type * as t from "io-ts";
import { describe, expect, test } from "vitest";
import { type Messages, messages } from "./messages.js";
import { protocolSchema } from "./schema.js";

const docs = new URL("../../docs/", import.meta.url);
const SCHEMA = new URL("protocol.schema.json", docs);

type Sender = keyof Messages;

/** A line of an example, and which message of which role it is. */
interface Example {
  readonly role: keyof typeof messages;
  readonly sender: Sender;
  readonly kind: string;
  readonly message: { readonly id: number; readonly do?: string };
}

/** Every example of the document, in order. */
function examples(): Example[] {
  const found: Example[] = [];
  let role: Example["role"] = "iommu";
  /** What the messages of the suite asked for, by their ids. */
  const asked = new Map<number, string>();
  for (const line of readFileSync(new URL("protocol.md", docs), "utf8").split("\n")) {
    if (line === "## Role driver") role = "driver";
    const [, arrow, text] = /^([→←]) (.*)$/.exec(line) ?? [];
    if (text === undefined) continue;
    const message = JSON.parse(text);
    if (arrow === "→" && message.do !== undefined) asked.set(message.id, message.do);
    const sender = arrow === "→" ? "suite" : "program";
    found.push({ role, sender, kind: kindOf(sender, message, asked.get(message.id)!), message });
  }
  return found;
}

function kindOf(sender: Sender, message: Record<string, unknown>, asked: string): string {
  if (typeof message.do === "string") return message.do;
  if (sender === "suite") return "answer";
  if ("error" in message) return "error";
  return "done" in message ? "done" : asked;
}

const codecOf = ({ role, sender, kind }: Omit<Example, "message">): t.Mixed | undefined =>
  (messages[role] as Messages)[sender][kind];

describe("docs/protocol.md", () => {
  test.each(examples())("$role $sender $kind $message.id: the example is what its codec takes", (example) => {
    const decoded = codecOf(example)!.decode(example.message);
    // Nothing but what the codec knows, too.
    expect(decoded).toEqual({ _tag: "Right", right: example.message });
  });

  test("has an example of every message", () => {
    const common = new Set(["hello", "error"]);
    const shown = new Set(examples().map(({ role, sender, kind }) => `${role} ${sender} ${kind}`));
    const missing = Object.entries(messages).flatMap(([role, sides]) =>
      (["suite", "program"] as const).flatMap((sender) =>
        Object.keys(sides[sender])
          .filter((kind) => role === "iommu" || !common.has(kind))
          .map((kind) => `${role} ${sender} ${kind}`)
          .filter((one) => !shown.has(one)),
      ),
    );
    expect(missing).toEqual([]);
  });
});

describe("docs/protocol.schema.json", () => {
  const schema = protocolSchema();
  const ajv = new Ajv2020({ strict: true, strictRequired: false, schemas: [{ ...schema, $id: "protocol" }] });
  const validatorOf = ({ role, sender, kind }: Omit<Example, "message">) =>
    ajv.getSchema(`protocol#/$defs/${role}-${sender}-${kind}`)!;

  test("is what the codecs say", () => {
    const text = readFileSync(SCHEMA, "utf8");
    const anew =
      "node -e \"import('./out/js/implementations/protocol/schema.js').then((one) => console.log(JSON.stringify(one.protocolSchema(), null, 2)))\" > docs/protocol.schema.json";
    expect(JSON.parse(text), `out of date: npm run build && ${anew}`).toEqual(schema);
  });

  test.each(examples())("$role $sender $kind $message.id: the example is valid", (example) => {
    const validate = validatorOf(example);
    expect(validate(example.message), JSON.stringify(validate.errors)).toBe(true);
    expect(ajv.getSchema("protocol")!(example.message)).toBe(true);
  });

  test.each(examples())("$role $sender $kind $message.id: schema and codec refuse the same", (example) => {
    for (const broken of brokenVersions(example.message)) {
      const taken = codecOf(example)!.is(broken);
      expect(validatorOf(example)(broken), JSON.stringify(broken)).toBe(taken);
    }
  });
});

/** The message with each of its fields left out, and with another value in place of each. */
function* brokenVersions(message: object): Generator<object> {
  for (const [name, value] of Object.entries(message)) {
    const { [name]: _, ...without } = message as Record<string, unknown>;
    yield without;
    for (const other of ["x", "", -1, 0.5, 2 ** 60, null, [], {}, true, [value]])
      yield { ...message, [name]: other };
  }
}
