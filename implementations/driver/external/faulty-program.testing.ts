/** A correct VT-d driver as a program, with one fault in the second run after it was named, unless it was started meanwhile. */

/** @param compiled the folder that the suite is compiled in @param chosen a file with the name of the fault */
export function faultyProgram(compiled: string, chosen: string): string {
  return `
import { closeSync, readFileSync, writeSync } from "node:fs";
import { vtdDriver } from "${compiled}/implementations/driver/vtd/index.js";
import { DriverService } from "${compiled}/implementations/protocol/serve-driver.js";
import { serveLines } from "${compiled}/implementations/protocol/serve-lines.js";

const service = new DriverService(vtdDriver, { name: "faulty", version: "1", architectures: ["vtd"] });
const write = (text) => { for (let at = 0; at < text.length; ) at += writeSync(1, text.slice(at)); };
const say = (message) => write(typeof message === "string" ? message : JSON.stringify(message) + "\\n");
const sleep = (ms) => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
let fault = "";
let setups = 0;
let done = 0;
let accesses = 0;

/** By fault: when it shows, and what is answered instead of what would be right. */
const AT_SETUP = (asked) => asked.do === "setup";
const IN_INTENT = (asked, said) => said.do !== undefined && accesses === 5;
const AT_DONE = (asked, said) => said.done && done === 2;
const FAULTS = {
  "dies at setup": [AT_SETUP, () => process.exit(9)],
  "is killed in an intent": [IN_INTENT, () => (process.kill(process.pid, "SIGKILL"), sleep(1000))],
  "dies after an intent": [AT_DONE, (said) => (say(said), process.exit(9))],
  "hangs in an intent": [IN_INTENT, () => sleep(60_000)],
  "answers late": [IN_INTENT, (said) => (sleep(100), said)],
  "reports an error": [IN_INTENT, ({ id }) => ({ id, error: "out of pages" })],
  "speaks of another intent": [IN_INTENT, ({ id, ...said }) => ({ id: id + 1, ...said })],
  "answers setup under another id": [AT_SETUP, ({ id }) => ({ id: id + 7 })],
  "says nothing in particular": [IN_INTENT, ({ id }) => ({ id })],
  "makes an access that there is not": [IN_INTENT, ({ id }) => ({ id, do: "invalidate-all" })],
  "stores beyond memory": [IN_INTENT, ({ id }) => ({ id, do: "store", page: 2 ** 51, word: 0, low: 0, high: 0 })],
  "is done twice": [AT_DONE, (said) => (say(said), said)],
  "makes an access after it is done": [AT_DONE, (said) => (say(said), { id: said.id, do: "load", page: 8192, word: 0 })],
  "is done with an access": [IN_INTENT, (said) => ({ ...said, done: true })],
  "returns with a lock": [(asked, said) => said.do === "settled", ({ id }) => ({ id, done: true })],
  "settles what is settled": [(asked, said) => said.do === "settled", (said) => ({ ...said, ticket: 999 })],
  "gives back a lock that it has not": [IN_INTENT, ({ id }) => ({ id, do: "unlock", lock: "none" })],
  "closes its output": [IN_INTENT, () => (closeSync(1), sleep(60_000))],
  "floods": [IN_INTENT, ({ id }) => { for (;;) say({ id, do: "flush-page", page: 8192 }); }],
};

function begin() {
  const named = readFileSync("${chosen}", "utf8");
  setups = named === fault ? setups + 1 : 1;
  fault = named;
  done = accesses = 0;
}

serveLines({
  answer(asked) {
    const said = service.answer(asked);
    if (asked.do === "setup") begin();
    if (said.done) done++;
    if (said.do) accesses++;
    if (setups !== 2) return said;
    const [when, instead] = FAULTS[fault];
    return when(asked, said) ? instead(said) : said;
  },
}, 0, 1);
`;
}
