/**
 * A program in the role of an IOMMU that has faults. It answers from a script: the answers of a correct unit to some runs, told
 * apart by their `timing`, each with the fault that shows in it, at its first message of some kind. To runs that are not in the
 * script it says that nothing happens.
 *
 *     node faulty-program.mjs SCRIPT.json [FAULT]
 *
 * The fault that is given shows at the hello.
 */
import { spawn } from "node:child_process";
import { closeSync, readFileSync, readSync, writeSync } from "node:fs";

const [script, faultAtHello] = process.argv.slice(2);
const runs = JSON.parse(readFileSync(script, "utf8"));
const LATE_MS = 150;

let answers = [];
let at = 0;
let fault = { name: faultAtHello, message: "hello" };
let held = null;

function answer(request) {
  if (request.do === "reset") {
    const run = runs[request.setup.timing];
    answers = run?.answers ?? [];
    fault = run?.fault;
    at = 0;
  }
  const scripted = request.do === "hello" ? undefined : answers[at++];
  const body = scripted?.do === request.do ? scripted.answer : nothing(request);
  const right = { id: request.id, ...body };
  if (fault?.name && request.do === fault.message) {
    const act = faults[fault.name];
    fault = undefined;
    act(right);
  } else say(right);
  if (held && held.id !== right.id) {
    say(held);
    held = null;
  }
}

function nothing(request) {
  switch (request.do) {
    case "hello":
      return { protocol: 1, role: "iommu", name: "faulty", version: "1", architectures: ["vtd"] };
    case "read-register":
    case "read-memory":
      return { low: 0, high: 0 };
    case "poll-register":
    case "poll-memory":
      return { seen: true };
    case "request":
      return { page: 0 };
    case "read-data":
      return { values: request.pages.map(() => 0) };
    default:
      return {};
  }
}

function say(value) {
  write(`${JSON.stringify(value)}\n`);
}

function write(text, to = 1) {
  const bytes = Buffer.from(text, "latin1");
  for (let sent = 0; sent < bytes.length; ) sent += writeSync(to, bytes, sent);
}

function sleep(milliseconds) {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, milliseconds);
}

function hang() {
  sleep(1_000_000);
}

const faults = {
  dies: () => process.exit(3),
  "ends well": () => process.exit(0),
  crashes: () => process.kill(process.pid, "SIGSEGV") && hang(),
  throws: () => {
    throw new Error("on purpose");
  },
  hangs: hang,
  "is a little late": (right) => {
    sleep(LATE_MS);
    say(right);
  },
  "is much too late": (right) => {
    sleep(20 * LATE_MS);
    say(right);
  },
  "answers out of order": (right) => {
    held = right;
  },
  "answers twice": (right) => {
    say(right);
    say(right);
  },
  "says more than asked": (right) =>
    write(`${JSON.stringify(right)}\n${JSON.stringify({ id: right.id + 1 })}\n`),
  "wrong id": (right) => say({ ...right, id: right.id + 1000 }),
  "no id": ({ id: _, ...rest }) => say(rest),
  "id of a wrong type": (right) => say({ ...right, id: String(right.id) }),
  "not JSON": () => write("ready\n"),
  "an empty line": () => write("\n"),
  "not UTF-8": () => write("\xff\xfe\x80\n"),
  "a number": () => write("42\n"),
  "an array": (right) => write(`[${JSON.stringify(right)}]\n`),
  null: () => write("null\n"),
  "a wrong type": (right) => say(mapped(right, () => "1")),
  "out of range": (right) => say(mapped(right, () => 2 ** 60)),
  "a fraction": (right) => say(mapped(right, () => 0.5)),
  "nothing but the id": ({ id }) => say({ id }),
  "values missing": (right) => say({ ...right, values: right.values.slice(1) }),
  "an unknown effect": ({ id }) => say({ id, effect: "vanished" }),
  "a huge line": (right) => say({ ...right, comment: "x".repeat(2 << 20) }),
  "half a line, then dies": (right) => {
    write(JSON.stringify(right).slice(0, 5));
    process.exit(3);
  },
  "half a line, then hangs": (right) => {
    write(JSON.stringify(right).slice(0, 5));
    hang();
  },
  "floods without a line": () => {
    for (;;) write("x".repeat(1 << 16));
  },
  "floods slowly without a line": () => {
    for (;;) {
      write("x");
      sleep(1);
    }
  },
  "floods with lines": () => {
    for (;;) write('{"id":0}\n'.repeat(1000));
  },
  "floods with the right line": (right) => {
    for (;;) say(right);
  },
  "closes its output": () => {
    closeSync(1);
    hang();
  },
  "closes its input": () => {
    closeSync(0);
    hang();
  },
  "writes a lot of errors": (right) => {
    for (let count = 0; count < 200; count++) write(`${"complaint ".repeat(1000)}\n`, 2);
    say(right);
  },
  "floods with errors": () => {
    for (;;) write(`${"complaint ".repeat(1000)}\n`, 2);
  },
  "ignores signals": () => {
    for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"]) process.on(signal, () => {});
    hang();
  },
  "leaves a child": () => {
    const child = spawn(process.execPath, ["-e", "setInterval(() => {}, 1000)", script], {
      detached: true,
      stdio: "ignore",
    });
    child.unref();
    write(`child ${child.pid}\n`, 2);
    process.exit(3);
  },
  "reports an error": ({ id }) => say({ id, error: "out of order for today" }),
  "lies about a request": ({ id }) => say({ id, page: 0 }),
  "adds a field": (right) => say({ ...right, comment: "hello" }),
  "speaks protocol 2": (right) => say({ ...right, protocol: 2, name: undefined }),
  "is a driver": (right) => say({ ...right, role: "driver" }),
  "has no name": (right) => say({ ...right, name: undefined }),
  "has a name of two lines": (right) => say({ ...right, name: "two\nlines" }),
  "is of another architecture": (right) => say({ ...right, architectures: ["smmu"] }),
  "greets before": (right) => {
    write("faulty 1.0 ready\n");
    say(right);
  },
};

/** Everything but the id changed. */
function mapped(value, change) {
  return Object.fromEntries(
    Object.entries(value).map(([name, one]) => [name, name === "id" ? one : change(one)]),
  );
}

function* lines() {
  const chunk = Buffer.alloc(1 << 16);
  let rest = "";
  for (;;) {
    const count = readSync(0, chunk);
    if (count === 0) return;
    const all = (rest + chunk.toString("utf8", 0, count)).split("\n");
    rest = all.pop();
    yield* all;
  }
}

for (const line of lines()) answer(JSON.parse(line));
