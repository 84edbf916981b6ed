import { beforeEach, describe, expect, it } from "vitest";
import type { Finding } from "../model/finding.js";
import { type Grant, Right } from "../model/isolation/events.js";
import { Effect, type RequestType, writeTag } from "../model/trace.js";
import { BlackBoxJudge } from "./black-box.js";

const DEVICE = 0x20;
const PAGE = 0x1000;
const IOVA = 0x500;
const grant = (access: number, page = PAGE, domain = "d0"): Grant => ({
  domain,
  iova: IOVA,
  page,
  pages: 1,
  access,
});

let judge: BlackBoxJudge;
let slots: number;

/** A judge of a device in domain d0, which was granted `access` to the page. */
function judgeOf(access: number, translating = true, programmed = new Map<number, string[]>()): void {
  judge = new BlackBoxJudge(translating, programmed, new Set([PAGE, PAGE + 1]));
  slots = 0;
  judge.hear({ event: "assign", requester: DEVICE, domain: "d0" });
  judge.hear({ event: "allocate", page: PAGE, pages: 1, owner: "d0" });
  judge.hear({ event: "grant", ...grant(access) });
}

/** A request that was seen to land in a page, or not to. */
function seen(type: RequestType, low: number, requester = DEVICE): Finding | null {
  const slot = ++slots;
  const request = {
    requester,
    page: IOVA,
    offset: slot * 8,
    length: type === "zero-length-read" ? 0 : 4,
    type,
  };
  return judge.perform({ do: "request", request, slot }, { low, high: 0 });
}

beforeEach(() => judgeOf(Right.both));

describe("a request that was seen to land", () => {
  it.each<[RequestType, number]>([
    ["read", Right.read],
    ["write", Right.write],
    ["atomic", Right.both],
    ["zero-length-read", 0],
  ])("%s: in order with the rights that it takes, an excess with fewer", (type, rights) => {
    judgeOf(rights);
    expect(seen(type, PAGE)).toBeNull();
    const lacking = [Right.read, Right.write].filter((one) => rights & one).map((one) => Right.both & ~one);
    for (const fewer of lacking) {
      judgeOf(fewer);
      expect(seen(type, PAGE)).toMatchObject({ kind: "excess-right" });
    }
  });

  it("in a page that was never granted", () => {
    judge.hear({ event: "allocate", page: PAGE + 1, pages: 1, owner: "d1" });
    judge.hear({ event: "grant", ...grant(Right.both, PAGE + 1, "d1") });
    expect(seen("read", PAGE + 1)).toMatchObject({
      kind: "foreign-page",
      action: 0,
      message: expect.stringContaining("a read of 0x500008 by 00:04.0 landed in page 0x1001000"),
    });
  });

  it("by a device that belongs to nobody", () => {
    expect(seen("read", PAGE, 0x28)).toMatchObject({ kind: "foreign-page" });
  });

  it("by a device that has left", () => {
    judge.hear({ event: "unassign", requester: DEVICE, domain: "d0" });
    expect(seen("read", PAGE)).toMatchObject({ kind: "after-detach" });
  });

  it("in a page that was withdrawn and freed", () => {
    judge.hear({ event: "withdraw", ...grant(Right.both) });
    judge.hear({ event: "free", page: PAGE, pages: 1 });
    expect(seen("write", PAGE)).toMatchObject({ kind: "freed-page" });
  });

  it.each([
    ["a table", { event: "allocate-table", page: 0x2000 } as const, 0x2000],
    ["software's own memory", { event: "protect", page: 0x3000, pages: 1 } as const, 0x3000],
  ])("in %s", (_, event, page) => {
    judge.hear(event);
    expect(seen("write", page)).toMatchObject({ kind: "own-memory" });
  });

  it("while two domains share it: with the rights of both", () => {
    judgeOf(Right.read);
    judge.hear({ event: "share", page: PAGE, pages: 1, owner: "d1" });
    judge.hear({ event: "grant", ...grant(Right.write, PAGE, "d1") });
    judge.hear({ event: "assign", requester: DEVICE, domain: "d1" });
    expect(seen("atomic", PAGE)).toBeNull();
  });
});

describe("what is in order", () => {
  it.each(Object.entries(Effect))("a request that is %s", (_, effect) => {
    expect(seen("write", effect, 0x28)).toBeNull();
  });

  it("anything, before translation is enabled", () => {
    judgeOf(Right.read, false);
    expect(seen("write", 0x9999)).toBeNull();
    judge.hear({ event: "ready" });
    expect(seen("write", 0x9999)).toMatchObject({ kind: "foreign-page", action: 1 });
  });
});

describe("a request that a former owner had the device make", () => {
  it("may not use what only the new owner was granted", () => {
    judgeOf(Right.both, true, new Map([[1, ["d1"]]]));
    expect(seen("write", PAGE)).toMatchObject({
      kind: "provenance",
      message: expect.stringContaining("its former owner had the device make it"),
    });
  });

  it("may use what the former owner was granted too", () => {
    judgeOf(Right.both, true, new Map([[1, ["d0"]]]));
    expect(seen("write", PAGE)).toBeNull();
  });
});

describe("a write that lands late", () => {
  const renew = (word: number) =>
    judge.perform({ do: "store", page: PAGE, word, low: 1, high: 1 }, { low: 0, high: 0 });
  /** What is in memory in the end: the write of a slot, in one half of one word. */
  const holding = (slot: number, at: number) => (page: number, offset: number) =>
    page === PAGE && offset === at ? writeTag(slot) : 0;

  it.each([8, 12])("over what software stored after it: at offset %i", (offset) => {
    expect(seen("write", PAGE)).toBeNull();
    judge.hear({ event: "withdraw", ...grant(Right.both) });
    judge.hear({ event: "free", page: PAGE, pages: 1 });
    renew(1);
    expect(judge.end(() => 1)).toBeNull();
    expect(judge.end(holding(1, offset))).toMatchObject({
      kind: "late-write",
      message: expect.stringContaining("made by action 0, is in page 0x1000000, which was given new content"),
    });
  });

  it("is none when software stored before", () => {
    renew(1);
    expect(seen("write", PAGE)).toBeNull();
    expect(judge.end(holding(1, 8))).toBeNull();
  });

  it("is none in a word that was given no new content", () => {
    expect(seen("write", PAGE)).toBeNull();
    renew(2);
    expect(judge.end(holding(1, 8))).toBeNull();
  });

  it("is none of a read", () => {
    expect(seen("read", PAGE)).toBeNull();
    renew(1);
    expect(judge.end(holding(1, 8))).toBeNull();
  });
});
