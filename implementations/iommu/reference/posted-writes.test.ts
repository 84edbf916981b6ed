import { beforeEach, describe, expect, it } from "vitest";
import { PhysicalMemory } from "../../../model/words/memory.js";
import { type PostedWrite, PostedWrites } from "./posted-writes.js";

const memory = new PhysicalMemory(16);
const posted = new PostedWrites(memory);

const write = (page: number, more: Partial<PostedWrite> = {}): PostedWrite => ({
  requester: 0x20,
  iova: page,
  domainId: 5,
  page,
  offset: 0,
  length: 8,
  tag: 7,
  ...more,
});
const word = (page: number) => [memory.low(memory.frameOf(page), 0), memory.high(memory.frameOf(page), 0)];

beforeEach(() => {
  memory.reset({ needsLineFlush: false, needsBufferFlush: false });
  posted.clear();
});

describe("posted writes", () => {
  it("reach memory in order, as far as told", () => {
    posted.add(write(1));
    posted.add(write(1, { tag: 8 }));
    posted.add(write(2));
    posted.commit(1);
    expect([word(1), word(2), posted.count]).toEqual([[7, 7], [0, 0], 2]);
    posted.commit();
    expect([word(1), word(2), posted.count]).toEqual([[8, 8], [7, 7], 0]);
  });

  it("of 4 bytes change one half; beyond memory nothing", () => {
    posted.add(write(1, { length: 4, tag: 1 }));
    posted.add(write(2, { length: 4, offset: 4, tag: 2 }));
    posted.add(write(16));
    posted.commit();
    expect([word(1), word(2)]).toEqual([
      [1, 0],
      [0, 2],
    ]);
  });

  it("that are to be drained take those ahead of them along", () => {
    for (const page of [1, 2, 3]) posted.add(write(page));
    posted.require(({ page }) => page === 2);
    posted.drain();
    expect([word(1)[0], word(2)[0], word(3)[0]]).toEqual([7, 7, 0]);
    posted.drain();
    expect(word(3)[0]).toBe(0);
  });

  it("that reach memory by themselves leave less to drain", () => {
    for (const page of [1, 2, 3]) posted.add(write(page));
    posted.require(({ page }) => page === 2);
    posted.require(({ page }) => page === 1);
    posted.commit(1);
    posted.drain();
    expect([word(2)[0], word(3)[0], posted.count]).toEqual([7, 0, 1]);
  });
});
