/** Lines that no client would write: what they are taken for, and that the message about them can be shown. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { ImplementationError } from "../iommu/interface.js";
import { printable } from "../process/printable.js";
import { Conversation } from "./conversation.js";
import { iommuAnswerCodecs } from "./messages.js";

const folder = mkdtempSync(join(tmpdir(), "iommu-spec-odd-lines-"));
afterAll(() => rmSync(folder, { recursive: true }));

const TIMEOUT_MS = 5000;
const HELLO = { id: 0, protocol: 1, role: "iommu", name: "odd", version: "1", architectures: ["vtd"] };
const DEEP = `${"[".repeat(100_000)}${"]".repeat(100_000)}`;

/** A shell that answers the hello and one message with these bytes, and keeps listening. */
function odd(hello: string, answer: string): Conversation {
  const folderOfOne = mkdtempSync(join(folder, "one-"));
  const [first, second, program] = ["hello", "answer", "program"].map((one) => join(folderOfOne, one));
  writeFileSync(first!, hello);
  writeFileSync(second!, answer, "latin1");
  writeFileSync(program!, `read -r line; cat ${first}; read -r line; cat ${second}; cat >/dev/null`);
  return new Conversation(`sh ${program}`, "iommu", TIMEOUT_MS);
}

/** What the conversation comes to: the answer to a request, or the failure. */
function said(conversation: Conversation): object | string {
  try {
    conversation.start();
    conversation.send({ do: "request" });
    return conversation.receiveAnswer(iommuAnswerCodecs.request);
  } catch (error) {
    if (!(error instanceof ImplementationError)) throw error;
    return error.message;
  } finally {
    conversation.end();
  }
}

const line = (value: object) => `${JSON.stringify(value)}\n`;

describe("an answer", () => {
  const answered = (answer: string) => said(odd(line(HELLO), answer));

  test.each([
    ["that ends as lines of DOS do", '{"id":1,"page":5}\r\n'],
    ["with a key twice: the last counts", '{"id":7,"page":4,"id":1,"page":5}\n'],
    ["with keys that objects have", '{"id":1,"page":5,"__proto__":{"page":6},"constructor":1}\n'],
    ["with something deep that nobody asked for", `{"id":1,"page":5,"more":${DEEP}}\n`],
    ["of numbers written otherwise", '{"id":10e-1,"page":5.0}\n'],
  ])("%s is taken", (_, answer) => {
    expect(answered(answer)).toMatchObject({ id: 1, page: 5 });
  });

  test.each([
    ["beyond all numbers", '{"id":1,"page":1e400}\n', /at page expected a whole number/],
    [
      "that is not exact",
      '{"id":1,"page":9007199254740993}\n',
      /at page expected .*, found 9007199254740992/,
    ],
    ["in what it inherits", '{"__proto__":{"id":1,"page":5}}\n', /answers message without an id/],
    ["too deep to be shown", `{"id":1,"page":${DEEP}}\n`, /at page .*, found \(what is nested too deeply/],
    ["under a deep id", `{"id":${DEEP}}\n`, /answers message \(what is nested too deeply/],
    ["that is nothing but deep", `${DEEP}\n`, /not a JSON object: \(what is nested too deeply/],
    ["after a byte order mark", '\u00ef\u00bb\u00bf{"id":1,"page":5}\n', /not JSON: \\ufeff\{"id"/],
    ["after a zero byte", '\0{"id":1,"page":5}\n', /not JSON: \\u0000\{"id"/],
    ["with an error that is no text", '{"id":1,"error":{"code":5}}\n', /at error expected string/],
    ["with no error", '{"id":1,"page":5,"error":null}\n', /at error expected string, found null/],
    [
      "with an error for a terminal",
      line({ id: 1, error: "\u001b[2Jout of pages" }),
      /: it reports an error: \\u001b\[2Jout of pages\. It wrote nothing to its standard error\.\nThese are the program's own words; `replay`/,
    ],
  ])("%s is none", (_, answer, why) => {
    const failure = answered(answer);
    expect(failure).toMatch(why);
    expect(printable(failure as string)).toBe(failure);
  });
});

describe("a hello", () => {
  test.each([
    ["that commands a terminal", { name: "\u001b[2J" }, /at name expected printable text/],
    ["that turns lines around", { name: "\u202eevil" }, /at name expected printable text/],
    ["with the second half of the control characters", { version: "\u009b31m" }, /at version expected/],
    ["of no architecture", { architectures: [] }, /at architectures expected a list of at least one/],
    ["that takes no profile", { profiles: [] }, /at profiles expected a list of at least one/],
    ["of profiles that command a terminal", { profiles: ["\u001b[2J"] }, /at profiles.0 expected printable/],
    ["that starts nowhere", { starts: [] }, /at starts expected a list of at least one/],
    [
      "with nothing but an error",
      { error: "no licence" },
      /: it reports an error: no licence\. .*\nThese are the program's own words\.$/,
    ],
    [
      "of another role",
      { role: "driver" },
      /^sh \S+ is a driver, not an IOMMU: give it to --driver instead of --on$/,
    ],
    ["of no role that there is", { role: "\u001b[2J" }, /for the role "\\u001b\[2J", not "iommu"/],
  ])("%s is none", (_, fields, why) => {
    const failure = said(odd(line({ ...HELLO, ...fields }), ""));
    expect(failure).toMatch(why);
    expect(printable(failure as string)).toBe(failure);
  });

  test("says the same again, however deep it is", () => {
    const conversation = odd(
      `${JSON.stringify(HELLO).slice(0, -1)},"more":${DEEP}}\n`,
      '{"id":1,"page":5}\n',
    );
    expect([said(conversation), said(conversation)]).toEqual([
      { id: 1, page: 5 },
      { id: 1, page: 5 },
    ]);
  });
});

test("what a terminal would obey in the last words is shown", () => {
  const file = join(folder, "words");
  writeFileSync(file, "printf '\\033[2Jgone\\r\\nnext\\n' >&2; exit 5");
  const failure = said(new Conversation(`sh ${file}`, "iommu", TIMEOUT_MS));
  expect(failure).toMatch(
    /exited with status 5\. Its last words:\n\\u001b\[2Jgone\nnext\nIt has to stay and to wait for lines/,
  );
});
