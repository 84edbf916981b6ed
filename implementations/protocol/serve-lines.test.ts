import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { allProfiles } from "../../model/architectures.js";
import { vtdDriver } from "../driver/vtd/index.js";
import { ImplementationError } from "../iommu/interface.js";
import { ReferenceIommu } from "../iommu/reference/reference.js";
import { DriverService } from "./serve-driver.js";
import { IommuService } from "./serve-iommu.js";
import { serveLines } from "./serve-lines.js";
import { type Identity, InputError, type Service } from "./serve-message.js";

const IDENTITY: Identity = { name: "mine", version: "1", architectures: ["vtd"] };
const echo: Service = { answer: (message) => ({ echo: message }) };

let folder = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "iommu-spec-serve-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

/** What is answered to an input, as lines, and the message of the error that ended it. */
function served(service: Service, text: string): { answers: unknown[]; error: string | null } {
  writeFileSync(join(folder, "in"), text);
  const input = openSync(join(folder, "in"), "r");
  const output = openSync(join(folder, "out"), "w");
  let error: string | null = null;
  try {
    serveLines(service, input, output);
  } catch (thrown) {
    if (!(thrown instanceof InputError)) throw thrown;
    error = thrown.message;
  } finally {
    closeSync(input);
    closeSync(output);
  }
  const lines = readFileSync(join(folder, "out"), "utf8").split("\n").slice(0, -1);
  return { answers: lines.map((line) => JSON.parse(line)), error };
}

const asLines = (...messages: object[]) => messages.map((one) => `${JSON.stringify(one)}\n`).join("");

describe("serveLines", () => {
  it("answers every line until the input ends", () => {
    const messages = Array.from({ length: 5000 }, (_, id) => ({ id, text: "é".repeat(id % 40) }));
    expect(served(echo, asLines(...messages))).toEqual({
      answers: messages.map((one) => ({ echo: one })),
      error: null,
    });
  });

  it("answers what came before a line that is none", () => {
    expect(served(echo, '{"id":0}\n{"id":1\n')).toEqual({
      answers: [{ echo: { id: 0 } }],
      error: expect.stringMatching(/^line 2 \({"id":1\): .*JSON/),
    });
  });

  it.each([
    ["is cut short", '{"id":0}', /^the input ends within a line$/],
    ["never ends", "x".repeat(2 ** 21), /^line 1 is longer than 1048576 bytes$/],
  ])("does not take a line that %s", (_, text, error) => {
    expect(served(echo, text)).toEqual({ answers: [], error: expect.stringMatching(error) });
  });
});

describe("services", () => {
  const driver = () => new DriverService(vtdDriver, IDENTITY);
  const iommu = () => new IommuService(new ReferenceIommu(), IDENTITY);
  const hello = (fields: object) => asLines({ id: 0, do: "hello", protocol: 1, suite: "a test", ...fields });

  it.each([
    ["another version", iommu, hello({ role: "iommu", protocol: 2 }), /version 1 of the protocol, not 2/],
    ["an unknown request", iommu, asLines({ id: 1, do: "fly" }), /do has to be one of reset, store/],
    ["no request", iommu, asLines([]), /do has to be one of reset, store/],
    [
      "a field that does not fit",
      iommu,
      asLines({ id: 1, do: "read-register", offset: 4, width: 5 }),
      /at width/,
    ],
    ["an intent before setup", driver, asLines({ id: 1, do: "start" }), /"start" came before "setup"/],
    ["an answer to nothing", driver, asLines({ id: 1, low: 0, high: 0 }), /no intent 1 awaits an answer/],
  ])("do not take %s", (_, service, input, error) => {
    expect(served(service(), input)).toEqual({ answers: [], error: expect.stringMatching(error) });
  });

  it("say which role they have, whichever was asked for", () => {
    expect(served(driver(), hello({ role: "iommu" }))).toMatchObject({
      answers: [{ role: "driver" }],
      error: null,
    });
  });

  it("say what their implementation failed of", () => {
    const failing = () => {
      throw new ImplementationError("the bench is switched off");
    };
    const unit = Object.assign(new ReferenceIommu(), { execute: failing });
    const read = asLines({ id: 3, do: "read-register", offset: 0, width: 4 });
    expect(served(new IommuService(unit, IDENTITY), read)).toEqual({
      answers: [{ id: 3, error: "the bench is switched off" }],
      error: null,
    });
    const setup = {
      ...{ profile: allProfiles[0]!, invalidation: "queue", flushing: "strict", start: "reset" },
      ...{ rootPage: 1, rootPages: 1, queuePage: 2, statusPage: 3, logPage: null },
    };
    const broken = new DriverService(() => {
      throw new RangeError("not today");
    }, IDENTITY);
    expect(served(broken, asLines({ id: 1, do: "setup", setup }))).toEqual({
      answers: [{ id: 1, error: "RangeError: not today" }],
      error: null,
    });
  });
});
